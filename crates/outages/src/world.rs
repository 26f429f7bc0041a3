//! What really happens: faults, what they do to the things that stand on what failed, how long that takes, and how
//! long it takes to come back. Over the true relations, known to the inventory or not.

use std::collections::{BTreeMap, BTreeSet};

use causes::RelationKind;

use crate::chance::Chance;
use crate::file::FaultKind;
use crate::scenario::{Act, Scenario, What};

mod network;

use network::Network;

/// A state that a thing can be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Flag {
    /// It does not run.
    Stopped,
    Cut,
    Slow,
    Errors,
    Names,
    Cert,
    Disk,
    Clock,
    /// It runs on battery.
    Battery,
    Degraded,
    Overloaded,
    AgentDown,
}

impl Flag {
    const ALL: [Self; 12] = [
        Self::Stopped,
        Self::Cut,
        Self::Slow,
        Self::Errors,
        Self::Names,
        Self::Cert,
        Self::Disk,
        Self::Clock,
        Self::Battery,
        Self::Degraded,
        Self::Overloaded,
        Self::AgentDown,
    ];

    const fn bit(self) -> u16 {
        1 << self as u16
    }

    const fn of(fault: FaultKind) -> Self {
        match fault {
            FaultKind::Down => Self::Stopped,
            FaultKind::Cut => Self::Cut,
            FaultKind::Slow => Self::Slow,
            FaultKind::Errors => Self::Errors,
            FaultKind::NameFails => Self::Names,
            FaultKind::CertInvalid => Self::Cert,
            FaultKind::DiskFull => Self::Disk,
            FaultKind::ClockOff => Self::Clock,
            FaultKind::Overloaded => Self::Overloaded,
            FaultKind::Degraded => Self::Degraded,
            FaultKind::AgentDown => Self::AgentDown,
        }
    }
}

/// A change in the script, for whoever keeps the timeline.
pub(crate) struct Changed {
    pub(crate) at_ms: i64,
    pub(crate) thing: usize,
    pub(crate) label: String,
    pub(crate) words: String,
}

/// Something that is due.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// A fault of one's own begins or ends.
    Own(usize, Flag, bool),
    /// Some vantages see a thing as if it were gone.
    Partly(usize, Vec<usize>, bool),
    /// A state that something else brings is judged again, and entered if it still holds.
    Judge(usize, Flag),
}

/// The world at one moment.
pub(crate) struct World<'s> {
    scenario: &'s Scenario,
    chance: Chance,
    flags: Vec<u16>,
    own: Vec<u16>,
    /// What stands on each thing, and what it stands on, as numbers of relations.
    down: Vec<Vec<usize>>,
    up: Vec<Vec<usize>>,
    due: BTreeMap<(i64, u64), Due>,
    numbered: u64,
    waiting: BTreeSet<(usize, Flag)>,
    network: Network,
    network_old: bool,
    partly: BTreeMap<usize, Vec<usize>>,
    pub(crate) changes: Vec<Changed>,
}

impl<'s> World<'s> {
    pub(crate) fn new(scenario: &'s Scenario, seed: u64) -> Self {
        let count = scenario.things.len();
        let (mut down, mut up) = (vec![Vec::new(); count], vec![Vec::new(); count]);
        for (number, relation) in scenario.relations.iter().enumerate() {
            let ends = (down.get_mut(relation.to), up.get_mut(relation.from));
            if let (Some(down), Some(up)) = ends {
                down.push(number);
                up.push(number);
            }
        }
        let mut world = Self {
            scenario,
            chance: Chance::new(seed, "world"),
            flags: vec![0; count],
            own: vec![0; count],
            down,
            up,
            due: BTreeMap::new(),
            numbered: 0,
            waiting: BTreeSet::new(),
            network: Network::default(),
            network_old: true,
            partly: BTreeMap::new(),
            changes: Vec::new(),
        };
        for act in &scenario.script {
            world.write_down(act);
        }
        world.changes.sort_by_key(|change| (change.at_ms, change.thing));
        world
    }

