//! A list page's card: views as tabs, the filter, the rows, what to do with those ticked, the next page.

use super::{Button, Empty, Filter, Table, Tabs, href, icon};
use maud::{Markup, Render, html};

/// What can be done with the ticked rows. Their refs are sent as repeated `ref` fields.
#[derive(Debug, Clone)]
pub struct Bulk {
    action: String,
    csrf: String,
    back: Option<String>,
    parts: Vec<Markup>,
}

impl Bulk {
    /// Everything is posted to `action`; a button may name another address.
    pub fn new(action: impl Into<String>, csrf: impl Into<String>) -> Self {
        Self { action: action.into(), csrf: csrf.into(), back: None, parts: Vec::new() }
    }

    /// Where to go afterwards: the list with its filter.
    #[must_use]
    pub fn back(mut self, to: impl Into<String>) -> Self {
        self.back = Some(to.into());
        self
    }

    /// A button such as `Button::submit("Resolve").value("do", "resolve").key("e")`.
    #[must_use]
    pub fn button(mut self, button: Button) -> Self {
        self.parts.push(button.small().render());
        self
    }

    /// A choice sent with the button: `(value, label)` each; the first should be empty and name the field.
    #[must_use]
    pub fn select(mut self, name: &str, label: &str, options: &[(String, String)]) -> Self {
        self.parts.push(html! {
            select.control name=(name) aria-label=(label) { @for (value, word) in options { option value=(value) { (word) } } }
        });
        self
    }

    /// Somebody among many, typed as a login or a name; `known` are first suggestions. See [`super::Field::person`].
    #[must_use]
    pub fn person(mut self, name: &str, label: &str, known: &[String]) -> Self {
        self.parts.push(html! {
            input.control type="text" name=(name) aria-label=(label) placeholder=(label) list={ "bulk-" (name) } data-person autocomplete="off"
                maxlength="200";
            datalist id={ "bulk-" (name) } { @for text in known { option value=(text); } }
            input type="hidden" name="_person" value=(name);
        });
        self
    }
}

/// A list.
#[derive(Debug, Clone)]
pub struct List {
    id: String,
    tabs: Option<Tabs>,
    filter: Option<Filter>,
    table: Table,
    bulk: Option<Bulk>,
    total: Option<String>,
    next: Option<String>,
    first: Option<String>,
    empty: Option<Empty>,
    live: Option<(String, String)>,
}

impl List {
    /// A list with this id; its tabs, filter, headings and paging replace only itself.
    pub fn new(id: impl Into<String>, table: Table) -> Self {
        Self {
            id: id.into(),
            tabs: None,
            filter: None,
            table,
            bulk: None,
            total: None,
            next: None,
            first: None,
            empty: None,
            live: None,
        }
    }

    /// Saved views.
    #[must_use]
    pub fn tabs(mut self, tabs: Tabs) -> Self {
        self.tabs = Some(tabs.swap(&self.id));
        self
    }

    /// The filter.
    #[must_use]
    pub fn filter(mut self, mut filter: Filter) -> Self {
        filter.swap = Some(format!("#{}", self.id));
        self.filter = Some(filter);
        self
    }

    /// What can be done with ticked rows; also puts the ticks in front of them.
    #[must_use]
    pub fn bulk(mut self, bulk: Bulk) -> Self {
        self.bulk = Some(bulk);
        self
    }

    /// How many there are, in words: "34 tickets".
    #[must_use]
    pub fn total(mut self, words: impl Into<String>) -> Self {
        self.total = Some(words.into());
        self
    }

    /// The address of the next page (with its cursor), and of the first page when this is not it.
    #[must_use]
    pub fn paging(mut self, next: Option<String>, first: Option<String>) -> Self {
        self.next = next;
        self.first = first;
        self
    }

    /// What stands here when there are no rows.
    #[must_use]
    pub fn empty(mut self, empty: Empty) -> Self {
        self.empty = Some(empty);
        self
    }

    /// Fetches itself again from `src` when one of `refs` (separated by spaces) changes.
    #[must_use]
    pub fn live(mut self, refs: impl Into<String>, src: impl Into<String>) -> Self {
        self.live = Some((refs.into(), src.into()));
        self
    }

    /// The rows, and the form of the bulk bar. The ticks name that form instead of standing in it, so rows may hold forms.
    fn rows(&self) -> Markup {
        let form = format!("{}-bulk", self.id);
        let mut table = self.table.clone();
        table.ticks = self.bulk.as_ref().map(|_| form.clone());
        table.swap = Some(format!("#{}", self.id));
        html! {
            (table)
            @if let Some(bulk) = &self.bulk {
                form.bulk id=(form) method="post" action=(href(&bulk.action)) role="toolbar" aria-label="Selected rows" {
                    input type="hidden" name="_csrf" value=(bulk.csrf);
                    @if let Some(back) = &bulk.back { input type="hidden" name="_back" value=(href(back)); }
                    span.n data-count aria-live="polite" { "Selected" }
                    @for part in &bulk.parts { (part) }
                    (Button::plain("Clear selection").small().icon_only("close").hook("clear", ""))
                }
            }
        }
    }

    fn foot(&self) -> Markup {
        let swap = format!("#{}", self.id);
        html! {
            div.foot {
                @if let Some(total) = &self.total { span { (total) } }
                @if let Some(first) = &self.first { a href=(href(first)) data-swap=(swap) { "First page" } }
                @if let Some(next) = &self.next { a href=(href(next)) rel="next" data-swap=(swap) { "Next page " (icon("arrow-right")) } }
                span class="end keys" {
                    span { kbd { "j" } " " kbd { "k" } " move" }
                    @if self.bulk.is_some() { span { kbd { "x" } " select" } }
                    @if self.table.opens() { span { kbd { "Enter" } " open" } } span { kbd { "?" } " all keys" }
                }
            }
        }
    }
}

impl Render for List {
    fn render(&self) -> Markup {
        let (refs, src) = self.live.as_ref().map_or((None, None), |(refs, src)| (Some(refs), Some(href(src))));
        html! {
            section class="card list" id=(self.id) data-list data-live=[refs] data-src=[src] {
                @if let Some(tabs) = &self.tabs { (tabs) }
                @if let Some(filter) = &self.filter { (filter) }
                @if self.table.is_empty() {
                    @if let Some(empty) = &self.empty { (empty) } @else { (Empty::new("Nothing here yet", "Rows appear here as soon as there are any.")) }
                } @else { (self.rows()) (self.foot()) }
            }
        }
    }
}
