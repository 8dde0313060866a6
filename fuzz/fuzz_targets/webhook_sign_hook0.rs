//! The header of Hook0.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    stonework_webhook_sign::fuzz::hook0(bytes);
});
