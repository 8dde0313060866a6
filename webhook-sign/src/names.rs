use http::HeaderName;

/// The headers that the schemes read, for logs that redact and proxies that pass on. Those of an
/// [`HmacScheme`](crate::scheme::HmacScheme) of your own are your own.
pub const REQUEST_HEADERS: [HeaderName; 27] = [
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("linear-signature"),
    HeaderName::from_static("paddle-signature"),
    HeaderName::from_static("shopify-hmac-sha256"),
    HeaderName::from_static("signature"),
    HeaderName::from_static("signature-input"),
    HeaderName::from_static("stripe-signature"),
    HeaderName::from_static("svix-id"),
    HeaderName::from_static("svix-signature"),
    HeaderName::from_static("svix-timestamp"),
    HeaderName::from_static("webhook-id"),
    HeaderName::from_static("webhook-signature"),
    HeaderName::from_static("webhook-timestamp"),
    HeaderName::from_static("x-convoy-signature"),
    HeaderName::from_static("x-dropbox-signature"),
    HeaderName::from_static("x-hook0-signature"),
    HeaderName::from_static("x-hub-signature-256"),
    HeaderName::from_static("x-razorpay-signature"),
    HeaderName::from_static("x-shopify-hmac-sha256"),
    HeaderName::from_static("x-signature-ed25519"),
    HeaderName::from_static("x-signature-timestamp"),
    HeaderName::from_static("x-slack-request-timestamp"),
    HeaderName::from_static("x-slack-signature"),
    HeaderName::from_static("x-square-hmacsha256-signature"),
    HeaderName::from_static("x-twilio-signature"),
    HeaderName::from_static("x-zm-request-timestamp"),
    HeaderName::from_static("x-zm-signature"),
];

/// The headers that the layers write into responses.
pub const RESPONSE_HEADERS: [HeaderName; 1] = [http::header::RETRY_AFTER];
