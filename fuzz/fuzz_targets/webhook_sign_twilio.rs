//! Twilio's settings, signature, content type and form.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    stonework_webhook_sign::fuzz::twilio(bytes);
});
