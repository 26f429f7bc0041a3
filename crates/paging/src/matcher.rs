//! Matchers of labels as Prometheus writes them: `site="oslo", severity!="info", job=~"node.*"`. Patterns fit the whole value.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use kernel::{Error, Result};
use regex::{Regex, RegexBuilder};

/// Most matchers in one text.
const MATCHERS_MAX: usize = 20;
/// Longest value, in bytes.
const VALUE_BYTES_MAX: usize = 500;
/// Memory that one pattern may take, in bytes.
const PATTERN_BYTES_MAX: usize = 256 * 1024;

/// How a label is compared.
#[derive(Clone, Debug)]
enum Test {
    Is,
    IsNot,
    Fits(Regex),
    FitsNot(Regex),
}

/// One comparison.
#[derive(Clone, Debug)]
pub(crate) struct Matcher {
    label: String,
    value: String,
    test: Test,
}

impl Matcher {
    /// Whether labels pass; a label that is not there has the empty value.
    pub(crate) fn fits(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.label).map_or("", String::as_str);
        match &self.test {
            Test::Is => value == self.value,
            Test::IsNot => value != self.value,
            Test::Fits(pattern) => pattern.is_match(value),
            Test::FitsNot(pattern) => !pattern.is_match(value),
        }
    }

    /// What the label is, in words, for whoever wonders why it did not pass.
    pub(crate) fn found(&self, labels: &BTreeMap<String, String>) -> String {
        match labels.get(&self.label) {
            Some(value) => format!("{} is \"{}\"", self.label, kernel::text::shorten(value, 60)),
            None => format!("there is no {}", self.label),
        }
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.test {
            Test::Is => "=",
            Test::IsNot => "!=",
            Test::Fits(_) => "=~",
            Test::FitsNot(_) => "!~",
        };
        write!(f, "{}{sign}\"{}\"", self.label, self.value.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

/// Several comparisons that all must pass.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matchers(pub(crate) Vec<Matcher>);

impl fmt::Display for Matchers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&all.join(", "))
    }
}

impl FromStr for Matchers {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut all = Vec::new();
        let mut rest = text.trim().trim_start_matches('{').trim_end_matches('}').trim();
        while !rest.is_empty() {
            if all.len() >= MATCHERS_MAX {
                return Err(Error::over_limit(format!("At most {MATCHERS_MAX} matchers fit here.")).at("matchers"));
            }
            let (matcher, after) = one(rest)?;
            all.push(matcher);
            rest = after.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
        }
        Ok(Self(all))
    }
}

fn wrong(text: &str, why: &str) -> Error {
    let shown = kernel::text::shorten(text, 60);
    Error::invalid(
        "matchers",
        format!("\"{shown}\" is no matcher: {why}. Write it like site=\"oslo\" or job=~\"node.*\"."),
    )
}

fn one(text: &str) -> Result<(Matcher, &str)> {
    let length =
        text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':')).count();
    let (label, rest) = text.split_at_checked(length).unwrap_or((text, ""));
    if label.is_empty() {
        return Err(wrong(text, "it begins with no label"));
    }
    let rest = rest.trim_start();
    let (sign, rest) = ["=~", "!~", "!=", "="]
        .into_iter()
        .find_map(|sign| rest.strip_prefix(sign).map(|rest| (sign, rest.trim_start())))
        .ok_or_else(|| wrong(text, "after the label stands none of =, !=, =~ and !~"))?;
    let (value, rest) = value(text, rest)?;
    if value.len() > VALUE_BYTES_MAX {
        return Err(Error::over_limit(format!("A value has at most {VALUE_BYTES_MAX} bytes.")).at("matchers"));
    }
    let test = match sign {
        "=" => Test::Is,
        "!=" => Test::IsNot,
        "=~" => Test::Fits(pattern(text, &value)?),
        _ => Test::FitsNot(pattern(text, &value)?),
    };
    Ok((Matcher { label: label.to_owned(), value, test }, rest))
}

/// The value, in quotes or up to the next comma.
fn value<'a>(text: &str, rest: &'a str) -> Result<(String, &'a str)> {
    let Some(inside) = rest.strip_prefix('"') else {
        let (value, after) = rest.split_once([',', '\n']).unwrap_or((rest, ""));
        return Ok((value.trim().to_owned(), after));
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (at, c) in inside.char_indices() {
        match (escaped, c) {
            (false, '\\') => escaped = true,
            (false, '"') => return Ok((value, inside.get(at + 1..).unwrap_or_default())),
            _ => {
                value.push(c);
                escaped = false;
            }
        }
    }
    Err(wrong(text, "its value has no closing quote"))
}

fn pattern(text: &str, value: &str) -> Result<Regex> {
    RegexBuilder::new(&format!("^(?:{value})$"))
        .dot_matches_new_line(true)
        .size_limit(PATTERN_BYTES_MAX)
        .build()
        .map_err(|_| wrong(text, "its pattern is not one, or too large"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn matchers_compare_as_prometheus_does() {
        let known = labels(&[("site", "oslo"), ("job", "node-exporter"), ("quote", "a\"b")]);
        for (text, fits) in [
            ("", true),
            ("site=\"oslo\"", true),
            ("site=oslo, job=~\"node.*\"", true),
            ("{site=\"oslo\",job=~\"node\"}", false),
            ("site!=\"oslo\"", false),
            ("missing=\"\"", true),
            ("missing!=\"x\"", true),
            ("missing=~\".+\"", false),
            ("job!~\"node.*|db.*\"", false),
            ("quote=\"a\\\"b\"", true),
        ] {
            let matchers: Matchers = text.parse().unwrap();
            assert_eq!(matchers.0.iter().all(|one| one.fits(&known)), fits, "{text}");
            let again: Matchers = matchers.to_string().parse().unwrap();
            assert_eq!(again.to_string(), matchers.to_string(), "{text}");
        }
    }

    #[test]
    fn what_is_no_matcher_is_refused_and_says_why() {
        for (text, why) in [
            ("=\"x\"", "no label"),
            ("site", "stands none of"),
            ("site=\"x", "no closing quote"),
            ("site=~\"(\"", "pattern"),
            ("site=~\"((a{1000}){1000}){1000}\"", "pattern"),
        ] {
            let error = text.parse::<Matchers>().unwrap_err();
            assert!(error.message.contains(why), "{text}: {error}");
        }
        assert!(vec!["a=b"; 21].join(",").parse::<Matchers>().is_err());
    }
}
