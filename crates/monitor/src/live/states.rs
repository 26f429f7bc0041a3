//! How checks stand, from memory: for figures that would otherwise count rows.

use super::{Monitor, lock};
use crate::machine::State;

impl Monitor {
    /// The state of every check, and whether it is paused.
    pub(crate) fn states(&self) -> Vec<(State, bool)> {
        lock(&self.lives).checks.values().map(|live| (live.machine.state, live.check.paused)).collect()
    }
}
