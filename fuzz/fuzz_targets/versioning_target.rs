//! Targets of requests: paths and queries.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    stonework_versioning::fuzz::target(bytes);
});
