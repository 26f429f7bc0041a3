//! What is deleted: blocks that are too old for their class and resolution, the oldest when the folder is over its
//! budget, what the head cannot hold. Deleting is unlinking.

use super::upkeep::Upkeep;
use super::{Store, folder_bytes};
use crate::block::Block;
use crate::error::{Error, Result};
use crate::log;
use std::sync::Arc;

impl Store {
    /// If the head is too large, because blocks cannot be written for long or too much comes at once, lets go of late
    /// samples, then of its oldest windows.
    pub(super) fn shed(&self, upkeep: &mut Upkeep) {
        let is_full = |head: &crate::head::Head| head.sealed_bytes + head.late_bytes > self.options.head_bytes_max;
        if !is_full(&self.head()) {
            return;
        }
        let mut head = self.head_mut();
        if head.late_bytes > self.options.late_bytes_max {
            upkeep.dropped_samples += head.late.values().map(|late| late.times.len() as u64).sum::<u64>();
            head.late.clear();
            head.late_bytes = 0;
        }
        for window in head.windows(i64::MAX) {
            if !is_full(&head) {
                return;
            }
            for slot in head.source_list() {
                let chunks = head.chunks_of(slot, window);
                upkeep.dropped_chunks += chunks.len() as u64;
                head.drop_chunks(slot, &chunks);
            }
        }
    }

    /// Deletes blocks that are too old, then the oldest ones while the folder is over its budget, samples before
    /// roll-ups; forgets series that are gone.
    pub(super) fn retain(&self, upkeep: &mut Upkeep, now_ms: i64) -> Result<()> {
        let mut blocks = self.block_list();
        // Age counts from the newest data: a clock that jumps ahead deletes nothing by itself.
        let newest_row_ms = self.head().sources.iter().flatten().map(|source| source.last_ms).max();
        let newest_block_ms = blocks.iter().map(|block| block.says.to_ms).max();
        let newest_ms = newest_row_ms.max(newest_block_ms).unwrap_or(now_ms).min(now_ms);
        let is_old = |block: &Arc<Block>| {
            let age_ms = self.options.age_ms(&block.says.class, block.says.resolution_ms);
            block.says.to_ms <= newest_ms.saturating_sub(age_ms)
        };
        let mut bytes = folder_bytes(&self.head_dir) + blocks.iter().map(|block| block.bytes).sum::<u64>();
        blocks.sort_by_key(|block| (block.says.resolution_ms, block.says.from_ms, block.says.number));
        let (mut removed, kept): (Vec<_>, Vec<_>) = blocks.into_iter().partition(is_old);
        bytes -= removed.iter().map(|block| block.bytes).sum::<u64>();
        for block in kept {
            if bytes <= self.options.disk_bytes_max {
                break;
            }
            bytes = bytes.saturating_sub(block.bytes);
            removed.push(block);
        }
        for block in &removed {
            match std::fs::remove_file(&block.path) {
                Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::io("delete", &block.path)(cause));
                }
                _ => upkeep.removed_blocks += 1,
            }
            self.swap_blocks(std::slice::from_ref(block), None);
            self.directories.forget(&block.name);
        }
        if !removed.is_empty() {
            log::sync_dir(&self.blocks_dir)?;
        }
        let blocks = self.block_list();
        let oldest_ms = |class: u8| {
            let name = self.options.class_name(class);
            let may_hold = |block: &&Arc<Block>| {
                *block.says.class == *name || !self.options.classes.iter().any(|one| *one.name == *block.says.class)
            };
            blocks.iter().filter(may_hold).map(|block| block.says.from_ms).min().unwrap_or(i64::MAX)
        };
        let oldest: Vec<i64> = (0..=self.options.classes.len()).map(|class| oldest_ms(class as u8)).collect();
        let mut head = self.head_mut();
        head.count_active();
        head.forget(|class| oldest.get(usize::from(class)).copied().unwrap_or(i64::MIN));
        Ok(())
    }
}
