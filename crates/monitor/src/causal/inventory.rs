//! What the inventory knows, as the cause engine is told it.

use std::collections::{BTreeMap, BTreeSet};

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

/// What each thing stands on.
pub(crate) type Under = BTreeMap<i64, BTreeSet<(RelationKind, i64)>>;

impl Ground {
    /// A relation is known, or no longer.
    pub(super) fn relation(&mut self, from: i64, kind: RelationKind, to: i64, known: bool) {
        let changed = if known {
            self.under.entry(from).or_default().insert((kind, to))
        } else {
            self.under.get_mut(&from).is_some_and(|on| on.remove(&(kind, to)))
        };
        self.version += u64::from(changed);
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
            ground.entry(relation.from).or_default().insert((kind, relation.to));
            let (Ok(from), Ok(to)) = (u64::try_from(relation.from), u64::try_from(relation.to)) else { continue };
            let source = if relation.source.starts_with("agent") { Source::Discovered } else { Source::Declared };
            graph.relate(&Relation { from, kind, to, group: String::new(), source });
        }
    }
    Ok((graph, ground))
}
