//! A member of a JSON body.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    stonework_webhook_sign::fuzz::member(bytes);
});
