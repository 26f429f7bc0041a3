//! The rules: what a look sees of a state, what can go wrong with a thing, and how it spreads. They are data, a TOML
//! file; `rules.toml` beside this is what is built in.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use crate::words::{RelationKind, What};

/// The built-in rules' text: the example of the format.
pub const BUILT_IN: &str = include_str!("rules.toml");

/// Why a rule file cannot be used: where, what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError(pub String);

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RuleError {}

/// Propagation rules.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    pub(crate) sets: BTreeMap<String, Vec<String>>,
    pub(crate) state: BTreeMap<What, Sight>,
    pub(crate) fault: BTreeMap<String, Fault>,
    pub(crate) spread: BTreeMap<String, Spread>,
}

/// What a look sees of a state.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Sight {
    pub(crate) explains: BTreeMap<What, f64>,
    pub(crate) expects: BTreeMap<What, f64>,
}

/// What can go wrong with a thing.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    pub(crate) kinds: Vec<String>,
    pub(crate) gives: What,
    pub(crate) prior: f64,
}

/// How a state reaches what stands on the thing.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spread {
    pub(crate) over: RelationKind,
    #[serde(default = "every_kind")]
    pub(crate) kinds: Vec<String>,
    #[serde(default = "every_kind")]
    pub(crate) to: Vec<String>,
    #[serde(default)]
    pub(crate) except: Vec<String>,
    pub(crate) when: Vec<What>,
    pub(crate) gives: What,
    pub(crate) weight: f64,
    pub(crate) delay_s: [i64; 2],
    #[serde(default = "yes")]
    pub(crate) needs_all: bool,
}

fn every_kind() -> Vec<String> {
    vec!["*".to_owned()]
}

const fn yes() -> bool {
    true
}

impl Rules {
    /// The built-in rules.
    pub fn built_in() -> Self {
        // The file is part of the program, and a test reads it.
        Self::parse(BUILT_IN).unwrap_or_default()
    }

    /// Rules of their own, without the built-in ones.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let rules: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            RuleError(format!("Line {line}: {}.", error.message().trim_end_matches('.')))
        })?;
        rules.check().map_err(|(table, why)| {
            let line = text.lines().position(|line| line.trim() == format!("[{table}]")).map_or(1, |at| at + 1);
            RuleError(format!("Line {line}, {table}: {why}"))
        })?;
        Ok(rules)
    }

    /// The built-in rules with those of `text` added; what has the same name is replaced.
    pub fn extended(text: &str) -> Result<Self, RuleError> {
        let own = Self::parse(text)?;
        let mut rules = Self::built_in();
        rules.sets.extend(own.sets);
        rules.state.extend(own.state);
        rules.fault.extend(own.fault);
        rules.spread.extend(own.spread);
        Ok(rules)
    }

    /// The sets of kinds, by name.
    pub fn sets(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.sets.iter().map(|(name, kinds)| (name.as_str(), kinds.as_slice()))
    }

    /// How many faults and spreads there are.
    pub fn size(&self) -> (usize, usize) {
        (self.fault.len(), self.spread.len())
    }

    fn check(&self) -> Result<(), (String, String)> {
        let share = |value: f64| (0.0..=1.0).contains(&value);
        for (name, sight) in &self.state {
            if sight.explains.values().chain(sight.expects.values()).any(|value| !share(*value)) {
                return Err((format!("state.{}", name.as_str()), "use numbers from 0 to 1.".into()));
            }
        }
        for (name, fault) in &self.fault {
            if !(fault.prior > 0.0 && fault.prior <= 1.0) {
                return Err((format!("fault.{name}"), "prior must be above 0 and at most 1.".into()));
            }
            if fault.kinds.is_empty() {
                return Err((format!("fault.{name}"), "kinds is empty; name kinds, sets or \"*\".".into()));
            }
        }
        for (name, spread) in &self.spread {
            let [first, last] = spread.delay_s;
            if !share(spread.weight) || spread.weight == 0.0 {
                return Err((format!("spread.{name}"), "weight must be above 0 and at most 1.".into()));
            }
            if first < 0 || last < first || last > 7 * 86_400 {
                let why = "delay_s must be [from, to] in seconds, from 0 to 604800, to not before from.";
                return Err((format!("spread.{name}"), why.into()));
            }
            if spread.when.is_empty() || spread.kinds.is_empty() || spread.to.is_empty() {
                return Err((format!("spread.{name}"), "when, kinds and to must not be empty.".into()));
            }
        }
        Ok(())
    }

    /// Whether one of `words`, kinds or sets of kinds, means this kind.
    pub(crate) fn names(&self, words: &[String], kind: &str) -> bool {
        words.iter().any(|word| {
            word == "*" || word == kind || self.sets.get(word).is_some_and(|set| set.iter().any(|one| one == kind))
        })
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// The rules laid out for one graph's kinds, so that nothing is searched by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    explains: Vec<f64>,
    expects: Vec<f64>,
    /// By kind: fault, state and the logarithm of the prior.
    faults: Vec<Vec<(String, What, f64)>>,
    /// By kind and state.
    spreads: Vec<Vec<Way>>,
    kinds: usize,
}

