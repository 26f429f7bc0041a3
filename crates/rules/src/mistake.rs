//! What is wrong with a text, and where.

use std::fmt;

/// Something that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// The column, from 1, where it is known.
    pub column: Option<usize>,
    /// What is wrong, in words.
    pub message: String,
}

impl Mistake {
    /// A mistake whose place is not known.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { line: None, column: None, message: message.into() }
    }

    /// What the reader of YAML says, its place taken out of the words.
    pub(crate) fn of_yaml(error: &serde_norway::Error) -> Self {
        let said = error.to_string();
        let Some(place) = error.location() else { return Self::new(said) };
        let tail = format!(" at line {} column {}", place.line(), place.column());
        let message = said.replace(&tail, "");
        Self { line: Some(place.line()), column: Some(place.column()), message }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (Some(line), Some(column)) => write!(f, "line {line}, column {column}: {}", self.message),
            (Some(line), None) => write!(f, "line {line}: {}", self.message),
            _ => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Mistake {}
