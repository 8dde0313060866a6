use http::Uri;
use stonework_core::{OriginalUri, RequestHead};

use super::Put;

/// Where a sender sends to, as it knows it, for schemes that sign the URL.
///
/// It is configured and never taken from `Host` or `X-Forwarded-Host`: whoever sends a request writes those.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Exact(String),
    Origin(String),
}

impl PublicUrl {
    /// This very URL, as it was given to the provider, whatever the request's own.
    pub fn exact(url: impl Into<String>) -> Self {
        Self(Kind::Exact(url.into()))
    }

    /// The path and the query of the request under this origin: `https://api.example.com`, perhaps with a prefix that
    /// a proxy takes away. Feature `axum-0-8` sees through nested routers.
    pub fn origin(origin: impl Into<String>) -> Self {
        let mut origin = origin.into();
        if origin.ends_with('/') {
            origin.pop();
        }
        Self(Kind::Origin(origin))
    }

    /// What is wrong with it.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let (Kind::Exact(text) | Kind::Origin(text)) = &self.0;
        let Ok(uri) = text.parse::<Uri>() else {
            return Some("is no URL; write it as the provider has it");
        };
        if !matches!(uri.scheme_str(), Some("https" | "http")) || uri.authority().is_none() {
            return Some("is no absolute URL; begin with https://");
        }
        let is_origin = matches!(self.0, Kind::Origin(_));
        (is_origin && text.contains('?')).then_some("has a query; name the origin alone")
    }

    pub(crate) const fn is_exact(&self) -> bool {
        matches!(self.0, Kind::Exact(_))
    }

    pub(crate) fn text(&self) -> &str {
        let (Kind::Exact(text) | Kind::Origin(text)) = &self.0;
        text
    }

    /// The scheme and the authority, as they are configured.
    #[cfg_attr(not(feature = "httpsig"), allow(dead_code))]
    pub(crate) fn uri(&self) -> Option<Uri> {
        self.text().parse().ok()
    }

    /// What a proxy takes away from the path of a request: `/hooks` of `https://example.com/hooks`.
    #[cfg_attr(not(feature = "httpsig"), allow(dead_code))]
    pub(crate) fn prefix(&self) -> String {
        match &self.0 {
            Kind::Exact(_) => String::new(),
            Kind::Origin(_) => {
                let path = self.uri().map(|uri| uri.path().to_owned()).unwrap_or_default();
                path.trim_end_matches('/').to_owned()
            }
        }
    }

    pub(crate) fn put(&self, head: &RequestHead<'_>, put: Put<'_>) {
        match &self.0 {
            Kind::Exact(url) => put(url.as_bytes()),
            Kind::Origin(origin) => {
                put(origin.as_bytes());
                let uri = OriginalUri::of(head);
                put(uri.path().as_bytes());
                if let Some(query) = uri.query() {
                    put(b"?");
                    put(query.as_bytes());
                }
            }
        }
    }

    /// The whole URL of a request.
    pub(crate) fn of(&self, head: &RequestHead<'_>) -> String {
        let mut url = Vec::new();
        self.put(head, &mut |piece| url.extend_from_slice(piece));
        String::from_utf8(url).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn an_origin_takes_the_path_of_the_client() {
        let mut request = Request::get("/inner?a=1").body(()).unwrap();
        let origin = PublicUrl::origin("https://api.example.com/");
        assert_eq!(origin.of(&RequestHead::of(&request)), "https://api.example.com/inner?a=1");
        request.extensions_mut().insert(OriginalUri(Uri::from_static("/v1/inner")));
        assert_eq!(origin.of(&RequestHead::of(&request)), "https://api.example.com/v1/inner");
        let exact = PublicUrl::exact("https://example.com/webhook");
        assert_eq!(exact.of(&RequestHead::of(&request)), "https://example.com/webhook");
    }

    #[test]
    fn what_is_no_url_is_told() {
        assert_eq!(PublicUrl::exact("https://example.com/a?b=c").fault(), None);
        assert_eq!(PublicUrl::origin("http://localhost:3000").fault(), None);
        for text in ["", "/webhook", "example.com", "ftp://example.com", "https://exa mple.com"] {
            assert!(PublicUrl::exact(text).fault().is_some(), "{text}");
        }
        assert!(PublicUrl::origin("https://example.com?x").fault().is_some());
    }
}
