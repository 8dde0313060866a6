//! A place between two pages of deliveries.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    stonework_webhook_delivery::fuzz::cursor(bytes);
});
