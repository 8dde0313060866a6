//! Queries: which page a client asks for.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    stonework_pagination::fuzz::query(bytes);
});
