//! The cause engine in monitoring: what it is told, and what it wants to be looked at again. It lives in memory; what it
//! decides is written by `group/decide.rs`, and after a restart it is told again what is out.
//!
//! Whoever tells it something only puts that into its inbox, so nobody waits while it judges.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard};

use causes::{Look, Observation, Relation, RelationKind, Symptom, Thing, What};
use kernel::db::Tx;
use kernel::{Result, Time};

use crate::check::Check;
use crate::live::lock;
use crate::probe::Probe;
use crate::sign;

mod inventory;
mod judge;
mod waiting;

pub(crate) use inventory::{Ground, Under, relation, thing};
use judge::Told;
pub(crate) use judge::{Applied, Judge, Wanted};
pub(crate) use waiting::Decided;

/// Alerts about no asset are about things of their own, beyond all assets.
const NO_ASSET: u64 = 1 << 48;
/// More than this waits only when nothing is judged any more: single results are left out then, alerts never.
const INBOX_MAX: usize = 200_000;

/// The engine, its inbox, and what is read while it judges.
pub(crate) struct Causal {
    inbox: Mutex<Vec<(Told, Time)>>,
    judge: Mutex<Judge>,
    /// What each thing stands on.
    ground: Mutex<Ground>,
}

impl Causal {
    /// An engine that knows what the inventory knows, and the groups that are open.
    pub(crate) fn load(tx: &mut Tx<'_>, now: Time) -> Result<Self> {
        let (judge, under) = Judge::load(tx, now)?;
        let ground = Ground { under, version: 1 };
        Ok(Self { inbox: Mutex::default(), judge: Mutex::new(judge), ground: Mutex::new(ground) })
    }

    fn tell(&self, told: Told, at: Time) {
        let mut inbox = lock(&self.inbox);
        let full = inbox.len() >= INBOX_MAX;
        if !full || !matches!(told, Told::Observed(Observation::Seen { .. })) {
            inbox.push((told, at));
        }
    }

    /// Tells the engine what was observed.
    pub(crate) fn observe(&self, observation: Observation, now: Time) {
        self.tell(Told::Observed(observation), now);
    }

    /// An alert is out, and that is on disk.
    pub(crate) fn fired(&self, symptom: &Symptom, now: Time) {
        self.tell(Told::Fired(symptom.clone()), now);
    }

    /// A thing of the inventory is as this says from now on; none: it is gone.
    pub(crate) fn thing(&self, id: i64, thing: Option<Thing>, now: Time) {
        self.tell(Told::Thing(id, thing), now);
    }

    /// A relation is known, or belongs to other alternatives: those of one kind and one group, of which one is enough.
    pub(crate) fn relate(&self, relation: Relation, now: Time) {
        lock(&self.ground).relate(&relation);
        self.tell(Told::Related(relation), now);
    }

    /// A relation is no longer known.
    pub(crate) fn unrelate(&self, from: i64, on: (&str, i64), now: Time) {
        let Some(kind) = RelationKind::parse(on.0) else { return };
        lock(&self.ground).unrelate(from, (kind, on.1));
        self.tell(Told::Unrelated { from, kind, to: on.1 }, now);
    }

    /// These rules count from the next judgement on.
    pub(crate) fn rules(&self, rules: causes::Rules, now: Time) {
        self.tell(Told::Rules(Box::new(rules)), now);
    }

    /// What each thing stands on.
    pub(crate) fn ground(&self) -> MutexGuard<'_, Ground> {
        lock(&self.ground)
    }

    /// Who judges, once it has read its inbox. Only what writes its decisions may wait for this.
    pub(crate) fn judge(&self) -> MutexGuard<'_, Judge> {
        let mut judge = lock(&self.judge);
        let told = std::mem::take(&mut *lock(&self.inbox));
        judge.take(told);
        judge
    }
}

/// A check as a look.
pub(crate) fn look(check: &Check) -> Look {
    let number = |id: i64| u64::try_from(id).unwrap_or_default();
    Look {
        key: number(check.id),
        thing: check.asset.map_or_else(|| NO_ASSET + number(check.id), number),
        what: sign::of_check(check),
        // That a machine is not heard from is what the server sees, whoever else looks at it.
        vantage: check.vantage.filter(|_| !matches!(check.probe, Probe::Silent { .. })).map(number),
        interval_ms: check.interval_s.saturating_mul(1_000),
        by_name: check.probe.name_looked_up().is_some(),
        label: label(check),
    }
}

/// What it shares with others like it: the rule that it comes from. The name of another check is one only where nothing else
/// is known: what it is about, or what it finds.
fn label(check: &Check) -> String {
    match &check.probe {
        Probe::Rule { rule, labels } => labels.get("alertname").cloned().unwrap_or_else(|| format!("rule {rule}")),
        _ if check.asset.is_none() || sign::of_check(check) == What::Other => check.name.clone(),
        _ => String::new(),
    }
}

/// An alert that is out, as a symptom; `sign` is what its last bad result said, when that is known.
pub(crate) fn symptom(check: &Check, sign: Option<What>, since_ms: i64, evidence: String) -> Symptom {
    let look = look(check);
    // That a name is not found says nothing about what it names.
    let name = check.probe.name_looked_up();
    // Each line begins with its time.
    let said =
        evidence.lines().next_back().map(|line| line.split_once(" UTC: ").map_or(line, |(_, said)| said)).zip(name);
    let unnamed = said.is_some_and(|(line, name)| probes::guard::is_unresolved(line, &name));
    let what = if unnamed { What::NameFails } else { sign.unwrap_or(look.what) };
    Symptom { what, look, since_ms, evidence }
}

/// The asset that a thing of the engine is; nothing for what is beyond.
pub(crate) fn asset_of(thing: u64) -> Option<i64> {
    (thing < NO_ASSET).then(|| i64::try_from(thing).ok()).flatten()
}

/// The checks of decisions of one kind, each once.
pub(crate) fn checks_of(members: &[causes::Member]) -> Vec<i64> {
    let keys: BTreeSet<u64> = members.iter().map(|member| member.key).collect();
    keys.into_iter().filter_map(|key| i64::try_from(key).ok()).collect()
}
