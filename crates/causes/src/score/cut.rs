//! Who still sees whom when a thing stands still.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::Graph;
use crate::spread::{Effects, network_above};
use crate::words::What;

/// Who is cut off from whom when a thing stands still.
pub(super) struct Cut<'a> {
    graph: &'a Graph,
    effects: &'a Effects,
    cause: u32,
    above: BTreeMap<u32, BTreeSet<u32>>,
    /// The places of vantages that stand behind the cause; none of those that do not.
    behind: BTreeMap<u64, Option<u32>>,
}

impl<'a> Cut<'a> {
    pub(super) fn new(graph: &'a Graph, effects: &'a Effects, cause: u32) -> Self {
        Self { graph, effects, cause, above: BTreeMap::new(), behind: BTreeMap::new() }
    }

    /// The vantage stands behind the cause.
    pub(super) fn has(&self, vantage: u64) -> bool {
        let states = self.graph.place(vantage).and_then(|place| self.effects.get(&place));
        states.into_iter().flatten().any(|effect| effect.state == What::Unreachable)
    }

    /// How surely a vantage sees that a thing is cut off: not at all when both are on the same side.
    pub(super) fn seen(&mut self, vantage: Option<u64>, place: u32) -> f64 {
        let Some(vantage) = vantage else { return 1.0 };
        let known = self.behind.get(&vantage).copied();
        let behind = known.unwrap_or_else(|| self.graph.place(vantage).filter(|_| self.has(vantage)));
        if known.is_none() {
            self.behind.insert(vantage, behind);
        }
        let Some(from) = behind else { return 1.0 };
        if from == place {
            return 0.3;
        }
        let (graph, cause) = (self.graph, self.cause);
        let reached = self.above.entry(from).or_insert_with(|| network_above(graph, from, cause, &BTreeSet::new()));
        let there = network_above(graph, place, cause, reached);
        if there.iter().any(|one| reached.contains(one)) { 0.0 } else { 1.0 }
    }
}
