//! The engine: takes what is observed, and decides what to look at again, whom to group, when to tell people, and when
//! it is over. Time is a value: it moves with `observe` and `tick` only.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::Graph;
use crate::looks::{Change, Known, Look, Looks};
use crate::rules::{Rules, Table};
use crate::solve::{Cluster, Symptom};
use crate::words::What;

mod group;
mod recover;
mod regroup;

pub(crate) use group::Live;
pub use group::{GroupView, Member, Phase};

/// Most changes that are remembered.
const CHANGES_MAX: usize = 20_000;
/// How long a change is remembered, in milliseconds.
const CHANGES_MS: i64 = 3 * 3_600_000;

/// What the engine is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// An alert is out.
    Fired(Symptom),
    /// An alert is gone.
    Cleared {
        /// Its look.
        key: u64,
        /// When, in milliseconds.
        at_ms: i64,
    },
    /// A look gave a result: each one, also those that change nothing, and the answers to what was asked again.
    Seen {
        /// The look.
        look: Look,
        /// As it should be.
        good: bool,
        /// When it was made, in milliseconds.
        at_ms: i64,
    },
    /// A thing was changed.
    Changed(Change),
    /// Nobody looks any more: the check was removed or paused.
    Forgotten {
        /// The look.
        key: u64,
    },
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Look at these again at once, and tell the results by then.
    Recheck {
        /// The looks.
        looks: Vec<u64>,
        /// Until when answers count for the first judgement, in milliseconds.
        until_ms: i64,
    },
    /// A group is open: its symptoms have one cause.
    Open {
        /// Its number.
        group: u64,
        /// Ranking and evidence.
        cluster: Cluster,
        /// Its symptoms.
        members: Vec<Member>,
    },
    /// Tell people of a group; once for each group.
    Page {
        /// Its number.
        group: u64,
    },
    /// A symptom belongs to an open group.
    Join {
        /// The group's number.
        group: u64,
        /// The symptom.
        member: Member,
    },
    /// The judgement of an open group changed.
    Rerank {
        /// Its number.
        group: u64,
        /// Ranking and evidence.
        cluster: Cluster,
    },
    /// A group turned out to have the cause of another: its symptoms belong to that one.
    Merge {
        /// The group that ends.
        from: u64,
        /// The one that goes on.
        into: u64,
    },
    /// The cause is gone: these symptoms are stale, look again now, and let nobody be told of them until then.
    Suspend {
        /// The group's number.
        group: u64,
        /// The looks.
        looks: Vec<u64>,
        /// Until when, in milliseconds.
        until_ms: i64,
    },
    /// All symptoms of a group are gone, and stayed so for its quiet time.
    Recover {
        /// Its number.
        group: u64,
        /// People were told of it, so tell them that it is over.
        announce: bool,
    },
    /// A group that was over has its cause again: go on with it, tell those who know of it, and page nobody anew.
    Reopen {
        /// Its number.
        group: u64,
        /// The symptom that came back.
        member: Member,
    },
}

/// How the engine judges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Most steps from a symptom to its cause.
    pub hops: u32,
    /// Shortest and longest wait between the first symptom and the page, for looking again, in milliseconds.
    pub settle_ms: [i64; 2],
    /// Shortest and longest time that all must be good before a group of several things is over, in milliseconds.
    pub quiet_ms: [i64; 2],
    /// A cause that comes back within this time after its end is the same group, in milliseconds.
    pub relapse_ms: i64,
    /// Shortest time from one full judgement to the next, in milliseconds; it grows in storms.
    pub solve_ms: i64,
    /// Most looks that are asked again for one group.
    pub rechecks_max: usize,
    /// The number of the first group.
    pub first_group: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            hops: 6,
            settle_ms: [4_000, 12_000],
            quiet_ms: [30_000, 300_000],
            relapse_ms: 15 * 60_000,
            solve_ms: 1_000,
            rechecks_max: 60,
            first_group: 1,
        }
    }
}

