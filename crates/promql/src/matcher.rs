//! Conditions on labels.

use crate::labels::{Labels, quoted_name};
use crate::number::quote;
use regex::{Regex, RegexBuilder};
use std::{fmt, sync::Arc};

/// A compiled pattern may take this much memory.
const PATTERN_BYTES_MAX: usize = 4 << 20;
/// A pattern of plain words may have so many of them to be a list.
const WORDS_MAX: usize = 1_000;

/// How a matcher compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchOp {
    /// `=`.
    Equal,
    /// `!=`.
    NotEqual,
    /// `=~`: the whole value matches the pattern.
    Regex,
    /// `!~`.
    NotRegex,
}

impl MatchOp {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        }
    }
}

/// A condition on one label. A label that a series does not have counts as the empty text.
#[derive(Clone, Debug)]
pub struct Matcher {
    name: String,
    op: MatchOp,
    value: String,
    pattern: Option<Arc<Pattern>>,
}

#[derive(Debug)]
enum Pattern {
    /// `.*`.
    Anything,
    /// `.+`.
    Something,
    /// `a|b|c` without anything special in it.
    Words(Vec<String>),
    Regex(Regex),
}

impl Matcher {
    /// A condition; an error says what is wrong with its pattern.
    pub fn new(name: &str, op: MatchOp, value: &str) -> Result<Self, String> {
        let pattern = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Regex | MatchOp::NotRegex => Some(Arc::new(Pattern::new(value)?)),
        };
        Ok(Self { name: name.to_owned(), op, value: value.to_owned(), pattern })
    }

    /// The label is exactly `value`.
    pub fn equal(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), op: MatchOp::Equal, value: value.to_owned(), pattern: None }
    }

    /// The label's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it compares.
    pub fn op(&self) -> MatchOp {
        self.op
    }

    /// The value or pattern.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// True if a label with this value is meant.
    pub fn accepts(&self, value: &str) -> bool {
        let same = match self.pattern.as_deref() {
            None => value == self.value,
            Some(Pattern::Anything) => true,
            Some(Pattern::Something) => !value.is_empty(),
            Some(Pattern::Words(words)) => words.iter().any(|word| word == value),
            Some(Pattern::Regex(regex)) => regex.is_match(value),
        };
        same == matches!(self.op, MatchOp::Equal | MatchOp::Regex)
    }

    /// True if a series with these labels is meant.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.accepts(labels.get(&self.name).unwrap_or_default())
    }

    /// The values it names one by one, if it does: what an index looks up. For `!=` and `!~` these are the ones it refuses.
    pub fn words(&self) -> Option<&[String]> {
        match self.pattern.as_deref() {
            None => Some(std::slice::from_ref(&self.value)),
            Some(Pattern::Words(words)) => Some(words),
            Some(_) => None,
        }
    }

    /// True if every value is fine, so that it can be left out.
    pub fn accepts_all(&self) -> bool {
        self.op == MatchOp::Regex && matches!(self.pattern.as_deref(), Some(Pattern::Anything))
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.op, &self.value) == (&other.name, other.op, &other.value)
    }
}

impl Eq for Matcher {}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", quoted_name(&self.name), self.op.name(), quote(&self.value))
    }
}

impl Pattern {
    fn new(text: &str) -> Result<Self, String> {
        match text {
            ".*" => return Ok(Self::Anything),
            ".+" => return Ok(Self::Something),
            _ => {}
        }
        let special = |c: char| r"\.+*?()[]{}^$".contains(c);
        if !text.contains(special) && text.split('|').count() <= WORDS_MAX {
            return Ok(Self::Words(text.split('|').map(str::to_owned).collect()));
        }
        whole(text).map(Self::Regex)
    }
}

/// Compiles a pattern that must match a whole value, as Prometheus means it: a dot is any character.
pub(crate) fn whole(text: &str) -> Result<Regex, String> {
    // Alone first: `a)(b` must not become sound between our parentheses.
    compile(text)?;
    compile(&format!("^(?s:{text})$"))
}

fn compile(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(text).size_limit(PATTERN_BYTES_MAX).dfa_size_limit(PATTERN_BYTES_MAX).build().map_err(|error| {
        let text = error.to_string();
        let reason = text.lines().rev().find_map(|line| line.strip_prefix("error: ")).unwrap_or(&text);
        format!("error parsing regexp: {reason}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(op: MatchOp, value: &str, accepted: &[&str], refused: &[&str]) {
        let matcher = Matcher::new("a", op, value).unwrap();
        for text in accepted {
            assert!(matcher.accepts(text), "{matcher} refuses {text:?}");
        }
        for text in refused {
            assert!(!matcher.accepts(text), "{matcher} accepts {text:?}");
        }
    }

    #[test]
    fn patterns_match_whole_values() {
        check(MatchOp::Regex, "a|b", &["a", "b"], &["", "ab", "a|b"]);
        check(MatchOp::Regex, "a.c", &["abc", "a\nc"], &["xabc", "abcd"]);
        check(MatchOp::NotRegex, "a.*", &["", "ba"], &["a", "abc"]);
        check(MatchOp::Regex, "(?i:PRO).*", &["production"], &["canary"]);
        check(MatchOp::Regex, ".*", &["", "x\ny"], &[]);
        check(MatchOp::Regex, ".+", &["x"], &[""]);
        check(MatchOp::Regex, "", &[""], &["x"]);
    }

    #[test]
    fn broken_and_huge_patterns_are_refused() {
        for pattern in ["(a", "a)(b", "[", "a{1000}{1000}{1000}", "*"] {
            let error = Matcher::new("a", MatchOp::Regex, pattern).unwrap_err();
            assert!(error.starts_with("error parsing regexp: "), "{error}");
        }
    }

    #[test]
    fn words_are_told_to_the_index() {
        let words = |op, value: &str| Matcher::new("a", op, value).unwrap().words().map(<[String]>::to_vec);
        assert_eq!(words(MatchOp::Regex, "x|y"), Some(vec!["x".to_owned(), "y".to_owned()]));
        assert_eq!(words(MatchOp::NotEqual, "x|y"), Some(vec!["x|y".to_owned()]));
        assert_eq!(words(MatchOp::Regex, "x|y.*"), None);
    }
}
