//! The labels that name a series.

use crate::Options;
use crate::wire::{Cursor, put_bytes, put_varint};
use std::{fmt, sync::Arc};

/// The label that holds the metric's name.
pub const NAME_LABEL: &str = "__name__";

/// A label may not be longer than this, whatever the options say.
const TEXT_BYTES_MAX: usize = 4_096;

/// The labels of one series, sorted by name; cheap to clone.
///
/// Held as one string in which every name and value follows a character whose code point is its length in bytes: one
/// allocation per series, and no check of UTF-8 when read.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Labels(Arc<str>);

impl Labels {
    /// Checks and packs `pairs`, which may come in any order. A label without a value is the same as no label.
    pub(crate) fn new(pairs: &[(&str, &str)], options: &Options) -> Result<Self, String> {
        let mut sorted: Vec<_> = pairs.iter().copied().filter(|(_, value)| !value.is_empty()).collect();
        sorted.sort_unstable();
        if sorted.len() > options.labels_max {
            return Err(format!("{} labels, at most {} are taken", sorted.len(), options.labels_max));
        }
        if !sorted.iter().any(|(name, _)| *name == NAME_LABEL) {
            return Err(format!("label {NAME_LABEL:?}, the metric's name, is missing"));
        }
        if let Some(twice) = sorted.iter().zip(sorted.iter().skip(1)).find(|(a, b)| a.0 == b.0) {
            return Err(format!("label {:?} comes twice", twice.0.0));
        }
        for (name, value) in &sorted {
            if name.is_empty() || name.chars().any(char::is_control) {
                return Err(format!("label name {:?} is empty or holds control characters", shortened(name)));
            }
            check_length("name", name, name, options.label_name_bytes_max)?;
            check_length("value", name, value, options.label_value_bytes_max)?;
        }
        Self::pack(&sorted).ok_or_else(|| "a label is too long".to_owned())
    }

    fn pack(sorted: &[(&str, &str)]) -> Option<Self> {
        let mut packed = String::new();
        for text in sorted.iter().flat_map(|(name, value)| [name, value]) {
            if text.len() > TEXT_BYTES_MAX {
                return None;
            }
            packed.push(char::from_u32(u32::try_from(text.len()).ok()?)?);
            packed.push_str(text);
        }
        Some(Self(packed.into()))
    }

    /// Name and value of each label, in order of name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut rest: &str = &self.0;
        std::iter::from_fn(move || {
            let (name, after) = unpack(rest)?;
            let (value, after) = unpack(after)?;
            rest = after;
            Some((name, value))
        })
    }

    /// The value of the label `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(label, _)| *label == name).map(|(_, value)| value)
    }

    /// The metric's name, from the label `__name__`.
    pub fn metric(&self) -> &str {
        self.get(NAME_LABEL).unwrap_or_default()
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        put_varint(out, self.iter().count() as u64);
        for (name, value) in self.iter() {
            put_bytes(out, name.as_bytes());
            put_bytes(out, value.as_bytes());
        }
    }

    /// The bytes of one label set as [`write`](Self::write) writes it, unread.
    pub(crate) fn skip<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
        cursor.span(|cursor| {
            for _ in 0..cursor.count()? {
                cursor.bytes()?;
                cursor.bytes()?;
            }
            Some(())
        })
    }

    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Option<Self> {
        let count = cursor.count()?;
        let mut pairs = Vec::with_capacity(count.min(64));
        for _ in 0..count {
            pairs.push((cursor.text()?, cursor.text()?));
        }
        pairs.is_sorted().then(|| Self::pack(&pairs)).flatten()
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Labels {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.iter().cmp(other.iter())
    }
}

fn unpack(packed: &str) -> Option<(&str, &str)> {
    let mut chars = packed.chars();
    let length = chars.next()? as usize;
    chars.as_str().split_at_checked(length)
}

fn check_length(part: &str, name: &str, text: &str, limit: usize) -> Result<(), String> {
    let limit = limit.min(TEXT_BYTES_MAX);
    if text.len() <= limit {
        return Ok(());
    }
    Err(format!("the {part} of label {:?} has {} bytes, at most {limit} are taken", shortened(name), text.len()))
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pairs: &[(&str, &str)], expected: Result<&str, &str>) {
        let got = Labels::new(pairs, &Options::default()).map(|labels| format!("{labels:?}"));
        match expected {
            Ok(text) => assert_eq!(got.as_deref(), Ok(text)),
            Err(part) => assert!(got.as_ref().is_err_and(|error| error.contains(part)), "{got:?} lacks {part:?}"),
        }
    }

    #[test]
    fn labels_are_sorted_and_empty_values_are_no_labels() {
        check(&[("site", "Zürich"), ("__name__", "up"), ("gone", "")], Ok(r#"{"__name__": "up", "site": "Zürich"}"#));
    }

    #[test]
    fn broken_label_sets_are_refused_by_name() {
        check(&[("site", "x")], Err("__name__"));
        check(&[("__name__", "up"), ("a", "1"), ("a", "2")], Err("\"a\" comes twice"));
        check(&[("__name__", "up"), ("", "1")], Err("empty"));
        check(&[("__name__", "up"), ("a\0b", "1")], Err("control"));
        let long = "v".repeat(1_025);
        check(&[("__name__", "up"), ("path", &long)], Err("value of label \"path\" has 1025 bytes"));
        let name = "n".repeat(129);
        check(&[("__name__", "up"), (&name, "1")], Err("129 bytes, at most 128"));
        let names: Vec<_> = (0..32).map(|n| format!("l{n}")).collect();
        let mut many: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
        many.push(("__name__", "up"));
        check(&many, Err("33 labels, at most 32"));
    }

    #[test]
    fn labels_survive_writing_and_reading() {
        let labels = Labels::new(&[("__name__", "up"), ("empty", ""), ("x", "a\u{1}b")], &Options::default()).unwrap();
        let mut out = Vec::new();
        labels.write(&mut out);
        assert_eq!(Labels::read(&mut Cursor::new(&out)), Some(labels.clone()));
        assert_eq!(labels.get("x"), Some("a\u{1}b"));
        assert_eq!((labels.metric(), labels.get("empty")), ("up", None));
    }
}
