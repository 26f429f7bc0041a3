//! What happens by itself: sync, cut, snapshot, retention. All of it is driven by `maintain`, none of it by a clock of
//! its own.

use super::{Store, folder_bytes};
use crate::block::Block;
use crate::cut::{self, Part};
use crate::error::{Error, Result};
use crate::{log, snapshot};
use std::path::PathBuf;
use std::sync::Arc;

/// After a failed cut or snapshot the next attempt waits this long.
const RETRY_MS: i64 = 60_000;
const RETENTION_EVERY_MS: i64 = 60_000;

/// When what was done last.
#[derive(Debug)]
pub(crate) struct Upkeep {
    synced_ms: i64,
    snapshot_ms: i64,
    retained_ms: i64,
    /// Not before this is a failed cut or snapshot tried again.
    retry_ms: i64,
    /// The head was cut up to here.
    border_ms: i64,
    pub(crate) damaged_frames: u64,
    pub(crate) lost_records: u64,
    pub(crate) removed_blocks: u64,
    pub(crate) dropped_chunks: u64,
}

impl Upkeep {
    pub(crate) fn new(now_ms: i64, damaged_frames: u64, lost_records: u64) -> Self {
        Self {
            synced_ms: now_ms,
            snapshot_ms: now_ms,
            retained_ms: i64::MIN,
            retry_ms: i64::MIN,
            border_ms: i64::MIN,
            damaged_frames,
            lost_records,
            removed_blocks: 0,
            dropped_chunks: 0,
        }
    }
}

impl Upkeep {
    /// A clock that was ahead and was put right: what was noted then is no longer waited for.
    fn come_back(&mut self, now_ms: i64, border_ms: i64) {
        if self.border_ms > border_ms {
            self.border_ms = i64::MIN;
        }
        if self.retry_ms > now_ms.saturating_add(RETRY_MS) {
            self.retry_ms = i64::MIN;
        }
    }
}

/// True if `every_ms` have passed, or the clock went back.
fn is_due(now_ms: i64, last_ms: i64, every_ms: i64) -> bool {
    now_ms < last_ms || now_ms.saturating_sub(last_ms) >= every_ms
}

impl Store {
    /// Does what is due at `now_ms`: writes the log to disk, cuts windows that are over into blocks, takes a snapshot,
    /// deletes old blocks. Call it about once a second, from one thread.
    ///
    /// A failing part does not keep the others from being done; the first error is answered, and the part is tried
    /// again later. Nothing that was accepted is lost by a failure that passes.
    pub fn maintain(&self, now_ms: i64) -> Result<()> {
        let mut upkeep = self.upkeep();
        self.head_mut().now_ms = now_ms;
        let mut result = Ok(());
        if is_due(now_ms, upkeep.synced_ms, self.options.sync_every_ms) {
            upkeep.synced_ms = now_ms;
            result = result.and(self.sync());
        }
        let border_ms = self.head().window_of(now_ms.saturating_sub(self.options.grace_ms));
        upkeep.come_back(now_ms, border_ms);
        let may_try = upkeep.retry_ms <= now_ms;
        let mut was_cut = false;
        if border_ms > upkeep.border_ms && may_try {
            let cut = self.cut(border_ms);
            match &cut {
                Ok(blocks) => (upkeep.border_ms, was_cut) = (border_ms, *blocks > 0),
                Err(_) => upkeep.retry_ms = now_ms.saturating_add(RETRY_MS),
            }
            result = result.and(cut.map(|_| ()));
        }
        self.shed(&mut upkeep);
        let snapshot_due = is_due(now_ms, upkeep.snapshot_ms, self.options.snapshot_every_ms);
        if was_cut || (may_try && (snapshot_due || self.log().incomplete)) {
            let snapshot = self.write_snapshot();
            match &snapshot {
                Ok(()) => upkeep.snapshot_ms = now_ms,
                Err(_) => upkeep.retry_ms = now_ms.saturating_add(RETRY_MS),
            }
            result = result.and(snapshot);
        }
        if was_cut || is_due(now_ms, upkeep.retained_ms, RETENTION_EVERY_MS) {
            upkeep.retained_ms = now_ms;
            result = result.and(self.retain(&mut upkeep, now_ms));
        }
        result
    }

    /// Takes a snapshot of the head now, so that a restart is quick.
    pub fn snapshot(&self) -> Result<()> {
        let _upkeep = self.upkeep();
        self.write_snapshot()
    }

    /// Ends the use of the store: everything appended is on disk in one snapshot. Dropping a store without this loses
    /// what was not synced.
    pub fn close(self) -> Result<()> {
        self.sync()?;
        self.snapshot()
    }

    fn write_snapshot(&self) -> Result<()> {
        let number = {
            let mut log = self.log();
            self.flush(&mut log)?;
            log.rotate()?
        };
        let blocks: Vec<String> = self.block_list().iter().map(|block| block.name.clone()).collect();
        snapshot::write(&self.head_dir, number, &self.head, &blocks)?;
        self.log().incomplete = false;
        {
            let mut head = self.head_mut();
            head.snapshot += 1;
            let count = head.snapshot;
            head.freed_series.snapshot_written(count);
            head.freed_sources.snapshot_written(count);
        }
        snapshot::prune(&self.head_dir)
    }

