//! The labels that name a series.

use crate::number::quote;
use std::{borrow::Cow, fmt, sync::Arc};

/// The label that holds the metric's name.
pub const NAME_LABEL: &str = "__name__";

/// Labels that describe the metric and not the thing: what functions and operators take away.
const METADATA_LABELS: [&str; 3] = [NAME_LABEL, "__type__", "__unit__"];

/// Digits of a length are characters below this, so that each is a valid one; a higher bit says that more follow.
const DIGIT: usize = 0x4000;

/// The labels of one series, sorted by name; cheap to clone.
///
/// Held as one string in which every name and value follows its length, written as characters: one allocation per
/// series, and no check of UTF-8 when read.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Labels(Arc<str>);

impl Labels {
    /// No labels.
    pub fn empty() -> Self {
        Self(Arc::from(""))
    }

    /// Sorts `pairs`. A label without a value is no label; of labels with one name the last counts.
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut all: Vec<(N, V)> = pairs.into_iter().collect();
        all.sort_by(|a, b| a.0.as_ref().cmp(b.0.as_ref()));
        let mut packed = Packer::default();
        let mut rest = all.iter().peekable();
        while let Some((name, value)) = rest.next() {
            if rest.peek().is_none_or(|next| next.0.as_ref() != name.as_ref()) {
                packed.push(name.as_ref(), value.as_ref());
            }
        }
        packed.finish()
    }

    /// Packs pairs that are sorted by name and have each name once.
    pub fn from_sorted<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut packed = Packer::default();
        for (name, value) in pairs {
            packed.push(name, value);
        }
        packed.finish()
    }

    /// Name and value of each label, in order of name.
    pub fn iter(&self) -> LabelsIter<'_> {
        LabelsIter { rest: &self.0 }
    }

    /// The value of the label `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(label, _)| *label == name).map(|(_, value)| value)
    }

    /// The metric's name; empty if there is none.
    pub fn metric(&self) -> &str {
        self.get(NAME_LABEL).unwrap_or_default()
    }

    /// True without labels.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These labels without the metric's name, and without its type and unit, which Prometheus treats like it.
    pub fn without_name(&self) -> Self {
        if !self.iter().any(|(name, _)| is_metadata(name)) {
            return self.clone();
        }
        self.filtered(|name| !is_metadata(name))
    }

    /// The labels whose names `keep` accepts.
    pub fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self::from_sorted(self.iter().filter(|(name, _)| keep(name)))
    }

    /// These labels with `name` set to `value`; an empty value takes it away.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let others = self.iter().filter(|(label, _)| *label != name);
        Self::from_pairs(others.chain(std::iter::once((name, value))))
    }

    /// Bytes held, roughly.
    pub(crate) fn bytes(&self) -> usize {
        self.0.len() + 32
    }
}

/// Packs labels in order of name.
#[derive(Default)]
pub(crate) struct Packer(String);

impl Packer {
    pub(crate) fn push(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            for text in [name, value] {
                self.put_length(text.len());
                self.0.push_str(text);
            }
        }
    }

    fn put_length(&mut self, mut length: usize) {
        while length >= DIGIT {
            self.put_digit(DIGIT | (length & (DIGIT - 1)));
            length >>= 14;
        }
        self.put_digit(length);
    }

    fn put_digit(&mut self, digit: usize) {
        // Every digit is below 0x8000, where all numbers are characters.
        self.0.push(u32::try_from(digit).ok().and_then(char::from_u32).unwrap_or('\0'));
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The packed text so far: equal texts are equal labels.
    pub(crate) fn key(&self) -> &str {
        &self.0
    }

    pub(crate) fn finish(self) -> Labels {
        Labels(self.0.into())
    }

    pub(crate) fn labels(&self) -> Labels {
        Labels(self.0.as_str().into())
    }
}

/// Name and value of each label.
#[derive(Clone, Debug)]
pub struct LabelsIter<'a> {
    rest: &'a str,
}

impl<'a> LabelsIter<'a> {
    fn text(&mut self) -> Option<&'a str> {
        let mut chars = self.rest.chars();
        let (mut length, mut shift) = (0usize, 0u32);
        loop {
            let digit = chars.next()? as usize;
            length |= (digit & (DIGIT - 1)).checked_shl(shift)?;
            if digit < DIGIT {
                break;
            }
            shift += 14;
        }
        let (text, rest) = chars.as_str().split_at_checked(length)?;
        self.rest = rest;
        Some(text)
    }
}

impl<'a> Iterator for LabelsIter<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        Some((self.text()?, self.text()?))
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

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `{__name__="up", site="oslo"}`, as it stands in messages.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, (name, value)) in self.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{}={}", quoted_name(name), quote(value))?;
        }
        f.write_str("}")
    }
}

/// True for labels that describe the metric.
pub(crate) fn is_metadata(name: &str) -> bool {
    name.starts_with("__") && METADATA_LABELS.contains(&name)
}

/// A label's name as it is written in a query: plain if it can be, else in quotes.
pub(crate) fn quoted_name(name: &str) -> Cow<'_, str> {
    if is_plain_name(name, false) { Cow::Borrowed(name) } else { Cow::Owned(quote(name)) }
}

/// True for names that need no quotes; metrics may have colons.
pub(crate) fn is_plain_name(name: &str, colons: bool) -> bool {
    let ok = |c: char| c.is_ascii_alphanumeric() || c == '_' || (colons && c == ':');
    !name.is_empty() && name.chars().all(ok) && !name.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_and_empty_values_are_no_labels() {
        let labels = Labels::from_pairs([("site", "Zürich"), ("__name__", "up"), ("gone", ""), ("a.b", "x")]);
        assert_eq!(labels.to_string(), r#"{__name__="up", "a.b"="x", site="Zürich"}"#);
        assert_eq!((labels.metric(), labels.get("gone")), ("up", None));
        assert_eq!(labels.without_name().to_string(), r#"{"a.b"="x", site="Zürich"}"#);
    }

    #[test]
    fn of_two_labels_with_one_name_the_last_counts() {
        let labels = Labels::from_pairs([("a", "1"), ("b", "2"), ("a", "3")]);
        assert_eq!(labels, Labels::from_pairs([("a", "3"), ("b", "2")]));
        assert_eq!(labels.with("b", ""), Labels::from_pairs([("a", "3")]));
        assert_eq!(labels.with("aa", "x"), Labels::from_pairs([("a", "3"), ("aa", "x"), ("b", "2")]));
    }

    #[test]
    fn long_values_survive() {
        for length in [0x3fff, 0x4000, 0xd800, 70_000, 20_000_000] {
            let value = "v".repeat(length);
            let labels = Labels::from_pairs([("a", value.as_str()), ("b", "2")]);
            assert_eq!(labels.get("a").map(str::len), Some(length));
            assert_eq!(labels.get("b"), Some("2"));
        }
    }

    #[test]
    fn they_are_ordered_by_name_and_value_and_not_by_length() {
        let long = Labels::from_pairs([("a", "bbbb")]);
        let short = Labels::from_pairs([("a", "c")]);
        assert!(long < short);
        assert!(Labels::empty() < long);
    }
}
