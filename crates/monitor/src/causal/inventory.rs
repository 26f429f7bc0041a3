//! What the inventory knows, as the cause engine is told it.

use std::collections::BTreeMap;

use causes::{Graph, Relation, RelationKind, Source, Thing};
use kernel::Result;
use kernel::db::Tx;

/// Things read from the inventory at a time.
const THINGS_ROWS: i64 = 500;

/// What each thing stands on, and how often that changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ground {
    pub(crate) under: Under,
    pub(crate) version: u64,
}

/// What each thing stands on, each with the name of the alternatives that it is one of; empty: it is in none.
pub(crate) type Under = BTreeMap<i64, BTreeMap<(RelationKind, i64), String>>;

impl Ground {
    /// A relation is known, or belongs to other alternatives.
    pub(super) fn relate(&mut self, from: i64, on: (RelationKind, i64), group: &str) {
        let before = self.under.entry(from).or_default().insert(on, group.to_owned());
        self.version += u64::from(before.is_none_or(|before| before != group));
    }

    /// A relation is no longer known.
    pub(super) fn unrelate(&mut self, from: i64, on: (RelationKind, i64)) {
        let gone = self.under.get_mut(&from).and_then(|under| under.remove(&on));
        self.version += u64::from(gone.is_some());
    }
}

/// A thing of the inventory as the engine knows it; nothing when it is retired.
pub(crate) fn thing(id: i64, brief: &assets::Brief) -> Option<Thing> {
    let live = brief.status != assets::Status::Retired;
    let site = brief.place.map(|place| place.to_string()).unwrap_or_default();
    let number = u64::try_from(id).ok()?;
    live.then(|| Thing { id: number, kind: brief.kind.clone(), name: brief.name.clone(), site })
}

/// All of it.
pub(super) fn graph(tx: &mut Tx<'_>) -> Result<(Graph, Under)> {
    let (mut graph, mut ground) = (Graph::new(), Under::new());
    let mut after = 0;
    let mut all = Vec::new();
    loop {
        let things = assets::things_after(tx, after, THINGS_ROWS)?;
        let Some((last, _)) = things.last() else { break };
        after = *last;
        for (id, brief) in things {
            if let Some(thing) = thing(id, &brief) {
                graph.put(thing);
                all.push(id);
            }
        }
    }
    for slice in all.chunks(usize::try_from(THINGS_ROWS).unwrap_or(500)) {
        for relation in assets::parents(tx, slice)? {
            let Some(kind) = RelationKind::parse(relation.kind.as_str()) else { continue };
            ground.entry(relation.from).or_default().insert((kind, relation.to), relation.group.clone());
            let (Ok(from), Ok(to)) = (u64::try_from(relation.from), u64::try_from(relation.to)) else { continue };
            let source = if relation.source.starts_with("agent") { Source::Discovered } else { Source::Declared };
            graph.relate(&Relation { from, kind, to, group: relation.group, source });
        }
    }
    Ok((graph, ground))
}
