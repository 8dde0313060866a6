//! Patterns of origins: what configurations and tenants say.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    stonework_cors::fuzz::pattern(bytes);
});
