//! How many checks are in which state, for the board.

use std::collections::BTreeMap;

use kernel::limits::COUNT_MAX;
use kernel::permission::Reach;
use kernel::{Cx, Result};

use crate::live::Monitor;
use crate::machine::State;
use crate::store;

/// How many checks are in a state; paused ones are counted apart.
pub(crate) type Counted = (State, bool, i64);

/// How many checks that a reach covers are in each of these states, and how many are paused. Whoever sees all of them gets
/// them from memory; for others the rows are counted, and counting stops at 1,000.
pub(crate) fn states(cx: &mut Cx, wanted: &[State], reach: &Reach) -> Result<Vec<Counted>> {
    if !reach.everything {
        return store::checks::states(cx.tx, wanted, reach, COUNT_MAX);
    }
    let mut counted: BTreeMap<(&str, bool), Counted> = BTreeMap::new();
    for (state, paused) in cx.kernel.get::<Monitor>()?.states() {
        counted.entry((state.as_str(), paused)).or_insert((state, paused, 0)).2 += 1;
    }
    Ok(counted.into_values().collect())
}
