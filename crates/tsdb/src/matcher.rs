//! Which series a read means.

use crate::Labels;
use crate::error::{Error, Result};
use regex::{Regex, RegexBuilder};

/// A condition on one label. A label that a series does not have counts as the empty text.
#[derive(Clone, Debug)]
pub struct Matcher {
    /// The label's name.
    pub name: String,
    /// What its value must be.
    pub test: Test,
}

/// What a label's value must be.
#[derive(Clone, Debug)]
pub enum Test {
    /// Exactly this.
    Equal(String),
    /// Anything but this.
    NotEqual(String),
    /// One of these.
    OneOf(Vec<String>),
    /// Anything that starts so.
    Prefix(String),
    /// The whole of it fits this.
    Matches(Pattern),
    /// The whole of it does not fit this.
    Unlike(Pattern),
}

/// A regular expression for the whole of a value, in which `.` fits a line's end too. Expressions that are plain texts,
/// alternatives of plain texts, or a plain text and `.*` or `.+` behind it, are compared as texts.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    plan: Plan,
}

#[derive(Clone, Debug)]
enum Plan {
    /// Any of these texts.
    Texts(Vec<String>),
    /// This text, and at least so many bytes behind it.
    Prefix(String, usize),
    /// What begins with this text, if the expression agrees.
    Regex(String, Regex),
}

/// Most bytes a compiled expression may take.
const REGEX_BYTES_MAX: usize = 4 << 20;

impl Pattern {
    fn new(text: &str) -> std::result::Result<Self, String> {
        // An expression that is no expression is refused even if it could be compared as a text.
        let whole = format!("^(?s:{text})$");
        let regex = RegexBuilder::new(&whole).size_limit(REGEX_BYTES_MAX).build().map_err(|error| {
            let said = error.to_string();
            said.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        })?;
        let plan = texts(text)
            .map(Plan::Texts)
            .or_else(|| prefix(text))
            .unwrap_or_else(|| Plan::Regex(plain_start(text), regex));
        Ok(Self { text: text.to_owned(), plan })
    }

    /// The expression as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn fits(&self, value: &str) -> bool {
        match &self.plan {
            Plan::Texts(texts) => texts.iter().any(|text| text == value),
            Plan::Prefix(start, more) => value.strip_prefix(start.as_str()).is_some_and(|rest| rest.len() >= *more),
            Plan::Regex(start, regex) => value.starts_with(start.as_str()) && regex.is_match(value),
        }
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

/// The plain text that an expression without any operator stands for.
fn plain(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => out.push(chars.next().filter(char::is_ascii_punctuation)?),
            '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$' => return None,
            other => out.push(other),
        }
    }
    Some(out)
}

/// The texts of `a|b|c` or `(a|b|c)`.
fn texts(text: &str) -> Option<Vec<String>> {
    let inner = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(text);
    let inner = inner.strip_prefix("?:").unwrap_or(inner);
    if inner.contains("\\|") {
        return plain(inner).map(|one| vec![one]);
    }
    inner.split('|').map(plain).collect()
}

fn prefix(text: &str) -> Option<Plan> {
    let more = usize::from(text.ends_with(".+"));
    let start = text.strip_suffix(".*").or_else(|| text.strip_suffix(".+"))?;
    Some(Plan::Prefix(plain(start)?, more))
}

/// The plain text that every value that fits begins with: the text before the first operator, less the character that an
/// operator may be about; nothing if there are alternatives.
fn plain_start(text: &str) -> String {
    if text.contains('|') || text.starts_with("(?") {
        return String::new();
    }
    let operator = |char: char| !(char.is_alphanumeric() || matches!(char, '_' | '-' | ':' | '/' | ' '));
    let end = text.find(operator).unwrap_or(text.len());
    let mut start = text.get(..end).unwrap_or_default().to_owned();
    start.pop();
    start
}

