//! Which series a read means.

use crate::Labels;

/// A condition on one label. A label that a series does not have counts as the empty text.
#[derive(Clone, Debug)]
pub struct Matcher {
    /// The label's name.
    pub name: String,
    /// What its value must be.
    pub test: Test,
}

/// What a label's value must be.
#[derive(Clone, Debug)]
pub enum Test {
    /// Exactly this.
    Equal(String),
    /// Anything but this.
    NotEqual(String),
    /// One of these.
    OneOf(Vec<String>),
    /// Anything that starts so.
    Prefix(String),
}

impl Matcher {
    /// The label is exactly `value`.
    pub fn equal(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), test: Test::Equal(value.to_owned()) }
    }

    /// The label is anything but `value`.
    pub fn not_equal(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), test: Test::NotEqual(value.to_owned()) }
    }

    /// The label is one of `values`.
    pub fn one_of<S: AsRef<str>>(name: &str, values: &[S]) -> Self {
        let values = values.iter().map(|value| value.as_ref().to_owned()).collect();
        Self { name: name.to_owned(), test: Test::OneOf(values) }
    }

    /// The label starts with `value`.
    pub fn prefix(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), test: Test::Prefix(value.to_owned()) }
    }

    /// The metric's name is exactly `value`.
    pub fn metric(value: &str) -> Self {
        Self::equal(crate::NAME_LABEL, value)
    }

    pub(crate) fn accepts(&self, value: &str) -> bool {
        match &self.test {
            Test::Equal(wanted) => value == wanted,
            Test::NotEqual(unwanted) => value != unwanted,
            Test::OneOf(wanted) => wanted.iter().any(|one| one == value),
            Test::Prefix(start) => value.starts_with(start),
        }
    }

    pub(crate) fn matches(&self, labels: &Labels) -> bool {
        self.accepts(labels.get(&self.name).unwrap_or_default())
    }

    /// True if a series without the label cannot match, so that the postings of the label find every match.
    pub(crate) fn needs_label(&self) -> bool {
        !self.accepts("")
    }
}