    /// Puts all that an entry of the script does into the calendar.
    fn write_down(&mut self, act: &Act) {
        for thing in &act.on {
            if act.share < 1.0 && self.chance.share() >= act.share {
                continue;
            }
            let at = act.at_ms + self.chance.below(act.jitter_ms);
            match &act.what {
                What::Change { label, words } => {
                    self.changes.push(Changed { at_ms: at, thing: *thing, label: label.clone(), words: words.clone() });
                }
                What::Fault { kind, lasts_ms, flaps_ms, seen_by } => {
                    let mut from = at;
                    let end = lasts_ms.map(|lasts| at + lasts);
                    loop {
                        let until = flaps_ms.map(|(down, _)| from + down).into_iter().chain(end).min();
                        let due = |on: bool| match seen_by.as_slice() {
                            [] => Due::Own(*thing, Flag::of(*kind), on),
                            some => Due::Partly(*thing, some.to_vec(), on),
                        };
                        self.put(from, due(true));
                        let Some(until) = until else { break };
                        self.put(until, due(false));
                        let Some((_, up)) = flaps_ms else { break };
                        from = until + up;
                        if end.is_some_and(|end| from >= end) {
                            break;
                        }
                    }
                }
            }
        }
    }

    fn put(&mut self, at: i64, due: Due) {
        self.numbered += 1;
        self.due.insert((at, self.numbered), due);
    }

    pub(crate) fn has(&self, thing: usize, flag: Flag) -> bool {
        self.flags.get(thing).is_some_and(|flags| flags & flag.bit() != 0)
    }

    /// Moves time on.
    pub(crate) fn advance(&mut self, now: i64) {
        while let Some(entry) = self.due.first_entry().filter(|entry| entry.key().0 <= now) {
            let ((at, _), due) = entry.remove_entry();
            match due {
                Due::Own(thing, flag, on) => {
                    set(&mut self.own, thing, flag, on);
                    let holds = on || self.brought(thing, flag);
                    self.enter(thing, flag, holds, at);
                }
                Due::Partly(thing, vantages, on) => {
                    let _ = if on { self.partly.insert(thing, vantages) } else { self.partly.remove(&thing) };
                }
                Due::Judge(thing, flag) => {
                    self.waiting.remove(&(thing, flag));
                    let holds = self.is_own(thing, flag) || self.brought(thing, flag);
                    self.enter(thing, flag, holds, at);
                }
            }
        }
    }

    fn is_own(&self, thing: usize, flag: Flag) -> bool {
        self.own.get(thing).is_some_and(|flags| flags & flag.bit() != 0)
    }

    fn enter(&mut self, thing: usize, flag: Flag, on: bool, at: i64) {
        if self.has(thing, flag) == on {
            return;
        }
        set(&mut self.flags, thing, flag, on);
        self.judge_again(thing, at);
        let children: Vec<usize> = self.parents_of(&self.down, thing, |relation| relation.from);
        for child in children {
            self.judge_again(child, at);
        }
        if matches!(flag, Flag::Stopped | Flag::Cut) {
            self.network_old = true;
            let far: Vec<usize> = (0..self.flags.len()).filter(|one| self.needs_network(*one)).collect();
            for one in far {
                self.judge_again(one, at);
            }
        }
    }

    fn parents_of(&self, of: &[Vec<usize>], thing: usize, end: fn(&crate::scenario::Relation) -> usize) -> Vec<usize> {
        let numbers = of.get(thing).into_iter().flatten();
        numbers.filter_map(|number| self.scenario.relations.get(*number)).map(end).collect()
    }

    /// It needs something over the network.
    fn needs_network(&self, thing: usize) -> bool {
        let numbers = self.up.get(thing).into_iter().flatten();
        numbers.filter_map(|number| self.scenario.relations.get(*number)).any(|relation| {
            use RelationKind::{DependsOn, ResolvesBy, StoresOn, SyncedBy};
            matches!(relation.kind, DependsOn | ResolvesBy | StoresOn | SyncedBy)
        })
    }

