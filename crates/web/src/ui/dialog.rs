//! A dialog that stands over the page, opened by a button with [`super::Button::opens`].

use super::Button;
use maud::{Markup, PreEscaped, Render, html};

/// A dialog with a heading, content and buttons.
#[derive(Debug, Clone)]
pub struct Dialog {
    id: String,
    title: String,
    body: Markup,
    foot: Vec<Markup>,
}

impl Dialog {
    /// A dialog with this id (without `#`), headed `title`.
    pub fn new(id: impl Into<String>, title: impl Into<String>) -> Self {
        Self { id: id.into(), title: title.into(), body: PreEscaped(String::new()), foot: Vec::new() }
    }

    /// What it says or asks; usually a [`super::Form`].
    #[must_use]
    pub fn body(mut self, body: Markup) -> Self {
        self.body = body;
        self
    }

    /// A button at its foot.
    #[must_use]
    pub fn action(mut self, button: impl Render) -> Self {
        self.foot.push(button.render());
        self
    }
}

impl Render for Dialog {
    fn render(&self) -> Markup {
        // A form in it that was refused is to be seen.
        let again = self.body.0.contains(super::again::MARK);
        html! {
            dialog id=(self.id) open[again] aria-labelledby={ (self.id) "-t" } {
                div.head {
                    h2 id={ (self.id) "-t" } { (self.title) }
                    (Button::plain("Close").quiet().icon_only("close").hook("close", ""))
                }
                div.in { (self.body) }
                @if !self.foot.is_empty() { div.foot { @for item in &self.foot { (item) } } }
            }
        }
    }
}
