//! One page of a list that is read newest first: rows, where the next page begins, how many there are.

use kernel::{Result, limits, page};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A page of a list.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListPage<T> {
    /// The rows.
    pub items: Vec<T>,
    /// The cursor of the next page; null on the last.
    pub next: Option<String>,
    /// How many there are in all, up to 1,000.
    pub count: i64,
    /// There are more than `count`.
    pub count_capped: bool,
}

impl<T> ListPage<T> {
    /// A page of `limit` rows out of one more, if there was one more.
    pub(crate) fn new(items: Vec<T>, limit: i64, count: i64, id: impl Fn(&T) -> i64) -> Self {
        let page = page::Page::of(items, usize::try_from(limit).unwrap_or(limits::PAGE_ROWS), id);
        let (count, count_capped) = (count.min(limits::COUNT_MAX), count > limits::COUNT_MAX);
        Self { items: page.items, next: page.next, count, count_capped }
    }
}

/// How many rows a page has.
pub(crate) fn limit(wanted: Option<i64>) -> Result<i64> {
    let rows = page::rows(wanted.map(|rows| usize::try_from(rows).unwrap_or(0)))?;
    Ok(i64::try_from(rows).unwrap_or(50))
}

/// The number below which a page begins.
pub(crate) fn before(cursor: Option<&str>) -> Result<i64> {
    page::before(cursor)
}
