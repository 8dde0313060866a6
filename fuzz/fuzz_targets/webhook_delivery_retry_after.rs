//! `Retry-After`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    stonework_webhook_delivery::fuzz::retry_after_header(bytes);
});
