//! The header of a signature, for each scheme that has one and no more.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    stonework_webhook_sign::fuzz::signature(bytes);
});
