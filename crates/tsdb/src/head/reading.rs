//! What a read takes out of memory while it holds the lock: shared chunks and copies of open rows, never decoding.

use super::Head;
use crate::chunk::{Chunk, masked};
use crate::{Labels, Matcher};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A series that a read wants, with its open rows.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) slot: u32,
    pub(crate) source: u32,
    pub(crate) labels: Labels,
    pub(crate) open: Vec<(i64, f64)>,
}

/// A source that a read wants, with its sealed chunks.
#[derive(Debug)]
pub(crate) struct SourceRows {
    pub(crate) name: Box<str>,
    pub(crate) chunks: Vec<Arc<Chunk>>,
}

impl Head {
    /// The series that fulfil `matchers` and may have samples from `from_ms` to `to_ms`, and the chunks that hold them.
    pub(crate) fn collect(
        &self,
        matchers: &[Matcher],
        from_ms: i64,
        to_ms: i64,
    ) -> (Vec<Found>, BTreeMap<u32, SourceRows>) {
        let mut rows = BTreeMap::new();
        let mut found = Vec::new();
        for slot in self.find(matchers) {
            let Some((series, source)) = self.one(slot).and_then(|one| Some((one, self.source(one.source)?))) else {
                continue;
            };
            if series.last_ms < from_ms {
                continue;
            }
            rows.entry(series.source).or_insert_with(|| {
                let overlaps = |chunk: &&Arc<Chunk>| chunk.first_ms <= to_ms && chunk.last_ms >= from_ms;
                let chunks = source.chunks.iter().filter(overlaps).cloned().collect();
                SourceRows { name: source.name.clone(), chunks }
            });
            let mut open: Vec<_> = masked(&source.open, series.open.mask).zip(series.open.values()).collect();
            open.retain(|(at, _)| (from_ms..=to_ms).contains(at));
            found.push(Found { slot, source: series.source, labels: series.labels.clone(), open });
        }
        (found, rows)
    }
}
