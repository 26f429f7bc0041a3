//! What is wrong with a text, and where.

use std::fmt;

/// Something that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The file, where it is another one than that which was given.
    pub file: Option<String>,
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
        Self { file: None, line: None, column: None, message: message.into() }
    }

    /// As tools say it, so that editors find the place: `rules.yml:5:11: what is wrong`. The file is `given` unless it is
    /// another one.
    pub fn at(&self, given: &str) -> String {
        let file = self.file.as_deref().unwrap_or(given);
        match (self.line, self.column) {
            (Some(line), Some(column)) => format!("{file}:{line}:{column}: {}", self.message),
            (Some(line), None) => format!("{file}:{line}: {}", self.message),
            _ => format!("{file}: {}", self.message),
        }
    }

    /// What the reader of YAML says, its place taken out of the words.
    pub(crate) fn of_yaml(error: &serde_norway::Error) -> Self {
        let said = error.to_string();
        let Some(place) = error.location() else { return Self::new(said) };
        let tail = format!(" at line {} column {}", place.line(), place.column());
        let message = said.replace(&tail, "");
        Self { file: None, line: Some(place.line()), column: Some(place.column()), message }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            return f.write_str(&self.at(file));
        }
        match (self.line, self.column) {
            (Some(line), Some(column)) => write!(f, "line {line}, column {column}: {}", self.message),
            (Some(line), None) => write!(f, "line {line}: {}", self.message),
            _ => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Mistake {}
