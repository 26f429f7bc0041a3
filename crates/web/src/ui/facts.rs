//! Facts at a glance: name and value, one a line.

use maud::{Markup, Render, html};

/// A list of facts about one thing.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    rows: Vec<(String, Markup)>,
}

impl Facts {
    /// No facts yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A fact with a formatted value.
    #[must_use]
    pub fn row(mut self, name: impl Into<String>, value: Markup) -> Self {
        self.rows.push((name.into(), value));
        self
    }

    /// A fact in plain text.
    #[must_use]
    pub fn text(self, name: impl Into<String>, value: &str) -> Self {
        self.row(name, html! { span dir="auto" { (value) } })
    }

    /// A fact in the typewriter face: addresses, serials, versions.
    #[must_use]
    pub fn mono(self, name: impl Into<String>, value: &str) -> Self {
        self.row(name, html! { span.mono dir="ltr" { (value) } })
    }

    /// A fact that is left out when it is not known.
    #[must_use]
    pub fn known(self, name: impl Into<String>, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }
}

impl Render for Facts {
    fn render(&self) -> Markup {
        html! { dl.facts { @for (name, value) in &self.rows { dt { (name) } dd { (value) } } } }
    }
}
