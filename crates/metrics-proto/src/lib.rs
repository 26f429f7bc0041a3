//! The wire formats by which metrics come and go. Knows nothing of IT departments; no network, no threads, no clock.
//!
//! - [`text`]: what exporters answer to a scrape (Prometheus text 0.0.4, OpenMetrics 1.0, UTF-8 names).
//! - [`write`](mod@write): remote write 1.0 and 2.0, received and sent.
//! - [`otlp`]: OTLP/HTTP metrics, protobuf and JSON.
//! - [`nagios`]: the output of a monitoring plugin.
//! - [`inflate`]: gzip and snappy bodies, bounded before they are unpacked.
//!
//! Bytes come from machines nobody trusts: every decoder has limits, answers an error or a value, and never panics. What
//! a decoder hands out borrows from the bytes; a series is named by bytes that can be hashed without reading its labels,
//! so a receiver that keeps a map from those bytes to its series never reads labels of a series it knows.

mod buckets;
pub mod inflate;
pub mod item;
pub mod labels;
pub mod nagios;
pub mod number;
pub mod otlp;
pub mod text;
mod wire;
pub mod write;

#[cfg(test)]
mod dice;

pub use item::{Item, Kind, Metadata, SeriesSamples, is_stale_marker, stale_marker};
pub use labels::{LabelBytes, LabelError, LabelLimits, NAME_LABEL};
pub use wire::WireError;
