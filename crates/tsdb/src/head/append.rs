//! Taking samples: one batch is one row of a source.

use super::{Head, SeriesId};
use crate::chunk::{CHUNK_ROWS, GROWTH_ROWS};
use crate::record::Record;

/// What became of the samples of one batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Appended {
    /// Stored.
    pub accepted: usize,
    /// Refused: older than the newest batch of the source.
    pub out_of_order: usize,
    /// Refused: the series already has a sample at that time; the first one stays.
    pub duplicate: usize,
    /// Refused: older than the retention, or too far in the future.
    pub out_of_bounds: usize,
    /// Refused: the id names no series of this source. Register the series again.
    pub unknown: usize,
}

impl Head {
    /// Adds a batch and logs what was accepted.
    pub(crate) fn append(&mut self, source: &str, at_ms: i64, samples: &[(SeriesId, f64)]) -> Appended {
        let mut result = Appended::default();
        let oldest = self.now_ms.saturating_sub(self.options.retention_ms).max(0);
        let newest = self.now_ms.saturating_add(self.options.future_ms_max);
        let source = self.source_of(source);
        match source.and_then(|slot| Some((slot, self.source(slot)?.last_ms))) {
            None => result.unknown = samples.len(),
            Some(_) if !(oldest..=newest).contains(&at_ms) => result.out_of_bounds = samples.len(),
            Some((_, last_ms)) if at_ms < last_ms => result.out_of_order = samples.len(),
            Some((source, _)) => self.append_row(source, at_ms, samples, &mut result),
        }
        self.rejected.out_of_order += result.out_of_order as u64;
        self.rejected.duplicate += result.duplicate as u64;
        self.rejected.out_of_bounds += result.out_of_bounds as u64;
        self.rejected.unknown += result.unknown as u64;
        result
    }

    fn append_row(&mut self, source: u32, at_ms: i64, samples: &[(SeriesId, f64)], result: &mut Appended) {
        let Some(row) = self.begin_row(source, at_ms) else {
            result.out_of_order = samples.len();
            return;
        };
        let mut accepted = std::mem::take(&mut self.accepted);
        accepted.clear();
        for (id, value) in samples {
            match self.one_mut(id.slot) {
                Some(series) if series.generation == id.generation && series.source == source => {
                    if series.open.mask >> row & 1 == 1 {
                        result.duplicate += 1;
                        continue;
                    }
                    series.open.push(row, *value);
                    series.last_ms = at_ms;
                    series.last_value = Some(*value);
                    if !series.active {
                        self.activate(id.slot);
                    }
                    accepted.push((id.slot, *value));
                }
                _ => result.unknown += 1,
            }
        }
        self.end_row(source, at_ms, accepted.len());
        result.accepted = accepted.len();
        if !accepted.is_empty() {
            Record::Batch { source, at_ms, samples: &accepted }.write(&mut self.pending);
        }
        self.accepted = accepted;
    }

    /// Adds a batch from the log; what is already there stays.
    pub(crate) fn replay(&mut self, source: u32, at_ms: i64, samples: &[(u32, f64)]) -> Option<()> {
        if at_ms < self.source(source)?.last_ms {
            return Some(());
        }
        let Some(row) = self.begin_row(source, at_ms) else { return Some(()) };
        let mut accepted = 0;
        for (slot, value) in samples {
            let Some(series) = self.one_mut(*slot).filter(|series| series.source == source) else { continue };
            if series.open.mask >> row & 1 == 0 {
                series.open.push(row, *value);
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
        let window = self.window_of(at_ms);
        let one = self.source(source)?;
        let last = one.open.last().copied();
        if last == Some(at_ms) {
            return one.open.len().checked_sub(1);
        }
        if one.last_ms == at_ms {
            return None;
        }
        if one.open.len() >= CHUNK_ROWS || last.is_some_and(|last| self.window_of(last) != window) {
            self.seal(source);
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
