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
    pub fn of(items: Vec<T>, limit: usize, id: impl Fn(&T) -> i64) -> Self {
        Self::by(items, limit, |item| id(item).to_string())
    }

    /// The same for lists in another order; `cursor` writes down a row's place, for example as [`keyed`] does.
    pub fn by(mut items: Vec<T>, limit: usize, cursor: impl Fn(&T) -> String) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(cursor) } else { None };
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

/// The place of a row in a list that is ordered by something and then by number: `number~something`.
pub fn keyed(id: i64, key: impl std::fmt::Display) -> String {
    format!("{id}~{key}")
}

/// Reads what [`keyed`] wrote; `None` at the beginning of the list.
pub fn after<K: std::str::FromStr>(cursor: Option<&str>) -> Result<Option<(i64, K)>> {
    let Some(text) = cursor.filter(|text| !text.is_empty()) else { return Ok(None) };
    let parts = text.split_once('~').and_then(|(id, key)| Some((id.parse().ok()?, key.parse().ok()?)));
    parts.map(Some).ok_or_else(|| Error::invalid("cursor", "This is not a cursor. Use `next` of the page before."))
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
        assert_eq!(Page::by(vec!["b", "a"], 1, |key| keyed(7, key)).next.as_deref(), Some("7~b"));
    }

    #[test]
    fn a_cursor_by_key_is_read_as_it_was_written_and_refused_when_it_was_not() {
        assert_eq!(after(Some(&keyed(7, "disk ~ full"))).unwrap(), Some((7, "disk ~ full".to_owned())));
        assert_eq!(after::<i64>(Some("7~-3")).unwrap(), Some((7, -3)));
        assert_eq!(after::<String>(None).unwrap(), None);
        assert_eq!(after::<String>(Some("")).unwrap(), None);
        assert!(after::<String>(Some("disk")).is_err() && after::<i64>(Some("7~x")).is_err());
    }

    #[test]
    fn a_page_has_at_least_one_row() {
        assert!(rows(Some(0)).is_err());
    }
}
