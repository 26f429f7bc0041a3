//! Any text, read as a test script: a mistake with its line, or a script.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = promql::script::read(text);
    let _ = promql::notation::parse_series(text);
});
