//! Versions: what clients write in paths and headers.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    stonework_versioning::fuzz::version(bytes);
});
