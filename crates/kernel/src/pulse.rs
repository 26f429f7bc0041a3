//! Signs of life of what must go on turning: whoever turns says so, and whoever watches over it can tell when it stopped.

use std::sync::PoisonError;

use crate::running::Kernel;
use crate::time::Time;

/// What turns and cannot be trusted: who says so, and why.
pub(crate) type Doubts = std::collections::BTreeMap<&'static str, String>;

impl Kernel {
    /// Says that `name` has done a whole round now.
    pub fn beat(&self, name: &'static str) {
        self.beats.lock().unwrap_or_else(PoisonError::into_inner).insert(name, self.now());
    }

    /// When `name` last did a whole round; `None` when it has not since the start.
    pub fn last_beat(&self, name: &str) -> Option<Time> {
        self.beats.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }

    /// Says why what `name` does cannot be trusted now, though it turns; nothing when it can.
    pub fn doubt(&self, name: &'static str, why: Option<String>) {
        let mut doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        match why {
            Some(why) => drop(doubts.insert(name, why)),
            None => drop(doubts.remove(name)),
        }
    }

    /// Why what turns cannot be trusted now, in order of the names.
    pub fn doubts(&self) -> Vec<String> {
        self.doubts.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}
