//! Any bytes, read as both text formats: an error or entries, never a panic; a hint changes nothing.
#![no_main]

use metrics_proto::LabelLimits;
use metrics_proto::text::{Entry, Format, Limits, Parser};

fn entries(body: &[u8], format: Format, hint: bool) -> Option<usize> {
    let mut parser = Parser::new(body, format, Limits::default()).ok()?;
    let (mut count, mut last) = (0, Vec::new());
    while let Some(entry) = parser.next_entry(hint.then_some(last.as_slice())).ok()? {
        count += 1;
        if let Entry::Sample(sample) = entry {
            last = sample.series.raw().to_vec();
            let _ = sample.series.labels_into(&LabelLimits::default(), &mut Vec::new());
        }
    }
    Some(count)
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for format in [Format::Prometheus, Format::OpenMetrics] {
        assert_eq!(entries(bytes, format, false), entries(bytes, format, true));
    }
});
