//! Payloads: what stands in a cursor.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    stonework_pagination::fuzz::payload(bytes);
});
