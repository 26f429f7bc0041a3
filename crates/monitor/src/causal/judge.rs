//! Who judges: the cause engine, with which of its groups is which of ours, and what it decided and is not written yet.

use std::collections::BTreeMap;

use causes::{
    Decision, Engine, Observation, Options, Over, Phase, Relation, RelationKind, Restored, Rules, Symptom, Thing,
};
use kernel::db::Tx;
use kernel::{Result, Time};

use super::inventory::{self, Under};
use super::waiting::{Decided, Waiting};
use super::{look, symptom};
use crate::store;
use crate::store::recalled::Recalled;

/// Groups that are taken over at a start.
const RESTORED_MAX: i64 = 2_000;
/// Alerts of one group that are taken over at a start.
const RESTORED_ALERTS_MAX: i64 = 20_000;

/// A group with so many alerts is large: nobody waits for the next one.
const LARGE: usize = 200;

/// What is told to the engine.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    /// A result, the end of an alert, a change.
    Observed(Observation),
    /// An alert is out, and that is on disk.
    Fired(Symptom),
    /// A thing of the inventory is as this says; none: it is gone.
    Thing(i64, Option<Thing>),
    /// A relation is known, or belongs to other alternatives.
    Related(Relation),
    /// A relation is no longer known.
    Unrelated { from: i64, kind: RelationKind, to: i64 },
    /// These rules count from now on.
    Rules(Box<Rules>),
}

/// What became of decisions that were written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Applied {
    /// Our number of each of the engine's groups.
    pub(crate) ids: BTreeMap<u64, i64>,
    /// Groups of the engine's that are over with us, though it goes on with them: with the checks whose alerts could not
    /// join them.
    pub(crate) over: BTreeMap<u64, Vec<i64>>,
}

/// Looks that the engine wants to be taken again at once, and until when that helps.
pub(crate) type Wanted = BTreeMap<i64, Time>;

/// The engine with what connects it to the database. A judgement takes its time; nobody waits for it but who writes what
/// it decided.
pub(crate) struct Judge {
    engine: Engine,
    /// Our number of each of its groups.
    ids: BTreeMap<u64, i64>,
    /// What it decided and is not written yet.
    waiting: Waiting,
}

impl Judge {
    /// An engine that knows what the inventory knows, and the groups that are open or may come back; and what things stand
    /// on.
    pub(super) fn load(tx: &mut Tx<'_>, now: Time) -> Result<(Self, Under)> {
        let (graph, under) = inventory::graph(tx)?;
        let rules: Rules = crate::cause_rules::in_force(tx)?;
        let options = Options::default();
        let relapse = options.relapse_ms.saturating_mul(1_000);
        let mut engine = Engine::new(graph, rules, options);
        let mut ids = BTreeMap::new();
        let mut restored = Vec::new();
        let mut groups = store::recalled::ended_after(tx, now.plus(-relapse), RESTORED_MAX)?;
        // What is in an open group belongs to that one, wherever it was before.
        groups.extend(store::recalled::open(tx, RESTORED_MAX)?);
        for group in groups {
            let one = recall(tx, &group)?;
            ids.insert(one.group, group.id);
            restored.push(one);
        }
        engine.restore(restored, now.millis());
        Ok((Self { engine, ids, waiting: Waiting::default() }, under))
    }

    /// Takes what was told, in its order.
    pub(crate) fn take(&mut self, told: Vec<(Told, Time)>) {
        for (one, at) in told {
            match one {
                Told::Observed(observation) => self.engine.observe(observation, at.millis()),
                Told::Fired(symptom) => self.fired(symptom, at),
                Told::Thing(_, Some(thing)) => self.engine.graph_mut().put(thing),
                Told::Thing(id, None) => self.engine.graph_mut().remove(u64::try_from(id).unwrap_or_default()),
                Told::Related(relation) => drop(self.engine.graph_mut().relate(&relation)),
                Told::Unrelated { from, kind, to } => self.unrelated(from, kind, to),
                Told::Rules(rules) => self.engine.set_rules(*rules),
            }
        }
    }

    fn fired(&mut self, symptom: Symptom, at: Time) {
        let (key, text) = (symptom.look.key, symptom.evidence.clone());
        self.engine.observe(Observation::Fired(symptom), at.millis());
        if let (Some(group), Ok(check)) = (self.engine.group_of(key), i64::try_from(key))
            && self.ids.contains_key(&group)
            // One that is over is only opened again when the engine says so.
            && self.engine.group(group).is_some_and(|group| matches!(group.phase, Phase::Open))
        {
            self.waiting.push(Decided::Back { group, check, text }, at);
        }
    }

