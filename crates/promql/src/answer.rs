//! What an evaluation gives.

use crate::labels::Labels;

/// The answer to a query.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The value.
    pub value: Value,
    /// What may be wrong with the answer, in the words of Prometheus: `PromQL warning: ..`.
    pub warnings: Vec<String>,
    /// What may be wrong with the question: `PromQL info: ..`.
    pub infos: Vec<String>,
    /// What it took.
    pub stats: Stats,
}

/// A value and when.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number at a time in ms.
    Scalar(i64, f64),
    /// A text at a time in ms.
    Text(i64, String),
    /// Series with one value each, at the time of the query.
    Vector(Vec<Sample>),
    /// Series with values at several times; of range queries sorted by labels.
    Matrix(Vec<Points>),
}

/// One value of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The series.
    pub labels: Labels,
    /// When, in ms.
    pub at_ms: i64,
    /// The value.
    pub value: f64,
}

/// Values of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    /// The series.
    pub labels: Labels,
    /// Time in ms and value, in order of time.
    pub points: Vec<(i64, f64)>,
}

/// What an evaluation took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Samples read from the source.
    pub samples: usize,
    /// Series read from the source.
    pub series: usize,
    /// Most memory held at one time, in bytes, counting columns of numbers and labels.
    pub bytes_peak: usize,
    /// What the source said, such as the tier that answered.
    pub notes: Vec<String>,
}
