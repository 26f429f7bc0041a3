//! Who gets to whom: cables between switches that run, and machines that hang on them.

use causes::RelationKind;

use crate::scenario::Scenario;

use super::Flag;

/// The part of the network that has no switch above it: all of its top switches hang together.
const BACKBONE: usize = usize::MAX;

/// The pieces into which the network has fallen, and on which each thing hangs.
#[derive(Default)]
pub(super) struct Network {
    hangs: Vec<Vec<usize>>,
}

impl Network {
    pub(super) fn new(scenario: &Scenario, flags: &[u16], up: &[Vec<usize>]) -> Self {
        let count = scenario.things.len();
        let off =
            |thing: usize| flags.get(thing).is_some_and(|flags| flags & (Flag::Stopped.bit() | Flag::Cut.bit()) != 0);
        let ups = |thing: usize, kind: RelationKind| {
            let numbers = up.get(thing).into_iter().flatten();
            numbers
                .filter_map(|number| scenario.relations.get(*number))
                .filter(move |one| one.kind == kind)
                .map(|one| one.to)
        };
        // Whatever something is connected to passes on what it gets.
        let mut passes_on = vec![false; count];
        for relation in scenario.relations.iter().filter(|one| one.kind == RelationKind::ConnectedTo) {
            set(&mut passes_on, relation.to);
        }
        let mut pieces: Vec<usize> = (0..=count).collect();
        for thing in (0..count).filter(|thing| passes_on.get(*thing) == Some(&true) && !off(*thing)) {
            let mut above = ups(thing, RelationKind::ConnectedTo).peekable();
            if above.peek().is_none() {
                join(&mut pieces, thing, count);
            }
            for other in above.filter(|other| !off(*other)) {
                join(&mut pieces, thing, other);
            }
        }
        let piece = |thing: usize| {
            let root = find(&pieces, thing);
            if root == find(&pieces, count) { BACKBONE } else { root }
        };
        let hangs = (0..count).map(|thing| {
            // A guest hangs where its host does.
            let (mut at, mut steps) = (thing, 0);
            while !off(at) && !passes_on.get(at).copied().unwrap_or_default() && steps < 8 {
                if ups(at, RelationKind::ConnectedTo).next().is_some() {
                    break;
                }
                let Some(host) = ups(at, RelationKind::RunsOn).next() else { break };
                (at, steps) = (host, steps + 1);
            }
            if off(at) || off(thing) {
                return Vec::new();
            }
            if passes_on.get(at).copied().unwrap_or_default() {
                return vec![piece(at)];
            }
            let mut above = ups(at, RelationKind::ConnectedTo).peekable();
            if above.peek().is_none() {
                return vec![BACKBONE];
            }
            above.filter(|one| !off(*one)).map(piece).collect()
        });
        Self { hangs: hangs.collect() }
    }

    /// Both hang on one piece.
    pub(super) fn joins(&self, one: usize, other: usize) -> bool {
        let (Some(one), Some(other)) = (self.hangs.get(one), self.hangs.get(other)) else { return false };
        one.iter().any(|piece| other.contains(piece))
    }
}

fn set(flags: &mut [bool], at: usize) {
    if let Some(flag) = flags.get_mut(at) {
        *flag = true;
    }
}

fn find(pieces: &[usize], mut at: usize) -> usize {
    while let Some(next) = pieces.get(at).copied().filter(|next| *next != at) {
        at = next;
    }
    at
}

fn join(pieces: &mut [usize], one: usize, other: usize) {
    let (one, other) = (find(pieces, one), find(pieces, other));
    if let Some(piece) = pieces.get_mut(one.max(other)) {
        *piece = one.min(other);
    }
}
