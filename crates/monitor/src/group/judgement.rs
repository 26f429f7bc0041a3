//! What may be the cause of a group, with what speaks for and against each candidate, as it is kept and shown.

use causes::{Candidate, Cause, Cluster};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::causal::asset_of;

/// Candidates that are kept.
const CANDIDATES_MAX: usize = 5;
/// Reasons of a candidate that are kept.
const REASONS_MAX: usize = 12;

/// What may be the cause of a group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Judgement {
    /// Why the cause cannot be determined, if it cannot.
    pub undetermined: Option<String>,
    /// What may be the cause, the likeliest first, at most 5.
    pub candidates: Vec<Suspect>,
}

/// What may be the cause.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Suspect {
    /// The asset, if it is one.
    pub asset: Option<i64>,
    /// What it is, in plain words.
    pub what: String,
    /// `thing`, `change` (of several things) or `monitor` (whoever looks).
    pub kind: String,
    /// The state it is in, for example `down` or `disk_full`.
    pub state: String,
    /// The fault as the rules name it.
    pub fault: String,
    /// How likely it is among the candidates, in percent.
    pub percent: f64,
    /// How many of the alerts it explains ..
    pub explained: usize,
    /// .. of how many.
    pub alerts: usize,
    /// How many checks should be bad too, and are good.
    pub absent: usize,
    /// What speaks for it.
    pub reasons_for: Vec<String>,
    /// What speaks against it.
    pub reasons_against: Vec<String>,
}

impl Judgement {
    /// As it is kept; `name` says what a thing is called.
    pub(crate) fn of(cluster: &Cluster, name: impl Fn(u64) -> String) -> Self {
        let candidates = cluster.candidates.iter().take(CANDIDATES_MAX).map(|one| suspect(one, &name)).collect();
        Self { undetermined: cluster.undetermined.clone(), candidates }
    }

    /// The cause, if it is determined.
    pub(crate) fn cause(&self) -> Option<&Suspect> {
        self.candidates.first().filter(|_| self.undetermined.is_none())
    }
}

fn suspect(one: &Candidate, name: &impl Fn(u64) -> String) -> Suspect {
    let (kind, asset, what, state, fault) = match &one.cause {
        Cause::Thing { thing, state, fault } => {
            let words = format!("{} {}", name(*thing), state.words());
            ("thing", asset_of(*thing), words, state.as_str(), fault.clone())
        }
        Cause::Change { label } => ("change", None, format!("a change of several things: {label}"), "", String::new()),
        Cause::Vantage { thing: None } => {
            ("monitor", None, "this monitor is blind".to_owned(), "unreachable", String::new())
        }
        Cause::Vantage { thing: Some(thing) } => {
            let words = format!("{}, from where it was looked, is cut off", name(*thing));
            ("monitor", asset_of(*thing), words, "unreachable", String::new())
        }
    };
    let reasons = |speaks_for: bool| {
        let wanted = one.reasons.iter().filter(|reason| reason.speaks_for == speaks_for).take(REASONS_MAX);
        wanted.map(|reason| kernel::text::shorten(&reason.text, 300)).collect()
    };
    Suspect {
        asset,
        what,
        kind: kind.to_owned(),
        state: state.to_owned(),
        fault,
        percent: (one.share * 1_000.0).round() / 10.0,
        explained: one.explained,
        alerts: one.symptoms,
        absent: one.absent,
        reasons_for: reasons(true),
        reasons_against: reasons(false),
    }
}
