//! From open rows to sealed chunks, and from sealed chunks to what a block takes.

use super::Head;
use crate::chunk::{CHUNK_ROWS, Chunk, Open, low_bits, masked};
use crate::codec::{self, Packing};
use std::sync::Arc;

impl Head {
    /// Seals the first open rows of a source: one chunk.
    pub(crate) fn seal_first(&mut self, slot: u32) {
        let window = self.source(slot).and_then(|one| one.open.first()).map(|first| self.window_of(*first));
        let end_ms = window.map_or(i64::MAX, |window| window.saturating_add(self.options.window_ms.max(1)));
        self.seal_one_before(slot, end_ms);
    }

    /// Puts a chunk in the place of the first open rows, of which it was made.
    fn replace_open(&mut self, slot: u32, chunk: Chunk) {
        self.sealed_bytes += chunk.size_bytes();
        let Some(Some(source)) = self.sources.get_mut(slot as usize) else { return };
        let rows = chunk.rows();
        source.chunks.push(Arc::new(chunk));
        source.open.drain(..rows.min(source.open.len()));
        for slot in &source.series {
            if let Some(Some(series)) = self.series.get_mut(*slot as usize) {
                series.open.drop_rows(rows);
            }
        }
    }

    /// The first `rows` open rows of a source (at most 127) as a chunk; they stay open.
    pub(crate) fn seal_copy(&self, slot: u32, rows: usize, pack: fn(&[f64], &mut Vec<u8>) -> Packing) -> Option<Chunk> {
        let source = self.source(slot)?;
        let times = source.open.get(..rows)?;
        Chunk::seal(times, source.series.iter().filter_map(|slot| Some((*slot, &self.one(*slot)?.open))), pack)
    }

    /// The first open rows of a source as a chunk, if they are before `before_ms`: as many as a chunk has, of one window.
    /// They stay open.
    pub(crate) fn copy_before(&self, slot: u32, before_ms: i64) -> Option<Chunk> {
        let open = &self.source(slot)?.open;
        let window = self.window_of(*open.first()?);
        let end_ms = before_ms.min(window.saturating_add(self.options.window_ms.max(1)));
        let rows = open.partition_point(|at| *at < end_ms).min(CHUNK_ROWS);
        self.seal_copy(slot, rows, codec::pack_quickly)
    }

    /// Puts what [`copy_before`](Self::copy_before) made in the place of the open rows, unless they have changed since.
    pub(crate) fn place_sealed(&mut self, slot: u32, chunk: Chunk) -> bool {
        let same = self.source(slot).is_some_and(|source| {
            let rows = low_bits(chunk.rows());
            let masks = source.series.iter().filter_map(|slot| self.one(*slot)).map(|one| one.open.mask & rows);
            let last = chunk.rows().checked_sub(1).and_then(|last| source.open.get(last)).copied();
            (source.open.first().copied(), last) == (Some(chunk.first_ms), Some(chunk.last_ms))
                && masks.map(|mask| u64::from(mask.count_ones())).sum::<u64>() == count(&chunk)
        });
        if same {
            self.replace_open(slot, chunk);
        }
        same
    }

    /// Seals the first open rows of a source that are before `before_ms`.
    pub(crate) fn seal_one_before(&mut self, slot: u32, before_ms: i64) {
        if let Some(chunk) = self.copy_before(slot, before_ms) {
            self.replace_open(slot, chunk);
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
        let column = |slot| {
            let mut values = Vec::new();
            Some((slot, chunk.values(slot, &mut values)?, values))
        };
        for (slot, mask, values) in chunk.slots().map(column).collect::<Option<Vec<_>>>()? {
            let Some(series) = self.one_mut(slot).filter(|series| series.source == source) else { continue };
            series.open = Open::default();
            for (row, value) in masked(&rows, mask).zip(values) {
                series.open.push(row, value);
            }
        }
        self.samples += count(chunk);
        self.source_mut(source)?.open = times;
        Some(())
    }

    /// Starts of the windows that end at or before `before_ms` and have sealed rows or late samples, oldest first.
    pub(crate) fn windows(&self, before_ms: i64) -> Vec<i64> {
        let chunks = self.sources.iter().flatten().flat_map(|source| &source.chunks);
        let sealed = chunks.filter(|chunk| chunk.last_ms < before_ms).map(|chunk| self.window_of(chunk.first_ms));
        let late = self.late.values().flat_map(|late| &late.times).filter(|at| **at < before_ms);
        let mut windows: Vec<i64> = sealed.chain(late.map(|at| self.window_of(*at))).collect();
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
        assert_eq!(head.copy_before(slot, 3_000).unwrap().rows(), 2, "a row that is not before the border stays");
        let chunk = head.copy_before(slot, 3_001).unwrap();
        assert_eq!(head.source(slot).unwrap().open.len(), 3, "it stays open until it is placed");
        assert!(head.place_sealed(slot, chunk));
        let source = head.source(slot).unwrap();
        assert_eq!((source.open.len(), source.chunks.len()), (0, 1));
        assert!(head.sealed_bytes > 0);
    }

    #[test]
    fn a_chunk_is_sealed_when_enough_rows_stay_open_and_never_crosses_a_window() {
        let (mut head, slot, ids) = head();
        let window = head.options.window_ms;
        for at in (4..=CHUNK_ROWS as i64 + 20).map(|row| row * 1_000).chain([window - 5, window + 5]) {
            assert_eq!(head.append("s", at, &[(ids[0], at as f64)]).accepted, 1);
        }
        let source = head.source(slot).unwrap();
        assert_eq!((source.chunks[0].rows(), source.open.len()), (CHUNK_ROWS, 22));
        assert_eq!(head.one(ids[0].slot).unwrap().open.value(0), Some((CHUNK_ROWS + 1) as f64 * 1_000.0));
        head.seal_first(slot);
        head.seal_first(slot);
        let rows: Vec<_> = head.source(slot).unwrap().chunks.iter().map(|chunk| chunk.rows()).collect();
        assert_eq!(rows, [CHUNK_ROWS, 21, 1]);
    }

    #[test]
    fn samples_that_come_while_rows_are_packed_are_not_lost() {
        for (at, series) in [(3_000, 1), (3_500, 0)] {
            let (mut head, slot, ids) = head();
            let chunk = head.copy_before(slot, 10_000).unwrap();
            assert_eq!(head.append("s", at, &[(ids[series], 9.0)]).accepted, 1);
            // A row behind the copied ones changes nothing about them; a value within them does.
            assert_eq!(head.place_sealed(slot, chunk), at == 3_500);
            head.seal_one_before(slot, 10_000);
            let samples: u64 = head.source(slot).unwrap().chunks.iter().map(|chunk| count(chunk)).sum();
            assert_eq!(samples, 4);
        }
    }
}
