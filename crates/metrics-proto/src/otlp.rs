//! OTLP/HTTP metrics: an `ExportMetricsServiceRequest`, protobuf or JSON, as series with Prometheus names.
//!
//! Sources: opentelemetry.io, "OTLP Specification 1.x" (JSON encoding, partial success) and "Prometheus and OpenMetrics
//! Compatibility"; `opentelemetry/proto/metrics/v1/metrics.proto`.
//!
//! Only cumulative sums and histograms are taken; points with delta temporality are refused and counted: adding them up
//! needs a state per series that outlives this process, and the collector's `deltatocumulative` processor has it.
//!
//! ```
//! use metrics_proto::{Item, otlp};
//! let body = br#"{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
//!   "scopeMetrics":[{"metrics":[{"name":"http.requests","unit":"1","sum":{"isMonotonic":true,"aggregationTemporality":2,
//!   "dataPoints":[{"timeUnixNano":"1700000000000000000","asInt":"42"}]}}]}]}]}"#;
//! let mut series = Vec::new();
//! let outcome = otlp::read(body, otlp::Encoding::Json, &otlp::Options::default(), |item| {
//!     if let Item::Series(one) = item {
//!         series.push((format!("{:?}", one.labels), one.samples.to_vec()));
//!     }
//! })?;
//! assert_eq!(outcome.points, 1);
//! let labels = r#"{"__name__": "http_requests_total", "job": "shop"}"#;
//! assert_eq!(series, [(labels.to_owned(), vec![(1_700_000_000_000, 42.0)])]);
//! # Ok::<(), otlp::OtlpError>(())
//! ```

mod answer;
mod attributes;
mod json;
mod naming;
mod point;
mod request;
mod schema;
#[cfg(test)]
mod tests;

use std::fmt;

pub use answer::Encoding;
pub use naming::Naming;

use crate::{Item, WireError};

/// How a request is read, and how much it may bring.
#[derive(Clone, Debug)]
pub struct Options {
    /// How names become names of metrics and labels.
    pub naming: Naming,
    /// Whether series carry `otel_scope_name`, `otel_scope_version` and `otel_scope_` with each attribute of the scope.
    pub scope_labels: bool,
    /// Whether a `target_info` series carries the attributes of the resource.
    pub target_info: bool,
    /// Attributes of the resource that become labels of every series of it, by their OpenTelemetry names.
    pub promoted: Vec<String>,
    /// Most data points.
    pub points_max: u64,
    /// Most series given, those of histograms included.
    pub series_max: u64,
    /// Most attributes. A point with more is refused; with a scope or resource that has more, the request is.
    pub attributes_max: usize,
    /// Most bytes of the labels that all series of one scope share; a request with more is refused.
    pub shared_bytes_max: usize,
    /// Most bytes of the labels of a point; a point with more is refused.
    pub label_bytes_max: usize,
    /// Most bytes of a metric's name; metrics with a longer one are refused.
    pub name_bytes_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            naming: Naming::default(),
            scope_labels: false,
            target_info: true,
            promoted: Vec::new(),
            points_max: 500_000,
            series_max: 1_000_000,
            attributes_max: 128,
            shared_bytes_max: 4 << 10,
            label_bytes_max: 8 << 10,
            name_bytes_max: 1_024,
        }
    }
}

/// What became of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Data points taken.
    pub points: u64,
    /// Data points refused.
    pub points_rejected: u64,
    /// Why the first of them was, naming its metric.
    pub rejected_because: Option<String>,
    /// Series given to the caller.
    pub series: u64,
    /// Exemplars, which are ignored.
    pub exemplars_ignored: u64,
}

impl Outcome {
    /// Counts points that the caller could not store, so that the answer tells the sender.
    pub fn reject(&mut self, points: u64, because: impl Into<String>) {
        if points > 0 {
            self.points_rejected = self.points_rejected.saturating_add(points);
            self.rejected_because.get_or_insert_with(|| because.into());
        }
    }

    /// The body of the answer (status 200): an `ExportMetricsServiceResponse` in the encoding of the request.
    pub fn answer(&self, encoding: Encoding) -> Vec<u8> {
        answer::body(self, encoding)
    }
}

/// Gives everything in `body`, which is unpacked already, to `take`.
///
/// # Errors
/// An [`OtlpError`]: answer 400. What came before it was given already; the sender does not send it again.
pub fn read(
    body: &[u8],
    encoding: Encoding,
    options: &Options,
    take: impl FnMut(Item<'_>),
) -> Result<Outcome, OtlpError> {
    match encoding {
        Encoding::Protobuf => request::read(body, options, take),
        Encoding::Json => request::read(&json::to_protobuf(body)?, options, take),
    }
}

/// Why a request is refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OtlpError {
    /// The bytes are not the message.
    Damaged(WireError),
    /// The text is not the message; with line and column.
    Json(String),
    /// More than allowed.
    Limit {
        /// Of what there is too much.
        what: &'static str,
        /// The limit.
        max: u64,
    },
}

impl From<WireError> for OtlpError {
    fn from(error: WireError) -> Self {
        Self::Damaged(error)
    }
}

impl fmt::Display for OtlpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(error) => write!(f, "the OTLP request cannot be read: {error}"),
            Self::Json(cause) => write!(f, "the OTLP request cannot be read: {cause}"),
            Self::Limit { what, max } => {
                write!(f, "the OTLP request has more than {max} {what}: send smaller requests")
            }
        }
    }
}

impl std::error::Error for OtlpError {}
