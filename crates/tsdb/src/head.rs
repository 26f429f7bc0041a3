//! What is in memory: the catalogue of all series, and the samples of the window that is not in a block yet.

mod append;
mod arrivals;
mod catalogue;
mod late;
mod reading;
mod sealing;

pub use append::{Appended, Sample};
pub(crate) use arrivals::Arrivals;
pub use arrivals::LateArrivals;
pub(crate) use late::Late;
pub(crate) use reading::{Collected, Found};

use crate::chunk::{Chunk, Open};
use crate::postings::Postings;
use crate::{Labels, Options};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Names a series to [`append`](crate::Store::append) as long as the process runs and the series has data. Not stable
/// over restarts: register again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SeriesId {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

/// What is sampled together: one column of times serves all its series.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: Box<str>,
    /// The newest row; rows only go forward.
    pub(crate) last_ms: i64,
    /// Slots, sorted.
    pub(crate) series: Vec<u32>,
    /// How many of them took a sample lately.
    pub(crate) active: usize,
    /// Sealed rows, oldest first; a chunk never crosses the border of a window.
    pub(crate) chunks: Vec<Arc<Chunk>>,
    /// Times of the rows that are not sealed.
    pub(crate) open: Vec<i64>,
}

/// One series of the catalogue; it may have samples in blocks only.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) labels: Labels,
    pub(crate) source: u32,
    pub(crate) generation: u32,
    /// The oldest sample ever taken; `i64::MAX` if there was none.
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
    pub(crate) last_value: Option<f64>,
    pub(crate) active: bool,
    /// Number of its class; 0 for none.
    pub(crate) class: u8,
    /// Of its labels: two series with different ones have different labels.
    pub(crate) hash: u32,
    pub(crate) open: Open,
}

/// What a file or a block knows of a series besides its labels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
    pub(crate) last_value: Option<f64>,
}

/// Slots that were freed and may not be used again until no log on disk can still mean the old holder.
#[derive(Debug, Default)]
pub(crate) struct Freed {
    waiting: Vec<(u64, u32)>,
    ready: Vec<u32>,
}

impl Freed {
    pub(crate) fn push(&mut self, slot: u32, snapshot: u64) {
        self.waiting.push((snapshot, slot));
    }

    /// Slots freed before the snapshot before `snapshot` are on no snapshot that is kept.
    pub(crate) fn snapshot_written(&mut self, snapshot: u64) {
        let Self { waiting, ready } = self;
        waiting.retain(|(freed, slot)| {
            let wait = freed + 2 > snapshot;
            if !wait {
                ready.push(*slot);
            }
            wait
        });
    }
}

/// Why samples and series were refused so far, and by how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rejected {
    /// Samples too much older than the newest row of their source.
    pub out_of_order: u64,
    /// Samples of a series that already has another value at that time.
    pub duplicate: u64,
    /// Samples older than the retention or too far in the future.
    pub out_of_bounds: u64,
    /// Samples whose id names no series of the source.
    pub unknown: u64,
    /// Series refused because of a limit.
    pub series_limit: u64,
    /// Series refused because of their labels.
    pub bad_labels: u64,
}

/// Everything in memory, behind one lock.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) options: Options,
    pub(crate) now_ms: i64,
    pub(crate) sources: Vec<Option<Box<Source>>>,
    pub(crate) series: Vec<Option<Box<Series>>>,
    source_slots: HashMap<Box<str>, u32>,
    series_slots: HashMap<(u32, Labels), u32>,
    pub(crate) postings: Postings,
    pub(crate) freed_sources: Freed,
    pub(crate) freed_series: Freed,
    pub(crate) active: usize,
    generation: u32,
    /// Number of the newest snapshot.
    pub(crate) snapshot: u64,
    /// Records that are not in the log file yet.
    pub(crate) pending: Vec<u8>,
    pub(crate) sealed_bytes: usize,
    /// Samples older than the newest row of their source, by slot.
    pub(crate) late: BTreeMap<u32, Late>,
    pub(crate) late_bytes: usize,
    pub(crate) samples: u64,
    /// How many of them were late.
    pub(crate) late_samples: u64,
    /// Samples that came again with the same value.
    pub(crate) repeated: u64,
    pub(crate) rejected: Rejected,
    /// Series refused because of a limit, by source; bounded.
    pub(crate) offenders: HashMap<String, u64>,
    pub(crate) arrivals: Arrivals,
    accepted: Vec<(u32, f64)>,
    /// Source, time and place of each sample of a batch that has times of its own.
    order: Vec<(u32, i64, u32)>,
}

impl Head {
    pub(crate) fn new(options: Options, now_ms: i64) -> Self {
        Self {
            options,
            now_ms,
            sources: Vec::new(),
            series: Vec::new(),
            source_slots: HashMap::new(),
            series_slots: HashMap::new(),
            postings: Postings::default(),
            freed_sources: Freed::default(),
            freed_series: Freed::default(),
            active: 0,
            generation: 0,
            snapshot: 0,
            pending: Vec::new(),
            sealed_bytes: 0,
            late: BTreeMap::new(),
            late_bytes: 0,
            samples: 0,
            late_samples: 0,
            repeated: 0,
            rejected: Rejected::default(),
            offenders: HashMap::new(),
            arrivals: Arrivals::default(),
            accepted: Vec::new(),
            order: Vec::new(),
        }
    }

    pub(crate) fn source(&self, slot: u32) -> Option<&Source> {
        self.sources.get(slot as usize)?.as_deref()
    }

    pub(crate) fn source_mut(&mut self, slot: u32) -> Option<&mut Source> {
        self.sources.get_mut(slot as usize)?.as_deref_mut()
    }

    pub(crate) fn one(&self, slot: u32) -> Option<&Series> {
        self.series.get(slot as usize)?.as_deref()
    }

    pub(crate) fn one_mut(&mut self, slot: u32) -> Option<&mut Series> {
        self.series.get_mut(slot as usize)?.as_deref_mut()
    }

    /// True if the id names a series of `source`.
    pub(crate) fn is_of(&self, id: SeriesId, source: u32) -> bool {
        self.one(id.slot).is_some_and(|one| one.generation == id.generation && one.source == source)
    }

    /// Slots of the sources there are.
    pub(crate) fn source_list(&self) -> Vec<u32> {
        (0..).zip(&self.sources).filter(|(_, source)| source.is_some()).map(|(slot, _)| slot).collect()
    }

    /// Start of the window that holds `at_ms`.
    pub(crate) fn window_of(&self, at_ms: i64) -> i64 {
        at_ms - at_ms.rem_euclid(self.options.window_ms.max(1))
    }
}
