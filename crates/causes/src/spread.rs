//! How far a fault reaches: the states that the things above it come into, over what is known.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::graph::{Edge, Graph};
use crate::rules::{Table, Way};
use crate::words::{RelationKind, What};

/// Weights below this are not followed.
const WEIGHT_MIN: f64 = 0.12;
/// How surely a thing that lost one of its alternatives is degraded.
const DEGRADED: f64 = 0.7;

/// A thing that is seen to fail and comes into its state at least so surely explains what is behind it by itself.
const SURE: f64 = 0.5;

/// A state that a thing comes into.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Effect {
    pub(crate) state: What,
    /// How surely, from 0 to 1.
    pub(crate) weight: f64,
    /// Steps from the cause.
    pub(crate) hops: u32,
    /// The latest that it begins after the cause, in milliseconds.
    pub(crate) delay_ms: i64,
}

/// The states of all things that a fault reaches, by place.
pub(crate) type Effects = BTreeMap<u32, Vec<Effect>>;

/// Where a fault begins.
pub(crate) type Start = (u32, What, f64);

/// A thing that was seen to get worse: from which state to which, and how long after, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Worse {
    pub(crate) from: What,
    pub(crate) to: What,
    pub(crate) after_ms: i64,
}

/// What is seen of the things whatever the cause, by place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// They do not work: alternatives that do not help.
    pub(crate) failed: BTreeSet<u32>,
    /// They give errors.
    pub(crate) errors: BTreeSet<u32>,
    /// They find no names, or wrong ones.
    pub(crate) wrong: BTreeSet<u32>,
    /// They got worse.
    pub(crate) worse: BTreeMap<u32, Vec<Worse>>,
}

struct Walk<'a> {
    graph: &'a Graph,
    table: &'a Table,
    seen: &'a Seen,
    effects: Effects,
    queue: VecDeque<(u32, Effect)>,
    hops_max: u32,
}

/// The effects of faults at `starts`, where this is seen anyway.
pub(crate) fn effects(graph: &Graph, table: &Table, starts: &[Start], seen: &Seen, hops_max: u32) -> Effects {
    let mut walk =
        Walk { graph, table, seen, effects: Effects::new(), queue: VecDeque::new(), hops_max: hops_max.max(1) };
    for (place, state, weight) in starts {
        walk.enter(*place, Effect { state: *state, weight: *weight, hops: 0, delay_ms: 0 });
    }
    while let Some((place, effect)) = walk.queue.pop_front() {
        walk.step(place, effect);
    }
    walk.effects
}

/// The thing does not do its work in this state.
pub(crate) const fn stands_still(state: What) -> bool {
    matches!(state, What::Down | What::Unreachable)
}

impl Walk<'_> {
    /// Takes a state that a thing comes into, if it is news.
    fn enter(&mut self, place: u32, effect: Effect) {
        let states = self.effects.entry(place).or_default();
        if states.iter().any(|known| known.state == effect.state && known.weight >= effect.weight - 0.01) {
            return;
        }
        states.retain(|known| known.state != effect.state);
        states.push(effect);
        self.queue.push_back((place, effect));
        // What was seen to get worse is the same trouble at the thing where it begins; further on a battery that ends
        // is.
        let seen = self.seen;
        let worse = seen.worse.get(&place).into_iter().flatten().filter(|worse| worse.from == effect.state);
        for worse in worse.filter(|worse| effect.hops == 0 || worse.from == What::PowerLost) {
            let delay_ms = effect.delay_ms + worse.after_ms;
            self.enter(place, Effect { state: worse.to, delay_ms, ..effect });
        }
    }

    fn step(&mut self, place: u32, effect: Effect) {
        let Some(node) = self.graph.node(place).filter(|_| effect.hops < self.hops_max) else { return };
        // Whether it was reached is seen: that doubt counts once, and not again for each thing behind it.
        let shown = match effect.state {
            What::NameFails => self.seen.wrong.contains(&place),
            What::Errors => self.seen.errors.contains(&place),
            state => stands_still(state) && self.seen.failed.contains(&place),
        };
        let seen = shown && effect.weight >= SURE;
        let effect = if seen { Effect { weight: 1.0, ..effect } } else { effect };
        // Errors that are seen may be as bad for what is behind as if the thing stood still.
        let worst = if seen && effect.state == What::Errors { self.table.ways(node.kind, What::Down) } else { &[] };
        for way in self.table.ways(node.kind, effect.state) {
            let same = worst.iter().filter(|other| other.over == way.over && other.gives == way.gives);
            let weight = same.map(|other| other.weight).fold(way.weight, f64::max);
            for edge in node.down.iter().filter(|edge| edge.kind == way.over) {
                let Some(child) = self.graph.node(edge.other).filter(|child| way.reaches(child.kind)) else { continue };
                self.reach(place, effect, (way, weight), edge, &child.up);
            }
        }
    }

    fn reach(&mut self, from: u32, effect: Effect, (way, weight): (&Way, f64), edge: &Edge, paths: &[Edge]) {
        let left = if way.needs_all { self.left(from, edge, paths, effect.state) } else { 0 };
        let (state, share) = match left {
            0 => (way.gives, weight),
            _ if stands_still(effect.state) => (What::Degraded, DEGRADED),
            // One of several slow paths slows a part.
            _ => (way.gives, weight * 0.5),
        };
        let weight = effect.weight * share;
        if weight >= WEIGHT_MIN {
            let delay_ms = effect.delay_ms + way.delay_ms;
            self.enter(edge.other, Effect { state, weight, hops: effect.hops + 1, delay_ms });
        }
    }

    /// How many alternatives to this path still work.
    fn left(&self, from: u32, edge: &Edge, paths: &[Edge], state: What) -> usize {
        let Some(group) = edge.group else { return 0 };
        let others = paths.iter().filter(|path| path.kind == edge.kind && path.group == Some(group));
        let lost = |path: &Edge| {
            path.other == from
                || self.seen.failed.contains(&path.other)
                || self
                    .effects
                    .get(&path.other)
                    .into_iter()
                    .flatten()
                    .any(|known| known.state == state || (stands_still(known.state) && stands_still(state)))
        };
        others.filter(|path| !lost(path)).count()
    }
}

