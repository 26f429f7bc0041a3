//! Figures that a domain tells about itself, for `/metrics`.

/// One number at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// The metric's name; figures of one name stand together.
    pub name: &'static str,
    /// What it is, in one sentence.
    pub help: &'static str,
    /// True if it only grows until the server stops; else it goes up and down.
    pub counts: bool,
    /// A label and its value, where one name has several numbers.
    pub label: Option<(&'static str, &'static str)>,
    /// The number.
    pub value: u64,
}

impl Figure {
    /// A number that only grows.
    pub fn counter(name: &'static str, help: &'static str, value: u64) -> Self {
        Self { name, help, counts: true, label: None, value }
    }

    /// A number that goes up and down.
    pub fn gauge(name: &'static str, help: &'static str, value: u64) -> Self {
        Self { counts: false, ..Self::counter(name, help, value) }
    }

    /// The same with a label.
    pub fn with(self, name: &'static str, value: &'static str) -> Self {
        Self { label: Some((name, value)), ..self }
    }
}
