//! Id, timestamp and signature of Standard Webhooks.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    stonework_webhook_sign::fuzz::standard(bytes);
});
