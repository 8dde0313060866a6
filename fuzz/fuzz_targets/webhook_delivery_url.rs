//! The URL of an endpoint, before the egress guard.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    stonework_webhook_delivery::fuzz::endpoint_url(bytes);
});
