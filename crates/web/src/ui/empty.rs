//! An empty place: says why it is empty and teaches the next step.

use super::Button;
use maud::{Markup, Render, html};

/// What stands where rows would be.
#[derive(Debug, Clone)]
pub struct Empty {
    title: String,
    text: String,
    actions: Vec<Markup>,
}

impl Empty {
    /// "Nothing matches", and what to do about it.
    pub fn new(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { title: title.into(), text: text.into(), actions: Vec::new() }
    }

    /// The next step; the first is the best one.
    #[must_use]
    pub fn action(mut self, button: Button) -> Self {
        self.actions.push(button.render());
        self
    }
}

impl Render for Empty {
    fn render(&self) -> Markup {
        html! {
            div.empty {
                svg.art viewBox="0 0 74 56" fill="none" stroke="currentColor" stroke-width="1.8" aria-hidden="true" {
                    path d="M4 3h56v12H4z" {} path stroke-dasharray="4 3.4" d="M4 21h56v12H4zM4 33v16h38" {} circle cx="53" cy="36" r="11" {} path stroke-linecap="round" d="m61 45 8 8" {}
                }
                h2 { (self.title) }
                p.tx { (self.text) }
                @if !self.actions.is_empty() { div.actions { @for action in &self.actions { (action) } } }
            }
        }
    }
}
