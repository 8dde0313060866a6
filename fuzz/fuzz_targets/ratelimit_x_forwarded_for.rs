//! Addresses: what clients and proxies write into `X-Forwarded-For`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    stonework_ratelimit::fuzz::x_forwarded_for(bytes);
});
