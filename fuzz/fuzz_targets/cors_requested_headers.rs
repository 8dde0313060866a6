//! Lists of names: what clients write into `Access-Control-Request-Headers`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    stonework_cors::fuzz::requested_headers(bytes);
});
