//! Addresses: what clients and proxies write into `Forwarded`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    stonework_ratelimit::fuzz::forwarded(bytes);
});
