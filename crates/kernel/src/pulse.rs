//! Signs of life of what must go on turning: whoever turns says so, and whoever watches over it can tell when it stopped.

use std::sync::PoisonError;

use crate::running::Kernel;
use crate::time::Time;

impl Kernel {
    /// Says that `name` has done a whole round now.
    pub fn beat(&self, name: &'static str) {
        self.beats.lock().unwrap_or_else(PoisonError::into_inner).insert(name, self.now());
    }

    /// When `name` last did a whole round; `None` when it has not since the start.
    pub fn last_beat(&self, name: &str) -> Option<Time> {
        self.beats.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }
}
