//! Event streams, in pieces of any size.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    stonework_sse::fuzz::decoder(bytes);
});