/// One way in which a state spreads.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) over: RelationKind,
    pub(crate) gives: What,
    pub(crate) weight: f64,
    pub(crate) delay_ms: i64,
    pub(crate) needs_all: bool,
    /// By kind of the thing that suffers.
    to: Vec<bool>,
}

impl Way {
    pub(crate) fn reaches(&self, kind: u16) -> bool {
        self.to.get(usize::from(kind)).copied().unwrap_or_default()
    }
}

impl Table {
    pub(crate) fn new(rules: &Rules, kinds: &[String]) -> Self {
        let matrix = |pick: fn(&Sight) -> &BTreeMap<What, f64>| {
            let cell = |state: &What, what: &What| {
                rules.state.get(state).and_then(|sight| pick(sight).get(what)).copied().unwrap_or_default()
            };
            What::ALL.iter().flat_map(|state| What::ALL.iter().map(move |what| cell(state, what))).collect()
        };
        let faults = kinds.iter().map(|kind| {
            let mut best: BTreeMap<What, (String, f64)> = BTreeMap::new();
            for (name, fault) in rules.fault.iter().filter(|(_, fault)| rules.names(&fault.kinds, kind)) {
                let entry = best.entry(fault.gives).or_insert_with(|| (name.clone(), fault.prior));
                if fault.prior > entry.1 {
                    *entry = (name.clone(), fault.prior);
                }
            }
            best.into_iter().map(|(gives, (name, prior))| (name, gives, prior.ln())).collect()
        });
        let spreads = kinds.iter().flat_map(|kind| {
            What::ALL.iter().map(move |state| {
                let fits = |spread: &&Spread| spread.when.contains(state) && rules.names(&spread.kinds, kind);
                let way = |spread: &Spread| Way {
                    over: spread.over,
                    gives: spread.gives,
                    weight: spread.weight,
                    delay_ms: spread.delay_s.last().copied().unwrap_or_default() * 1_000,
                    needs_all: spread.needs_all,
                    to: kinds
                        .iter()
                        .map(|kind| rules.names(&spread.to, kind) && !rules.names(&spread.except, kind))
                        .collect(),
                };
                rules.spread.values().filter(fits).map(way).collect::<Vec<_>>()
            })
        });
        Self {
            explains: matrix(|sight| &sight.explains),
            expects: matrix(|sight| &sight.expects),
            faults: faults.collect(),
            spreads: spreads.collect(),
            kinds: kinds.len(),
        }
    }

    /// For how many kinds it was laid out.
    pub(crate) fn kinds(&self) -> usize {
        self.kinds
    }

    /// How well a symptom fits a state.
    pub(crate) fn explains(&self, state: What, what: What) -> f64 {
        self.explains.get(state.place() * What::COUNT + what.place()).copied().unwrap_or_default()
    }

    /// How surely a look is bad while a state lasts.
    pub(crate) fn expects(&self, state: What, what: What) -> f64 {
        self.expects.get(state.place() * What::COUNT + what.place()).copied().unwrap_or_default()
    }

    /// What can go wrong with a thing of this kind.
    pub(crate) fn faults(&self, kind: u16) -> &[(String, What, f64)] {
        self.faults.get(usize::from(kind)).map_or(&[], Vec::as_slice)
    }

    /// How a state of a thing of this kind spreads.
    pub(crate) fn ways(&self, kind: u16, state: What) -> &[Way] {
        self.spreads.get(usize::from(kind) * What::COUNT + state.place()).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_rules_are_read_and_know_every_state() {
        let rules = Rules::parse(BUILT_IN).unwrap();
        assert_eq!(rules.state.len(), What::COUNT);
        let (faults, spreads) = rules.size();
        assert!(faults >= 25 && spreads >= 25, "{faults} {spreads}");
        for kind in RelationKind::ALL {
            assert!(rules.spread.values().any(|spread| spread.over == *kind), "{kind:?} spreads nothing");
        }
    }

    #[test]
    fn a_broken_rule_file_says_where_and_why() {
        let check = |text: &str, words: &[&str]| {
            let error = Rules::parse(text).unwrap_err().to_string();
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        };
        check("[fault.x]\nkinds = [\"switch\"]\ngives = \"dwon\"\nprior = 0.1", &["Line 3", "dwon", "down"]);
        check("\n[fault.x]\nkinds = [\"switch\"]\ngives = \"down\"\nprior = 7", &["Line 2", "fault.x", "prior"]);
        check("[fault.x]\nkind = [\"switch\"]", &["Line 2", "kind"]);
        check(
            "[spread.y]\nover = \"runs_on\"\nwhen = [\"down\"]\ngives = \"down\"\nweight = 0.5\ndelay_s = [9, 3]",
            &["spread.y", "delay_s"],
        );
    }

    #[test]
    fn a_users_rule_replaces_the_one_of_its_name_and_keeps_the_rest() {
        let rules =
            Rules::extended("[fault.disk_full]\nkinds = [\"nas\"]\ngives = \"disk_full\"\nprior = 0.5").unwrap();
        assert_eq!(rules.size(), Rules::built_in().size());
        assert!(!rules.names(&rules.fault["disk_full"].kinds, "server"));
        assert!(rules.names(&rules.fault["network_down"].kinds, "switch"));
    }
}
