//! The limits of one evaluation: time, memory, and somebody's wish to stop.

use crate::error::EvalError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

/// Memory that several evaluations share.
#[derive(Debug)]
pub struct MemoryPool {
    bytes_max: usize,
    used: AtomicUsize,
}

impl MemoryPool {
    /// A pool of so many bytes.
    pub fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { bytes_max, used: AtomicUsize::new(0) })
    }

    /// Takes memory until what is answered is dropped; `None` if there is not so much left.
    pub fn take(self: &Arc<Self>, bytes: usize) -> Option<PoolShare> {
        let mut share = PoolShare { pool: Arc::clone(self), bytes: 0 };
        share.grow(bytes).then_some(share)
    }

    /// Bytes in use.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

/// Memory taken from a pool.
#[derive(Debug)]
pub struct PoolShare {
    pool: Arc<MemoryPool>,
    bytes: usize,
}

impl PoolShare {
    fn grow(&mut self, bytes: usize) -> bool {
        let used = self.pool.used.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        self.bytes += bytes;
        used <= self.pool.bytes_max
    }
}

impl Drop for PoolShare {
    fn drop(&mut self) {
        self.pool.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Shared by all threads of one evaluation.
#[derive(Debug)]
pub(crate) struct Guard {
    pub(crate) cancel: Option<Arc<AtomicBool>>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) bytes_max: usize,
    used: AtomicUsize,
    peak: AtomicUsize,
    pub(crate) samples: AtomicUsize,
    pub(crate) series: AtomicUsize,
    pool: Option<Arc<MemoryPool>>,
}

impl Guard {
    #[cfg(test)]
    pub(crate) fn new(cancel: Option<Arc<AtomicBool>>, deadline: Option<Instant>, bytes_max: usize) -> Arc<Self> {
        Self::within(cancel, deadline, bytes_max, None)
    }

    pub(crate) fn within(
        cancel: Option<Arc<AtomicBool>>,
        deadline: Option<Instant>,
        bytes_max: usize,
        pool: Option<Arc<MemoryPool>>,
    ) -> Arc<Self> {
        let zero = || AtomicUsize::new(0);
        let (used, peak, samples, series) = (zero(), zero(), zero(), zero());
        Arc::new(Self { cancel, deadline, bytes_max, used, peak, samples, series, pool })
    }

    /// Fails once the query should end. Cheap enough for once per series.
    pub(crate) fn check(&self) -> Result<(), EvalError> {
        if self.cancel.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            return Err(EvalError::Cancelled);
        }
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(EvalError::Deadline);
        }
        Ok(())
    }

    /// Takes memory from the budget until the charge is dropped.
    pub(crate) fn charge(self: &Arc<Self>, bytes: usize) -> Result<Charge, EvalError> {
        let mut charge = Charge { guard: Arc::clone(self), bytes: 0, shared: 0 };
        charge.grow(bytes)?;
        Ok(charge)
    }

    /// What is left of the budget, in bytes.
    pub(crate) fn left(&self) -> usize {
        self.bytes_max.saturating_sub(self.used.load(Ordering::Relaxed))
    }

    pub(crate) fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }
}

/// Memory taken from the budget.
#[derive(Debug)]
pub(crate) struct Charge {
    guard: Arc<Guard>,
    bytes: usize,
    /// What of it was taken from the pool.
    shared: usize,
}

impl Charge {
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), EvalError> {
        let used = self.guard.used.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        self.bytes += bytes;
        if used > self.guard.bytes_max {
            return Err(EvalError::Memory(self.guard.bytes_max));
        }
        if let Some(pool) = &self.guard.pool {
            let used = pool.used.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
            self.shared += bytes;
            if used > pool.bytes_max {
                return Err(EvalError::Busy(pool.bytes_max));
            }
        }
        self.guard.peak.fetch_max(used, Ordering::Relaxed);
        Ok(())
    }
}

impl Charge {
    /// Takes over what another charge holds.
    pub(crate) fn absorb(&mut self, mut other: Self) {
        self.bytes += std::mem::take(&mut other.bytes);
        self.shared += std::mem::take(&mut other.shared);
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.guard.used.fetch_sub(self.bytes, Ordering::Relaxed);
        if let Some(pool) = &self.guard.pool {
            pool.used.fetch_sub(self.shared, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_back_and_the_peak_stays() {
        let guard = Guard::new(None, None, 100);
        let first = guard.charge(60).unwrap();
        assert_eq!(guard.charge(60).unwrap_err(), EvalError::Memory(100));
        drop(first);
        assert_eq!((guard.left(), guard.peak()), (100, 60));
        assert!(guard.charge(100).is_ok());
    }

    #[test]
    fn evaluations_share_a_pool() {
        let pool = MemoryPool::new(100);
        let guard = || Guard::within(None, None, 90, Some(Arc::clone(&pool)));
        let (one, other) = (guard(), guard());
        let held = one.charge(60).unwrap();
        assert_eq!(other.charge(60).unwrap_err(), EvalError::Busy(100));
        assert_eq!(pool.used(), 60, "what was refused is not held");
        assert!(pool.take(41).is_none() && pool.take(40).is_some());
        drop(held);
        assert!(other.charge(60).is_ok());
        assert_eq!(pool.used(), 0);
    }

    #[test]
    fn a_raised_flag_stops_the_query() {
        let flag = Arc::new(AtomicBool::new(false));
        let guard = Guard::new(Some(Arc::clone(&flag)), None, 0);
        assert_eq!(guard.check(), Ok(()));
        flag.store(true, Ordering::Relaxed);
        assert_eq!(guard.check(), Err(EvalError::Cancelled));
    }
}
