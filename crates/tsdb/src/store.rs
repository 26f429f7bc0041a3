//! The store: one folder, one owner, one head, many blocks.

mod open;
mod read;
mod upkeep;

pub use read::Series;

use crate::block::Block;
use crate::error::{Error, Result};
use crate::head::{Appended, Head, Rejected, SeriesId};
use crate::log::Log;
use crate::options::BATCH_SAMPLES_MAX;
use crate::{Labels, Options};
use std::collections::HashSet;
use std::fs::File;
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
    /// In order of name, which is in order of time.
    blocks: RwLock<Vec<Arc<Block>>>,
    upkeep: Mutex<Upkeep>,
    damaged: Mutex<HashSet<(String, u64)>>,
    /// Held as long as the store is open.
    _lock: File,
}

/// What a store holds and what it had to refuse, since it was opened unless said otherwise.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Sources in the catalogue.
    pub sources: usize,
    /// Series in the catalogue, with samples in memory or in blocks.
    pub series: usize,
    /// Series that took a sample within the last two windows.
    pub active_series: usize,
    /// Samples taken, those recovered from snapshot and log included.
    pub samples: u64,
    /// Samples in blocks.
    pub block_samples: u64,
    /// Block files.
    pub blocks: usize,
    /// Bytes of the block files.
    pub block_bytes: u64,
    /// Bytes of all files of the store.
    pub disk_bytes: u64,
    /// Bytes of sealed chunks in memory.
    pub sealed_bytes: usize,
    /// What was refused.
    pub rejected: Rejected,
    /// Sources whose series were refused because of a limit, and how many; most first.
    pub offenders: Vec<(String, u64)>,
    /// Damaged pages, indexes and directories met so far, each counted once.
    pub damaged_pages: u64,
    /// Damaged frames of the log and unusable snapshots met at the start.
    pub damaged_frames: u64,
    /// Records of the log that referred to something lost.
    pub lost_records: u64,
    /// Blocks deleted by age or for the disk budget.
    pub removed_blocks: u64,
    /// Chunks dropped because blocks could not be written for too long.
    pub dropped_chunks: u64,
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
        self.head_mut().register(source, labels)
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
    /// Time only goes forward within a source. What is older than its newest batch is refused as out of order; a second
    /// sample of a series at the same time is refused as a duplicate. Every bit pattern of a value is kept.
    ///
    /// Errors: more than [`BATCH_SAMPLES_MAX`] samples. Refused samples are no error but are counted in the answer.
    pub fn append(&self, source: &str, at_ms: i64, samples: &[(SeriesId, f64)]) -> Result<Appended> {
        if samples.len() > BATCH_SAMPLES_MAX {
            return Err(Error::TooMuch { what: "samples in one batch", limit: BATCH_SAMPLES_MAX });
        }
        let (appended, pending) = {
            let mut head = self.head_mut();
            (head.append(source, at_ms, samples), head.pending.len())
        };
        if pending > PENDING_BYTES_MAX {
            // The samples are in memory; a failing log is reported by the next sync, which tries again.
            self.flush(&mut self.log()).ok();
        }
        Ok(appended)
    }

    /// Waits until everything appended before is on disk.
    pub fn sync(&self) -> Result<()> {
        let mut log = self.log();
        self.flush(&mut log)?;
        log.sync()
    }

    /// Hands the waiting records to the log file.
    fn flush(&self, log: &mut Log) -> Result<()> {
        let pending = std::mem::take(&mut self.head_mut().pending);
        log.append(pending)
    }

    /// What the store holds and what it had to refuse. Lists the folder.
    pub fn stats(&self) -> Stats {
        let (damaged_frames, lost_records, removed_blocks, dropped_chunks) = {
            let upkeep = self.upkeep();
            (upkeep.damaged_frames, upkeep.lost_records, upkeep.removed_blocks, upkeep.dropped_chunks)
        };
        let blocks = self.block_list();
        let block_bytes = blocks.iter().map(|block| block.bytes).sum();
        let head = self.head();
        let mut offenders: Vec<_> = head.offenders.iter().map(|(name, count)| (name.clone(), *count)).collect();
        offenders.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Stats {
            sources: head.sources.iter().flatten().count(),
            series: head.series.iter().flatten().count(),
            active_series: head.active,
            samples: head.samples,
            block_samples: blocks.iter().map(|block| block.samples).sum(),
            blocks: blocks.len(),
            block_bytes,
            disk_bytes: block_bytes + folder_bytes(&self.head_dir),
            sealed_bytes: head.sealed_bytes,
            rejected: head.rejected,
            offenders,
            damaged_pages: self.damaged.lock().unwrap_or_else(PoisonError::into_inner).len() as u64,
            damaged_frames,
            lost_records,
            removed_blocks,
            dropped_chunks,
        }
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

    fn blocks_mut(&self) -> RwLockWriteGuard<'_, Vec<Arc<Block>>> {
        self.blocks.write().unwrap_or_else(PoisonError::into_inner)
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