    /// Writes a block for each window that ended at or before `border_ms`; answers how many.
    ///
    /// A crash between a block and the next snapshot makes the head repeat the cut into a second block: reads drop what
    /// is there twice.
    fn cut(&self, border_ms: i64) -> Result<usize> {
        self.seal_before(border_ms);
        let windows = self.head().windows(border_ms);
        for window in &windows {
            let parts = self.parts(*window);
            let path = self.free_block_path(*window);
            cut::write(&path, &parts)?;
            if let Some(block) = Block::open(&path)? {
                let mut blocks = self.blocks_mut();
                blocks.push(Arc::new(block));
                blocks.sort_by(|a, b| a.name.cmp(&b.name));
            }
            let mut head = self.head_mut();
            for part in &parts {
                head.drop_chunks(part.slot, &part.chunks);
            }
        }
        self.head_mut().count_active();
        Ok(windows.len())
    }

    /// Seals every open row before `before_ms`, which is the border of a window. Packing takes long, so it is done source by
    /// source, and reads go on meanwhile.
    fn seal_before(&self, before_ms: i64) {
        let sources = self.head().source_list();
        for slot in sources {
            let Some(chunk) = self.head().copy_before(slot, before_ms) else { continue };
            if !self.head_mut().place_sealed(slot, chunk) {
                self.head_mut().seal_one_before(slot, before_ms);
            }
        }
    }

    /// A name that no block has: blocks are never overwritten.
    fn free_block_path(&self, window: i64) -> PathBuf {
        let to_ms = window.saturating_add(self.options.window_ms);
        let path = |number| self.blocks_dir.join(cut::block_name(window, to_ms, number));
        let mut number = 1;
        while path(number).exists() {
            number += 1;
        }
        path(number)
    }

    fn parts(&self, window: i64) -> Vec<Part> {
        let head = self.head();
        let mut parts = Vec::new();
        for slot in head.source_list() {
            let chunks = head.chunks_of(slot, window);
            let Some(source) = head.source(slot).filter(|_| !chunks.is_empty()) else { continue };
            let labels = |slot: &u32| Some((*slot, head.one(*slot)?.labels.clone()));
            let mut series: Vec<_> = source.series.iter().filter_map(labels).collect();
            series.sort_by(|a, b| a.1.cmp(&b.1));
            parts.push(Part { slot, source: source.name.clone(), series, chunks });
        }
        parts.sort_by(|a, b| a.source.cmp(&b.source));
        parts
    }

    /// If the head is too large, because blocks cannot be written for long or too much comes at once, lets go of its
    /// oldest windows.
    fn shed(&self, upkeep: &mut Upkeep) {
        if self.head().sealed_bytes <= self.options.head_bytes_max {
            return;
        }
        let mut head = self.head_mut();
        for window in head.windows(i64::MAX) {
            if head.sealed_bytes <= self.options.head_bytes_max {
                return;
            }
            for slot in head.source_list() {
                let chunks = head.chunks_of(slot, window);
                upkeep.dropped_chunks += chunks.len() as u64;
                head.drop_chunks(slot, &chunks);
            }
        }
    }

    /// Deletes blocks that are too old, then the oldest ones while the folder is over its budget; forgets series that
    /// are gone.
    fn retain(&self, upkeep: &mut Upkeep, now_ms: i64) -> Result<()> {
        let blocks = self.block_list();
        // Age counts from the newest data: a clock that jumps ahead deletes nothing by itself.
        let newest_row_ms = self.head().sources.iter().flatten().map(|source| source.last_ms).max();
        let newest_block_ms = blocks.iter().map(|block| block.to_ms).max();
        let newest_ms = newest_row_ms.max(newest_block_ms).unwrap_or(now_ms).min(now_ms);
        let oldest_ms = newest_ms.saturating_sub(self.options.retention_ms);
        let mut bytes = folder_bytes(&self.head_dir) + blocks.iter().map(|block| block.bytes).sum::<u64>();
        let mut removed = Vec::new();
        for block in &blocks {
            if block.to_ms <= oldest_ms || bytes > self.options.disk_bytes_max {
                bytes = bytes.saturating_sub(block.bytes);
                removed.push(block);
            }
        }
        let count = removed.len();
        for block in removed {
            match std::fs::remove_file(&block.path) {
                Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::io("delete", &block.path)(cause));
                }
                _ => upkeep.removed_blocks += 1,
            }
            self.blocks_mut().retain(|one| one.name != block.name);
        }
        if count > 0 {
            log::sync_dir(&self.blocks_dir)?;
        }
        let oldest_block_ms = self.block_list().iter().map(|block| block.from_ms).min().unwrap_or(i64::MAX);
        let mut head = self.head_mut();
        head.count_active();
        head.forget(oldest_block_ms);
        Ok(())
    }
}
