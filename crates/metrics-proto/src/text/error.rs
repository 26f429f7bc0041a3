//! Why a scrape is refused.

use std::fmt;

/// Why a scrape is refused; the line counts from 1 (0: the body as a whole).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextError {
    /// A line is not what it should be.
    Syntax {
        /// The line.
        line: u64,
        /// What should have come.
        expected: &'static str,
        /// The beginning of what came instead.
        found: String,
    },
    /// More than allowed.
    Limit {
        /// The line where it was noticed.
        line: u64,
        /// Of what there is too much.
        what: &'static str,
        /// The limit.
        max: usize,
    },
    /// OpenMetrics without `# EOF`: it was cut off on the way.
    NotEnded {
        /// The last line.
        line: u64,
    },
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { line, expected, found } if found.is_empty() => {
                write!(f, "line {line}: expected {expected}, but the line ends")
            }
            Self::Syntax { line, expected, found } => write!(f, "line {line}: expected {expected}, found {found:?}"),
            Self::Limit { line: 0, what, max } => write!(f, "more than {max} {what}: raise the limit or expose less"),
            Self::Limit { line, what, max } => {
                write!(f, "line {line}: more than {max} {what}: raise the limit or expose less")
            }
            Self::NotEnded { line } => write!(f, "line {line}: the body does not end with # EOF, so it was cut off"),
        }
    }
}

impl std::error::Error for TextError {}

/// The beginning of a place, short enough for a message.
pub(super) fn excerpt(at: &[u8]) -> String {
    const BYTES_MAX: usize = 40;
    let line = at.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let start = line.get(..BYTES_MAX).unwrap_or(line);
    let mut text = String::from_utf8_lossy(start).trim_end_matches('\u{fffd}').to_owned();
    if start.len() < line.len() {
        text.push_str("..");
    }
    text
}
