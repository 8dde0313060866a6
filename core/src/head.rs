use http::request::Parts;
use http::{Extensions, HeaderMap, Method, Request, Uri, Version};

/// A request without its body, borrowed: what closures of a configuration look at.
///
/// ```
/// use stonework_core::{Key, RequestHead};
///
/// #[derive(Clone)]
/// struct Account(u64);
///
/// let account = |head: &RequestHead<'_>| head.extensions.get::<Account>().map(|a| Key::from(a.0));
///
/// let mut request = http::Request::new(());
/// assert_eq!(account(&RequestHead::of(&request)), None);
/// request.extensions_mut().insert(Account(7));
/// assert_eq!(account(&RequestHead::of(&request)), Some(Key::from(7_u64)));
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RequestHead<'a> {
    /// The method.
    pub method: &'a Method,
    /// The URI as this layer sees it; [`OriginalUri::of`](crate::OriginalUri::of) gives the one
    /// that the client sent.
    pub uri: &'a Uri,
    /// The protocol version.
    pub version: Version,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// What outer layers left for inner ones.
    pub extensions: &'a Extensions,
}

impl<'a> RequestHead<'a> {
    /// The head of a request.
    #[inline]
    pub fn of<B>(request: &'a Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            version: request.version(),
            headers: request.headers(),
            extensions: request.extensions(),
        }
    }
}

impl<'a> From<&'a Parts> for RequestHead<'a> {
    fn from(parts: &'a Parts) -> Self {
        Self {
            method: &parts.method,
            uri: &parts.uri,
            version: parts.version,
            headers: &parts.headers,
            extensions: &parts.extensions,
        }
    }
}
