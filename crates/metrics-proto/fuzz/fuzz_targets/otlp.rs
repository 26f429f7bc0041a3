//! Any bytes, read as OTLP metrics in both encodings: an error or items, never a panic.
#![no_main]

use metrics_proto::otlp::{self, Encoding, Naming, Options};
use metrics_proto::{Item, LabelLimits};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for naming in [Naming::UnderscoresWithSuffixes, Naming::Utf8WithSuffixes] {
        let options = Options { naming, scope_labels: true, ..Options::default() };
        for encoding in [Encoding::Protobuf, Encoding::Json] {
            let outcome = otlp::read(bytes, encoding, &options, |item| {
                if let Item::Series(series) = item {
                    let _ = series.labels.read_into(&LabelLimits::default(), &mut Vec::new());
                }
            });
            let _ = outcome.map(|outcome| outcome.answer(encoding));
        }
    }
});
