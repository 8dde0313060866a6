//! The names of an endpoint and a message.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    stonework_webhook_delivery::fuzz::delivery_id(bytes);
});
