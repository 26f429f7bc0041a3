//! Facts travel as differences. Both sides keep each section as a sorted map and know its hash; a difference names the
//! hash it starts from, and the receiver asks for the whole section when that is not its own.

use std::collections::BTreeMap;

use ring::digest::{Context, SHA256};

use crate::v1::Facts;

/// The name and the values of one section. Keys are flat (`cpu.model`), values are JSON texts.
pub type Section = BTreeMap<String, String>;

/// The hash of a section: SHA-256 over every key and value in order, each behind its length as 8 bytes little-endian.
pub fn section_hash(section: &Section) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for text in section.iter().flat_map(|(key, value)| [key, value]) {
        context.update(&(text.len() as u64).to_le_bytes());
        context.update(text.as_bytes());
    }
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    out
}

/// The difference that turns `old` into `new`, or `None` when they are equal.
pub fn difference(name: &str, at_ms: i64, old: &Section, new: &Section) -> Option<Facts> {
    if old == new {
        return None;
    }
    let set = new.iter().filter(|(key, value)| old.get(*key) != Some(*value));
    let removed = old.keys().filter(|key| !new.contains_key(*key));
    Some(Facts {
        section: name.to_owned(),
        at_ms,
        base_hash: section_hash(old),
        hash: section_hash(new),
        full: false,
        set: set.map(|(key, value)| (key.clone(), value.clone())).collect(),
        removed: removed.cloned().collect(),
    })
}

/// A section as a whole: what [`difference`] says when nothing is known on the other side.
pub fn whole(name: &str, at_ms: i64, new: &Section) -> Facts {
    Facts {
        section: name.to_owned(),
        at_ms,
        base_hash: section_hash(&Section::new()),
        hash: section_hash(new),
        full: true,
        set: new.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
        removed: Vec::new(),
    }
}

/// Why a difference could not be applied. Either way the receiver asks for the whole section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChainBroken {
    /// The difference starts from another state than ours.
    Base,
    /// The result is not what the sender says it is.
    Result,
}

/// Applies a message to the section as it is known here and returns the new one.
///
/// # Errors
/// The hash chain is broken; answer with `FactsResend`.
pub fn apply(known: &Section, facts: &Facts) -> Result<Section, ChainBroken> {
    let mut section = if facts.full { Section::new() } else { known.clone() };
    if !facts.full && section_hash(&section) != facts.base_hash {
        return Err(ChainBroken::Base);
    }
    for key in &facts.removed {
        section.remove(key);
    }
    section.extend(facts.set.iter().cloned());
    if section_hash(&section) == facts.hash { Ok(section) } else { Err(ChainBroken::Result) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(pairs: &[(&str, &str)]) -> Section {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_difference_turns_the_old_section_into_the_new_one() {
        let old = section(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let new = section(&[("a", "1"), ("b", "9"), ("d", "4")]);
        let facts = difference("os", 5, &old, &new).unwrap();
        assert_eq!(facts.set.len(), 2);
        assert_eq!(facts.removed, ["c"]);
        assert_eq!(apply(&old, &facts), Ok(new.clone()));
        assert_eq!(apply(&new, &facts), Err(ChainBroken::Base));
        assert_eq!(difference("os", 5, &new, &new), None);
    }

    #[test]
    fn a_whole_section_needs_no_base_and_is_still_checked() {
        let new = section(&[("a", "1")]);
        let mut facts = whole("os", 5, &new);
        assert_eq!(apply(&section(&[("x", "y")]), &facts), Ok(new));
        facts.set.clear();
        assert_eq!(apply(&Section::new(), &facts), Err(ChainBroken::Result));
    }

    #[test]
    fn moving_bytes_between_key_and_value_changes_the_hash() {
        assert_ne!(section_hash(&section(&[("ab", "c")])), section_hash(&section(&[("a", "bc")])));
    }
}
