use http::Uri;

use crate::RequestHead;

/// The URI that the client sent, as a request extension, left by whoever rewrites the URI.
///
/// Links, cursors, fingerprints and signatures are about this URI and not about what routers and
/// layers made of it. The first one who rewrites sets it; later ones leave it alone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // One URI, by definition.
pub struct OriginalUri(pub Uri);

impl OriginalUri {
    /// The URI that the client sent: from this extension, else from axum's (feature `axum-0-8`),
    /// else the request's own.
    pub fn of<'a>(head: &RequestHead<'a>) -> &'a Uri {
        if let Some(OriginalUri(uri)) = head.extensions.get() {
            return uri;
        }
        #[cfg(feature = "axum-0-8")]
        if let Some(axum::extract::OriginalUri(uri)) = head.extensions.get() {
            return uri;
        }
        head.uri
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    #[test]
    fn ours_comes_before_the_requests_own() {
        let mut request = Request::get("/inner").body(()).unwrap();
        assert_eq!(OriginalUri::of(&RequestHead::of(&request)), "/inner");
        #[cfg(feature = "axum-0-8")]
        {
            let axums = axum::extract::OriginalUri(Uri::from_static("/axum/inner"));
            request.extensions_mut().insert(axums);
            assert_eq!(OriginalUri::of(&RequestHead::of(&request)), "/axum/inner");
        }
        request.extensions_mut().insert(OriginalUri(Uri::from_static("/v1/inner")));
        assert_eq!(OriginalUri::of(&RequestHead::of(&request)), "/v1/inner");
    }
}
