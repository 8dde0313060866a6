//! Keys: what a client sends in `Idempotency-Key`.
#![no_main]

#[path = "../../idempotency/tests/support/oracle.rs"]
mod oracle;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    oracle::key(bytes);
});
