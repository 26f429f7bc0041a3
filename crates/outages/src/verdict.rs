//! The engine's groups beside the truth.

use std::collections::BTreeMap;

use causes::{Cause, Cluster, Decision};

use crate::inventory::id;
use crate::play::names;
use crate::scenario::{Scenario, True};

/// What the engine decided, by group.
#[derive(Debug, Default)]
pub(crate) struct Record {
    groups: BTreeMap<u64, Told>,
    merged: BTreeMap<u64, u64>,
}

/// What was told of one group.
#[derive(Debug, Default)]
struct Told {
    pages: usize,
    opened_ms: i64,
    at_page: Option<Cluster>,
    last: Option<Cluster>,
    /// How often it was open, and how often its end was announced.
    open: usize,
    announced: usize,
    members: usize,
    ended: bool,
}

impl Record {
    pub(crate) fn take(&mut self, decision: &Decision, now: i64) {
        match decision {
            Decision::Open { group, cluster, members, .. } => {
                let told = self.groups.entry(*group).or_default();
                (told.opened_ms, told.open, told.members) = (now, 1, members.len());
                (told.at_page, told.last) = (Some(cluster.clone()), Some(cluster.clone()));
            }
            Decision::Page { group } => self.groups.entry(*group).or_default().pages += 1,
            Decision::Rerank { group, cluster } => {
                let told = self.groups.entry(*group).or_default();
                // What is left over after the cause is gone is judged for itself.
                if !told.ended {
                    told.last = Some(cluster.clone());
                }
            }
            Decision::Suspend { group, .. } => self.groups.entry(*group).or_default().ended = true,
            Decision::Join { group, .. } => self.groups.entry(*group).or_default().members += 1,
            Decision::Reopen { group, .. } => {
                let told = self.groups.entry(*group).or_default();
                told.open += 1;
                told.ended = false;
            }
            Decision::Merge { from, into } => {
                self.merged.insert(*from, *into);
            }
            Decision::Recover { group, announce } => {
                let told = self.groups.entry(*group).or_default();
                told.announced += usize::from(*announce);
                told.ended = true;
            }
            Decision::Recheck { .. } => {}
        }
    }

    /// Groups that were not merged into others.
    fn standing(&self) -> impl Iterator<Item = &Told> {
        self.groups.iter().filter(|(id, told)| told.pages > 0 && !self.merged.contains_key(id)).map(|(_, told)| told)
    }
}

/// How one run went.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The scenario.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// How many true causes there are.
    pub causes: usize,
    /// For how many of them a group has it first, when the group was told of.
    pub first_at_page: usize,
    /// For how many of them a group has it first.
    pub first: usize,
    /// For how many of them a group has it among the first three.
    pub first3: usize,
    /// People were told once for each cause.
    pub one_page: bool,
    /// How often people were told.
    pub pages: usize,
    /// Ends that were announced of what was not.
    pub orphan_recoveries: usize,
    /// For causes that cannot be known: whether the engine says so.
    pub undetermined_right: Option<bool>,
    /// Seconds of the processor that the engine took.
    pub cpu_s: f64,
    /// Each group in words.
    pub groups: Vec<String>,
}

pub(crate) fn verdict(scenario: &Scenario, seed: u64, record: &Record, cpu_s: f64) -> Verdict {
    let pages: usize = record.groups.values().map(|told| told.pages).sum();
    let expected = if scenario.undetermined { 1 } else { scenario.truth.len() };
    let has = |cluster: &Option<Cluster>, truth: &True, most: usize| {
        let Some(cluster) = cluster else { return false };
        let known = cluster.undetermined.is_none() || most > 1;
        known && cluster.candidates.iter().take(most).any(|candidate| is_true(&candidate.cause, truth))
    };
    let count = |most: usize, pick: fn(&Told) -> &Option<Cluster>| {
        let found = |truth: &&True| record.standing().any(|told| has(pick(told), truth, most));
        scenario.truth.iter().filter(found).count()
    };
    let says_so = || {
        let mut standing = record.standing().peekable();
        let unsure = |told: &Told| told.last.as_ref().is_some_and(|cluster| cluster.undetermined.is_some());
        standing.peek().is_some() && standing.all(unsure)
    };
    let orphans = record
        .groups
        .values()
        .map(|told| if told.pages == 0 { told.announced } else { told.announced.saturating_sub(told.open) });
    Verdict {
        scenario: scenario.name.clone(),
        seed,
        causes: scenario.truth.len(),
        first_at_page: count(1, |told| &told.at_page),
        first: count(1, |told| &told.last),
        first3: count(3, |told| &told.last),
        one_page: pages == expected,
        pages,
        orphan_recoveries: orphans.sum(),
        undetermined_right: scenario.undetermined.then(says_so),
        cpu_s,
        groups: words(scenario, record),
    }
}

