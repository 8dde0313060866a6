/// The headers that the schemes read, for logs that redact and proxies that pass on. Those of an
/// [`HmacScheme`](crate::scheme::HmacScheme) of your own are your own.
pub const REQUEST_HEADERS: &[&str] = &[
    "content-digest",
    "linear-signature",
    "paddle-signature",
    "shopify-hmac-sha256",
    "signature",
    "signature-input",
    "stripe-signature",
    "svix-id",
    "svix-signature",
    "svix-timestamp",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
    "x-convoy-signature",
    "x-dropbox-signature",
    "x-hook0-signature",
    "x-hub-signature-256",
    "x-razorpay-signature",
    "x-shopify-hmac-sha256",
    "x-signature-ed25519",
    "x-signature-timestamp",
    "x-slack-request-timestamp",
    "x-slack-signature",
    "x-square-hmacsha256-signature",
    "x-twilio-signature",
    "x-zm-request-timestamp",
    "x-zm-signature",
];

/// The headers that the layers write into responses by themselves.
pub const RESPONSE_HEADERS: &[&str] =
    &["retry-after", "webhook-allowed-origin", "webhook-allowed-rate"];
