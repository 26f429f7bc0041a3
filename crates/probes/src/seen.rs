//! What a look found: good, bad or not known, a value, and one line of evidence.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::shorten;
use crate::{EVIDENCE_BYTES_MAX, FIGURES_MAX};

/// How a thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// The look itself could not be made, so nothing is known.
    Unknown,
}

/// A measured number beside the value, such as the loss of a ping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Its name, with its unit last, such as `connect_ms`.
    pub name: String,
    /// The number.
    pub value: f64,
}

/// What a look found.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// How it was found.
    pub outcome: Outcome,
    /// The value that the kind of look is about, when there is one.
    pub value: Option<f64>,
    /// What was seen, in plain words.
    pub evidence: String,
    /// Further numbers.
    pub figures: Vec<Figure>,
}

impl Seen {
    /// As it should be.
    pub fn good(value: f64, evidence: impl Into<String>) -> Self {
        Self { outcome: Outcome::Good, value: Some(value), evidence: evidence.into(), figures: Vec::new() }
    }

    /// Not as it should be.
    pub fn bad(value: Option<f64>, evidence: impl Into<String>) -> Self {
        Self { outcome: Outcome::Bad, value, evidence: evidence.into(), figures: Vec::new() }
    }

    /// Nobody knows: the look itself could not be made.
    pub fn unknown(evidence: impl Into<String>) -> Self {
        Self { outcome: Outcome::Unknown, value: None, evidence: evidence.into(), figures: Vec::new() }
    }

    /// Good when nothing is wrong, else bad with what is.
    pub fn judged(value: f64, wrong: Option<String>, fine: impl Into<String>) -> Self {
        match wrong {
            None => Self::good(value, fine),
            Some(wrong) => Self::bad(Some(value), wrong),
        }
    }

    /// Adds a number. What is no number is left out.
    #[must_use]
    pub fn figure(mut self, name: &str, value: f64) -> Self {
        if value.is_finite() && self.figures.len() < FIGURES_MAX {
            self.figures.push(Figure { name: name.to_owned(), value });
        }
        self
    }

    /// Within the limits, on one line.
    pub(crate) fn bounded(mut self) -> Self {
        let clean: String = self.evidence.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.evidence = shorten(clean.trim(), EVIDENCE_BYTES_MAX);
        self.value = self.value.filter(|value| value.is_finite());
        self
    }
}

/// A word that nobody may read: it is never shown, not even among the fields of a program that fails.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// A secret.
    pub fn new(word: impl Into<String>) -> Self {
        Self(word.into())
    }

    /// The word itself, for who must say it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// True when there is none.
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "(none)" } else { "(secret)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        let printed = format!("{:?} {:?}", Secret::new("hunter2"), Secret::default());
        assert_eq!(printed, "(secret) (none)");
    }

    #[test]
    fn evidence_is_one_bounded_line_and_no_number_is_no_value() {
        let seen = Seen::good(f64::NAN, format!("a\r\nb\u{7}{}", "ü".repeat(2_000))).figure("x", f64::INFINITY);
        let seen = seen.bounded();
        assert!(seen.evidence.starts_with("a  b") && seen.evidence.len() <= EVIDENCE_BYTES_MAX);
        assert_eq!((seen.value, seen.figures.len()), (None, 0));
    }
}
