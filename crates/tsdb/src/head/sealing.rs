//! From open rows to sealed chunks, and from sealed chunks to what a block takes.

use super::Head;
use crate::chunk::{Chunk, masked};
use crate::codec::{self, Packing};
use std::sync::Arc;

impl Head {
    /// Seals the open rows of a source.
    pub(crate) fn seal(&mut self, slot: u32) {
        let Some(chunk) = self.seal_copy(slot, codec::pack_values) else { return };
        self.sealed_bytes += chunk.size_bytes();
        let Some(Some(source)) = self.sources.get_mut(slot as usize) else { return };
        source.chunks.push(Arc::new(chunk));
        source.open.clear();
        for slot in &source.series {
            if let Some(Some(series)) = self.series.get_mut(*slot as usize) {
                series.open.clear();
            }
        }
    }

    /// The open rows of a source as a chunk; they stay open.
    pub(crate) fn seal_copy(&self, slot: u32, pack: fn(&[f64], &mut Vec<u8>) -> Packing) -> Option<Chunk> {
        let source = self.source(slot)?;
        Chunk::seal(&source.open, source.series.iter().filter_map(|slot| Some((*slot, &self.one(*slot)?.open))), pack)
    }

    /// Seals every open row before `before_ms`, which is the border of a window.
    pub(crate) fn seal_before(&mut self, before_ms: i64) {
        for slot in self.source_list() {
            if self.source(slot).is_some_and(|source| source.open.last().is_some_and(|last| *last < before_ms)) {
                self.seal(slot);
            }
        }
    }

    /// Puts back a sealed chunk of a source.
    pub(crate) fn place_chunk(&mut self, source: u32, chunk: Chunk) -> Option<()> {
        self.sealed_bytes += chunk.size_bytes();
        self.samples += count(&chunk);
        self.source_mut(source)?.chunks.push(Arc::new(chunk));
        Some(())
    }

    /// Puts back the open rows of a source.
    pub(crate) fn place_open(&mut self, source: u32, chunk: &Chunk) -> Option<()> {
        let times = chunk.times()?;
        let rows: Vec<usize> = (0..times.len()).collect();
        let column = |slot| Some((slot, chunk.mask(slot), chunk.values(slot)?));
        for (slot, mask, values) in chunk.slots().map(column).collect::<Option<Vec<_>>>()? {
            let Some(series) = self.one_mut(slot).filter(|series| series.source == source) else { continue };
            series.open.clear();
            for (row, value) in masked(&rows, mask).zip(values) {
                series.open.push(row, value);
            }
        }
        self.samples += count(chunk);
        self.source_mut(source)?.open = times;
        Some(())
    }

    /// Starts of the windows that end at or before `before_ms` and have sealed rows, oldest first.
    pub(crate) fn windows(&self, before_ms: i64) -> Vec<i64> {
        let chunks = self.sources.iter().flatten().flat_map(|source| &source.chunks);
        let mut windows: Vec<i64> =
            chunks.filter(|chunk| chunk.last_ms < before_ms).map(|chunk| self.window_of(chunk.first_ms)).collect();
        windows.sort_unstable();
        windows.dedup();
        windows
    }

    /// The sealed chunks of a source in the window that starts at `window`.
    pub(crate) fn chunks_of(&self, source: u32, window: i64) -> Vec<Arc<Chunk>> {
        let chunks = self.source(source).map(|source| source.chunks.as_slice()).unwrap_or_default();
        chunks.iter().filter(|chunk| self.window_of(chunk.first_ms) == window).cloned().collect()
    }

    /// Lets go of `chunks`, which a block holds now (or nobody can hold).
    pub(crate) fn drop_chunks(&mut self, source: u32, chunks: &[Arc<Chunk>]) {
        for chunk in chunks {
            self.sealed_bytes = self.sealed_bytes.saturating_sub(chunk.size_bytes());
        }
        if let Some(source) = self.source_mut(source) {
            source.chunks.retain(|chunk| !chunks.iter().any(|gone| Arc::ptr_eq(gone, chunk)));
            source.chunks.shrink_to_fit();
        }
    }
}

fn count(chunk: &Chunk) -> u64 {
    chunk.slots().map(|slot| u64::from(chunk.mask(slot).count_ones())).sum()
}
