//! Rollouts: a release is brought to machines in stages. First named machines, then growing shares of the rest, a few at a
//! time; a stage that goes wrong stops the rollout by itself.

use agent_proto::Offer;
use kernel::{Cx, Error, Ref, Resolved, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::busy::WaitsFor;
use crate::release;

pub(crate) mod advance;
pub(crate) mod busy;
pub(crate) mod change;
pub(crate) mod list;
pub(crate) mod pages;
pub(crate) mod report;
pub(crate) mod store;

/// The reference of a rollout.
pub(crate) fn rollout_ref(id: i64) -> Ref {
    Ref::new("agent_rollout", id)
}

/// Where a rollout stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RolloutState {
    /// Machines get their offers.
    Running,
    /// A person holds it: no machine gets an offer any more.
    Paused,
    /// Too much of a stage went wrong: it holds itself until a person looks.
    Stopped,
    /// Every machine has answered.
    Done,
    /// A person ended it before that.
    Ended,
}

impl RolloutState {
    const ALL: [Self; 5] = [Self::Running, Self::Paused, Self::Stopped, Self::Done, Self::Ended];

    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Done => "done",
            Self::Ended => "ended",
        }
    }

    fn parse(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| Error::internal("rollout-state", text))
    }

    /// It may still go on.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Self::Running | Self::Paused | Self::Stopped)
    }
}

/// A rollout as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Rollout {
    pub(crate) id: i64,
    pub(crate) release: i64,
    pub(crate) state: RolloutState,
    pub(crate) reason: String,
    pub(crate) percents: Vec<i64>,
    pub(crate) stage: i64,
    pub(crate) parallel: i64,
    pub(crate) stop_percent: i64,
    pub(crate) again: bool,
    pub(crate) agents: i64,
    pub(crate) started_at: Time,
    pub(crate) started_by: String,
    pub(crate) version: i64,
}

/// How many machines of a stage stand where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stage {
    /// 0 for the machines that were named, then 1, 2 ..
    pub number: i64,
    /// What it is made of, in words.
    pub title: String,
    /// Machines that belong to it.
    pub agents: i64,
    /// They have no offer, because it is not their turn, they are away, or they are busy.
    pub waiting: i64,
    /// Those of them that had the program for two hours and were never idle.
    pub busy: i64,
    /// They have an offer: they fetch it or have it on trial.
    pub at_work: i64,
    /// They run it.
    pub done: i64,
    /// They refused it, rolled it back, or did not come back.
    pub bad: i64,
}

/// A rollout of a release.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RolloutView {
    /// Its number.
    pub id: i64,
    /// Its reference.
    #[serde(rename = "ref")]
    pub reference: Ref,
    /// The release's number.
    pub release: i64,
    /// The version it brings.
    pub release_version: String,
    /// What the program was built for.
    pub target: String,
    /// Where it stands.
    pub state: RolloutState,
    /// Why, when it does not run.
    pub reason: String,
    /// What it waits for at machines that have the program and are not idle.
    pub waits_for: Option<WaitsFor>,
    /// The stage that is at work.
    pub stage: i64,
    /// Every stage; empty in lists when it is over.
    pub stages: Vec<Stage>,
    /// Machines at work at the same time.
    pub parallel: i64,
    /// The share of a stage, in percent, at which it stops.
    pub stop_percent: i64,
    /// Machines that rolled this release back before try it again.
    pub again: bool,
    /// Machines in all stages.
    pub agents: i64,
    /// When it was started.
    pub started_at: Time,
    /// By whom.
    pub started_by: String,
    /// Grows with every change by a person.
    pub version: i64,
}

/// How a machine stands in a rollout, by the state that is stored.
pub(crate) fn class(state: &str) -> Class {
    match state {
        "waiting" | "busy" => Class::Waiting,
        "offered" | "trying" => Class::AtWork,
        "done" => Class::Done,
        _ => Class::Bad,
    }
}

/// How a machine stands in a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Waiting,
    AtWork,
    Done,
    Bad,
}

