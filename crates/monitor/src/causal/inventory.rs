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
    pub(super) fn relate(&mut self, relation: &Relation) {
        let (Ok(from), Ok(to)) = (i64::try_from(relation.from), i64::try_from(relation.to)) else { return };
        let before = self.under.entry(from).or_default().insert((relation.kind, to), relation.group.clone());
        self.version += u64::from(before.is_none_or(|before| before != relation.group));
    }

    /// A relation is no longer known.
    pub(super) fn unrelate(&mut self, from: i64, on: (RelationKind, i64)) {
        let gone = self.under.get_mut(&from).and_then(|under| under.remove(&on));
        self.version += u64::from(gone.is_some());
    }
}

/// A relation of the inventory as the engine knows it: who stands on what.
pub(crate) fn relation(on: (i64, &str, i64), group: String, discovered: bool) -> Option<Relation> {
    let (from, kind, to) = on;
    let source = if discovered { Source::Discovered } else { Source::Declared };
    let (from, to) = (u64::try_from(from).ok()?, u64::try_from(to).ok()?);
    Some(Relation { from, kind: RelationKind::parse(kind)?, to, group, source })
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
    let (mut graph, mut ground) = (Graph::new(), Ground::default());
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
        for known in assets::parents(tx, slice)? {
            let on = (known.from, known.kind.as_str(), known.to);
            if let Some(relation) = relation(on, known.group, known.discovered) {
                ground.relate(&relation);
                graph.relate(&relation);
            }
        }
    }
    Ok((graph, ground.under))
}
