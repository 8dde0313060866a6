//! Events, as they are written.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    stonework_sse::fuzz::event(bytes);
});
