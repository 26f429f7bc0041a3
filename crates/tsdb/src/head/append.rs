//! Taking samples: a batch is one row of a source, or samples that each have a time of their own.

use super::{Head, SeriesId};
use crate::chunk::{CHUNK_ROWS, GROWTH_ROWS, KEPT_ROWS};
use crate::record::Record;

/// What became of the samples of one batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Appended {
    /// Stored.
    pub accepted: usize,
    /// How many of the stored ones were older than the newest batch of their source.
    pub late: usize,
    /// Already there with the same value: nothing to do.
    pub repeated: usize,
    /// Refused: too much older than the newest batch of the source.
    pub out_of_order: usize,
    /// Refused: the series already has another value at that time; the first one stays.
    pub duplicate: usize,
    /// Refused: older than the retention, or too far in the future.
    pub out_of_bounds: usize,
    /// Refused: the id names no series of this source. Register the series again.
    pub unknown: usize,
}

/// A sample with a time of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// The series.
    pub id: SeriesId,
    /// Milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Every bit pattern is kept.
    pub value: f64,
}

impl Head {
    /// Adds a batch and logs what was accepted.
    pub(crate) fn append(&mut self, source: &str, at_ms: i64, samples: &[(SeriesId, f64)]) -> Appended {
        let mut result = Appended::default();
        match self.source_of(source) {
            None => result.unknown = samples.len(),
            Some(slot) => self.take_row(slot, at_ms, samples.iter().copied(), &mut result),
        }
        self.count(&result);
        result
    }

    /// Adds samples of any sources and times, and logs what was accepted.
    pub(crate) fn append_each(&mut self, samples: &[Sample]) -> Appended {
        let mut result = Appended::default();
        let mut order = std::mem::take(&mut self.order);
        order.clear();
        for (at, sample) in (0..).zip(samples) {
            match self.one(sample.id.slot).filter(|one| one.generation == sample.id.generation) {
                Some(series) => order.push((series.source, sample.at_ms, at)),
                None => result.unknown += 1,
            }
        }
        order.sort_unstable();
        for row in order.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let Some((source, at_ms, _)) = row.first().copied() else { continue };
            let of_row = row.iter().filter_map(|(_, _, at)| samples.get(*at as usize));
            self.take_row(source, at_ms, of_row.map(|sample| (sample.id, sample.value)), &mut result);
        }
        self.order = order;
        self.count(&result);
        result
    }

    fn count(&mut self, result: &Appended) {
        self.late_samples += result.late as u64;
        self.repeated += result.repeated as u64;
        self.rejected.out_of_order += result.out_of_order as u64;
        self.rejected.duplicate += result.duplicate as u64;
        self.rejected.out_of_bounds += result.out_of_bounds as u64;
        self.rejected.unknown += result.unknown as u64;
    }

    fn take_row(
        &mut self,
        source: u32,
        at_ms: i64,
        samples: impl Iterator<Item = (SeriesId, f64)>,
        result: &mut Appended,
    ) {
        let oldest_ms = self.now_ms.saturating_sub(self.options.raw_age_ms_max()).max(0);
        let newest_ms = self.now_ms.saturating_add(self.options.future_ms_max);
        if !(oldest_ms..=newest_ms).contains(&at_ms) {
            result.out_of_bounds += samples.count();
            return;
        }
        let last_ms = self.source(source).map_or(i64::MIN, |source| source.last_ms);
        let row = if at_ms >= last_ms { self.begin_row(source, at_ms) } else { None };
        if let Some(row) = row {
            self.take_in_order(source, at_ms, row, samples, result);
        } else if at_ms < last_ms.saturating_sub(self.options.late_window_ms) {
            result.out_of_order += samples.count();
        } else {
            self.take_late(source, at_ms, samples, result);
        }
    }

    fn take_in_order(
        &mut self,
        source: u32,
        at_ms: i64,
        row: usize,
        samples: impl Iterator<Item = (SeriesId, f64)>,
        result: &mut Appended,
    ) {
        let mut accepted = self.take_accepted();
        for (id, value) in samples {
            match self.one_mut(id.slot) {
                Some(series) if series.generation == id.generation && series.source == source => {
                    if series.open.mask >> row & 1 == 1 {
                        // The row is the newest, so its value is the last one.
                        let same = series.last_value.is_some_and(|last| last.to_bits() == value.to_bits());
                        *(if same { &mut result.repeated } else { &mut result.duplicate }) += 1;
                        continue;
                    }
                    series.open.push(row, value);
                    series.first_ms = series.first_ms.min(at_ms);
                    series.last_ms = at_ms;
                    series.last_value = Some(value);
                    if !series.active {
                        self.activate(id.slot);
                    }
                    accepted.push((id.slot, value));
                }
                _ => result.unknown += 1,
            }
        }
        self.end_row(source, at_ms, accepted.len());
        result.accepted += accepted.len();
        self.log_batch(source, at_ms, accepted);
    }

    /// Writes what was accepted to the waiting records, and keeps the list for the next batch.
    pub(super) fn log_batch(&mut self, source: u32, at_ms: i64, accepted: Vec<(u32, f64)>) {
        if !accepted.is_empty() {
            self.note_arrivals(at_ms, &accepted);
            Record::Batch { source, at_ms, samples: &accepted }.write(&mut self.pending);
        }
        self.accepted = accepted;
    }

    /// An empty list for what is accepted of a batch.
    pub(super) fn take_accepted(&mut self) -> Vec<(u32, f64)> {
        let mut accepted = std::mem::take(&mut self.accepted);
        accepted.clear();
        accepted
    }

    /// Adds a batch from the log; what is already there stays.
    pub(crate) fn replay(&mut self, source: u32, at_ms: i64, samples: &[(u32, f64)]) -> Option<()> {
        let last_ms = self.source(source)?.last_ms;
        let row = if at_ms >= last_ms { self.begin_row(source, at_ms) } else { None };
        let Some(row) = row else {
            self.replay_late(source, at_ms, samples);
            return Some(());
        };
        let mut accepted = 0;
        for (slot, value) in samples {
            let Some(series) = self.one_mut(*slot).filter(|series| series.source == source) else { continue };
            if series.open.mask >> row & 1 == 0 {
                series.open.push(row, *value);
                series.first_ms = series.first_ms.min(at_ms);
                series.last_ms = at_ms;
                series.last_value = Some(*value);
                accepted += 1;
            }
        }
        self.end_row(source, at_ms, accepted);
        Some(())
    }

    /// The number of the row at `at_ms`, which is not before the newest; sealing what came before if it must.
    /// `None` if the row at that time is already sealed.
    fn begin_row(&mut self, source: u32, at_ms: i64) -> Option<usize> {
        let one = self.source(source)?;
        if one.open.last() == Some(&at_ms) {
            return one.open.len().checked_sub(1);
        }
        if one.last_ms == at_ms {
            return None;
        }
        if one.open.len() >= CHUNK_ROWS + KEPT_ROWS {
            self.seal_first(source);
        }
        let one = self.source_mut(source)?;
        if one.open.len() == one.open.capacity() {
            one.open.reserve_exact(GROWTH_ROWS);
        }
        one.open.push(at_ms);
        one.open.len().checked_sub(1)
    }

    /// Keeps the row if anything was accepted, takes it back if not.
    fn end_row(&mut self, source: u32, at_ms: i64, accepted: usize) {
        self.samples += accepted as u64;
        let Some(source) = self.source_mut(source) else { return };
        if accepted > 0 {
            source.last_ms = at_ms;
        } else if source.last_ms != at_ms {
            source.open.pop();
        }
    }
}
