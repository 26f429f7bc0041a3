//! What happens by itself: sync, cut, snapshot, retention, merging. All of it is driven by `maintain`, none of it by a clock of
//! its own.

use super::Store;
use super::merging::Job;
use crate::block::{Block, BlockName};
use crate::cut::{self, Part, PartSeries};
use crate::error::Result;
use crate::head::Head;
use crate::snapshot;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// After a failed cut or snapshot the next attempt waits this long.
const RETRY_MS: i64 = 60_000;
const RETENTION_EVERY_MS: i64 = 60_000;

/// When what was done last.
pub(crate) struct Upkeep {
    synced_ms: i64,
    snapshot_ms: i64,
    retained_ms: i64,
    /// Not before this is a failed cut or snapshot tried again.
    retry_ms: i64,
    /// The head was cut up to here.
    border_ms: i64,
    /// The number of the next block.
    next_number: u32,
    pub(super) job: Option<Job>,
    /// Replaced blocks that are still being read.
    pub(super) doomed: Vec<Arc<Block>>,
    pub(super) merged_blocks: u64,
    pub(super) dropped_samples: u64,
    pub(crate) damaged_frames: u64,
    pub(crate) lost_records: u64,
    pub(crate) removed_blocks: u64,
    pub(crate) dropped_chunks: u64,
}

impl Upkeep {
    pub(crate) fn new(now_ms: i64, next_number: u32, damaged_frames: u64, lost_records: u64) -> Self {
        Self {
            synced_ms: now_ms,
            snapshot_ms: now_ms,
            retained_ms: i64::MIN,
            retry_ms: i64::MIN,
            border_ms: i64::MIN,
            next_number,
            job: None,
            doomed: Vec::new(),
            merged_blocks: 0,
            dropped_samples: 0,
            damaged_frames,
            lost_records,
            removed_blocks: 0,
            dropped_chunks: 0,
        }
    }
}

impl Upkeep {
    /// A number that no block has had.
    pub(super) fn take_number(&mut self) -> u32 {
        self.next_number = self.next_number.saturating_add(1);
        self.next_number - 1
    }

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
    /// Tells the store the time without any work: what lies too far ahead of it is refused.
    pub fn set_clock(&self, now_ms: i64) {
        self.head_mut().now_ms = now_ms;
    }

    /// Does what is due at `now_ms`: writes the log to disk, cuts windows that are over into blocks, takes a snapshot,
    /// deletes old blocks, merges and rolls up a slice. Call it about once a second, from one thread.
    ///
    /// A failing part does not keep the others from being done; the first error is answered, and the part is tried
    /// again later. Nothing that was accepted is lost by a failure that passes.
    pub fn maintain(&self, now_ms: i64) -> Result<()> {
        let mut upkeep = self.upkeep();
        self.set_clock(now_ms);
        let mut result = Ok(());
        if is_due(now_ms, upkeep.synced_ms, self.options.sync_every_ms) {
            upkeep.synced_ms = now_ms;
            result = result.and(self.sync());
        }
        let border_ms = self.head().window_of(now_ms.saturating_sub(self.options.grace_ms));
        upkeep.come_back(now_ms, border_ms);
        let may_try = upkeep.retry_ms <= now_ms;
        let mut was_cut = false;
        let is_late_full = self.head().late_bytes > self.options.late_bytes_max;
        if (border_ms > upkeep.border_ms || is_late_full) && may_try {
            let cut = self.cut(&mut upkeep, border_ms);
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
        let deleted = self.delete_doomed(&mut upkeep);
        result = result.and(deleted);
        if upkeep.retry_ms <= now_ms && upkeep.border_ms >= border_ms {
            let worked = self.work(&mut upkeep, border_ms);
            if worked.is_err() {
                upkeep.retry_ms = now_ms.saturating_add(RETRY_MS);
            }
            result = result.and(worked);
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

    /// Writes a block for each window that ended at or before `border_ms` and each class; answers how many windows.
    ///
    /// A crash between a block and the next snapshot makes the head repeat the cut into a second block: reads drop what
    /// is there twice, and merging makes them one.
    fn cut(&self, upkeep: &mut Upkeep, border_ms: i64) -> Result<usize> {
        self.seal_before(border_ms);
        let windows = self.head().windows(border_ms);
        for window in &windows {
            let parts = self.parts(*window);
            for class in classes(&parts) {
                let to_ms = window.saturating_add(self.options.window_ms);
                let (number, class_name) = (upkeep.take_number(), self.options.class_name(class).into());
                let name = BlockName { from_ms: *window, to_ms, number, class: class_name, resolution_ms: 0 };
                let path = self.blocks_dir.join(name.to_string());
                cut::write(&path, &parts, class)?;
                self.swap_blocks(&[], Block::open(&path)?);
            }
            let mut head = self.head_mut();
            for part in &parts {
                head.drop_chunks(part.slot, &part.chunks);
                part.series.iter().for_each(|series| head.drop_late_at(series.slot, &series.late.times));
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
            loop {
                let Some(chunk) = self.head().copy_before(slot, before_ms) else { break };
                if !self.head_mut().place_sealed(slot, chunk) {
                    self.head_mut().seal_one_before(slot, before_ms);
                }
            }
        }
    }

    fn parts(&self, window: i64) -> Vec<Part> {
        let head = self.head();
        let last_ms = window.saturating_add(self.options.window_ms).saturating_sub(1);
        let mut late: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (slot, _) in head.late.iter().filter(|(_, late)| !late.range(window, last_ms).is_empty()) {
            if let Some(series) = head.one(*slot) {
                late.entry(series.source).or_default().push(*slot);
            }
        }
        let mut parts = Vec::new();
        for slot in head.source_list() {
            let chunks = head.chunks_of(slot, window);
            let Some(source) = head.source(slot) else { continue };
            let slots = match late.remove(&slot) {
                Some(late) if chunks.is_empty() => late,
                None if chunks.is_empty() => continue,
                _ => source.series.clone(),
            };
            let mut series: Vec<_> =
                slots.iter().filter_map(|slot| part_series(&head, *slot, window, last_ms)).collect();
            series.sort_by(|a, b| a.labels.cmp(&b.labels));
            parts.push(Part { slot, source: source.name.clone(), series, chunks });
        }
        parts.sort_by(|a, b| a.source.cmp(&b.source));
        parts
    }
}

fn part_series(head: &Head, slot: u32, from_ms: i64, last_ms: i64) -> Option<PartSeries> {
    let one = head.one(slot)?;
    let late = head.late.get(&slot).map(|late| late.part(from_ms, last_ms)).unwrap_or_default();
    Some(PartSeries { slot, class: one.class, labels: one.labels.clone(), late })
}

/// The classes that have samples in the parts.
fn classes(parts: &[Part]) -> BTreeSet<u8> {
    let mut classes = BTreeSet::new();
    for part in parts {
        for series in part.series.iter() {
            if !classes.contains(&series.class)
                && (!series.late.times.is_empty() || part.chunks.iter().any(|chunk| chunk.mask(series.slot) != 0))
            {
                classes.insert(series.class);
            }
        }
    }
    classes
}
