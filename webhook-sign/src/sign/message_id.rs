use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

/// What a message is called, as a request extension: the same for all attempts to deliver it, so that the receiver knows
/// a retry for one.
///
/// ```
/// use stonework_webhook_sign::MessageId;
///
/// let mut request = http::Request::post("https://example.com/webhooks").body("{}")?;
/// request.extensions_mut().insert(MessageId::new("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MessageId(Arc<str>);

impl MessageId {
    /// This id: 1 to 256 visible ASCII characters, without the one that the scheme separates with; no dot is safe for all.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// A new one: `msg_` and 32 hexadecimal digits.
    pub fn random() -> Self {
        Self(format!("msg_{}", Uuid::new_v4().simple()).into())
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