impl Matcher {
    /// The label is exactly `value`.
    pub fn equal(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), test: Test::Equal(value.to_owned()) }
    }

    /// The label is anything but `value`.
    pub fn not_equal(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), test: Test::NotEqual(value.to_owned()) }
    }

    /// The label is one of `values`.
    pub fn one_of<S: AsRef<str>>(name: &str, values: &[S]) -> Self {
        let values = values.iter().map(|value| value.as_ref().to_owned()).collect();
        Self { name: name.to_owned(), test: Test::OneOf(values) }
    }

    /// The label starts with `value`.
    pub fn prefix(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), test: Test::Prefix(value.to_owned()) }
    }

    /// The whole label fits the regular expression `pattern` (syntax of the crate `regex`, which is RE2's but for small
    /// things: no look-around, no back references, time linear in the value).
    ///
    /// Errors: the expression is broken or too large.
    pub fn matching(name: &str, pattern: &str) -> Result<Self> {
        Ok(Self { name: name.to_owned(), test: Test::Matches(Self::pattern(name, pattern)?) })
    }

    /// The whole label does not fit the regular expression `pattern`.
    ///
    /// Errors: the expression is broken or too large.
    pub fn unlike(name: &str, pattern: &str) -> Result<Self> {
        Ok(Self { name: name.to_owned(), test: Test::Unlike(Self::pattern(name, pattern)?) })
    }

    fn pattern(name: &str, pattern: &str) -> Result<Pattern> {
        Pattern::new(pattern).map_err(|reason| Error::BadPattern { label: name.to_owned(), reason })
    }

    /// The metric's name is exactly `value`.
    pub fn metric(value: &str) -> Self {
        Self::equal(crate::NAME_LABEL, value)
    }

    pub(crate) fn accepts(&self, value: &str) -> bool {
        match &self.test {
            Test::Equal(wanted) => value == wanted,
            Test::NotEqual(unwanted) => value != unwanted,
            Test::OneOf(wanted) => wanted.iter().any(|one| one == value),
            Test::Prefix(start) => value.starts_with(start),
            Test::Matches(pattern) => pattern.fits(value),
            Test::Unlike(pattern) => !pattern.fits(value),
        }
    }

    pub(crate) fn matches(&self, labels: &Labels) -> bool {
        self.accepts(labels.get(&self.name).unwrap_or_default())
    }

    /// True if a series without the label cannot match, so that the postings of the label find every match.
    pub(crate) fn needs_label(&self) -> bool {
        !self.accepts("")
    }

    /// The only values there can be, if they can be told one by one.
    pub(crate) fn texts(&self) -> Option<&[String]> {
        match &self.test {
            Test::Equal(value) => Some(std::slice::from_ref(value)),
            Test::OneOf(values) | Test::Matches(Pattern { plan: Plan::Texts(values), .. }) => Some(values),
            _ => None,
        }
    }

    /// A text that every accepted value begins with.
    pub(crate) fn start(&self) -> &str {
        match &self.test {
            Test::Prefix(start) => start,
            Test::Matches(Pattern { plan: Plan::Prefix(start, _) | Plan::Regex(start, _), .. }) => start,
            _ => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: [&str; 12] =
        ["", "a", "ab", "abc", "b", "a.b", "a|b", "web-1", "web-12", "db-1", "line\nend", "Z\u{fc}rich"];

    fn check(pattern: &str, expected: &[&str]) {
        let is = Matcher::matching("l", pattern).unwrap();
        let fit: Vec<_> = VALUES.into_iter().filter(|value| is.accepts(value)).collect();
        assert_eq!(fit, expected, "{pattern}");
        let regex = Regex::new(&format!("^(?s:{pattern})$")).unwrap();
        let slow: Vec<_> = VALUES.into_iter().filter(|value| regex.is_match(value)).collect();
        assert_eq!(fit, slow, "{pattern}: as the expression itself says");
        assert!(fit.iter().all(|value| value.starts_with(is.start())));
        let not = Matcher::unlike("l", pattern).unwrap();
        assert!(VALUES.into_iter().all(|value| not.accepts(value) != is.accepts(value)));
    }

    #[test]
    fn an_expression_is_about_the_whole_value_and_short_cuts_say_the_same() {
        check("a", &["a"]);
        check("a|b", &["a", "b"]);
        check("(?:a|b|)", &["", "a", "b"]);
        check("a\\.b", &["a.b"]);
        check("a\\|b", &["a|b"]);
        check("a.b", &["a.b", "a|b"]);
        check("ab?", &["a", "ab"]);
        check("abc?|b", &["ab", "abc", "b"]);
        check("web-.*", &["web-1", "web-12"]);
        check("web-1.+", &["web-12"]);
        check("web-[0-9]+", &["web-1", "web-12"]);
        check("(web|db)-1", &["web-1", "db-1"]);
        check("line.end", &["line\nend"]);
        check(".+", &VALUES[1..]);
        check(".*", &VALUES);
        check("", &[""]);
        check("(?i)z.*", &["Z\u{fc}rich"]);
    }

    #[test]
    fn a_broken_expression_is_refused_with_the_label() {
        let error = Matcher::matching("site", "a(").unwrap_err().to_string();
        assert!(error.contains("\"site\"") && error.contains("unclosed group"), "{error}");
        assert!(Matcher::matching("site", "(a{1000}){1000}").is_err());
    }
}
