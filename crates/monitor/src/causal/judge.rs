//! Who judges: the cause engine, with which of its groups is which of ours, and what it decided and is not written yet.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use causes::{
    Decision, Engine, Observation, Options, Phase, Relation, RelationKind, Restored, Rules, Source, Symptom, Thing,
};
use kernel::db::Tx;
use kernel::{Result, Time};

use super::inventory::{self, Under};
use super::symptom;
use crate::store;

/// Groups that are taken over at a start.
const RESTORED_MAX: i64 = 2_000;
/// Alerts of one group that are taken over at a start.
const RESTORED_ALERTS_MAX: i64 = 20_000;

/// What is told to the engine.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    /// A result, the end of an alert, a change.
    Observed(Observation),
    /// An alert is out, and that is on disk.
    Fired(Symptom),
    /// A thing of the inventory is as this says; none: it is gone.
    Thing(i64, Option<Thing>),
    /// A relation is known, or no longer.
    Related { from: i64, kind: RelationKind, to: i64, known: bool },
}

/// What is to be written.
#[derive(Clone, Debug)]
pub(crate) enum Decided {
    /// As the engine says.
    Engine(Decision),
    /// An alert is back in a group that is still open.
    Back {
        /// The engine's number of the group.
        group: u64,
        /// The check.
        check: i64,
        /// What was seen.
        text: String,
    },
}

impl Decided {
    /// The engine's group that it is about.
    fn group(&self) -> Option<u64> {
        match self {
            Self::Back { group, .. } => Some(*group),
            Self::Engine(decision) => match decision {
                Decision::Open { group, .. }
                | Decision::Page { group }
                | Decision::Join { group, .. }
                | Decision::Rerank { group, .. }
                | Decision::Suspend { group, .. }
                | Decision::Recover { group, .. }
                | Decision::Reopen { group, .. } => Some(*group),
                Decision::Merge { from, .. } => Some(*from),
                Decision::Recheck { .. } => None,
            },
        }
    }
}

/// What became of decisions that were written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Applied {
    /// Our number of each of the engine's groups.
    pub(crate) ids: BTreeMap<u64, i64>,
    /// Groups of the engine's that are over with us, though it goes on with them.
    pub(crate) over: BTreeSet<u64>,
}

/// Looks that the engine wants to be taken again at once, and until when that helps.
pub(crate) type Wanted = BTreeMap<i64, Time>;

/// The engine with what connects it to the database. A judgement takes its time; nobody waits for it but who writes what
/// it decided.
pub(crate) struct Judge {
    engine: Engine,
    /// Our number of each of its groups.
    ids: BTreeMap<u64, i64>,
    /// What it decided and is not written yet, in order.
    waiting: VecDeque<Decided>,
}

impl Judge {
    /// An engine that knows what the inventory knows, and the groups that are open; and what things stand on.
    pub(super) fn load(tx: &mut Tx<'_>, now: Time) -> Result<(Self, Under)> {
        let (graph, under) = inventory::graph(tx)?;
        let rules: Rules = crate::cause_rules::in_force(tx)?;
        let mut engine = Engine::new(graph, rules, Options::default());
        let mut ids = BTreeMap::new();
        let mut restored = Vec::new();
        for (group, announced, opened_at) in store::groups::open(tx, RESTORED_MAX)? {
            let members = store::groups::restored(tx, group, RESTORED_ALERTS_MAX)?;
            let number = u64::try_from(group).unwrap_or_default();
            ids.insert(number, group);
            let members = members.into_iter().map(|(check, cleared)| {
                let since_ms = check.fired_at.unwrap_or(opened_at).millis();
                (symptom(&check, None, since_ms, check.evidence.clone()), cleared.map(Time::millis))
            });
            let members = members.collect();
            restored.push(Restored { group: number, paged: announced, opened_ms: opened_at.millis(), members });
        }
        engine.restore(restored, now.millis());
        Ok((Self { engine, ids, waiting: VecDeque::new() }, under))
    }

    /// Takes what was told, in its order.
    pub(crate) fn take(&mut self, told: Vec<(Told, Time)>) {
        for (one, at) in told {
            match one {
                Told::Observed(observation) => self.engine.observe(observation, at.millis()),
                Told::Fired(symptom) => self.fired(symptom, at),
                Told::Thing(_, Some(thing)) => self.engine.graph_mut().put(thing),
                Told::Thing(id, None) => self.engine.graph_mut().remove(u64::try_from(id).unwrap_or_default()),
                Told::Related { from, kind, to, known } => self.related(from, kind, to, known),
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
            self.waiting.push_back(Decided::Back { group, check, text });
        }
    }

    fn related(&mut self, from: i64, kind: RelationKind, to: i64, known: bool) {
        let (Ok(from), Ok(to)) = (u64::try_from(from), u64::try_from(to)) else { return };
        if known {
            let relation = Relation { from, kind, to, group: String::new(), source: Source::Declared };
            self.engine.graph_mut().relate(&relation);
        } else {
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
                other => self.waiting.push_back(Decided::Engine(other)),
            }
        }
        wanted
    }

    /// The first of what waits to be written, and which of the engine's groups is which of ours.
    pub(crate) fn slice(&self, size: usize) -> (Vec<Decided>, BTreeMap<u64, i64>) {
        (self.waiting.iter().take(size).cloned().collect(), self.ids.clone())
    }

    /// The first so many are written. What could not join a group that had ended meanwhile is judged as if it came now.
    pub(crate) fn written(&mut self, count: usize, applied: Applied) {
        self.ids = applied.ids;
        self.waiting.drain(..count.min(self.waiting.len()));
        applied.over.into_iter().for_each(|group| self.disband(group));
    }

    /// The database refuses the first of what waits: the alerts that it would have put into a group are judged as if
    /// they came now, so that they are in one as soon as that can be written.
    pub(crate) fn refused(&mut self) {
        match self.waiting.pop_front() {
            Some(Decided::Engine(Decision::Open { group, .. })) => self.disband(group),
            Some(Decided::Engine(Decision::Join { member, .. } | Decision::Reopen { member, .. })) => {
                self.engine.release(member.key);
            }
            Some(Decided::Back { check, .. }) => self.engine.release(u64::try_from(check).unwrap_or_default()),
            Some(Decided::Engine(_)) | None => {}
        }
    }

    #[cfg(test)]
    pub(crate) fn has(&self, key: u64) -> bool {
        self.engine.group_of(key).is_some()
    }

    fn disband(&mut self, group: u64) {
        self.engine.disband(group);
        self.ids.remove(&group);
        self.waiting.retain(|one| one.group() != Some(group));
    }
}
