//! Start a rollout, hold it, let it go on, end it.

use std::cmp::Ordering;

use agent_proto::{Release, compare_versions};
use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Rollout, RolloutState, RolloutView, advance, find, rollout_ref, store, view};
use crate::events::RolloutChanged;
use crate::release;

const STAGES_MAX: usize = 10;
const NAMED_MAX: usize = 100;

/// Bring a release to machines, in stages.
///
/// Every active agent that the program was built for gets it: first the named ones, then growing shares of the rest. The
/// next stage begins when one machine of this one runs it, none is at work, and ten minutes have passed since. Each machine
/// tries the new version and goes back by itself when the server does not hear from it.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct StartRollout {
    /// The release's number.
    #[schemars(extend("x-kind" = "agent_release"))]
    pub release: i64,
    /// Agents that go first, by number.
    #[serde(default)]
    #[schemars(extend("x-kind" = "agent"))]
    pub first: Vec<i64>,
    /// The stages after that, as growing shares of the machines in percent; 10, 50, 100 when left out.
    #[serde(default)]
    pub percents: Vec<i64>,
    /// Machines at work at the same time, 1 to 1,000; 20 when left out.
    #[serde(default)]
    pub parallel: Option<i64>,
    /// It stops when so many percent of a stage refused it, rolled it back or did not come back, 1 to 100; 20 when left out.
    #[serde(default)]
    pub stop_percent: Option<i64>,
    /// Machines that rolled this release back before try it again.
    #[serde(default)]
    pub again: Option<bool>,
}

impl Operation for StartRollout {
    const NAME: &'static str = "fleet.rollout.start";
    const ROUTE: Route = post("/fleet/rollouts");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Dangerous;
    type Output = RolloutView;

    fn run(&self, cx: &mut Cx) -> Result<RolloutView> {
        cx.reach_everything(Self::NAME)?;
        let percents = percents(&self.percents)?;
        let parallel = within("parallel", self.parallel.unwrap_or(20), 1_000)?;
        let stop_percent = within("stop_percent", self.stop_percent.unwrap_or(20), 100)?;
        let stored = release::find(cx, self.release)?;
        if stored.withdrawn_at.0 != 0 {
            return Err(Error::invalid("release", "This release was withdrawn. Import another one."));
        }
        let release = stored.signed.release;
        if let Some(open) = store::open_of(cx.tx, Some(&release.target), None)? {
            let target = &release.target;
            return Err(Error::conflict(format!("Rollout {open} for {target} is not over. End it first.")));
        }
        let first = self.named(cx, &release)?;
        let rollout = Rollout {
            id: 0,
            release: self.release,
            state: RolloutState::Running,
            reason: String::new(),
            percents,
            stage: 0,
            parallel,
            stop_percent,
            again: self.again.unwrap_or(false),
            agents: 0,
            started_at: cx.now,
            started_by: cx.actor.name.clone(),
            version: 1,
        };
        let id = store::insert(cx.tx, &rollout, &release.target)?;
        let mut versions = store::versions_of(cx.tx, &release.target)?;
        versions.retain(|have| takes(&release, have));
        if store::fill(cx.tx, id, (&release.target, &versions), &first, &rollout.percents)? == 0 {
            let target = &release.target;
            let why = format!("No active agent for {target} can be updated to this version: see fleet.version.list.");
            return Err(Error::conflict(why));
        }
        let reference = rollout_ref(id);
        cx.changed(&reference, "state", serde_json::Value::Null, RolloutState::Running)?;
        let (version, state) = (release.version, RolloutState::Running.as_str().to_owned());
        cx.emit(&RolloutChanged { rollout: reference, version, state, reason: String::new() })?;
        let rollout = find(cx, id)?;
        view(cx, rollout, true)
    }
}

impl StartRollout {
    fn named(&self, cx: &mut Cx, release: &Release) -> Result<Vec<i64>> {
        if self.first.len() > NAMED_MAX {
            return Err(Error::invalid("first", format!("At most {NAMED_MAX} agents can be named.")));
        }
        let Release { version, target, .. } = release;
        let able = store::able(cx.tx, &self.first, target)?;
        for id in &self.first {
            let why = match able.iter().find(|(able, _)| able == id) {
                None => format!("Agent {id} is not active, is not for {target}, or cannot be updated by the server."),
                Some((_, have)) if !takes(release, have) => {
                    format!("Agent {id} has version {have}, which {version} cannot replace. Leave it out.")
                }
                Some(_) => continue,
            };
            return Err(Error::invalid("first", why));
        }
        Ok(able.into_iter().map(|(id, _)| id).collect())
    }
}

/// Would an agent of version `have` take this release? The same rule as the agent's own.
fn takes(release: &Release, have: &str) -> bool {
    let newer = compare_versions(&release.version, have) == Some(Ordering::Greater);
    newer || (release.downgrade && release.version != have)
}

