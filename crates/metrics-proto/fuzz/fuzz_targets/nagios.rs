//! Any bytes, read as a plugin's output: always an answer, all its numbers finite.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let read = metrics_proto::nagios::read(Some(0), bytes, metrics_proto::nagios::Limits::default());
    for one in read.performance {
        assert!(one.value.is_none_or(f64::is_finite) && !one.label.is_empty());
    }
});