    /// States that no longer fit what a thing stands on change after a while.
    fn judge_again(&mut self, thing: usize, at: i64) {
        for flag in Flag::ALL {
            let holds = self.is_own(thing, flag) || self.brought(thing, flag);
            if holds != self.has(thing, flag) && self.waiting.insert((thing, flag)) {
                let delay = self.delay(thing, flag, holds);
                self.put(at + delay, Due::Judge(thing, flag));
            }
        }
    }

    /// How long a state takes to come or to go, in milliseconds.
    fn delay(&mut self, thing: usize, flag: Flag, comes: bool) -> i64 {
        let of = self.scenario.things.get(thing);
        let span = match (flag, comes) {
            (Flag::Stopped, true) if of.is_some_and(|of| of.battery_ms > 0) && self.unpowered(thing) => {
                let battery = of.map_or(0, |of| of.battery_ms);
                [battery, battery]
            }
            (Flag::Stopped, true) if self.storage_gone(thing) => [5_000, 120_000],
            (Flag::Stopped, true) => [0, 5_000],
            (Flag::Stopped, false) => [20_000, 150_000],
            (Flag::Errors, true) => [0, 60_000],
            (Flag::Slow, true) => [0, 120_000],
            (Flag::Names, true) => [0, 240_000],
            (Flag::Errors | Flag::Slow | Flag::Names, false) => [0, 60_000],
            (Flag::Clock, true) => [5 * 60_000, 40 * 60_000],
            (Flag::Clock, false) => [60_000, 300_000],
            _ => [0, 3_000],
        };
        self.chance.between(span)
    }

    /// What a thing stands on by one kind of relation: those that can replace each other, and those that cannot.
    fn on(&self, thing: usize, kind: RelationKind) -> (Vec<usize>, Vec<usize>) {
        let numbers = self.up.get(thing).into_iter().flatten();
        let relations = numbers.filter_map(|number| self.scenario.relations.get(*number));
        let (any, all): (Vec<_>, Vec<_>) = relations.filter(|one| one.kind == kind).partition(|one| one.any);
        let ends = |of: Vec<&crate::scenario::Relation>| of.into_iter().map(|one| one.to).collect();
        (ends(any), ends(all))
    }

    /// All alternatives are lost, or one without an alternative.
    fn lost(&self, thing: usize, kind: RelationKind, is_lost: impl Fn(usize) -> bool) -> bool {
        let (any, all) = self.on(thing, kind);
        (!any.is_empty() && any.iter().all(|one| is_lost(*one))) || all.iter().any(|one| is_lost(*one))
    }

    /// Some alternatives are lost, and one is left.
    fn partly_lost(&self, thing: usize, kind: RelationKind) -> bool {
        let (any, _) = self.on(thing, kind);
        let lost = any.iter().filter(|one| self.has(**one, Flag::Stopped) || self.has(**one, Flag::Cut)).count();
        lost > 0 && lost < any.len()
    }

    fn unpowered(&self, thing: usize) -> bool {
        self.lost(thing, RelationKind::PoweredBy, |supply| self.has(supply, Flag::Stopped))
    }

    /// It cannot be used from there: it stands still, or there is no way.
    fn is_away(&self, from: usize, to: usize) -> bool {
        self.has(to, Flag::Stopped) || self.has(to, Flag::Cut) || !self.network.joins(from, to)
    }

    fn storage_gone(&self, thing: usize) -> bool {
        self.lost(thing, RelationKind::StoresOn, |storage| self.has(storage, Flag::Stopped))
    }

