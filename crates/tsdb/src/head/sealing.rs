//! From open rows to sealed chunks, and from sealed chunks to what a block takes.

use super::Head;
use crate::chunk::{Chunk, masked};
use crate::codec::{self, Packing};
use std::sync::Arc;

impl Head {
    /// Seals the open rows of a source.
    pub(crate) fn seal(&mut self, slot: u32) {
        if let Some(chunk) = self.seal_copy(slot, codec::pack_values) {
            self.replace_open(slot, chunk);
        }
    }

    /// Puts a chunk in the place of the open rows that it was made of.
    fn replace_open(&mut self, slot: u32, chunk: Chunk) {
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

    /// The open rows of a source as they are to be sealed, if all of them are before `before_ms`; they stay open.
    pub(crate) fn copy_before(&self, slot: u32, before_ms: i64) -> Option<Chunk> {
        let last_ms = *self.source(slot)?.open.last()?;
        if last_ms < before_ms { self.seal_copy(slot, codec::pack_values) } else { None }
    }

    /// Puts what [`copy_before`](Self::copy_before) made in the place of the open rows, unless they have changed since.
    pub(crate) fn place_sealed(&mut self, slot: u32, chunk: Chunk) -> bool {
        let same = self.source(slot).is_some_and(|source| {
            let open = source.series.iter().filter_map(|slot| self.one(*slot)).map(|one| one.open.mask.count_ones());
            let rows = (source.open.len(), source.open.first().copied(), source.open.last().copied());
            rows == (chunk.rows(), Some(chunk.first_ms), Some(chunk.last_ms))
                && open.map(u64::from).sum::<u64>() == count(&chunk)
        });
        if same {
            self.replace_open(slot, chunk);
        }
        same
    }

    /// Seals the open rows of a source if all of them are before `before_ms`.
    pub(crate) fn seal_one_before(&mut self, slot: u32, before_ms: i64) {
        if self.source(slot).is_some_and(|source| source.open.last().is_some_and(|last| *last < before_ms)) {
            self.seal(slot);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Labels, Options};

    /// A source with three open rows of one series, and another series.
    fn head() -> (Head, u32, [crate::SeriesId; 2]) {
        let options = Options { future_ms_max: i64::MAX / 4, ..Options::default() };
        let mut head = Head::new(options.clone(), 0);
        let mut register =
            |metric| head.register("s", Labels::new(&[("__name__", metric)], &options).unwrap()).unwrap();
        let ids = [register("a"), register("b")];
        for at in 1..=3 {
            assert_eq!(head.append("s", at * 1_000, &[(ids[0], at as f64 / 3.0)]).accepted, 1);
        }
        let slot = head.source_of("s").unwrap();
        (head, slot, ids)
    }

    #[test]
    fn rows_are_packed_without_being_held_and_then_take_the_place_of_the_open_ones() {
        let (mut head, slot, _) = head();
        assert!(head.copy_before(slot, 3_000).is_none(), "a row that is not before the border");
        let chunk = head.copy_before(slot, 3_001).unwrap();
        assert_eq!(head.source(slot).unwrap().open.len(), 3, "it stays open until it is placed");
        assert!(head.place_sealed(slot, chunk));
        let source = head.source(slot).unwrap();
        assert_eq!((source.open.len(), source.chunks.len()), (0, 1));
        assert!(head.sealed_bytes > 0);
    }

    #[test]
    fn samples_that_come_while_rows_are_packed_are_not_lost() {
        for (at, series) in [(3_000, 1), (3_500, 0)] {
            let (mut head, slot, ids) = head();
            let chunk = head.copy_before(slot, 10_000).unwrap();
            assert_eq!(head.append("s", at, &[(ids[series], 9.0)]).accepted, 1);
            assert!(!head.place_sealed(slot, chunk));
            head.seal_one_before(slot, 10_000);
            let samples: u64 = head.source(slot).unwrap().chunks.iter().map(|chunk| count(chunk)).sum();
            assert_eq!(samples, 4);
        }
    }
}
