//! The labels of a series as bytes that are hashed without being read, and the rules a set of labels must keep.
//!
//! The bytes are those of remote write 1.0: field 1 of `TimeSeries` (a `Label` with name and value) once per label.
//! Remote write 2.0 and OTLP are brought into the same form, so one map serves all of them.

use std::fmt;

use crate::wire::{self, Reader, WireError};

/// The label that holds the metric's name.
pub const NAME_LABEL: &str = "__name__";

/// How many labels a series may have, and how long they may be.
#[derive(Clone, Copy, Debug)]
pub struct LabelLimits {
    /// Most labels, `__name__` included.
    pub labels_max: usize,
    /// Most bytes of a name.
    pub name_bytes_max: usize,
    /// Most bytes of a value.
    pub value_bytes_max: usize,
}

impl Default for LabelLimits {
    fn default() -> Self {
        Self { labels_max: 64, name_bytes_max: 128, value_bytes_max: 1_024 }
    }
}

/// The labels of one series, unread.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LabelBytes<'a>(&'a [u8]);

impl<'a> LabelBytes<'a> {
    /// Takes bytes that came from [`as_bytes`](Self::as_bytes); anything else is refused when it is read.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// What a map should use as its key.
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Reads the labels into `into` (which is cleared), sorted by name, without those whose value is empty.
    ///
    /// # Errors
    /// A [`LabelError`] if the bytes are damaged or the labels break a rule; `into` is empty then.
    pub fn read_into(self, limits: &LabelLimits, into: &mut Vec<(&'a str, &'a str)>) -> Result<(), LabelError> {
        into.clear();
        let outcome = self.read(limits, into).and_then(|()| settle(into, limits));
        if outcome.is_err() {
            into.clear();
        }
        outcome
    }

    fn read(self, limits: &LabelLimits, into: &mut Vec<(&'a str, &'a str)>) -> Result<(), LabelError> {
        let mut reader = Reader::new(self.0);
        while let Some((_, value)) = reader.field()? {
            if into.len() >= limits.labels_max {
                return Err(LabelError::TooMany { labels_max: limits.labels_max });
            }
            into.push(label(value.bytes()?)?);
        }
        Ok(())
    }
}

impl fmt::Debug for LabelBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut labels = Vec::new();
        match self.read_into(&LabelLimits::default(), &mut labels) {
            Ok(()) => f.debug_map().entries(labels).finish(),
            Err(error) => write!(f, "LabelBytes({error})"),
        }
    }
}

fn label(bytes: &[u8]) -> Result<(&str, &str), WireError> {
    let (mut name, mut text) = ("", "");
    let mut reader = Reader::new(bytes);
    while let Some((field, value)) = reader.field()? {
        match field {
            1 => name = value.text()?,
            2 => text = value.text()?,
            _ => {}
        }
    }
    Ok((name, text))
}

/// Appends one label in the form of [`LabelBytes`].
pub fn put_label(name: &str, value: &str, into: &mut Vec<u8>) {
    let inner = wire::field_bytes(1, name.len()) + wire::field_bytes(2, value.len());
    if inner < 0x80 {
        // Every length takes one byte, as nearly always.
        into.extend_from_slice(&[0x0a, inner as u8, 0x0a, name.len() as u8]);
        into.extend_from_slice(name.as_bytes());
        into.extend_from_slice(&[0x12, value.len() as u8]);
        into.extend_from_slice(value.as_bytes());
        return;
    }
    wire::put_header(1, inner, into);
    wire::put_bytes(1, name.as_bytes(), into);
    wire::put_bytes(2, value.as_bytes(), into);
}

/// Sorts by name, drops empty values and checks the rules: a metric name, no label twice, nothing beyond its limit.
pub(crate) fn settle<N: AsRef<str>, V: AsRef<str>>(
    labels: &mut Vec<(N, V)>,
    limits: &LabelLimits,
) -> Result<(), LabelError> {
    labels.retain(|(_, value)| !value.as_ref().is_empty());
    labels.sort_by(|one, other| one.0.as_ref().cmp(other.0.as_ref()));
    if labels.len() > limits.labels_max {
        return Err(LabelError::TooMany { labels_max: limits.labels_max });
    }
    let mut before: Option<&str> = None;
    for (name, value) in labels.iter() {
        let (name, value) = (name.as_ref(), value.as_ref());
        if name.is_empty() {
            return Err(LabelError::NameEmpty);
        }
        if before == Some(name) {
            return Err(LabelError::Twice { name: name.to_owned() });
        }
        if name.len() > limits.name_bytes_max {
            return Err(LabelError::NameTooLong { name: start_of(name), bytes_max: limits.name_bytes_max });
        }
        if value.len() > limits.value_bytes_max {
            return Err(LabelError::ValueTooLong { name: name.to_owned(), bytes_max: limits.value_bytes_max });
        }
        before = Some(name);
    }
    let named = labels.iter().any(|(name, _)| name.as_ref() == NAME_LABEL);
    if named { Ok(()) } else { Err(LabelError::NoMetricName) }
}

