//! What may be the cause of a group, with what speaks for and against each candidate, as it is kept and shown.

use causes::{Again, Answer, Candidate, Cause, Cluster, What};
use kernel::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::causal::asset_of;

/// Candidates that are kept.
const CANDIDATES_MAX: usize = 5;
/// Reasons of a candidate that are kept.
const REASONS_MAX: usize = 12;

/// What is said of a change, before its name.
const CHANGE: &str = "a change of several things: ";
/// Checks that are named as looked at again and good, and as not looked at again.
const AGAIN_NAMED: usize = 3;

/// What may be the cause of a group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Judgement {
    /// Why the cause cannot be determined, if it cannot.
    pub undetermined: Option<String>,
    /// What may be the cause, the likeliest first, at most 5.
    pub candidates: Vec<Suspect>,
    /// What was looked at again before people were told, and what was not, in plain words.
    pub again: Vec<String>,
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
        Self { undetermined: cluster.undetermined.clone(), candidates, again: Vec::new() }
    }

    /// The cause, if it is determined.
    pub(crate) fn cause(&self) -> Option<&Suspect> {
        self.candidates.first().filter(|_| self.undetermined.is_none())
    }
}

impl Suspect {
    /// As the cause engine knows it; `lead` is the thing of the group's first alert, for a cause that is no asset.
    pub(crate) fn recalled(&self, lead: Option<u64>) -> Option<Cause> {
        let asset = self.asset.and_then(|id| u64::try_from(id).ok());
        match self.kind.as_str() {
            "thing" => {
                let state = What::parse(&self.state).unwrap_or(What::Other);
                Some(Cause::Thing { thing: asset.or(lead)?, state, fault: self.fault.clone() })
            }
            "change" => self.what.strip_prefix(CHANGE).map(|label| Cause::Change { label: label.to_owned() }),
            "monitor" => Some(Cause::Vantage { thing: asset, names: self.state == What::NameFails.as_str() }),
            _ => None,
        }
    }
}

fn suspect(one: &Candidate, name: &impl Fn(u64) -> String) -> Suspect {
    let (kind, asset, what, state, fault) = match &one.cause {
        Cause::Thing { thing, state, fault } => {
            let words = format!("{} {}", name(*thing), state.words());
            ("thing", asset_of(*thing), words, state.as_str(), fault.clone())
        }
        Cause::Change { label } => ("change", None, format!("{CHANGE}{label}"), "", String::new()),
        Cause::Vantage { thing: None, names: true } => {
            ("monitor", None, "this monitor cannot look up names".to_owned(), "name_fails", String::new())
        }
        Cause::Vantage { thing: None, names: false } => {
            ("monitor", None, "this monitor is blind".to_owned(), "unreachable", String::new())
        }
        Cause::Vantage { thing: Some(thing), names: true } => {
            let words = format!("{}, from where it was looked, cannot look up names", name(*thing));
            ("monitor", asset_of(*thing), words, "name_fails", String::new())
        }
        Cause::Vantage { thing: Some(thing), names: false } => {
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

/// What came of looking again, at most a few lines; `name` says what a check is called.
pub(super) fn looked_again(all: &[Again], name: impl Fn(u64) -> String) -> Vec<String> {
    if all.is_empty() {
        return Vec::new();
    }
    let of = |fits: fn(Answer) -> bool| all.iter().filter(|one| fits(one.answer)).collect::<Vec<&Again>>();
    let (good, bad) = (of(|one| matches!(one, Answer::Good(_))), of(|one| matches!(one, Answer::Bad(_))));
    let (mute, unable) = (of(|one| one == Answer::None), of(|one| one == Answer::Unable));
    let asked = all.len() - unable.len();
    let mut lines = Vec::new();
    if asked > 0 {
        lines.push(format!(
            "Before anybody was told, {asked} {} looked at again: {} bad, {} good, {} without an answer in time.",
            if asked == 1 { "check was" } else { "checks were" },
            bad.len(),
            good.len(),
            mute.len()
        ));
    }
    lines.extend(good.iter().take(AGAIN_NAMED).filter_map(|one| {
        let Answer::Good(at) = one.answer else { return None };
        let at = Time(at.saturating_mul(1_000)).timestamp().strftime("%F %H:%M:%S UTC");
        Some(format!("Looked at again, and good at {at}: {}", name(one.key)))
    }));
    lines.extend(mute.iter().take(AGAIN_NAMED).map(|one| format!("Was not looked at again: {}", name(one.key))));
    if !unable.is_empty() {
        let words = if unable.len() == 1 { "check that tells" } else { "checks that tell" };
        lines.push(format!("{} {words} more cannot be run at will, so nobody waited for it.", unable.len()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_cause_is_the_one_that_was_judged() {
        let thing = |thing| Cause::Thing { thing, state: What::DiskFull, fault: "disk".into() };
        let causes = [
            thing(7),
            Cause::Change { label: "release 4".into() },
            Cause::Vantage { thing: None, names: true },
            Cause::Vantage { thing: Some(9), names: false },
        ];
        for cause in causes {
            let one = Candidate {
                cause: cause.clone(),
                score: 1.0,
                share: 1.0,
                explained: 1,
                symptoms: 1,
                absent: 0,
                reasons: Vec::new(),
            };
            assert_eq!(suspect(&one, &|_| "x".into()).recalled(None), Some(cause));
        }
        // What is about no asset has a number of its own, that of its check.
        let beyond =
            Suspect { kind: "thing".into(), state: "disk_full".into(), fault: "disk".into(), ..Suspect::default() };
        assert_eq!(beyond.recalled(Some(1 << 50)), Some(thing(1 << 50)));
        assert_eq!(beyond.recalled(None), None);
        assert_eq!(Suspect::default().recalled(Some(1)), None);
    }

    #[test]
    fn it_is_said_what_was_looked_at_again_and_what_was_not() {
        let again = |key: u64, answer: Answer| Again { key, thing: key, what: causes::What::Down, answer };
        let lines = looked_again(
            &[
                again(1, Answer::Bad(1_000)),
                again(2, Answer::Good(5_000)),
                again(3, Answer::None),
                again(4, Answer::Unable),
            ],
            |key| format!("check {key}"),
        );
        assert_eq!(
            lines,
            [
                "Before anybody was told, 3 checks were looked at again: 1 bad, 1 good, 1 without an answer in time.",
                "Looked at again, and good at 1970-01-01 00:00:05 UTC: check 2",
                "Was not looked at again: check 3",
                "1 check that tells more cannot be run at will, so nobody waited for it.",
            ]
        );
        assert!(looked_again(&[], |_| String::new()).is_empty());
    }
}
