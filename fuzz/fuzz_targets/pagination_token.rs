//! Tokens: cursors that come back from clients.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    stonework_pagination::fuzz::token(bytes);
});