    /// What a thing stands on puts it into this state.
    fn brought(&mut self, thing: usize, flag: Flag) -> bool {
        use RelationKind::{
            ConnectedTo, DependsOn, PartOf, PoweredBy, ResolvesBy, RoutesBy, RunsOn, SecuredBy, StoresOn, SyncedBy,
        };
        if self.network_old {
            self.network = Network::new(self.scenario, &self.flags, &self.up);
            self.network_old = false;
        }
        let lost = |kind, flags: &[Flag]| self.lost(thing, kind, |one| flags.iter().any(|flag| self.has(one, *flag)));
        let away = |kind| self.lost(thing, kind, |one| self.is_away(thing, one));
        match flag {
            Flag::Stopped => {
                self.unpowered(thing)
                    || lost(RunsOn, &[Flag::Stopped])
                    || lost(PartOf, &[Flag::Stopped])
                    || away(StoresOn)
            }
            Flag::Errors => {
                away(DependsOn)
                    || lost(DependsOn, &[Flag::Errors, Flag::Cert, Flag::Disk])
                    || lost(RunsOn, &[Flag::Disk, Flag::Errors])
                    || lost(StoresOn, &[Flag::Disk, Flag::Errors])
                    || (self.has(thing, Flag::Names) && !self.on(thing, ResolvesBy).0.is_empty())
            }
            Flag::Slow => {
                lost(RunsOn, &[Flag::Slow, Flag::Overloaded])
                    || lost(StoresOn, &[Flag::Slow, Flag::Overloaded])
                    || lost(DependsOn, &[Flag::Slow, Flag::Overloaded])
                    || lost(ConnectedTo, &[Flag::Slow])
                    || lost(RoutesBy, &[Flag::Slow])
            }
            Flag::Names => {
                let (resolvers, _) = self.on(thing, ResolvesBy);
                away(ResolvesBy)
                    || resolvers.iter().any(|one| self.has(*one, Flag::Names))
                    || lost(RunsOn, &[Flag::Names])
            }
            Flag::Cert => lost(SecuredBy, &[Flag::Cert]),
            Flag::Clock => lost(SyncedBy, &[Flag::Clock]) || away(SyncedBy),
            Flag::Battery => {
                self.scenario.things.get(thing).is_some_and(|of| of.battery_ms > 0) && self.unpowered(thing)
            }
            Flag::Degraded => {
                [PoweredBy, ConnectedTo, DependsOn, RunsOn].into_iter().any(|kind| self.partly_lost(thing, kind))
            }
            Flag::Cut | Flag::Disk | Flag::Overloaded | Flag::AgentDown => false,
        }
    }

    /// Whether one thing gets to another over the network.
    pub(crate) fn gets_to(&mut self, from: usize, to: usize) -> bool {
        if self.network_old {
            self.network = Network::new(self.scenario, &self.flags, &self.up);
            self.network_old = false;
        }
        if self.partly.values().any(|vantages| vantages.contains(&from)) && self.is_hidden_from(from, to) {
            return false;
        }
        from == to || (self.network.joins(from, to) && self.is_routed(from, to))
    }

    /// A fault that only some see lies between.
    fn is_hidden_from(&self, from: usize, to: usize) -> bool {
        use RelationKind::{ConnectedTo, PartOf, RoutesBy, RunsOn};
        let (mut seen, mut border) = (BTreeSet::new(), vec![to]);
        while let Some(one) = border.pop() {
            if !seen.insert(one) {
                continue;
            }
            if self.partly.get(&one).is_some_and(|vantages| vantages.contains(&from)) {
                return true;
            }
            let numbers = self.up.get(one).into_iter().flatten();
            let relations = numbers.filter_map(|number| self.scenario.relations.get(*number));
            border.extend(
                relations.filter(|one| matches!(one.kind, ConnectedTo | RunsOn | RoutesBy | PartOf)).map(|one| one.to),
            );
        }
        false
    }

    /// From another site the way goes through a gateway that works.
    fn is_routed(&self, from: usize, to: usize) -> bool {
        let site = |thing: usize| self.scenario.things.get(thing).map_or("", |thing| thing.site.as_str());
        if !site(from).is_empty() && site(from) == site(to) {
            return true;
        }
        !self.lost(to, RelationKind::RoutesBy, |one| self.has(one, Flag::Stopped) || self.has(one, Flag::Cut))
    }
}

fn set(flags: &mut [u16], thing: usize, flag: Flag, on: bool) {
    if let Some(flags) = flags.get_mut(thing) {
        *flags = if on { *flags | flag.bit() } else { *flags & !flag.bit() };
    }
}
