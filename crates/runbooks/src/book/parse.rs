//! From YAML text to a sound runbook, or the mistakes in it with their places.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Book, check};

/// Longest source, in bytes.
pub const SOURCE_BYTES_MAX: usize = 64 * 1024;

/// A mistake in a runbook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mistake {
    /// What is wrong and what would be right.
    pub message: String,
    /// Where in the text, from 1; null when it concerns the whole.
    pub line: Option<usize>,
    /// Where in the line, from 1.
    pub column: Option<usize>,
}

impl Mistake {
    pub(crate) fn of(message: impl Into<String>) -> Self {
        Self { message: message.into(), line: None, column: None }
    }
}

impl std::fmt::Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// Reads and checks a runbook.
///
/// # Errors
/// The mistakes, at least one.
pub fn parse(source: &str) -> Result<Book, Vec<Mistake>> {
    if source.len() > SOURCE_BYTES_MAX {
        return Err(vec![Mistake::of(format!(
            "This is {} bytes long; a runbook has at most {SOURCE_BYTES_MAX}.",
            source.len()
        ))]);
    }
    if source.trim().is_empty() {
        return Err(vec![Mistake::of("This is empty. Begin with a name, a title and steps.")]);
    }
    let book: Book = serde_norway::from_str(source).map_err(|error| {
        let place = error.location();
        let text = error.to_string();
        // The place is told apart from the words.
        let words = text.split(" at line ").next().unwrap_or(&text).to_owned();
        vec![Mistake {
            message: format!("{words}."),
            line: place.as_ref().map(serde_norway::Location::line),
            column: place.as_ref().map(serde_norway::Location::column),
        }]
    })?;
    let mut mistakes = check::mistakes(&book);
    for mistake in &mut mistakes {
        mistake.line = line_of(source, &mistake.message);
    }
    if mistakes.is_empty() { Ok(book) } else { Err(mistakes) }
}

/// The line of the step that a mistake names, where its name is written in the text.
fn line_of(source: &str, message: &str) -> Option<usize> {
    let name = message.strip_prefix("Step \"")?.split('"').next()?;
    let found = source.lines().position(|line| line.contains("name:") && line.contains(name))?;
    Some(found + 1)
}
