//! Remote write, received (1.0 and 2.0) and sent.
//!
//! Sources: prometheus.io, "Prometheus Remote-Write 1.0" and "2.0" specifications; `prompb/remote.proto`, `prompb/types.proto`,
//! `io/prometheus/write/v2/types.proto`.
//!
//! A [`Decoder`] keeps its buffers, so reading takes no memory once it has seen a few requests. Items come in the order
//! of the request. If a request turns out to be damaged half-way, what came before was given already; the sender hears
//! "bad request" and does not send it again, which both specifications allow.
//!
//! ```
//! use metrics_proto::{Item, LabelLimits, inflate, write::{Decoder, Encoder, Limits, Version}};
//! let mut encoder = Encoder::new(Version::V1);
//! encoder.series([("__name__", "up"), ("job", "node")], [(1_700_000_000_000, 1.0)]);
//! let body = encoder.finish()?;
//!
//! let mut unpacked = Vec::new();
//! inflate::snappy(&body, 1 << 20, &mut unpacked)?;
//! let counts = Decoder::new(Limits::default()).read(Version::V1, &unpacked, |item| {
//!     if let Item::Series(series) = item {
//!         let mut labels = Vec::new();
//!         series.labels.read_into(&LabelLimits::default(), &mut labels).unwrap();
//!         assert_eq!(labels, [("__name__", "up"), ("job", "node")]);
//!         assert_eq!(series.samples, [(1_700_000_000_000, 1.0)]);
//!     }
//! })?;
//! assert_eq!(counts.samples, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod decode;
mod encode;
mod headers;
mod histogram;
mod metadata;
#[cfg(test)]
mod tests;

pub use decode::{Counts, Decoder, Limits, Take, WriteError};
pub use encode::Encoder;
pub use headers::{
    ENCODING, HEADER_EXEMPLARS_WRITTEN, HEADER_HISTOGRAMS_WRITTEN, HEADER_SAMPLES_WRITTEN, HEADER_VERSION, HeaderError,
    Version, version_of,
};
