//! Any text, read as a query: a mistake with its place, or an expression that reads back as it is written.
#![no_main]

use promql::{ParseOptions, parse_with};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let options = ParseOptions { experimental: true, ..ParseOptions::default() };
    if let Ok(expr) = parse_with(text, options) {
        let canonical = expr.to_string();
        let again = parse_with(&canonical, options).map(|expr| expr.to_string());
        assert_eq!(again.as_deref(), Ok(canonical.as_str()));
    }
});
