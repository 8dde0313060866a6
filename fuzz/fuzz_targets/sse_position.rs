//! Positions: the ids that clients come back with.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    stonework_sse::fuzz::position(bytes);
});
