//! Names of block files: `START-END-NUMBER[.CLASS][.5m|.1h].block`.

use crate::options::TIERS_MS;

const SUFFIXES: [(&str, u32); 2] = [("5m", TIERS_MS[0]), ("1h", TIERS_MS[1])];

/// What a block's file name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BlockName {
    /// The span: start, and end (exclusive; of roll-ups inclusive).
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
    /// Rises with every block that is written.
    pub(crate) number: u32,
    /// The class of its series; empty for none.
    pub(crate) class: Box<str>,
    /// Length of a bucket; 0 for samples as they came.
    pub(crate) resolution_ms: u32,
}

impl BlockName {
    /// Reads a file name; `None` if it is no block's.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let mut parts = name.strip_suffix(".block")?.split('.');
        let mut numbers = parts.next()?.split('-');
        let (from_ms, to_ms) = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
        let number = numbers.next()?.parse().ok()?;
        let mut parts: Vec<&str> = parts.collect();
        let tier = SUFFIXES.iter().find(|(suffix, _)| parts.last() == Some(suffix));
        if tier.is_some() {
            parts.pop();
        }
        let class = match parts.as_slice() {
            [] => "",
            [class] if is_class(class) => class,
            _ => return None,
        };
        let resolution_ms = tier.map_or(0, |(_, resolution_ms)| *resolution_ms);
        numbers.next().is_none().then(|| Self { from_ms, to_ms, number, class: class.into(), resolution_ms })
    }

    /// The order in which blocks are read: by start; those that span more first, then older ones first, so that of two
    /// samples at one time the older stays.
    pub(crate) fn order(&self) -> (i64, i64, u32, u32, &str) {
        (self.from_ms, self.to_ms.saturating_neg(), self.number, self.resolution_ms, &self.class)
    }
}

impl std::fmt::Display for BlockName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:015}-{:015}-{:04}", self.from_ms, self.to_ms, self.number)?;
        if !self.class.is_empty() {
            write!(f, ".{}", self.class)?;
        }
        if let Some((suffix, _)) = SUFFIXES.iter().find(|(_, resolution_ms)| *resolution_ms == self.resolution_ms) {
            write!(f, ".{suffix}")?;
        }
        f.write_str(".block")
    }
}

/// True if a class may be named so.
pub(crate) fn is_class(name: &str) -> bool {
    let plain = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_';
    (1..=32).contains(&name.len()) && name.chars().all(plain) && SUFFIXES.iter().all(|(suffix, _)| *suffix != name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        for name in [
            "001699999200000-001700006400000-0001.block",
            "001699999200000-001700006400000-12345.lab.block",
            "000000000000000-000000086400000-0007.5m.block",
            "000000000000000-000000086400000-0007.lab_2.1h.block",
        ] {
            assert_eq!(BlockName::parse(name).unwrap().to_string(), name);
        }
    }

    #[test]
    fn what_is_no_block_is_left_alone() {
        for name in ["1-2.block", "1-2-3-4.block", "1-2-3.tmp", "x-2-3.block", "1-2-3.A.block", "1-2-3.a.b.block"] {
            assert_eq!(BlockName::parse(name), None, "{name}");
        }
        assert!(is_class("lab") && !is_class("") && !is_class("5m") && !is_class("a.b") && !is_class("A"));
    }
}
