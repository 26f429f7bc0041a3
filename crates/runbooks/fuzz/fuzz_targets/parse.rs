//! Any text, read as a runbook: mistakes or a book that can be written down, never a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(book) = runbooks::parse(text) {
        assert!(book.canonical().is_ok());
    }
});
