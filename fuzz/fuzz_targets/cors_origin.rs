//! Origins: what clients write into `Origin`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    stonework_cors::fuzz::origin(bytes);
});
