//! The store: one folder, one owner, one head, many blocks.

mod gather;
mod merging;
mod names;
mod open;
mod plan;
mod read;
mod retain;
mod rollups;
mod stats;
mod upkeep;

pub use read::Series;
pub use rollups::Rollups;
pub use stats::{Stats, Taken, TierStats};

use crate::block::{Block, Directories};
use crate::error::{Error, Result};
use crate::head::{Appended, Head, Sample, SeriesId};
use crate::log::Log;
use crate::options::BATCH_SAMPLES_MAX;
use crate::{Labels, Options};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use upkeep::Upkeep;

/// Beyond this the records waiting for the log are written without waiting for the next sync.
const PENDING_BYTES_MAX: usize = 1 << 20;

/// Damaged places that are remembered, so that each is counted once.
const DAMAGED_MAX: usize = 100_000;

/// A time-series store in a folder. Share it in an `Arc`; every call may come from any thread.
///
/// Locks are taken in the order upkeep, log, head, blocks.
pub struct Store {
    head_dir: PathBuf,
    blocks_dir: PathBuf,
    options: Options,
    head: RwLock<Head>,
    log: Mutex<Log>,
    /// In the order in which they are read.
    blocks: RwLock<Vec<Arc<Block>>>,
    directories: Directories,
    upkeep: Mutex<Upkeep>,
    damaged: Mutex<HashSet<(String, u64)>>,
    /// Held as long as the store is open; the last to be dropped.
    _lock: open::FolderLock,
}

impl Store {
    /// Registers a series of `source` and answers its id; the same labels answer the same id. `labels` holds
    /// `__name__`, in any order.
    ///
    /// Series that are sampled at the same moments belong in one source: they share the times.
    ///
    /// Errors: broken labels; more series than the source or the store may have, naming the offender.
    pub fn register(&self, source: &str, labels: &[(&str, &str)]) -> Result<SeriesId> {
        let labels = match self.check_labels(source, labels) {
            Ok(labels) => labels,
            Err(reason) => {
                self.head_mut().rejected.bad_labels += 1;
                return Err(Error::BadLabels { source: source.chars().take(80).collect(), reason });
            }
        };
        if let Some(id) = self.head().known(source, &labels) {
            return Ok(id);
        }
        let (registered, pending) = {
            let mut head = self.head_mut();
            (head.register(source, labels), head.pending.len())
        };
        self.flush_if_large(pending);
        registered
    }

    /// Says whether a series with these labels would be taken, without making it.
    ///
    /// # Errors
    /// [`Error::BadLabels`], as [`register`](Self::register) would answer.
    pub fn would_take(&self, source: &str, labels: &[(&str, &str)]) -> Result<()> {
        let bad = |reason| Error::BadLabels { source: source.chars().take(80).collect(), reason };
        self.check_labels(source, labels).map(|_| ()).map_err(bad)
    }

    fn check_labels(&self, source: &str, labels: &[(&str, &str)]) -> std::result::Result<Labels, String> {
        let limit = self.options.label_value_bytes_max;
        if source.is_empty() || source.len() > limit {
            return Err(format!("the source's name has {} bytes, 1 to {limit} are taken", source.len()));
        }
        Labels::new(labels, &self.options)
    }

    /// Adds samples of `source`, all taken at `at_ms` (milliseconds since 1970 UTC). Durable after the next
    /// [`sync`](Self::sync).
    ///
    /// What is older than the newest batch of the source is taken too, within [`Options::late_window_ms`], but costs more. A
    /// sample that is there already is counted as repeated, another value at the same time refused as a duplicate. Every
    /// bit pattern of a value is kept.
    ///
    /// Errors: more than [`BATCH_SAMPLES_MAX`] samples. Refused samples are no error but are counted in the answer.
    pub fn append(&self, source: &str, at_ms: i64, samples: &[(SeriesId, f64)]) -> Result<Appended> {
        self.append_with(samples.len(), |head| head.append(source, at_ms, samples))
    }

    /// Adds samples of any sources, each with a time of its own, in any order; like [`append`](Self::append), but with one
    /// lock for all.
    pub fn append_each(&self, samples: &[Sample]) -> Result<Appended> {
        self.append_with(samples.len(), |head| head.append_each(samples))
    }

    fn append_with(&self, count: usize, append: impl FnOnce(&mut Head) -> Appended) -> Result<Appended> {
        if count > BATCH_SAMPLES_MAX {
            return Err(Error::TooMuch { what: "samples in one batch", limit: BATCH_SAMPLES_MAX });
        }
        let (appended, pending) = {
            let mut head = self.head_mut();
            (append(&mut head), head.pending.len())
        };
        self.flush_if_large(pending);
        Ok(appended)
    }

    fn flush_if_large(&self, pending: usize) {
        if pending > PENDING_BYTES_MAX {
            // What waits is in memory; a failing log is reported by the next sync, which tries again.
            self.flush(&mut self.log()).ok();
        }
    }

    /// Waits until everything appended before is on disk.
    pub fn sync(&self) -> Result<()> {
        let mut log = self.log();
        self.flush(&mut log)?;
        log.sync()
    }

    /// Hands the waiting records to the log file.
    fn flush(&self, log: &mut Log) -> Result<()> {
        let empty = log.empty_buffer();
        let pending = std::mem::replace(&mut self.head_mut().pending, empty);
        log.append(pending)
    }

    fn note_damage(&self, block: &Block, offset: u64) {
        let mut damaged = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
        if damaged.len() < DAMAGED_MAX {
            damaged.insert((block.name.clone(), offset));
        }
    }

    fn head(&self) -> RwLockReadGuard<'_, Head> {
        self.head.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn head_mut(&self) -> RwLockWriteGuard<'_, Head> {
        self.head.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn upkeep(&self) -> MutexGuard<'_, Upkeep> {
        self.upkeep.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn block_list(&self) -> Vec<Arc<Block>> {
        self.blocks.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes blocks off the list and puts one on it, at once.
    fn swap_blocks(&self, gone: &[Arc<Block>], new: Option<Block>) {
        let mut blocks = self.blocks.write().unwrap_or_else(PoisonError::into_inner);
        blocks.retain(|block| !gone.iter().any(|gone| Arc::ptr_eq(gone, block)));
        blocks.extend(new.map(Arc::new));
        blocks.sort_by(|a, b| a.says.order().cmp(&b.says.order()));
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("blocks", &self.blocks_dir).finish_non_exhaustive()
    }
}

/// Bytes of the files in a folder; what cannot be looked at counts as nothing.
fn folder_bytes(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|file| file.len()).sum()
}
