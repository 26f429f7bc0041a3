//! The engine: takes what is observed, and decides what to look at again, whom to group, when to tell people, and when
//! it is over. Time is a value: it moves with `observe` and `tick` only.

use std::collections::{BTreeMap, BTreeSet};

use crate::candidate::Candidate;
use crate::graph::Graph;
use crate::looks::{Change, Known, Looks};
use crate::rules::{Rules, Table};
use crate::solve::{Cluster, Symptom};
use crate::words::What;

mod group;
mod recover;
mod regroup;
mod terms;

pub(crate) use group::Live;
pub use group::{GroupView, Member, Phase};
pub use terms::{Again, Answer, Decision, Observation, Options, Over, Restored};

/// Most changes that are remembered.
const CHANGES_MAX: usize = 20_000;
/// How long a change is remembered, in milliseconds.
const CHANGES_MS: i64 = 3 * 3_600_000;

/// Shortest and longest time that restored groups keep the judgement they had, in milliseconds: what is well is not
/// known right after a start, and nothing speaks against a cause then.
const RESTORED_MS: [i64; 2] = [30_000, 300_000];

/// The state of all groups.
#[derive(Debug)]
pub struct Engine {
    pub(crate) graph: Graph,
    rules: Rules,
    pub(crate) options: Options,
    table: Table,
    pub(crate) looks: Looks,
    changes: Vec<Change>,
    pub(crate) groups: BTreeMap<u64, Live>,
    /// Which group has a look's symptom.
    pub(crate) owner: BTreeMap<u64, u64>,
    next_group: u64,
    /// Symptoms that no group has yet.
    fresh: BTreeSet<u64>,
    dirty: bool,
    solved_ms: i64,
    /// What the last judgement took for granted: how many symptoms there were.
    solved_signs: usize,
}

impl Engine {
    /// An engine that has seen nothing yet.
    pub fn new(graph: Graph, rules: Rules, options: Options) -> Self {
        let next_group = options.first_group;
        Self {
            graph,
            rules,
            options,
            table: Table::default(),
            looks: Looks::default(),
            changes: Vec::new(),
            groups: BTreeMap::new(),
            owner: BTreeMap::new(),
            next_group,
            fresh: BTreeSet::new(),
            dirty: false,
            solved_ms: i64::MIN / 2,
            solved_signs: 0,
        }
    }

    /// What is known of things and relations, to change it. What was judged before stays until something happens.
    pub fn graph_mut(&mut self) -> &mut Graph {
        &mut self.graph
    }

    /// What is known of things and relations.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The rules that count.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Other rules from now on.
    pub fn set_rules(&mut self, rules: Rules) {
        self.rules = rules;
        self.table = Table::default();
        self.dirty = true;
    }

    /// Takes the groups that were open when an earlier engine ended, and those that were over for less than the relapse
    /// time; of several that had the same look the last one has it.
    pub fn restore(&mut self, groups: Vec<Restored>, now_ms: i64) {
        for one in groups {
            self.next_group = self.next_group.max(one.group + 1);
            let Some(mut live) = self.recalled(&one, now_ms) else { continue };
            for (symptom, gone) in one.members {
                let key = symptom.look.key;
                let mut member = Member::of(&symptom);
                self.looks.fired(&symptom.look, symptom.what, symptom.since_ms, &symptom.evidence, symptom.since_ms);
                if let Some(at) = gone {
                    member.gone_ms = Some(at);
                    self.looks.cleared(key, at);
                }
                live.members.insert(key, member);
                self.owner.insert(key, one.group);
            }
            self.dirty |= one.over.is_none();
            self.groups.insert(one.group, live);
        }
        self.solved_ms = now_ms - self.options.solve_ms;
    }

    /// A restored group without its symptoms; nothing when it was over for too long.
    fn recalled(&self, one: &Restored, now_ms: i64) -> Option<Live> {
        let mut live = Live::new(one.opened_ms);
        (live.paged, live.relapses) = (one.paged, one.relapses);
        let Some(over) = &one.over else {
            live.phase = Phase::Open;
            let slowest = one.members.iter().map(|(symptom, _)| symptom.look.interval_ms).max().unwrap_or_default();
            let [shortest, longest] = RESTORED_MS;
            live.unsure_until = Some(now_ms + (2 * slowest).clamp(shortest, longest));
            return Some(live);
        };
        let until_ms = over.at_ms + self.options.relapse_ms;
        live.phase = Phase::Resting { until_ms };
        live.cluster = over.cause.clone().map(|cause| {
            let all = one.members.len();
            let candidate = Candidate {
                cause,
                score: 0.0,
                share: 1.0,
                explained: all,
                symptoms: all,
                absent: 0,
                reasons: Vec::new(),
            };
            let looks = one.members.iter().map(|(symptom, _)| symptom.look.key).collect();
            Cluster { looks, candidates: vec![candidate], undetermined: None }
        });
        (now_ms <= until_ms && !one.members.is_empty()).then_some(live)
    }

