//! The header by which a receiver wants no more.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    stonework_webhook_delivery::fuzz::control_header(bytes);
});
