//! Documents: what clients and handlers send, and edits of it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    stonework_versioning::fuzz::document(bytes);
});
