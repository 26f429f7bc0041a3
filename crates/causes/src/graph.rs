//! Things and what they stand on, as far as it is known.

use std::collections::{BTreeMap, BTreeSet};

use crate::words::RelationKind;

/// A thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thing {
    /// Its number.
    pub id: u64,
    /// What it is: switch, server, virtual_machine ..; the rules know some of these words, any word may be used.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Where it is; empty when that is not known.
    pub site: String,
}

/// Who says that there is a relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A person.
    Declared,
    /// An agent or a scan.
    Discovered,
}

/// A relation: `from` stands on `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// The thing that would suffer.
    pub from: u64,
    /// How it stands.
    pub kind: RelationKind,
    /// The thing it stands on.
    pub to: u64,
    /// Relations of one kind and one label from one thing are alternatives: one of them is enough. Empty: none for
    /// most kinds, all of them for those that [`RelationKind::is_redundant`].
    pub group: String,
    /// Who says so.
    pub source: Source,
}

/// One end of a relation, as seen from the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    /// The thing at the other end.
    pub(crate) other: u32,
    pub(crate) kind: RelationKind,
    /// Which alternatives it belongs to; none when it is needed alone.
    pub(crate) group: Option<u16>,
}

/// A thing with its relations.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) thing: Thing,
    /// Its kind's number.
    pub(crate) kind: u16,
    /// What it stands on.
    pub(crate) up: Vec<Edge>,
    /// What stands on it.
    pub(crate) down: Vec<Edge>,
    gone: bool,
}

/// All things and relations that are known. Changes are cheap; nothing is ever renumbered.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    places: BTreeMap<u64, u32>,
    kinds: Vec<String>,
    groups: Vec<String>,
    relations: usize,
}

impl Graph {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a thing, or says anew what a known one is.
    pub fn put(&mut self, thing: Thing) {
        let kind = numbered(&mut self.kinds, &thing.kind);
        if let Some(node) = self.place(thing.id).and_then(|place| self.nodes.get_mut(place as usize)) {
            (node.thing, node.kind, node.gone) = (thing, kind, false);
            return;
        }
        let Ok(place) = u32::try_from(self.nodes.len()) else { return };
        self.places.insert(thing.id, place);
        self.nodes.push(Node { thing, kind, up: Vec::new(), down: Vec::new(), gone: false });
    }

    /// Takes a thing and its relations away.
    pub fn remove(&mut self, thing: u64) {
        let Some(place) = self.place(thing) else { return };
        let Some(node) = self.nodes.get_mut(place as usize) else { return };
        node.gone = true;
        let (up, down) = (std::mem::take(&mut node.up), std::mem::take(&mut node.down));
        self.relations = self.relations.saturating_sub(up.len() + down.len());
        for edge in up {
            if let Some(other) = self.nodes.get_mut(edge.other as usize) {
                other.down.retain(|back| back.other != place);
            }
        }
        for edge in down {
            if let Some(other) = self.nodes.get_mut(edge.other as usize) {
                other.up.retain(|back| back.other != place);
            }
        }
    }

    /// Adds a relation, or changes the group of a known one. False when a thing is not known or stands on itself.
    pub fn relate(&mut self, relation: &Relation) -> bool {
        let (Some(from), Some(to)) = (self.place(relation.from), self.place(relation.to)) else { return false };
        if from == to {
            return false;
        }
        self.unrelate(relation.from, relation.kind, relation.to);
        let alternatives = !relation.group.is_empty() || relation.kind.is_redundant();
        let group = alternatives.then(|| numbered(&mut self.groups, &relation.group));
        if let Some(node) = self.nodes.get_mut(from as usize) {
            node.up.push(Edge { other: to, kind: relation.kind, group });
        }
        if let Some(node) = self.nodes.get_mut(to as usize) {
            node.down.push(Edge { other: from, kind: relation.kind, group });
        }
        self.relations += 1;
        true
    }

    /// Takes a relation away.
    pub fn unrelate(&mut self, from: u64, kind: RelationKind, to: u64) {
        let (Some(from), Some(to)) = (self.place(from), self.place(to)) else { return };
        let Some(node) = self.nodes.get_mut(from as usize) else { return };
        let before = node.up.len();
        node.up.retain(|edge| edge.other != to || edge.kind != kind);
        self.relations -= before - node.up.len();
        if let Some(node) = self.nodes.get_mut(to as usize) {
            node.down.retain(|edge| edge.other != from || edge.kind != kind);
        }
    }

