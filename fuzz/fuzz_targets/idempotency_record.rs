//! Records: what a store over a network keeps under a key.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    stonework_idempotency::fuzz::record(bytes);
});
