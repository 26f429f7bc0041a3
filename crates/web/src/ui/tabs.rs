//! Tabs: views of one thing, each with its own address.

use super::href;
use maud::{Markup, Render, html};

/// One tab.
#[derive(Debug, Clone)]
pub struct Tab {
    label: String,
    href: String,
    count: Option<String>,
    hot: bool,
    current: bool,
}

impl Tab {
    /// A tab that leads to `to`.
    pub fn new(label: impl Into<String>, to: impl Into<String>) -> Self {
        Self { label: label.into(), href: to.into(), count: None, hot: false, current: false }
    }

    /// How many are inside; use [`super::count_capped`] above 999.
    #[must_use]
    pub fn count(mut self, count: impl ToString) -> Self {
        self.count = Some(count.to_string());
        self
    }

    /// The count hurts.
    #[must_use]
    pub const fn hot(mut self) -> Self {
        self.hot = true;
        self
    }

    /// This is the one being shown.
    #[must_use]
    pub const fn current(mut self, yes: bool) -> Self {
        self.current = yes;
        self
    }
}

/// A row of tabs.
#[derive(Debug, Clone)]
pub struct Tabs {
    label: String,
    tabs: Vec<Tab>,
    swap: Option<String>,
}

impl Tabs {
    /// The tabs, named for screen readers by `label`: "Views of tickets".
    pub fn new(label: impl Into<String>, tabs: impl IntoIterator<Item = Tab>) -> Self {
        Self { label: label.into(), tabs: tabs.into_iter().collect(), swap: None }
    }

    /// Following a tab replaces only the element with this id (without `#`).
    #[must_use]
    pub fn swap(mut self, id: &str) -> Self {
        self.swap = Some(format!("#{id}"));
        self
    }
}

impl Render for Tabs {
    fn render(&self) -> Markup {
        html! {
            nav.tabs aria-label=(self.label) {
                @for tab in &self.tabs {
                    a href=(href(&tab.href)) aria-current=[tab.current.then_some("page")] data-swap=[&self.swap] {
                        (tab.label)
                        @if let Some(count) = &tab.count { span class=(if tab.hot { "hot" } else { "count" }) { (count) } }
                    }
                }
            }
        }
    }
}
