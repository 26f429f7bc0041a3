//! What the inventory knows of a scenario: everything, less what is hidden and what chance leaves out.

use causes::{Graph, Relation, Source, Thing};

use crate::chance::Chance;
use crate::scenario::Scenario;

/// The number of a thing, as the engine knows it.
pub(crate) fn id(place: usize) -> u64 {
    place as u64 + 1
}

/// The graph as far as the inventory knows it.
pub(crate) fn graph(scenario: &Scenario, seed: u64) -> Graph {
    let mut chance = Chance::new(seed, "inventory");
    let mut graph = Graph::new();
    for (place, thing) in scenario.things.iter().enumerate().filter(|(_, thing)| !thing.hidden) {
        graph.put(Thing {
            id: id(place),
            kind: thing.kind.clone(),
            name: thing.name.clone(),
            site: thing.site.clone(),
        });
    }
    for (number, relation) in scenario.relations.iter().enumerate() {
        let left_out = chance.share() < scenario.unknown_share || scenario.unknown.contains(&number);
        if left_out {
            continue;
        }
        let group = if relation.any { "any".to_owned() } else { String::new() };
        graph.relate(&Relation {
            from: id(relation.from),
            kind: relation.kind,
            to: id(relation.to),
            group,
            source: Source::Discovered,
        });
    }
    graph
}