    fn unrelated(&mut self, from: i64, kind: RelationKind, to: i64) {
        if let (Ok(from), Ok(to)) = (u64::try_from(from), u64::try_from(to)) {
            self.engine.graph_mut().unrelate(from, kind, to);
        }
    }

    /// Moves time on; what follows waits to be written. Answers the looks that are to be taken again at once; those that
    /// cannot, as `able` says, are not waited for.
    pub(crate) fn turn(&mut self, now: Time, able: impl Fn(i64) -> bool) -> Wanted {
        let mut wanted = Wanted::new();
        let decided = self.engine.tick(now.millis());
        if decided.is_empty() && self.waiting.is_empty() {
            // One that is over may come back for a while; what the engine has forgotten does not.
            self.ids.retain(|group, _| self.engine.has_group(*group));
        }
        for decision in decided {
            match decision {
                Decision::Recheck { looks, until_ms } | Decision::Suspend { looks, until_ms, .. } => {
                    let until = Time(until_ms.saturating_mul(1_000));
                    for key in looks {
                        match i64::try_from(key).ok().filter(|check| able(*check)) {
                            Some(check) => drop(wanted.insert(check, until)),
                            None => self.engine.observe(Observation::Unable { key }, now.millis()),
                        }
                    }
                }
                // Told when it opens.
                Decision::Page { .. } => {}
                other => self.waiting.push(Decided::Engine(other), now),
            }
        }
        wanted
    }

    /// What waits may as well wait a little longer, for more of its kind: see [`Waiting::may_gather`].
    pub(crate) fn may_gather(&self, now: Time) -> bool {
        self.waiting.may_gather(now, |group| self.engine.size(group) >= LARGE)
    }

    /// The first of what waits to be written with its numbers, and which of the engine's groups is which of ours.
    pub(crate) fn slice(&self, size: usize, now: Time) -> (Vec<u64>, Vec<Decided>, BTreeMap<u64, i64>) {
        let (numbers, decided) = self.waiting.slice(size, now).into_iter().unzip();
        (numbers, decided, self.ids.clone())
    }

    /// These are written. What could not join a group that had ended meanwhile is judged as if it came now.
    pub(crate) fn written(&mut self, numbers: &[u64], applied: Applied) {
        self.ids = applied.ids;
        self.waiting.written(numbers);
        for (group, missed) in applied.over {
            if self.waiting.grows(group) {
                // One that is open goes on as it in a moment.
                missed
                    .into_iter()
                    .filter_map(|check| u64::try_from(check).ok())
                    .for_each(|key| self.engine.release(key));
            } else {
                self.disband(group);
            }
        }
    }

    /// The database refuses this one by itself: the alerts that it would have put into a group are judged as if they came
    /// now, so that they are in one as soon as that can be written. What would end a group is tried again later.
    pub(crate) fn refused(&mut self, number: u64, now: Time) {
        match self.waiting.refused(number, now) {
            Some(Decided::Engine(Decision::Open { group, .. })) => self.disband(group),
            Some(Decided::Engine(Decision::Join { member, .. } | Decision::Reopen { member, .. })) => {
                self.engine.release(member.key);
            }
            Some(Decided::Back { check, .. }) => self.engine.release(u64::try_from(check).unwrap_or_default()),
            Some(Decided::Engine(_)) | None => {}
        }
    }

    #[cfg(test)]
    pub(crate) fn rules(&self) -> &Rules {
        self.engine.rules()
    }

    #[cfg(test)]
    pub(crate) fn has(&self, key: u64) -> bool {
        self.engine.group_of(key).is_some()
    }

    fn disband(&mut self, group: u64) {
        self.engine.disband(group);
        self.ids.remove(&group);
        self.waiting.forget(group);
    }
}

/// A group as it was kept.
fn recall(tx: &mut Tx<'_>, group: &Recalled) -> Result<Restored> {
    let alerts = store::recalled::restored(tx, group, RESTORED_ALERTS_MAX)?;
    let lead = alerts.iter().find(|(check, _)| check.id == group.check).map(|(check, _)| look(check).thing);
    let over = group.ended_at.map(|at| Over {
        at_ms: at.millis(),
        cause: group.judgement.cause().and_then(|suspect| suspect.recalled(lead)),
    });
    let members = alerts.into_iter().map(|(check, cleared)| {
        let since_ms = check.fired_at.unwrap_or(group.opened_at).millis();
        (symptom(&check, None, since_ms, check.evidence.clone()), cleared.map(Time::millis))
    });
    Ok(Restored {
        group: u64::try_from(group.id).unwrap_or_default(),
        paged: group.announced,
        opened_ms: group.opened_at.millis(),
        relapses: u32::try_from(group.reopened).unwrap_or(u32::MAX),
        members: members.collect(),
        over,
    })
}
