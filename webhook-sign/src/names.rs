/// The headers that the schemes read, and that ask for a [`CloudEvents`](crate::CloudEvents) grant, for logs that redact and proxies that pass on. Those of an
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
    "webhook-request-origin",
    "webhook-request-rate",
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
    "x-twilio-webhooks-signature-settings",
    "x-zm-request-timestamp",
    "x-zm-signature",
];

/// The headers that the layers write into responses by themselves.
pub const RESPONSE_HEADERS: &[&str] =
    &["allow", "retry-after", "webhook-allowed-origin", "webhook-allowed-rate"];
