//! Places: a tree whose roots are clients. Scopes of grants and the location of things point into it.

use kernel::{Error, Ref, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) mod change;
pub(crate) mod list;
pub(crate) mod store;

pub(crate) use change::must_exist;

/// What a place can be, from the outside in.
pub const KINDS: &[&str] = &["client", "site", "building", "floor", "room", "rack"];

/// Longest name, in characters.
pub(crate) const NAME_CHARS_MAX: usize = 120;
/// Most levels of the tree.
pub(crate) const DEPTH_MAX: usize = 12;

/// A place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// Its number.
    pub id: i64,
    /// `place:NUMBER`.
    #[serde(rename = "ref")]
    pub reference: Ref,
    /// The place it is in; a client is in none.
    pub parent: Option<i64>,
    /// `client`, `site`, `building`, `floor`, `room` or `rack`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The numbers from the root to here, as in `/1/4/`.
    pub path: String,
    /// Counts changes; send it back as `expected_version`.
    pub version: i64,
}

impl Place {
    /// The reference of a place.
    pub const fn subject(id: i64) -> Ref {
        Ref::new("place", id)
    }

    /// The numbers of the places from the root to this one.
    pub fn line(&self) -> Vec<i64> {
        self.path.split('/').filter_map(|part| part.parse().ok()).collect()
    }

    /// How many levels down it is; a root is at 1.
    pub fn depth(&self) -> usize {
        self.line().len()
    }
}

/// Numbers and names of places, indented below the highest of them.
pub(crate) fn indented(places: Vec<Place>) -> Vec<(i64, String)> {
    let top = places.iter().map(Place::depth).min().unwrap_or_default();
    let line = |one: Place| (one.id, format!("{}{}", "\u{2003}".repeat(one.depth().saturating_sub(top)), one.name));
    places.into_iter().map(line).collect()
}

pub(crate) fn kind(text: &str, root: bool) -> Result<String> {
    let known = KINDS.contains(&text) && (text == "client") == root;
    if known {
        return Ok(text.to_owned());
    }
    let fits = if root {
        "A place that is in no other place is a client."
    } else {
        "Use site, building, floor, room or rack."
    };
    Err(Error::invalid("kind", fits))
}

/// The paths that lie at or below `path` are those from the first text up to but without the second.
pub(crate) fn below(path: &str) -> (String, String) {
    let end = path.strip_suffix('/').map_or_else(|| path.to_owned(), |rest| format!("{rest}0"));
    (path.to_owned(), end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subtree_is_a_range_of_paths_and_holds_no_neighbour() {
        let (from, to) = below("/1/4/");
        let inside = |path: &str| path >= from.as_str() && path < to.as_str();
        for path in ["/1/4/", "/1/4/5/", "/1/4/40/7/"] {
            assert!(inside(path), "{path}");
        }
        for path in ["/1/", "/1/40/", "/1/5/", "/1/3/4/", "/1/41/4/"] {
            assert!(!inside(path), "{path}");
        }
    }

    #[test]
    fn only_a_root_is_a_client() {
        assert!(kind("client", true).is_ok());
        assert!(kind("client", false).is_err());
        assert!(kind("room", true).is_err());
        assert!(kind("room", false).is_ok());
        assert!(kind("galaxy", false).is_err());
    }
}
