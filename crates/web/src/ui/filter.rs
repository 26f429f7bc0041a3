//! The filter of a list: one box of text and chips that say the same.

use super::{href, icon};
use maud::{Markup, Render, html};

/// A filter box with chips.
#[derive(Debug, Clone)]
pub struct Filter {
    action: String,
    query: String,
    placeholder: String,
    keep: Vec<(String, String)>,
    chips: Vec<(String, String)>,
    add: Vec<(String, String)>,
    extra: Vec<Markup>,
    pub(crate) swap: Option<String>,
}

impl Filter {
    /// A box that asks `action?q=TEXT`.
    pub fn new(action: impl Into<String>, query: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            query: query.into(),
            placeholder: "Filter by word or field".to_owned(),
            keep: Vec::new(),
            chips: Vec::new(),
            add: Vec::new(),
            extra: Vec::new(),
            swap: None,
        }
    }

    /// Words that fit here: "word, team:network, status:new".
    #[must_use]
    pub fn placeholder(mut self, text: impl Into<String>) -> Self {
        self.placeholder = text.into();
        self
    }

    /// A part of the address that stays, such as the view or the order.
    #[must_use]
    pub fn keep(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.keep.push((name.into(), value.into()));
        self
    }

    /// A condition in words, and the address without it.
    #[must_use]
    pub fn chip(mut self, words: impl Into<String>, without: impl Into<String>) -> Self {
        self.chips.push((words.into(), without.into()));
        self
    }

    /// A condition that can be added with one press, and the address with it.
    #[must_use]
    pub fn suggest(mut self, words: impl Into<String>, with: impl Into<String>) -> Self {
        self.add.push((words.into(), with.into()));
        self
    }

    /// Anything at the end, such as a columns menu or an export link.
    #[must_use]
    pub fn extra(mut self, extra: impl Render) -> Self {
        self.extra.push(extra.render());
        self
    }
}

impl Render for Filter {
    fn render(&self) -> Markup {
        html! {
            form.filter method="get" action=(href(&self.action)) role="search" data-swap=[&self.swap] data-filter {
                @for (name, value) in &self.keep { input type="hidden" name=(name) value=(value); }
                div.box {
                    (icon("search"))
                    input.control type="search" name="q" id="filter-q" value=(self.query) placeholder=(self.placeholder) aria-label="Filter" autocomplete="off" spellcheck="false" maxlength="400";
                    kbd aria-hidden="true" { "/" }
                }
                @for (words, without) in &self.chips {
                    a.chip href=(href(without)) data-swap=[&self.swap] { span.clip { (words) } (icon("close")) span.sr { " (remove)" } }
                }
                @for (words, with) in &self.add { a class="chip add" href=(href(with)) data-swap=[&self.swap] { "+ " (words) } }
                @for extra in &self.extra { (extra) }
            }
        }
    }
}
