//! The scenario file: what may stand in it, and what is said when something else does.

use std::collections::BTreeMap;
use std::fmt;

use causes::RelationKind;
use serde::Deserialize;

use crate::scenario::{Scenario, build};

/// Why a scenario cannot be played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem(pub String);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The file as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) kind: String,
    #[serde(default)]
    #[expect(dead_code, reason = "for people who read the file")]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) length: Option<Span>,
    pub(crate) things: Vec<Things>,
    #[serde(default)]
    pub(crate) checks: Vec<Checks>,
    #[serde(default = "yes")]
    pub(crate) default_checks: bool,
    #[serde(default)]
    pub(crate) unknown: Unknown,
    #[serde(default)]
    pub(crate) noise: Percent,
    pub(crate) script: Vec<Step>,
    pub(crate) truth: Truth,
}

const fn yes() -> bool {
    true
}

/// One or many things.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Things {
    pub(crate) name: String,
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) site: String,
    /// What they stand on, by relation.
    #[serde(default)]
    pub(crate) on: BTreeMap<RelationKind, Parents>,
    /// The inventory does not know them.
    #[serde(default)]
    pub(crate) hidden: bool,
    /// How long a battery lasts.
    #[serde(default)]
    pub(crate) battery: Option<Span>,
}

/// What a thing stands on.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a name, a list of names, or {any: [names]} for alternatives")]
pub(crate) enum Parents {
    One(String),
    Many(Vec<String>),
    Any(Any),
}

/// Alternatives: one of them is enough.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Any {
    pub(crate) any: Vec<String>,
}

/// Looks at one or many things.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Checks {
    pub(crate) on: Names,
    pub(crate) look: LookKinds,
    #[serde(default)]
    pub(crate) every: Option<Span>,
    #[serde(default)]
    pub(crate) from: Option<Names>,
    /// "2 of 3"
    #[serde(default)]
    pub(crate) fire: Option<String>,
    #[serde(default)]
    pub(crate) clear: Option<usize>,
}

/// What a look looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LookKind {
    Ping,
    Tcp,
    Http,
    Agent,
    Process,
    Dns,
    Certificate,
    Disk,
    Clock,
    Latency,
    Load,
    Power,
    Redundancy,
}

/// Looks by their words; an unknown one is named with those there are.
#[derive(Clone, Debug)]
pub(crate) struct LookKinds(pub(crate) Vec<LookKind>);

impl<'de> Deserialize<'de> for LookKinds {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = Names::deserialize(deserializer)?;
        let kind = |word: &String| {
            LookKind::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or_else(|| {
                let known = LookKind::ALL.map(LookKind::as_str).join(", ");
                serde::de::Error::custom(format!("there is no look \"{word}\"; write one of {known}"))
            })
        };
        Ok(Self(words.all().iter().map(kind).collect::<Result<_, _>>()?))
    }
}

/// A name or pattern, or several.
pub(crate) type Names = OneOrMany<String>;

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected one of the words or names, or a list of them")]
pub(crate) enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    pub(crate) fn all(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// Relations that the inventory does not know: a share of all, or those named as "vm-* runs_on hv-2".
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a share such as 20%, a list of lines such as \"vm-* runs_on hv-2\", or {share: 20%, named: [..]}"
)]
pub(crate) enum Unknown {
    #[default]
    Nothing,
    Share(Percent),
    Named(Vec<String>),
    Both(Both),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Both {
    pub(crate) share: Percent,
    pub(crate) named: Vec<String>,
}

/// Something that happens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) at: Span,
    #[serde(default)]
    pub(crate) fault: Option<FaultKind>,
    #[serde(default)]
    pub(crate) change: Option<String>,
    pub(crate) on: Names,
    #[serde(default, rename = "for")]
    pub(crate) lasts: Option<Span>,
    #[serde(default)]
    pub(crate) jitter: Span,
    #[serde(default)]
    pub(crate) flaps: Option<Flaps>,
    #[serde(default)]
    pub(crate) seen_by: Option<Names>,
    #[serde(default)]
    pub(crate) words: Option<String>,
    /// So many of the things, drawn by chance; else all.
    #[serde(default)]
    pub(crate) share: Option<Percent>,
}

/// What can happen to a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FaultKind {
    Down,
    /// Its network is gone; it runs on.
    Cut,
    Slow,
    Errors,
    NameFails,
    CertInvalid,
    DiskFull,
    ClockOff,
    Overloaded,
    Degraded,
    /// Its agent does not run.
    AgentDown,
}

/// A fault that comes and goes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Flaps {
    pub(crate) down: Span,
    pub(crate) up: Span,
}

/// What the causes are.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected \"undetermined\", \"none\", the name of a thing, {change: label}, or a list of names and {change: label}"
)]
pub(crate) enum Truth {
    Word(String),
    Change(ChangeLabel),
    Causes(Vec<TrueCause>),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected the name of a thing, or {change: label}")]
pub(crate) enum TrueCause {
    Thing(String),
    Change(ChangeLabel),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeLabel {
    pub(crate) change: String,
}

/// A span of time: `90s`, `5m`, `2h`, `6m20s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(pub(crate) i64);

impl Span {
    /// One or more numbers, each with its unit.
    fn parse(text: &str) -> Option<Self> {
        let (mut all, mut rest) = (0.0, text.trim());
        while let Some(at) = rest.find(|letter: char| letter.is_ascii_alphabetic()) {
            let (number, tail) = rest.split_at(at);
            let factor = match tail.chars().next()? {
                's' => 1_000.0,
                'm' => 60_000.0,
                'h' => 3_600_000.0,
                _ => return None,
            };
            all += number.trim().parse::<f64>().ok().filter(|number| *number >= 0.0)? * factor;
            rest = tail.get(1..)?;
            if rest.is_empty() {
                return (all <= 1_000.0 * 3_600_000.0).then_some(Self(all as i64));
            }
        }
        None
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom(format!("\"{text}\" is no span of time; write 90s, 5m, 2h or 6m20s"));
        Self::parse(&text).ok_or_else(wrong)
    }
}

/// A share: `20%`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Percent(pub(crate) f64);

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
        match number.filter(|number| (0.0..=100.0).contains(number)) {
            Some(number) => Ok(Self(number / 100.0)),
            None => Err(serde::de::Error::custom(format!("\"{text}\" is no share; write 20%"))),
        }
    }
}

/// Reads a scenario. The error names the line or the entry, what is wrong, and what to write.
pub fn read(text: &str) -> Result<Scenario, Problem> {
    let file: File = serde_norway::from_str(text).map_err(|error| Problem(error.to_string()))?;
    build(&file).map_err(Problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_one_or_more_numbers_each_with_its_unit() {
        let ms = |text: &str| Span::parse(text).map(|span| span.0);
        assert_eq!([ms("90s"), ms("1.5m"), ms("6m20s"), ms("1h 5m")], [90_000, 90_000, 380_000, 3_900_000].map(Some));
        assert_eq!([ms(""), ms("5"), ms("m"), ms("5m20"), ms("-5m"), ms("3d"), ms("2000h")], [None; 7]);
    }
}
