//! What can go wrong with a query.

use crate::expr::Span;
use std::fmt;

/// A query that cannot be read: where and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    line: usize,
    column: usize,
    span: Span,
    message: String,
}

impl ParseError {
    pub(crate) fn new(text: &str, span: Span, message: String) -> Self {
        let (line, column) = place(text, span.start);
        Self { line, column, span, message }
    }

    /// Line of the mistake, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Column of the mistake in bytes, from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    /// The bytes it is about.
    pub fn span(&self) -> Span {
        self.span
    }

    /// What is wrong, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: parse error: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for ParseError {}

/// Line and column of a byte, both from 1.
pub(crate) fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.as_bytes().get(..at.min(text.len())).unwrap_or_default();
    let line = before.iter().filter(|byte| **byte == b'\n').count();
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count();
    (line + 1, column + 1)
}

/// Why a source could not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceError {
    /// There are more samples than the selection allows.
    TooManySamples,
    /// Something else, in words.
    Failed(String),
}

/// Why an evaluation ended without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvalError {
    /// The query cannot be read.
    Parse(ParseError),
    /// The query asks for something that cannot be, in the words of Prometheus.
    Invalid(String),
    /// An expression of this kind has no answer over a span of time, in the words of Prometheus.
    Kind(String),
    /// It took longer than the options allow.
    Deadline,
    /// Somebody asked it to stop.
    Cancelled,
    /// It needs more memory than the options allow; the number is that limit in bytes.
    Memory(usize),
    /// Other evaluations hold the memory that they share with it; the number is the size of the pool in bytes.
    Busy(usize),
    /// It asks for more steps than the options allow; the number is that limit.
    Steps(usize),
    /// The store failed.
    Source(String),
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parse(error) => error.fmt(f),
            Self::Invalid(message) | Self::Kind(message) => f.write_str(message),
            Self::Deadline => f.write_str(
                "query timed out in expression evaluation: ask for fewer series, a shorter range or a larger step",
            ),
            Self::Cancelled => f.write_str("query was canceled in expression evaluation"),
            Self::Memory(limit) => write!(
                f,
                "query processing would use more memory than its budget of {} MiB: ask for fewer series, a shorter \
                 range or a larger step",
                limit >> 20
            ),
            Self::Busy(limit) => write!(
                f,
                "other queries hold the {} MiB that all of them share: try again in a moment, or ask for less",
                limit >> 20
            ),
            Self::Steps(limit) => write!(
                f,
                "exceeded maximum resolution of {limit} points per timeseries. Try decreasing the query resolution \
                 (?step=XX)"
            ),
            Self::Source(message) => write!(f, "the store could not answer: {message}"),
        }
    }
}

impl std::error::Error for EvalError {}

impl From<ParseError> for EvalError {
    fn from(error: ParseError) -> Self {
        Self::Parse(error)
    }
}
