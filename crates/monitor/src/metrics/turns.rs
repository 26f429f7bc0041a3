//! Turns at answering questions: each may take much memory, so that only a few are answered at a time, and all of them
//! share what there is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use promql::{Answer, EvalError, MemoryPool};

use crate::limits::{QUERIES_AT_ONCE, QUERY_MEMORY_SHARED_BYTES};
use crate::live::lock;

/// Who is being answered.
pub(crate) struct Turns {
    taken: Mutex<usize>,
    freed: Condvar,
    /// Questions that took too much, or got no turn.
    pub(crate) refused: AtomicU64,
    /// What all questions hold together, answers that are being written included.
    pub(super) memory: Arc<MemoryPool>,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            taken: Mutex::default(),
            freed: Condvar::new(),
            refused: AtomicU64::new(0),
            memory: MemoryPool::new(QUERY_MEMORY_SHARED_BYTES),
        }
    }
}

/// One turn; dropping it lets the next one in.
pub(super) struct Turn<'a>(&'a Turns);

impl Turns {
    /// Counts what was refused because it took too much.
    pub(super) fn note(&self, outcome: &Result<Answer, EvalError>) {
        if let Err(EvalError::Memory(_) | EvalError::Busy(_) | EvalError::Deadline | EvalError::Steps(_)) = outcome {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits for a turn until the deadline; `None` when there was none.
    pub(super) fn take(&self, deadline: Option<Instant>) -> Option<Turn<'_>> {
        let mut taken = lock(&self.taken);
        while *taken >= QUERIES_AT_ONCE {
            let left = deadline?.checked_duration_since(Instant::now())?;
            taken = self.freed.wait_timeout(taken, left).unwrap_or_else(std::sync::PoisonError::into_inner).0;
        }
        *taken += 1;
        Some(Turn(self))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *lock(&self.0.taken) -= 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_are_answered_at_a_time_and_whoever_comes_too_late_is_turned_away() {
        let turns = Turns::default();
        let held: Vec<_> = (0..QUERIES_AT_ONCE).map(|_| turns.take(None).unwrap()).collect();
        assert!(turns.take(Some(Instant::now())).is_none());
        drop(held);
        assert!(turns.take(None).is_some());
    }
}
