//! `Signature-Input` and `Signature` (RFC 9421).
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    stonework_webhook_sign::fuzz::http_signature(bytes);
});
