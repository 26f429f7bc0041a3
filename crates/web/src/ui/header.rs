//! The head of a page: where it is, what it shows, how that is, what can be done.

use super::href;
use maud::{Markup, Render, html};

/// Breadcrumbs, title, pills, one line below, and actions at the end.
#[derive(Debug, Clone, Default)]
pub struct PageHeader {
    title: String,
    mono: bool,
    crumbs: Vec<(String, Option<String>)>,
    pills: Vec<Markup>,
    sub: Option<Markup>,
    actions: Vec<Markup>,
}

impl PageHeader {
    /// A page about `title`; the only `h1` of the page.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// The title is a name of a machine: set in the typewriter face.
    #[must_use]
    pub const fn mono(mut self) -> Self {
        self.mono = true;
        self
    }

    /// The next breadcrumb; without an address it is a place that has no page.
    #[must_use]
    pub fn crumb(mut self, label: impl Into<String>, to: Option<&str>) -> Self {
        self.crumbs.push((label.into(), to.map(str::to_owned)));
        self
    }

    /// A pill or tag after the title.
    #[must_use]
    pub fn pill(mut self, pill: Markup) -> Self {
        self.pills.push(pill);
        self
    }

    /// One quiet line below the title.
    #[must_use]
    pub fn subtitle(mut self, line: Markup) -> Self {
        self.sub = Some(line);
        self
    }

    /// A button or menu at the end.
    #[must_use]
    pub fn action(mut self, action: impl Render) -> Self {
        self.actions.push(action.render());
        self
    }
}

impl Render for PageHeader {
    fn render(&self) -> Markup {
        html! {
            header.page-head {
                div.who {
                    @if !self.crumbs.is_empty() {
                        nav.crumbs aria-label="You are here" {
                            ol { @for (label, to) in &self.crumbs {
                                li { @if let Some(to) = to { a href=(href(to)) { (label) } } @else { (label) } }
                            } }
                        }
                    }
                    div.title {
                        h1 class=[self.mono.then_some("mono")] dir="auto" { (self.title) }
                        @for pill in &self.pills { (pill) }
                    }
                    @if let Some(sub) = &self.sub { p.sub { (sub) } }
                }
                @if !self.actions.is_empty() { div.actions { @for action in &self.actions { (action) } } }
            }
        }
    }
}
