//! What a read takes out of memory while it holds the lock: shared chunks and copies of open rows, never decoding.

use super::{Head, Late};
use crate::chunk::{Chunk, low_bits};
use crate::{Labels, Matcher};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A series that a read means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Meant {
    pub(crate) source: u32,
    pub(crate) slot: u32,
    generation: u32,
}

/// A series that a read wants, with its open rows and late samples.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) slot: u32,
    pub(crate) source: u32,
    pub(crate) class: u8,
    pub(crate) hash: u32,
    pub(crate) labels: Labels,
    /// Which of the source's open rows it has values in.
    pub(crate) mask: u128,
    pub(crate) open: Vec<f64>,
    pub(crate) late: Late,
}

/// A source that a read wants, with its sealed chunks and the times of its open rows.
#[derive(Debug)]
pub(crate) struct SourceRows {
    pub(crate) name: Box<str>,
    pub(crate) chunks: Vec<Arc<Chunk>>,
    pub(crate) open: Vec<i64>,
}

/// Series and the sources they belong to.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// In order of source.
    pub(crate) found: Vec<Found>,
    pub(crate) sources: BTreeMap<u32, SourceRows>,
}

impl Head {
    /// The series that fulfil `matchers` and may have samples from `from_ms` to `to_ms`, in order of source.
    pub(crate) fn meant(&self, matchers: &[Matcher], from_ms: i64, to_ms: i64) -> Vec<Meant> {
        let mut meant: Vec<Meant> = self
            .find(matchers)
            .into_iter()
            .filter_map(|slot| Some((slot, self.one(slot)?)))
            .filter(|(_, one)| one.last_ms >= from_ms && one.first_ms <= to_ms)
            .map(|(slot, one)| Meant { source: one.source, slot, generation: one.generation })
            .collect();
        if !meant.is_sorted() {
            meant.sort_unstable();
        }
        meant
    }

    /// Adds series, which are of one source, and the source's rows from `from_ms` to `to_ms`.
    pub(crate) fn collect(&self, meant: &[Meant], from_ms: i64, to_ms: i64, into: &mut Collected) {
        let Some((slot, source)) = meant.first().and_then(|one| Some((one.source, self.source(one.source)?))) else {
            return;
        };
        let from = source.open.partition_point(|at| *at < from_ms);
        let to = source.open.partition_point(|at| *at <= to_ms).max(from);
        let overlaps = |chunk: &&Arc<Chunk>| chunk.first_ms <= to_ms && chunk.last_ms >= from_ms;
        let rows = SourceRows {
            name: source.name.clone(),
            chunks: source.chunks.iter().filter(overlaps).cloned().collect(),
            open: source.open.get(from..to).unwrap_or_default().to_vec(),
        };
        into.sources.insert(slot, rows);
        for one in meant {
            let Some(series) = self.one(one.slot).filter(|series| series.generation == one.generation) else {
                continue;
            };
            let mask = (series.open.mask >> from.min(127)) & low_bits(to - from);
            let before = (series.open.mask & low_bits(from)).count_ones() as usize;
            into.found.push(Found {
                slot: one.slot,
                source: slot,
                class: series.class,
                hash: series.hash,
                labels: series.labels.clone(),
                mask,
                open: series.open.copy(before, before + mask.count_ones() as usize),
                late: self.late.get(&one.slot).map(|late| late.part(from_ms, to_ms)).unwrap_or_default(),
            });
        }
    }
}