/// What a thing gets to over the network without one of them: itself, its switches, their switches. It ends at the
/// first of `goal`.
pub(crate) fn network_above(graph: &Graph, start: u32, without: u32, goal: &BTreeSet<u32>) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    let mut border = vec![start];
    while let Some(place) = border.pop() {
        if place == without || !found.insert(place) {
            continue;
        }
        if goal.contains(&place) {
            break;
        }
        let ups = graph.node(place).into_iter().flat_map(|node| &node.up);
        let network = |edge: &&Edge| {
            matches!(edge.kind, RelationKind::ConnectedTo | RelationKind::RunsOn | RelationKind::RoutesBy)
        };
        border.extend(ups.filter(network).map(|edge| edge.other));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::tests::graph;
    use crate::rules::Rules;

    fn reached(graph: &Graph, cause: u64, state: What, failed: &[u64]) -> Vec<(u64, What)> {
        let table = Table::new(&Rules::built_in(), graph.kinds());
        let failed = failed.iter().filter_map(|id| graph.place(*id)).collect();
        let seen = Seen { failed, ..Seen::default() };
        let effects = effects(graph, &table, &[(graph.place(cause).unwrap(), state, 1.0)], &seen, 6);
        let states = effects.iter().flat_map(|(place, states)| states.iter().map(|one| (graph.id(*place), one.state)));
        states.collect()
    }

    #[test]
    fn a_dead_switch_cuts_off_what_hangs_on_it_and_what_runs_there() {
        let (on, runs) = (RelationKind::ConnectedTo, RelationKind::RunsOn);
        let things = [("core", "switch"), ("edge", "switch"), ("hv", "hypervisor"), ("vm", "vm")];
        let graph = graph(&things, &[("edge", on, "core"), ("hv", on, "edge"), ("vm", runs, "hv")]);
        let cut = |id| (id, What::Unreachable);
        assert_eq!(reached(&graph, 2, What::Down, &[]), [(2, What::Down), cut(3), cut(4)]);
        assert_eq!(reached(&graph, 1, What::Down, &[]), [(1, What::Down), cut(2), cut(3), cut(4)]);
        assert_eq!(reached(&graph, 4, What::Down, &[]), [(4, What::Down)]);
    }

    #[test]
    fn one_of_two_supplies_degrades_and_the_second_stops() {
        let by = RelationKind::PoweredBy;
        let graph = graph(&[("a", "ups"), ("b", "ups"), ("srv", "server")], &[("srv", by, "a"), ("srv", by, "b")]);
        assert_eq!(reached(&graph, 1, What::Down, &[]), [(1, What::Down), (3, What::Degraded)]);
        assert_eq!(reached(&graph, 1, What::Down, &[2]), [(1, What::Down), (3, What::Down)]);
    }

    #[test]
    fn both_supplies_lost_to_one_cause_stop_the_server() {
        let by = RelationKind::PoweredBy;
        let things = [("mains", "mains"), ("a", "pdu"), ("b", "pdu"), ("srv", "server")];
        let graph = graph(&things, &[("a", by, "mains"), ("b", by, "mains"), ("srv", by, "a"), ("srv", by, "b")]);
        assert!(reached(&graph, 1, What::Down, &[]).contains(&(4, What::Down)));
    }

    #[test]
    fn a_name_server_that_is_seen_to_fail_names_fails_them_for_all_behind_it_whatever_made_it() {
        let by = RelationKind::ResolvesBy;
        let things = [("forwarder", "dns"), ("ns", "dns"), ("app", "service")];
        let graph = graph(&things, &[("ns", by, "forwarder"), ("app", by, "ns")]);
        let table = Table::new(&Rules::built_in(), graph.kinds());
        let sure = |wrong: BTreeSet<u32>| {
            let seen = Seen { wrong, ..Seen::default() };
            let start = (graph.place(1).unwrap(), What::NameFails, 1.0);
            let found = effects(&graph, &table, &[start], &seen, 6);
            found[&graph.place(3).unwrap()].iter().map(|one| one.weight).fold(0.0, f64::max)
        };
        let ns = graph.place(2).unwrap();
        let (unseen, seen) = (sure(BTreeSet::new()), sure(BTreeSet::from([ns])));
        assert!((unseen - 0.7225).abs() < 0.001 && (seen - 0.85).abs() < 0.001, "{unseen} {seen}");
    }
}