    /// A known thing.
    pub fn thing(&self, id: u64) -> Option<&Thing> {
        self.node(self.place(id)?).map(|node| &node.thing)
    }

    /// How many things and relations are known.
    pub fn size(&self) -> (usize, usize) {
        (self.nodes.iter().filter(|node| !node.gone).count(), self.relations)
    }

    /// Everything that the things stand on within so many steps, the things themselves included.
    pub fn ancestors(&self, things: impl IntoIterator<Item = u64>, hops: u32) -> BTreeSet<u64> {
        let starts = things.into_iter().filter_map(|id| self.place(id));
        self.above(starts, hops).into_iter().filter_map(|place| self.node(place)).map(|node| node.thing.id).collect()
    }

    pub(crate) fn above(&self, starts: impl Iterator<Item = u32>, hops: u32) -> BTreeSet<u32> {
        let mut found: BTreeSet<u32> = starts.collect();
        let mut border: Vec<u32> = found.iter().copied().collect();
        for _ in 0..hops {
            let mut next = Vec::new();
            for edge in border.iter().filter_map(|place| self.node(*place)).flat_map(|node| &node.up) {
                if found.insert(edge.other) {
                    next.push(edge.other);
                }
            }
            border = next;
        }
        found
    }

    pub(crate) fn place(&self, id: u64) -> Option<u32> {
        self.places.get(&id).copied()
    }

    pub(crate) fn node(&self, place: u32) -> Option<&Node> {
        self.nodes.get(place as usize).filter(|node| !node.gone)
    }

    pub(crate) fn id(&self, place: u32) -> u64 {
        self.nodes.get(place as usize).map_or(0, |node| node.thing.id)
    }

    /// The name of a thing, or what stands for it.
    pub(crate) fn name(&self, id: u64) -> &str {
        self.thing(id).map_or("something unknown", |thing| &thing.name)
    }

    /// How many places there are, those of things that are gone included.
    pub(crate) fn places(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn kinds(&self) -> &[String] {
        &self.kinds
    }
}

/// The number of a word, given on first sight.
fn numbered(words: &mut Vec<String>, word: &str) -> u16 {
    let known = words.iter().position(|one| one == word).unwrap_or_else(|| {
        words.push(word.to_owned());
        words.len() - 1
    });
    u16::try_from(known).unwrap_or(u16::MAX)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A graph from `name kind` and `from relation to` lines; numbers are given in order from 1.
    pub(crate) fn graph(things: &[(&str, &str)], relations: &[(&str, RelationKind, &str)]) -> Graph {
        let mut graph = Graph::new();
        for (number, (name, kind)) in things.iter().enumerate() {
            let (name, kind) = ((*name).to_owned(), (*kind).to_owned());
            graph.put(Thing { id: number as u64 + 1, kind, name, site: "oslo".into() });
        }
        let id = |name: &str| things.iter().position(|(one, _)| *one == name).unwrap() as u64 + 1;
        for (from, kind, to) in relations {
            let (from, to, group) = (id(from), id(to), String::new());
            assert!(graph.relate(&Relation { from, kind: *kind, to, group, source: Source::Declared }));
        }
        graph
    }

    #[test]
    fn ancestors_end_after_so_many_steps_and_survive_circles() {
        let on = RelationKind::ConnectedTo;
        let things = [("a", "server"), ("b", "switch"), ("c", "switch"), ("d", "router")];
        let graph = graph(&things, &[("a", on, "b"), ("b", on, "c"), ("c", on, "d"), ("d", on, "b")]);
        assert_eq!(graph.ancestors([1], 1), BTreeSet::from([1, 2]));
        assert_eq!(graph.ancestors([1], 9), BTreeSet::from([1, 2, 3, 4]));
    }

    #[test]
    fn what_was_taken_away_is_gone_from_both_ends() {
        let on = RelationKind::ConnectedTo;
        let mut graph = graph(&[("a", "server"), ("b", "switch")], &[("a", on, "b")]);
        assert_eq!(graph.size(), (2, 1));
        graph.remove(2);
        assert_eq!(graph.size(), (1, 0));
        assert_eq!(graph.ancestors([1], 3), BTreeSet::from([1]));
        assert!(graph.thing(2).is_none());
    }

    #[test]
    fn a_relation_said_twice_is_one() {
        let on = RelationKind::RunsOn;
        let graph = graph(&[("a", "vm"), ("b", "server")], &[("a", on, "b"), ("a", on, "b")]);
        assert_eq!(graph.size(), (2, 1));
    }
}