    /// Takes what was observed. What follows from it is decided by the next [`Engine::tick`].
    pub fn observe(&mut self, observation: Observation, now_ms: i64) {
        match observation {
            Observation::Fired(symptom) => self.fired(&symptom, now_ms),
            Observation::Cleared { key, at_ms } => {
                self.looks.cleared(key, at_ms);
                self.fresh.remove(&key);
                self.member_gone(key, at_ms);
            }
            Observation::Seen { look, good, at_ms } => {
                let turned = self.looks.seen(&look, good, at_ms, now_ms);
                // While a group is being looked at, every turn tells something.
                self.dirty |= turned && self.groups.values().any(|live| matches!(live.phase, Phase::Settling { .. }));
            }
            Observation::Changed(change) => {
                self.changes.push(change);
                if self.changes.len() > CHANGES_MAX {
                    self.changes.drain(..CHANGES_MAX / 10);
                }
            }
            Observation::Forgotten { key } => {
                self.looks.forget(key);
                self.fresh.remove(&key);
                self.member_gone(key, now_ms);
                // A group of what nobody looks at any more is not brought back by something else.
                if let Some(live) = self.owner.remove(&key).and_then(|id| self.groups.get_mut(&id)) {
                    live.members.remove(&key);
                }
            }
            Observation::Unable { key } => {
                for live in self.groups.values_mut().filter(|live| live.asked.contains_key(&key)) {
                    live.asked.insert(key, false);
                }
            }
        }
    }

    fn fired(&mut self, symptom: &Symptom, now_ms: i64) {
        let key = symptom.look.key;
        self.looks.fired(&symptom.look, symptom.what, symptom.since_ms, &symptom.evidence, now_ms);
        let owner = self.owner.get(&key).and_then(|id| self.groups.get_mut(id));
        match owner.filter(|live| !matches!(live.phase, Phase::Resting { .. })) {
            Some(live) => live.back(key, symptom.since_ms),
            None => {
                self.fresh.insert(key);
            }
        }
    }

    fn member_gone(&mut self, key: u64, at_ms: i64) {
        if let Some(live) = self.owner.get(&key).and_then(|id| self.groups.get_mut(id)) {
            live.gone(key, at_ms);
        }
    }

    /// A group that nobody knows of (any more), for example because it could not be written: what is still out of it is
    /// judged as if it came now, and belongs to another group then.
    pub fn disband(&mut self, group: u64) {
        let Some(live) = self.groups.remove(&group) else { return };
        self.owner.retain(|_, owner| *owner != group);
        self.fresh
            .extend(live.members.into_values().filter(|member| member.gone_ms.is_none()).map(|member| member.key));
        self.dirty = true;
    }

    /// A symptom did not get into its group: it is judged as if it came now.
    pub fn release(&mut self, key: u64) {
        if let Some(live) = self.owner.remove(&key).and_then(|id| self.groups.get_mut(&id)) {
            live.members.remove(&key);
        }
        self.fresh.insert(key);
    }

    /// Moves time on. Call it each second or so, and at once after [`Decision::Recheck`] was answered if that matters.
    pub fn tick(&mut self, now_ms: i64) -> Vec<Decision> {
        let mut decisions = Vec::new();
        self.lay_out();
        self.take_fresh(now_ms, &mut decisions);
        for live in self.groups.values_mut() {
            live.settle(&self.looks, &self.options, now_ms);
            if live.unsure_until.is_some_and(|until| now_ms >= until) {
                (live.unsure_until, self.dirty) = (None, true);
            }
        }
        let due = self.groups.values().any(|live| live.is_due(now_ms));
        if due || (self.dirty && now_ms - self.solved_ms >= self.pause()) {
            self.regroup(now_ms, &mut decisions);
        }
        self.open_due(now_ms, &mut decisions);
        self.recoveries(now_ms, &mut decisions);
        let forgotten = now_ms - CHANGES_MS;
        if self.changes.first().is_some_and(|change| change.at_ms < forgotten) {
            self.changes.retain(|change| change.at_ms >= forgotten);
        }
        decisions
    }

    /// When [`Engine::tick`] has something to do at the latest, in milliseconds; none while nothing is wrong.
    pub fn next_tick_ms(&self, now_ms: i64) -> Option<i64> {
        (self.dirty || !self.fresh.is_empty() || !self.groups.is_empty()).then(|| now_ms + self.options.solve_ms)
    }

