//! What the push formats (remote write, OTLP) hand to their caller.

use crate::labels::LabelBytes;

/// One thing a request carries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Item<'a> {
    /// Samples of one series.
    Series(SeriesSamples<'a>),
    /// What is known about one metric.
    Metadata(Metadata<'a>),
}

/// Samples of one series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeriesSamples<'a> {
    /// Which series: bytes to hash; read them only if the series is new.
    pub labels: LabelBytes<'a>,
    /// Time in milliseconds since 1970 UTC and value, in the order they were sent.
    pub samples: &'a [(i64, f64)],
    /// What came with the series itself (remote write 2.0); its `metric` is empty, the name is among the labels.
    pub metadata: Option<Metadata<'a>>,
}

/// Kind, help and unit of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata<'a> {
    /// Name of the metric (of the family: without `_bucket`, `_sum`, `_count`).
    pub metric: &'a str,
    /// Its kind.
    pub kind: Kind,
    /// What it means, in words; may be empty.
    pub help: &'a str,
    /// Its unit; may be empty.
    pub unit: &'a str,
}

/// The kinds of metrics of OpenMetrics 1.0, section "Metric Types".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Not said; `untyped` in Prometheus text.
    #[default]
    Unknown,
    /// Only grows, or starts again at zero.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Cumulative buckets, count and sum.
    Histogram,
    /// Buckets that go up and down.
    GaugeHistogram,
    /// Quantiles, count and sum.
    Summary,
    /// Always one; the labels are the news.
    Info,
    /// One of several states.
    StateSet,
}

impl Kind {
    /// The word of OpenMetrics and of the Prometheus API (`unknown`, `gaugehistogram`, ..).
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
        }
    }

    /// The number of the enum in remote write 1.0 and 2.0; numbers nobody knows are `Unknown`.
    pub(crate) fn of_number(number: u64) -> Self {
        match number {
            1 => Self::Counter,
            2 => Self::Gauge,
            3 => Self::Histogram,
            4 => Self::GaugeHistogram,
            5 => Self::Summary,
            6 => Self::Info,
            7 => Self::StateSet,
            _ => Self::Unknown,
        }
    }

    pub(crate) fn number(self) -> u64 {
        match self {
            Self::Unknown => 0,
            Self::Counter => 1,
            Self::Gauge => 2,
            Self::Histogram => 3,
            Self::GaugeHistogram => 4,
            Self::Summary => 5,
            Self::Info => 6,
            Self::StateSet => 7,
        }
    }
}

/// The NaN that says "this series ended" (Prometheus, `model/value`: 0x7ff0000000000002).
const STALE_BITS: u64 = 0x7ff0_0000_0000_0002;

/// The value that says "this series ended".
pub fn stale_marker() -> f64 {
    f64::from_bits(STALE_BITS)
}

/// Whether `value` says "this series ended"; other NaNs are values.
pub fn is_stale_marker(value: f64) -> bool {
    value.to_bits() == STALE_BITS
}
