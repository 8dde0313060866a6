/// The headers that requests have, beside those of [the schemes](stonework_webhook_sign::REQUEST_HEADERS) and of the endpoint.
pub const REQUEST_HEADERS: &[&str] = &["content-length", "content-type", "host", "user-agent"];

/// The headers that are read of answers.
pub const RESPONSE_HEADERS: &[&str] = &["retry-after", "webhook-delivery"];