/// A group as it was kept, for [`Engine::restore`].
#[derive(Clone, Debug, PartialEq)]
pub struct Restored {
    /// Its number.
    pub group: u64,
    /// People were told of it.
    pub paged: bool,
    /// When it opened, in milliseconds.
    pub opened_ms: i64,
    /// Its symptoms, and when those that are gone were gone.
    pub members: Vec<(Symptom, Option<i64>)>,
}

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

    /// Other rules from now on.
    pub fn set_rules(&mut self, rules: Rules) {
        self.rules = rules;
        self.table = Table::default();
        self.dirty = true;
    }

    /// Takes the groups that were open when an earlier engine ended.
    pub fn restore(&mut self, groups: Vec<Restored>, now_ms: i64) {
        for one in groups {
            let mut live = Live::new(one.opened_ms);
            (live.phase, live.paged) = (Phase::Open, one.paged);
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
            self.next_group = self.next_group.max(one.group + 1);
            self.groups.insert(one.group, live);
        }
        self.dirty = !self.groups.is_empty();
        self.solved_ms = now_ms - self.options.solve_ms;
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
                let turned = self.looks.seen(&look, good, at_ms);
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
            }
        }
    }

    fn fired(&mut self, symptom: &Symptom, now_ms: i64) {
        let key = symptom.look.key;
        self.looks.fired(&symptom.look, symptom.what, symptom.since_ms, &symptom.evidence, now_ms);
        let owner = self.owner.get(&key).and_then(|id| self.groups.get_mut(id));
        match owner.filter(|live| !matches!(live.phase, Phase::Resting { .. })) {
            Some(live) => live.back(key),
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

    /// Moves time on. Call it each second or so, and at once after [`Decision::Recheck`] was answered if that matters.
    pub fn tick(&mut self, now_ms: i64) -> Vec<Decision> {
        let mut decisions = Vec::new();
        self.lay_out();
        self.take_fresh(now_ms, &mut decisions);
        for live in self.groups.values_mut() {
            live.settle(&self.looks, &self.options, now_ms);
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

    /// The group whose cause explains a new symptom, or that had it before. When that one is over, only what is at its cause
    /// opens it again at once: what merely followed from it may have a cause of its own now, and is judged.
    fn explained_by(&self, known: &Known, now_ms: i64) -> Option<u64> {
        let open = |live: &Live| !matches!(live.phase, Phase::Resting { .. }) || live.is_about(known.look.thing);
        let had = self.owner.get(&known.look.key).copied().filter(|id| self.groups.get(id).is_some_and(open));
        let fit = |live: &Live| live.fit(known, self.graph.place(known.look.thing), &self.table, now_ms);
        let best = self.groups.iter().map(|(id, live)| (fit(live), *id)).filter(|(fit, _)| *fit > 0.0);
        had.or_else(|| best.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1))).map(|(_, id)| id))
    }

    /// Adds a symptom to a group; a group at rest is open again.
    fn add(&mut self, id: u64, key: u64, member: Member, decisions: &mut Vec<Decision>) {
        let Some(live) = self.groups.get_mut(&id) else { return };
        let old = live.members.insert(key, member.clone());
        if let (Some(old), Some(now)) = (old, live.members.get_mut(&key)) {
            now.since_ms = old.since_ms.min(now.since_ms);
        }
        self.owner.insert(key, id);
        match live.phase {
            Phase::Settling { .. } => {}
            Phase::Open => decisions.push(Decision::Join { group: id, member }),
            Phase::Resting { .. } => {
                live.wake();
                decisions.push(Decision::Reopen { group: id, member });
            }
        }
        self.dirty |= live.has_grown();
    }
}

/// What a symptom's word means for the words of a group.
pub(crate) const fn is_loss(what: What) -> bool {
    matches!(what, What::Unreachable | What::Down | What::NoData | What::PowerLost)
}