    /// The groups that are open or being looked at.
    pub fn groups(&self) -> Vec<GroupView> {
        let shown = self.groups.iter().filter(|(_, live)| !matches!(live.phase, Phase::Resting { .. }));
        shown.map(|(id, live)| live.view(*id)).collect()
    }

    /// A group, also one that ended within the relapse time.
    pub fn group(&self, id: u64) -> Option<GroupView> {
        self.groups.get(&id).map(|live| live.view(id))
    }

    /// How many symptoms a group has, those that are gone included.
    pub fn size(&self, id: u64) -> usize {
        self.groups.get(&id).map_or(0, |live| live.members.len())
    }

    /// It knows this group: open, or over for so short a time that it may come back.
    pub fn has_group(&self, id: u64) -> bool {
        self.groups.contains_key(&id)
    }

    /// The group that a look's symptom belongs to.
    pub fn group_of(&self, key: u64) -> Option<u64> {
        self.owner.get(&key).copied()
    }

    /// In storms judgements are further apart, so that they take a bounded share of the processor.
    fn pause(&self) -> i64 {
        let signs = i64::try_from(self.solved_signs).unwrap_or(i64::MAX / 2);
        self.options.solve_ms.max((signs * 2).min(10_000))
    }

    fn lay_out(&mut self) {
        if self.table.kinds() != self.graph.kinds().len() {
            self.table = Table::new(&self.rules, self.graph.kinds());
        }
    }

    /// New symptoms go to the group whose cause explains them; for the others all is judged anew.
    fn take_fresh(&mut self, now_ms: i64, decisions: &mut Vec<Decision>) {
        for key in std::mem::take(&mut self.fresh) {
            let Some(known) = self.looks.get(key).filter(|known| known.fired) else { continue };
            let Some(id) = self.explained_by(known, now_ms) else {
                self.dirty = true;
                continue;
            };
            let member = Member::seen(known);
            self.add(id, key, member, decisions);
        }
    }

    /// The group whose cause explains a new symptom, or that had it before. When that one is over, only what is at its
    /// cause opens it again at once: what merely followed from it may have a cause of its own now, and is judged.
    fn explained_by(&self, known: &Known, now_ms: i64) -> Option<u64> {
        let open = |live: &Live| !matches!(live.phase, Phase::Resting { .. }) || live.is_about(known.look.thing);
        let had = self.owner.get(&known.look.key).copied().filter(|id| self.groups.get(id).is_some_and(open));
        let fit = |live: &Live| live.fit(known, self.graph.place(known.look.thing), &self.table, now_ms);
        let best = self.groups.iter().map(|(id, live)| (fit(live), *id)).filter(|(fit, _)| *fit > 0.0);
        let best = || best.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1))).map(|(_, id)| id);
        had.or_else(best).or_else(|| self.alike(known, now_ms))
    }

    /// The open group that has the same trouble of the same thing, as somebody else sees it: who was cut off when it
    /// began sees it later.
    fn alike(&self, known: &Known, now_ms: i64) -> Option<u64> {
        let owners = self.looks.at(known.look.thing).filter_map(|look| self.owner.get(&look.look.key));
        let mut owners = owners.filter_map(|id| Some((*id, self.groups.get(id)?)));
        let place = self.graph.place(known.look.thing);
        owners.find(|(_, live)| live.has_alike(known, place, now_ms)).map(|(id, _)| id)
    }

    /// Adds a symptom to a group; a group at rest is open again, as of now: what it had is over and dates nothing any
    /// more.
    fn add(&mut self, id: u64, key: u64, member: Member, decisions: &mut Vec<Decision>) {
        let Some(live) = self.groups.get_mut(&id) else { return };
        let woken = matches!(live.phase, Phase::Resting { .. });
        if woken {
            for old in live.wake(member.since_ms) {
                // One that failed again by itself meanwhile belongs to another group.
                if self.owner.get(&old) == Some(&id) {
                    self.owner.remove(&old);
                }
            }
        }
        let old = live.members.insert(key, member.clone());
        if let (Some(old), Some(now)) = (old, live.members.get_mut(&key)) {
            now.since_ms = old.since_ms.min(now.since_ms);
        }
        self.owner.insert(key, id);
        match live.phase {
            _ if woken => decisions.push(Decision::Reopen { group: id, member }),
            Phase::Open => decisions.push(Decision::Join { group: id, member }),
            Phase::Settling { .. } | Phase::Resting { .. } => {}
        }
        self.dirty |= live.has_grown();
    }
}

/// What a symptom's word means for the words of a group.
pub(crate) const fn is_loss(what: What) -> bool {
    matches!(what, What::Unreachable | What::Down | What::NoData | What::PowerLost)
}
