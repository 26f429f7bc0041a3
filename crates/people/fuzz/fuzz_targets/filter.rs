//! Any text, read as a filter: mistakes, or a filter that reads the same when written down, never a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(filter) = people::filter::Filter::parse(text) {
        let again = people::filter::Filter::parse(&filter.to_string());
        assert!(again.is_ok_and(|again| again.same(&filter)));
    }
});
