//! One page of a list, and the cursor that leads to the next.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::limits;

/// One page of a list, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Give this as `cursor` to get the next page; null on the last one.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Makes a page of rows that were read with one more than `limit`; `id` tells a row's place.
    pub fn of(mut items: Vec<T>, limit: usize, id: impl Fn(&T) -> i64) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(|item| id(item).to_string()) } else { None };
        Self { items, next }
    }
}

/// The number below which the next page starts.
pub fn before(cursor: Option<&str>) -> Result<i64> {
    match cursor {
        None | Some("") => Ok(i64::MAX),
        Some(text) => {
            text.parse().map_err(|_| Error::invalid("cursor", "This is not a cursor. Use `next` of the page before."))
        }
    }
}

/// How many rows a page has: what was asked for within bounds.
pub fn rows(limit: Option<usize>) -> Result<usize> {
    match limit {
        None => Ok(limits::PAGE_ROWS),
        Some(rows) if (1..=limits::PAGE_ROWS_MAX).contains(&rows) => Ok(rows),
        Some(_) => Err(Error::invalid("limit", format!("Ask for 1 to {} rows.", limits::PAGE_ROWS_MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_leads_to_the_next_only_when_there_is_more() {
        assert_eq!(Page::of(vec![9, 8, 7], 2, |id| *id).next.as_deref(), Some("8"));
        assert_eq!(Page::of(vec![9, 8], 2, |id| *id).next, None);
        assert!(before(Some("x")).is_err());
        assert!(rows(Some(0)).is_err());
    }
}