fn is_true(cause: &Cause, truth: &True) -> bool {
    match (cause, truth) {
        (Cause::Change { label }, True::Change(of)) => label == of,
        (cause, True::Thing(place)) => cause.thing() == Some(id(*place)),
        _ => false,
    }
}

/// Each group as one line.
fn words(scenario: &Scenario, record: &Record) -> Vec<String> {
    let names = names(scenario);
    let name = |cause: &Cause| match cause {
        Cause::Change { label } => format!("change {label}"),
        Cause::Vantage { thing, .. } => format!("vantage {}", thing.and_then(|id| names.get(&id)).unwrap_or(&"none")),
        Cause::Thing { thing, state, .. } => format!("{} {}", names.get(thing).unwrap_or(&"?"), state.as_str()),
    };
    let groups = record.groups.iter().filter(|(_, told)| told.pages > 0);
    groups
        .map(|(id, told)| {
            let merged = record.merged.get(id).map_or(String::new(), |into| format!(", merged into {into}"));
            let candidates = told.last.iter().flat_map(|cluster| &cluster.candidates).take(3);
            let ranked: Vec<String> = candidates
                .map(|one| {
                    format!(
                        "{} {:.1} ({}/{}, -{})",
                        name(&one.cause),
                        one.score,
                        one.explained,
                        one.symptoms,
                        one.absent
                    )
                })
                .collect();
            let unsure = told.last.as_ref().is_some_and(|cluster| cluster.undetermined.is_some());
            format!(
                "group {id} at {} s, {} members{merged}: {}{}",
                told.opened_ms / 1_000,
                told.members,
                if unsure { "UNDETERMINED " } else { "" },
                ranked.join(" > ")
            )
        })
        .collect()
}

/// The sum of many runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    runs: usize,
    causes: usize,
    first_at_page: usize,
    first: usize,
    first3: usize,
    one_page: usize,
    undetermined: usize,
    undetermined_right: usize,
    /// Ends that were announced of what was not.
    pub orphan_recoveries: usize,
    /// Seconds of the processor that the engine took.
    pub cpu_s: f64,
}

impl Totals {
    /// Adds a run.
    pub fn add(&mut self, verdict: &Verdict) {
        self.runs += 1;
        self.causes += verdict.causes;
        self.first_at_page += verdict.first_at_page;
        self.first += verdict.first;
        self.first3 += verdict.first3;
        self.one_page += usize::from(verdict.one_page);
        self.undetermined += usize::from(verdict.undetermined_right.is_some());
        self.undetermined_right += usize::from(verdict.undetermined_right == Some(true));
        self.orphan_recoveries += verdict.orphan_recoveries;
        self.cpu_s += verdict.cpu_s;
    }

    /// How many of the true causes were first in a group's ranking, in percent.
    pub fn first_percent(&self) -> f64 {
        percent(self.first, self.causes)
    }

    /// How many were first already when people were told, in percent.
    pub fn first_at_page_percent(&self) -> f64 {
        percent(self.first_at_page, self.causes)
    }

    /// How many were among the first three, in percent.
    pub fn first3_percent(&self) -> f64 {
        percent(self.first3, self.causes)
    }

    /// In how many runs people were told once for each cause, in percent.
    pub fn one_page_percent(&self) -> f64 {
        percent(self.one_page, self.runs)
    }

    /// In how many of the runs whose cause cannot be known the engine said so, in percent.
    pub fn undetermined_right_percent(&self) -> f64 {
        percent(self.undetermined_right, self.undetermined)
    }

    /// How many runs there were.
    pub fn runs(&self) -> usize {
        self.runs
    }
}

/// Nothing of nothing is all of it.
fn percent(part: usize, of: usize) -> f64 {
    if of == 0 { 100.0 } else { 100.0 * part as f64 / of as f64 }
}
