//! Media types: what clients write into `Accept` and `Content-Type`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    stonework_versioning::fuzz::media_type(bytes);
});
