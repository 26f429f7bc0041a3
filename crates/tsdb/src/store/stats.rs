//! What the store says about itself.

use super::{Store, folder_bytes};
use crate::block::Block;
use crate::head::Rejected;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

/// The blocks of one class and resolution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierStats {
    /// The class of the series; empty for those of none.
    pub class: String,
    /// Length of a bucket; 0 for samples as they came.
    pub resolution_ms: u32,
    /// Files.
    pub blocks: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Begin of the oldest.
    pub from_ms: i64,
    /// End of the newest.
    pub to_ms: i64,
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
    /// Samples in blocks, roll-ups left out.
    pub block_samples: u64,
    /// Block files.
    pub blocks: usize,
    /// Bytes of the block files.
    pub block_bytes: u64,
    /// Bytes of all files of the store.
    pub disk_bytes: u64,
    /// Bytes of sealed chunks in memory.
    pub sealed_bytes: usize,
    /// Bytes of late samples in memory.
    pub late_bytes: usize,
    /// Bytes of block directories in memory.
    pub directory_bytes: usize,
    /// Samples taken that were older than the newest batch of their source.
    pub late_samples: u64,
    /// Samples that were there already, with the same value.
    pub repeated: u64,
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
    /// Blocks made by merging and rolling up.
    pub merged_blocks: u64,
    /// Chunks dropped because blocks could not be written for too long.
    pub dropped_chunks: u64,
    /// Late samples dropped for the same reason.
    pub dropped_samples: u64,
    /// The blocks by class and resolution.
    pub tiers: Vec<TierStats>,
}

/// What came in and what had to be refused since the store was opened: told without a look at any file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Taken {
    /// Series that took a sample within the last two windows.
    pub active_series: usize,
    /// Like [`Stats::samples`].
    pub samples: u64,
    /// Like [`Stats::late_samples`].
    pub late_samples: u64,
    /// Like [`Stats::repeated`].
    pub repeated: u64,
    /// What was refused.
    pub rejected: Rejected,
    /// Like [`Stats::damaged_pages`].
    pub damaged: u64,
}

impl Store {
    /// What came in and what had to be refused.
    pub fn taken(&self) -> Taken {
        let damaged = self.damaged_pages();
        let head = self.head();
        Taken {
            active_series: head.active,
            samples: head.samples,
            late_samples: head.late_samples,
            repeated: head.repeated,
            rejected: head.rejected,
            damaged,
        }
    }

    /// From when on there is anything at all, in samples or roll-ups; `None` for an empty store.
    pub fn oldest_ms(&self) -> Option<i64> {
        let blocks = self.block_list();
        let oldest = blocks.iter().filter(|block| block.is_sound).map(|block| block.first_ms).min();
        oldest.or_else(|| {
            let head = self.head();
            let first = |source: &crate::head::Source| {
                let chunk = source.chunks.first().map(|chunk| chunk.first_ms);
                chunk.into_iter().chain(source.open.first().copied()).min()
            };
            head.sources.iter().flatten().filter_map(|source| first(source)).min()
        })
    }

    /// [`Stats::damaged_pages`] alone, which costs nothing.
    pub fn damaged_pages(&self) -> u64 {
        self.damaged.lock().unwrap_or_else(PoisonError::into_inner).len() as u64
    }

    /// What the store holds and what it had to refuse. Lists the folder.
    pub fn stats(&self) -> Stats {
        let upkeep = {
            let upkeep = self.upkeep();
            Stats {
                damaged_frames: upkeep.damaged_frames,
                lost_records: upkeep.lost_records,
                removed_blocks: upkeep.removed_blocks,
                merged_blocks: upkeep.merged_blocks,
                dropped_chunks: upkeep.dropped_chunks,
                dropped_samples: upkeep.dropped_samples,
                ..Stats::default()
            }
        };
        let blocks = self.block_list();
        let block_bytes = blocks.iter().map(|block| block.bytes).sum();
        let raw = blocks.iter().filter(|block| block.says.resolution_ms == 0);
        let disk_bytes = block_bytes + folder_bytes(&self.head_dir);
        let damaged_pages = self.damaged_pages();
        let head = self.head();
        let mut offenders: Vec<_> = head.offenders.iter().map(|(name, count)| (name.clone(), *count)).collect();
        offenders.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Stats {
            sources: head.sources.iter().flatten().count(),
            series: head.series.iter().flatten().count(),
            active_series: head.active,
            samples: head.samples,
            late_samples: head.late_samples,
            repeated: head.repeated,
            block_samples: raw.map(|block| block.samples).sum(),
            blocks: blocks.len(),
            block_bytes,
            disk_bytes,
            sealed_bytes: head.sealed_bytes,
            late_bytes: head.late_bytes,
            directory_bytes: self.directories.bytes(),
            rejected: head.rejected,
            offenders,
            damaged_pages,
            tiers: tiers(&blocks),
            ..upkeep
        }
    }
}

fn tiers(blocks: &[Arc<Block>]) -> Vec<TierStats> {
    let mut tiers: BTreeMap<(&str, u32), TierStats> = BTreeMap::new();
    for block in blocks {
        let (class, resolution_ms) = (&*block.says.class, block.says.resolution_ms);
        let tier = tiers.entry((class, resolution_ms)).or_insert_with(|| TierStats {
            class: class.to_owned(),
            resolution_ms,
            blocks: 0,
            bytes: 0,
            from_ms: i64::MAX,
            to_ms: i64::MIN,
        });
        tier.blocks += 1;
        tier.bytes += block.bytes;
        tier.from_ms = tier.from_ms.min(block.says.from_ms);
        tier.to_ms = tier.to_ms.max(block.says.to_ms);
    }
    tiers.into_values().collect()
}