fn start_of(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Why a set of labels is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelError {
    /// The bytes do not hold labels.
    Damaged(WireError),
    /// No `__name__`, or an empty one.
    NoMetricName,
    /// A label without a name.
    NameEmpty,
    /// One name twice.
    Twice {
        /// The name.
        name: String,
    },
    /// More labels than allowed.
    TooMany {
        /// The limit.
        labels_max: usize,
    },
    /// A name is too long.
    NameTooLong {
        /// Its beginning.
        name: String,
        /// The limit in bytes.
        bytes_max: usize,
    },
    /// A value is too long.
    ValueTooLong {
        /// The label's name.
        name: String,
        /// The limit in bytes.
        bytes_max: usize,
    },
}

impl From<WireError> for LabelError {
    fn from(error: WireError) -> Self {
        Self::Damaged(error)
    }
}

impl fmt::Display for LabelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(error) => write!(f, "the labels cannot be read: {error}"),
            Self::NoMetricName => write!(f, "the series has no metric name: send the label {NAME_LABEL}"),
            Self::NameEmpty => write!(f, "a label has no name: give it one or leave it out"),
            Self::Twice { name } => write!(f, "label {name:?} is there twice: send it once"),
            Self::TooMany { labels_max } => write!(f, "the series has more than {labels_max} labels: send fewer"),
            Self::NameTooLong { name, bytes_max } => {
                write!(f, "the label name that begins with {name:?} is longer than {bytes_max} bytes: shorten it")
            }
            Self::ValueTooLong { name, bytes_max } => {
                write!(f, "the value of label {name:?} is longer than {bytes_max} bytes: shorten it")
            }
        }
    }
}

impl std::error::Error for LabelError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(labels: &[(&str, &str)]) -> Vec<u8> {
        let mut into = Vec::new();
        labels.iter().for_each(|(name, value)| put_label(name, value, &mut into));
        into
    }

    fn check(labels: &[(&str, &str)], expected: Result<&[(&str, &str)], LabelError>) {
        let bytes = bytes(labels);
        let mut read = Vec::new();
        let limits = LabelLimits { labels_max: 3, name_bytes_max: 8, value_bytes_max: 5 };
        let outcome = LabelBytes::new(&bytes).read_into(&limits, &mut read);
        assert_eq!(outcome.map(|()| read.as_slice()), expected);
    }

    #[test]
    fn labels_are_sorted_and_empty_values_are_left_out() {
        check(&[("b", "2"), (NAME_LABEL, "up"), ("a", "")], Ok(&[(NAME_LABEL, "up"), ("b", "2")]));
    }

    #[test]
    fn each_broken_rule_is_named() {
        check(&[("a", "1")], Err(LabelError::NoMetricName));
        check(&[(NAME_LABEL, "")], Err(LabelError::NoMetricName));
        check(&[(NAME_LABEL, "up"), ("", "1")], Err(LabelError::NameEmpty));
        check(&[("a", "1"), (NAME_LABEL, "up"), ("a", "2")], Err(LabelError::Twice { name: "a".into() }));
        check(&[("a", "1"), ("b", "1"), ("c", "1"), (NAME_LABEL, "up")], Err(LabelError::TooMany { labels_max: 3 }));
        check(&[("ninebytes", "1")], Err(LabelError::NameTooLong { name: "ninebytes".into(), bytes_max: 8 }));
        check(&[("a", "123456")], Err(LabelError::ValueTooLong { name: "a".into(), bytes_max: 5 }));
    }

    #[test]
    fn damaged_bytes_are_refused() {
        let whole = bytes(&[(NAME_LABEL, "up"), ("site", "Oslo")]);
        let mut read = Vec::new();
        for length in 1..whole.len() {
            // A cut between two labels leaves one label, which is not for this reader to miss.
            if length != 16 {
                let cut = LabelBytes::new(&whole[..length]).read_into(&LabelLimits::default(), &mut read);
                assert!(matches!(cut, Err(LabelError::Damaged(_))), "cut to {length}");
            }
        }
    }
}
