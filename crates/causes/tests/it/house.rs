//! A small house of machines, and a clock that is turned by hand.

use std::collections::{BTreeMap, BTreeSet};

use causes::{
    Change, Decision, Engine, Graph, Look, Observation, Options, Relation, RelationKind, Rules, Source, Symptom, Thing,
    What,
};

/// The time between two looks.
pub(crate) const INTERVAL: i64 = 10_000;

/// An engine, its house, and everything it decided.
pub(crate) struct House {
    pub(crate) engine: Engine,
    pub(crate) now: i64,
    pub(crate) decided: Vec<Decision>,
    names: BTreeMap<String, u64>,
    bad: BTreeMap<u64, bool>,
    /// What the looks at services ask for; those at machines ask whether they are reached.
    services: BTreeSet<u64>,
}

impl House {
    /// `name kind` and `from relation to`, with `from relation to /label` for alternatives.
    pub(crate) fn new(things: &[(&str, &str)], relations: &[(&str, &str, &str)]) -> Self {
        let mut graph = Graph::new();
        let mut names = BTreeMap::new();
        for (id, (name, kind)) in (1_u64..).zip(things) {
            names.insert((*name).to_owned(), id);
            graph.put(Thing { id, kind: (*kind).into(), name: (*name).into(), site: "oslo".into() });
        }
        for (from, kind, to) in relations {
            let relation = Relation {
                from: names[*from],
                kind: RelationKind::parse(kind).unwrap(),
                to: names[*to],
                group: String::new(),
                source: Source::Declared,
            };
            assert!(graph.relate(&relation));
        }
        let services = things.iter().filter(|(_, kind)| *kind == "service").map(|(name, _)| names[*name]).collect();
        let bad = names.values().map(|id| (*id, false)).collect();
        let engine = Engine::new(graph, Rules::built_in(), Options::default());
        let mut house = Self { engine, now: 1_000_000, decided: Vec::new(), names, bad, services };
        house.pass(30);
        house
    }

    /// A switch with so many servers, and a second one beside it that is fine.
    pub(crate) fn switches(servers: usize) -> Self {
        let names: Vec<String> = (0..servers).map(|n| format!("srv-{n}")).collect();
        let mut things = vec![("core", "switch"), ("sw-a", "switch"), ("sw-b", "switch"), ("other", "server")];
        things.extend(names.iter().map(|name| (name.as_str(), "server")));
        let mut relations =
            vec![("sw-a", "connected_to", "core"), ("sw-b", "connected_to", "core"), ("other", "connected_to", "sw-b")];
        relations.extend(names.iter().map(|name| (name.as_str(), "connected_to", "sw-a")));
        Self::new(&things, &relations)
    }

    pub(crate) fn id(&self, name: &str) -> u64 {
        self.names[name]
    }

    pub(crate) fn look(&self, thing: u64) -> Look {
        let what = if self.services.contains(&thing) { What::Errors } else { What::Unreachable };
        let key = 1_000 + thing;
        Look { key, thing, what, vantage: None, interval_ms: INTERVAL, by_name: false, label: String::new() }
    }

    pub(crate) fn see(&mut self, observation: Observation) {
        self.engine.observe(observation, self.now);
    }

    /// Nothing answers any more.
    pub(crate) fn mute(&mut self) {
        self.bad.clear();
    }

    /// A second goes by in which nothing is looked at; what is asked again in it.
    pub(crate) fn pass_mute(&mut self) -> Vec<u64> {
        self.now += 1_000;
        let decided = self.engine.tick(self.now);
        let looks =
            decided.iter().filter_map(|one| if let Decision::Recheck { looks, .. } = one { Some(looks) } else { None });
        let asked = looks.flatten().copied().collect();
        self.decided.extend(decided);
        asked
    }

    pub(crate) fn fire(&mut self, name: &str, what: What) -> u64 {
        let id = self.id(name);
        self.bad.insert(id, true);
        let look = self.look(id);
        self.see(Observation::Seen { look: look.clone(), good: false, at_ms: self.now });
        self.see(Observation::Fired(Symptom { look, what, since_ms: self.now, evidence: "no answer".into() }));
        1_000 + id
    }

    pub(crate) fn clear(&mut self, name: &str) {
        let id = self.id(name);
        self.bad.insert(id, false);
        self.see(Observation::Seen { look: self.look(id), good: true, at_ms: self.now });
        self.see(Observation::Cleared { key: 1_000 + id, at_ms: self.now });
    }

    pub(crate) fn change(&mut self, name: &str, label: &str, words: &str) {
        let change = Change { label: label.into(), thing: self.id(name), at_ms: self.now, words: words.into() };
        self.see(Observation::Changed(change));
    }

    /// Seconds go by: every thing is looked at each interval, and what is asked again is answered at once.
    pub(crate) fn pass(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.now += 1_000;
            for (id, bad) in self.bad.clone() {
                if (self.now + id as i64 * 1_000) % INTERVAL == 0 {
                    self.see(Observation::Seen { look: self.look(id), good: !bad, at_ms: self.now });
                }
            }
            for decision in self.engine.tick(self.now) {
                if let Decision::Recheck { looks, .. } = &decision {
                    for key in looks {
                        let id = key - 1_000;
                        let good = !self.bad[&id];
                        self.engine.observe(Observation::Seen { look: self.look(id), good, at_ms: self.now }, self.now);
                    }
                }
                self.decided.push(decision);
            }
        }
    }

    pub(crate) fn pages(&self) -> usize {
        self.decided.iter().filter(|one| matches!(one, Decision::Page { .. })).count()
    }

    pub(crate) fn recoveries(&self) -> Vec<bool> {
        let of = |one: &Decision| match one {
            Decision::Recover { announce, .. } => Some(*announce),
            _ => None,
        };
        self.decided.iter().filter_map(of).collect()
    }

    /// The name of the first candidate of each group, by number of the group.
    pub(crate) fn causes(&self) -> Vec<String> {
        let graph = self.engine.graph();
        let first = |view: causes::GroupView| {
            let cluster = view.cluster?;
            if cluster.undetermined.is_some() {
                return Some("undetermined".to_owned());
            }
            Some(match &cluster.candidates.first()?.cause {
                causes::Cause::Thing { thing, .. } => graph.thing(*thing)?.name.clone(),
                causes::Cause::Change { label } => format!("change {label}"),
                causes::Cause::Vantage { .. } => "monitor".to_owned(),
            })
        };
        self.engine.groups().into_iter().filter_map(first).collect()
    }
}