fn percents(given: &[i64]) -> Result<Vec<i64>> {
    if given.is_empty() {
        return Ok(vec![10, 50, 100]);
    }
    let grow = given.windows(2).all(|pair| matches!(pair, [one, other] if one < other));
    let whole = given.first().is_some_and(|first| *first >= 1) && given.last() == Some(&100);
    if grow && whole && given.len() <= STAGES_MAX {
        Ok(given.to_vec())
    } else {
        let why = format!("Give at most {STAGES_MAX} growing shares that end with 100, such as 10,50,100.");
        Err(Error::invalid("percents", why))
    }
}

fn within(field: &'static str, value: i64, most: i64) -> Result<i64> {
    if (1..=most).contains(&value) { Ok(value) } else { Err(Error::invalid(field, format!("Give 1 to {most}."))) }
}

/// Hold a rollout: no further machine gets the release. Those at work go on.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct PauseRollout {
    /// The rollout's number.
    pub id: i64,
}

impl Operation for PauseRollout {
    const NAME: &'static str = "fleet.rollout.pause";
    const ROUTE: Route = post("/fleet/rollouts/{id}/pause");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = RolloutView;

    fn run(&self, cx: &mut Cx) -> Result<RolloutView> {
        let by = format!("Paused by {}", cx.actor.name);
        change(cx, Self::NAME, self.id, &[RolloutState::Running], RolloutState::Paused, &by)
    }
}

/// Let a rollout go on that was paused or has stopped itself.
///
/// What went wrong before still counts: give a higher `stop_percent` when the rest shall get the release all the same.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ResumeRollout {
    /// The rollout's number.
    pub id: i64,
    /// The share of a stage, in percent, at which it stops from now on.
    #[serde(default)]
    pub stop_percent: Option<i64>,
}

impl Operation for ResumeRollout {
    const NAME: &'static str = "fleet.rollout.resume";
    const ROUTE: Route = post("/fleet/rollouts/{id}/resume");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Dangerous;
    type Output = RolloutView;

    fn run(&self, cx: &mut Cx) -> Result<RolloutView> {
        cx.reach_everything(Self::NAME)?;
        if let Some(percent) = self.stop_percent {
            let percent = within("stop_percent", percent, 100)?;
            let before = find(cx, self.id)?.stop_percent;
            store::set_stop_percent(cx.tx, self.id, percent)?;
            cx.changed(&rollout_ref(self.id), "stop_percent", before, percent)?;
        }
        // Meanwhile they may have been told that there is nothing to fetch, or have dropped what they had.
        let due = advance::due(cx.now);
        store::offer_again(cx.tx, self.id, due)?;
        let from = [RolloutState::Paused, RolloutState::Stopped];
        change(cx, Self::NAME, self.id, &from, RolloutState::Running, "")
    }
}

/// End a rollout. Machines keep what they have; those that fetch the release now do not get the rest.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct EndRollout {
    /// The rollout's number.
    pub id: i64,
}

impl Operation for EndRollout {
    const NAME: &'static str = "fleet.rollout.end";
    const ROUTE: Route = post("/fleet/rollouts/{id}/end");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = RolloutView;

    fn run(&self, cx: &mut Cx) -> Result<RolloutView> {
        let from = [RolloutState::Running, RolloutState::Paused, RolloutState::Stopped];
        let by = format!("Ended by {}", cx.actor.name);
        change(cx, Self::NAME, self.id, &from, RolloutState::Ended, &by)
    }
}

fn change(
    cx: &mut Cx,
    operation: &str,
    id: i64,
    from: &[RolloutState],
    to: RolloutState,
    reason: &str,
) -> Result<RolloutView> {
    cx.reach_everything(operation)?;
    let rollout = find(cx, id)?;
    if !from.contains(&rollout.state) {
        return Err(Error::conflict(format!("This rollout is {}.", rollout.state.as_str())));
    }
    advance::set(cx, &rollout, to, reason)?;
    let rollout = find(cx, id)?;
    view(cx, rollout, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_machines_whose_version_the_release_can_replace_belong_to_a_rollout() {
        let cases = [
            ("1.4.1", false, true),
            ("1.4.2", false, false),
            ("1.5.0-rc.1", false, false),
            ("1.5.0", true, true),
            ("1.4.1", true, true),
            ("1.4.2", true, false),
            ("made here", false, false),
        ];
        for (have, downgrade, expected) in cases {
            let release = Release {
                version: "1.4.2".into(),
                target: "x86_64-unknown-linux-gnu".into(),
                size_bytes: 1,
                sha256: [1; 32],
                downgrade,
            };
            assert_eq!(takes(&release, have), expected, "{have} {downgrade}");
        }
    }

    #[test]
    fn stages_grow_and_end_with_everything() {
        assert_eq!(percents(&[]).unwrap(), [10, 50, 100]);
        assert_eq!(percents(&[100]).unwrap(), [100]);
        assert_eq!(percents(&[1, 5, 100]).unwrap(), [1, 5, 100]);
        for wrong in [vec![0, 100], vec![50], vec![50, 10, 100], vec![10, 10, 100], vec![10, 101], (90..=100).collect()]
        {
            assert_eq!(percents(&wrong).unwrap_err().field.as_deref(), Some("percents"), "{wrong:?}");
        }
    }
}
