//! A table: columns, rows that can be opened and ticked.

use super::{href, icon};
use maud::{Markup, Render, html};

/// Which way a column is sorted now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sorted {
    /// Not by this column.
    No,
    /// Smallest first.
    Up,
    /// Largest first.
    Down,
}

/// One column.
#[derive(Debug, Clone)]
pub struct Column {
    label: String,
    class: &'static str,
    sort: Option<(String, Sorted)>,
}

impl Column {
    /// A column headed `label`.
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), class: "", sort: None }
    }

    /// Numbers, aligned at the end.
    #[must_use]
    pub const fn num(mut self) -> Self {
        self.class = "num";
        self
    }

    /// What the row is called: takes the room that is left and is cut with an ellipsis.
    #[must_use]
    pub const fn main(mut self) -> Self {
        self.class = "name";
        self
    }

    /// Not on phones.
    #[must_use]
    pub const fn wide(mut self) -> Self {
        self.class = if matches!(self.class.as_bytes(), b"num") { "num wide" } else { "wide" };
        self
    }

    /// A person or a team: not on phones, and cut where room is scarce.
    #[must_use]
    pub const fn who(mut self) -> Self {
        self.class = "wide who";
        self
    }

    /// Only on wide screens.
    #[must_use]
    pub const fn extra(mut self) -> Self {
        self.class = "extra";
        self
    }

    /// Its heading leads to `to`, the address in its order (or the reverse one when it is sorted already).
    #[must_use]
    pub fn sort(mut self, to: impl Into<String>, now: Sorted) -> Self {
        self.sort = Some((to.into(), now));
        self
    }
}

/// One row.
#[derive(Debug, Clone)]
pub struct Row {
    reference: Option<String>,
    title: String,
    href: Option<String>,
    unread: bool,
    cells: Vec<Markup>,
}

impl Row {
    /// A row named `title` for screen readers.
    pub fn new(title: impl Into<String>) -> Self {
        Self { reference: None, title: title.into(), href: None, unread: false, cells: Vec::new() }
    }

    /// What its tick sends as `ref`, such as `ticket:4821`.
    #[must_use]
    pub fn reference(mut self, reference: impl Into<String>) -> Self {
        self.reference = Some(reference.into());
        self
    }

    /// Where a press on the row or Enter leads. Also put a link in the main cell, see [`Row::main`].
    #[must_use]
    pub fn href(mut self, to: impl Into<String>) -> Self {
        self.href = Some(to.into());
        self
    }

    /// Something in it was not read yet: bold.
    #[must_use]
    pub const fn unread(mut self, yes: bool) -> Self {
        self.unread = yes;
        self
    }

    /// The next cell.
    #[must_use]
    pub fn cell(mut self, content: Markup) -> Self {
        self.cells.push(content);
        self
    }

    /// The next cell, in plain text; empty text is shown as a dash.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.cell(if text.is_empty() {
            html! { span.none { "—" } }
        } else {
            html! { span dir="auto" { (text) } }
        })
    }

    /// The next cell: the title, linked to the row's address.
    #[must_use]
    pub fn main(self) -> Self {
        let cell = match &self.href {
            Some(to) => html! { a href=(href(to)) title=(self.title) dir="auto" { (self.title) } },
            None => html! { span title=(self.title) dir="auto" { (self.title) } },
        };
        self.cell(cell)
    }
}

/// A table inside a card, or the table of a [`super::List`].
#[derive(Debug, Clone, Default)]
pub struct Table {
    label: String,
    columns: Vec<Column>,
    rows: Vec<Row>,
    pub(crate) ticks: Option<String>,
    pub(crate) swap: Option<String>,
}

impl Table {
    /// A table named `label` for screen readers.
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), ..Self::default() }
    }

    /// Its columns.
    #[must_use]
    pub fn columns(mut self, columns: impl IntoIterator<Item = Column>) -> Self {
        self.columns = columns.into_iter().collect();
        self
    }

    /// Its rows.
    #[must_use]
    pub fn rows(mut self, rows: impl IntoIterator<Item = Row>) -> Self {
        self.rows = rows.into_iter().collect();
        self
    }

    /// Whether there are no rows.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// True when a row of it leads somewhere.
    pub(crate) fn opens(&self) -> bool {
        self.rows.iter().any(|row| row.href.is_some())
    }

    /// How many rows are shown.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    fn head(&self) -> Markup {
        html! {
            thead { tr {
                @if self.ticks.is_some() { th.tick { label { input type="checkbox" data-all aria-label="Select all rows shown"; } } }
                @for column in &self.columns {
                    @match &column.sort {
                        None => th scope="col" class=[class(column)] { (column.label) },
                        Some((to, now)) => {
                            @let (direction, mark) = match now { Sorted::No => (None, "sort"), Sorted::Up => (Some("ascending"), "arrow-up"), Sorted::Down => (Some("descending"), "arrow-down") };
                            th scope="col" class=[class(column)] aria-sort=[direction] {
                                a href=(href(to)) data-swap=[&self.swap] { (column.label) (icon(mark)) }
                            }
                        }
                    }
                }
            } }
        }
    }

    fn row(&self, row: &Row) -> Markup {
        html! {
            tr data-row data-href=[row.href.as_deref().map(href)] tabindex="-1" class=[row.unread.then_some("unread")] {
                @if let Some(form) = &self.ticks {
                    td.tick { @if let Some(reference) = &row.reference {
                        label { input type="checkbox" name="ref" value=(reference) form=(form) aria-label={ "Select " (row.title) }; }
                    } }
                }
                @for (at, cell) in row.cells.iter().enumerate() { td class=[self.columns.get(at).and_then(class)] { (cell) } }
            }
        }
    }
}

fn class(column: &Column) -> Option<&'static str> {
    (!column.class.is_empty()).then_some(column.class)
}

impl Render for Table {
    fn render(&self) -> Markup {
        html! {
            div.scroll {
                table.tbl aria-label=(self.label) { (self.head()) tbody { @for row in &self.rows { (self.row(row)) } } }
            }
        }
    }
}