/// The stages, from counts by stage and state.
pub(crate) fn stages(percents: &[i64], counts: &[(i64, String, i64)]) -> Vec<Stage> {
    let last = i64::try_from(percents.len()).unwrap_or(0);
    let stage = |number: i64| {
        let mut stage = Stage { number, title: title(percents, number), ..Stage::default() };
        for (_, state, count) in counts.iter().filter(|(of, _, _)| *of == number) {
            stage.agents += count;
            match class(state) {
                Class::Waiting => {
                    stage.waiting += count;
                    stage.busy += if state == "busy" { *count } else { 0 };
                }
                Class::AtWork => stage.at_work += count,
                Class::Done => stage.done += count,
                Class::Bad => stage.bad += count,
            }
        }
        stage
    };
    (0..=last).map(stage).collect()
}

fn title(percents: &[i64], number: i64) -> String {
    let percent = usize::try_from(number - 1).ok().and_then(|index| percents.get(index));
    match percent {
        None => "Named machines".to_owned(),
        Some(100) => "All machines".to_owned(),
        Some(percent) => format!("Up to {percent} %"),
    }
}

/// As it is shown.
pub(crate) fn view(cx: &mut Cx, rollout: Rollout, with_stages: bool) -> Result<RolloutView> {
    let release = release::find(cx, rollout.release)?.signed.release;
    let counts = if with_stages { store::counts(cx.tx, rollout.id)? } else { Vec::new() };
    let waits_for =
        if rollout.state == RolloutState::Running { store::busy::waits_for(cx.tx, rollout.id)? } else { None };
    Ok(RolloutView {
        id: rollout.id,
        reference: rollout_ref(rollout.id),
        release: rollout.release,
        release_version: release.version,
        target: release.target,
        state: rollout.state,
        reason: rollout.reason,
        waits_for,
        stage: rollout.stage,
        stages: if with_stages { stages(&rollout.percents, &counts) } else { Vec::new() },
        parallel: rollout.parallel,
        stop_percent: rollout.stop_percent,
        again: rollout.again,
        agents: rollout.agents,
        started_at: rollout.started_at,
        started_by: rollout.started_by,
        version: rollout.version,
    })
}

/// A rollout by its number.
pub(crate) fn find(cx: &mut Cx, id: i64) -> Result<Rollout> {
    store::find(cx.tx, id)?.ok_or_else(|| Error::not_found(format!("agent_rollout:{id}")))
}

/// The noun's titles, as far as the actor may see them.
pub(crate) fn resolve(cx: &mut Cx, ids: &[i64]) -> Result<Vec<Resolved>> {
    if cx.reach_everything(list::NAME).is_err() {
        return Ok(Vec::new());
    }
    let found = store::versions(cx.tx, ids)?;
    let resolved = |(id, version)| Resolved {
        id,
        title: format!("Rollout of agent {version}"),
        href: format!("/fleet/rollouts/{id}"),
    };
    Ok(found.into_iter().map(resolved).collect())
}

/// What a machine is offered.
pub(crate) fn offer(cx: &mut Cx, rollout: &Rollout) -> Result<Offer> {
    Ok(Offer { signed: release::find(cx, rollout.release)?.signed, again: rollout.again })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_counted_by_stage() {
        let counts = [
            (0, "done".to_owned(), 1),
            (1, "waiting".to_owned(), 1),
            (1, "busy".to_owned(), 1),
            (1, "offered".to_owned(), 1),
            (1, "trying".to_owned(), 1),
            (1, "missing".to_owned(), 1),
            (1, "refused".to_owned(), 3),
        ];
        let stages = stages(&[10, 100], &counts);
        let titles: Vec<&str> = stages.iter().map(|stage| stage.title.as_str()).collect();
        assert_eq!(titles, ["Named machines", "Up to 10 %", "All machines"]);
        assert_eq!((stages[0].agents, stages[0].done), (1, 1));
        let one = &stages[1];
        assert_eq!((one.agents, one.waiting, one.busy, one.at_work, one.done, one.bad), (8, 2, 1, 2, 0, 4));
        assert_eq!(stages[2].agents, 0);
    }
}
