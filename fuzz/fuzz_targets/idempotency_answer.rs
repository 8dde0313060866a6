//! Answers: the head that a store gives back.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    stonework_idempotency::fuzz::answer(bytes);
});
