//! A card: one subject, a heading, at most a link or two at its end.

use super::href;
use maud::{Markup, PreEscaped, Render, html};

/// A framed part of a page with a heading.
#[derive(Debug, Clone)]
pub struct Card {
    id: Option<String>,
    title: String,
    count: Option<String>,
    note: Option<Markup>,
    more: Vec<Markup>,
    flush: bool,
    tight: bool,
    body: Markup,
    live: Option<(String, String)>,
}

impl Card {
    /// A card headed `title`; without a title there is no heading line.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            id: None,
            title: title.into(),
            count: None,
            note: None,
            more: Vec::new(),
            flush: false,
            tight: false,
            body: PreEscaped(String::new()),
            live: None,
        }
    }

    /// Its id, for swaps and links.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// A number next to the heading.
    #[must_use]
    pub fn count(mut self, count: impl ToString) -> Self {
        self.count = Some(count.to_string());
        self
    }

    /// A quiet remark next to the heading: "2 hops, from LLDP, 3 min ago".
    #[must_use]
    pub fn note(mut self, note: Markup) -> Self {
        self.note = Some(note);
        self
    }

    /// A link at the end of the heading line.
    #[must_use]
    pub fn link(mut self, label: &str, to: &str) -> Self {
        self.more.push(html! { a href=(href(to)) { (label) } });
        self
    }

    /// Anything at the end of the heading line, such as a small button.
    #[must_use]
    pub fn action(mut self, action: impl Render) -> Self {
        self.more.push(action.render());
        self
    }

    /// The content, with padding.
    #[must_use]
    pub fn body(mut self, body: Markup) -> Self {
        self.body = body;
        self
    }

    /// The content up to the edge: tables, attention lists, charts.
    #[must_use]
    pub fn flush(mut self, body: Markup) -> Self {
        self.flush = true;
        self.body = body;
        self
    }

    /// The content with little padding above and below: facts and steps.
    #[must_use]
    pub fn tight(mut self, body: Markup) -> Self {
        self.tight = true;
        self.body = body;
        self
    }

    /// Fetches itself again from `src` when one of `refs` (separated by spaces) changes. Needs an id.
    #[must_use]
    pub fn live(mut self, refs: impl Into<String>, src: impl Into<String>) -> Self {
        self.live = Some((refs.into(), src.into()));
        self
    }
}

impl Render for Card {
    fn render(&self) -> Markup {
        let (refs, src) = self.live.as_ref().map_or((None, None), |(refs, src)| (Some(refs), Some(href(src))));
        html! {
            section.card id=[&self.id] data-live=[refs] data-src=[src] {
                @if !self.title.is_empty() || !self.more.is_empty() {
                    div.head {
                        h2 { (self.title) }
                        @if let Some(count) = &self.count { span.count { (count) } }
                        @if let Some(note) = &self.note { span.note { (note) } }
                        @if !self.more.is_empty() { span.more { @for item in &self.more { (item) } } }
                    }
                }
                @if self.flush { (self.body) }
                @else if self.tight { div class="in tight" { (self.body) } }
                @else { div.in { (self.body) } }
            }
        }
    }
}
