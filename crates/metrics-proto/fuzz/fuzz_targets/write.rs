//! Any bytes, read as a remote write request, packed and unpacked: an error or items, never a panic.
#![no_main]

use metrics_proto::write::{Decoder, Limits, Version};
use metrics_proto::{Item, LabelLimits, inflate};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut decoder = Decoder::new(Limits::default());
    let mut unpacked = Vec::new();
    let sound = inflate::snappy(bytes, 1 << 20, &mut unpacked).is_ok();
    for body in [Some(bytes), sound.then_some(unpacked.as_slice())].into_iter().flatten() {
        for version in [Version::V1, Version::V2] {
            let _ = decoder.read(version, body, |item| {
                if let Item::Series(series) = item {
                    let _ = series.labels.read_into(&LabelLimits::default(), &mut Vec::new());
                }
            });
        }
    }
    let _ = inflate::gzip(bytes, 1 << 20, &mut unpacked);
});
