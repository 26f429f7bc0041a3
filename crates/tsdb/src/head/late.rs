//! Samples older than the newest row of their source: filled into an open row if there is one at their time, kept aside
//! by series if not, until a block takes them.

use super::{Appended, Head, SeriesId};
use crate::chunk::Chunk;
use std::sync::Arc;

/// What a list of late samples costs besides them.
const LATE_OVERHEAD_BYTES: usize = 96;

/// Late samples of one series, in order of time, each time once.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Late {
    pub(crate) times: Vec<i64>,
    pub(crate) values: Vec<f64>,
}

impl Late {
    /// Bytes of memory.
    pub(crate) fn size_bytes(&self) -> usize {
        LATE_OVERHEAD_BYTES + 16 * self.times.len()
    }

    /// Where the samples from `from_ms` to `to_ms` (both included) are.
    pub(crate) fn range(&self, from_ms: i64, to_ms: i64) -> std::ops::Range<usize> {
        let from = self.times.partition_point(|at| *at < from_ms);
        from..self.times.partition_point(|at| *at <= to_ms).max(from)
    }

    /// A copy of the samples from `from_ms` to `to_ms` (both included).
    pub(crate) fn part(&self, from_ms: i64, to_ms: i64) -> Self {
        let range = self.range(from_ms, to_ms);
        let times = self.times.get(range.clone()).unwrap_or_default().to_vec();
        Self { times, values: self.values.get(range).unwrap_or_default().to_vec() }
    }
}

/// The row of a source at a time.
enum Row {
    Open(usize),
    Sealed(Arc<Chunk>, usize),
    None,
}

/// What became of one late sample.
enum Put {
    New,
    Same,
    Other,
}

fn compare(there: f64, value: f64) -> Put {
    if there.to_bits() == value.to_bits() { Put::Same } else { Put::Other }
}

impl Head {
    /// Adds samples at a time before the newest row of their source, and logs what was accepted.
    ///
    /// What is in blocks already is not looked at: of two samples at one time reads answer the older one, and merging
    /// drops the other.
    pub(super) fn take_late(
        &mut self,
        source: u32,
        at_ms: i64,
        samples: impl Iterator<Item = (SeriesId, f64)>,
        result: &mut Appended,
    ) {
        let row = self.row_at(source, at_ms);
        let mut accepted = self.take_accepted();
        for (id, value) in samples {
            if !self.is_of(id, source) {
                result.unknown += 1;
                continue;
            }
            match self.put_late(id.slot, at_ms, value, &row) {
                Put::New => accepted.push((id.slot, value)),
                Put::Same => result.repeated += 1,
                Put::Other => result.duplicate += 1,
            }
            self.activate(id.slot);
        }
        result.accepted += accepted.len();
        result.late += accepted.len();
        self.log_batch(source, at_ms, accepted);
    }

    /// Adds late samples from the log; what is already there stays.
    pub(super) fn replay_late(&mut self, source: u32, at_ms: i64, samples: &[(u32, f64)]) {
        let row = self.row_at(source, at_ms);
        for (slot, value) in samples {
            if self.one(*slot).is_some_and(|series| series.source == source) {
                self.put_late(*slot, at_ms, *value, &row);
            }
        }
    }

    fn row_at(&self, source: u32, at_ms: i64) -> Row {
        let Some(source) = self.source(source) else { return Row::None };
        if let Ok(row) = source.open.binary_search(&at_ms) {
            return Row::Open(row);
        }
        let near = source.chunks.iter().filter(|chunk| (chunk.first_ms..=chunk.last_ms).contains(&at_ms));
        let place = |chunk: &Arc<Chunk>| Some((chunk.clone(), chunk.times()?.binary_search(&at_ms).ok()?));
        near.filter_map(place).next().map_or(Row::None, |(chunk, row)| Row::Sealed(chunk, row))
    }

    fn put_late(&mut self, slot: u32, at_ms: i64, value: f64, row: &Row) -> Put {
        if let Row::Sealed(chunk, row) = row
            && let Some(there) = chunk.value(slot, *row)
        {
            return compare(there, value);
        }
        let Some(series) = self.one_mut(slot) else { return Put::Same };
        if let Row::Open(row) = row {
            if let Some(there) = series.open.value(*row) {
                return compare(there, value);
            }
            series.open.insert(*row, value);
        }
        series.first_ms = series.first_ms.min(at_ms);
        if at_ms > series.last_ms || series.last_value.is_none() {
            (series.last_ms, series.last_value) = (series.last_ms.max(at_ms), Some(value));
        }
        if let Row::Open(_) = row {
            self.samples += 1;
            return Put::New;
        }
        self.put_aside(slot, at_ms, value)
    }

    fn put_aside(&mut self, slot: u32, at_ms: i64, value: f64) -> Put {
        let late = self.late.entry(slot).or_default();
        let before = if late.times.is_empty() { 0 } else { late.size_bytes() };
        let at = match late.times.last() {
            Some(last) if *last < at_ms => late.times.len(),
            None => 0,
            Some(_) => match late.times.binary_search(&at_ms) {
                Ok(at) => return compare(late.values.get(at).copied().unwrap_or_default(), value),
                Err(at) => at,
            },
        };
        late.times.insert(at, at_ms);
        late.values.insert(at, value);
        self.late_bytes += late.size_bytes() - before;
        self.samples += 1;
        Put::New
    }

    /// Puts late samples from a snapshot back.
    pub(crate) fn place_late(&mut self, slot: u32, late: &Late) -> Option<()> {
        self.one(slot)?;
        for (at_ms, value) in late.times.iter().zip(&late.values) {
            self.put_aside(slot, *at_ms, *value);
        }
        Some(())
    }

    /// Lets go of the late samples of a series from `from_ms` to `to_ms` (both included).
    pub(crate) fn drop_late(&mut self, slot: u32, from_ms: i64, to_ms: i64) {
        let Some(late) = self.late.get_mut(&slot) else { return };
        let before = late.size_bytes();
        let range = late.range(from_ms, to_ms);
        late.times.drain(range.clone());
        late.values.drain(range);
        let after = if late.times.is_empty() { 0 } else { late.size_bytes() };
        self.late_bytes = (self.late_bytes + after).saturating_sub(before);
        if late.times.is_empty() {
            self.late.remove(&slot);
        } else {
            late.times.shrink_to_fit();
            late.values.shrink_to_fit();
        }
    }

    /// Lets go of the given late samples of a series, which a block holds now; others that came meanwhile stay.
    pub(crate) fn drop_late_at(&mut self, slot: u32, times: &[i64]) {
        let (Some(first), Some(last)) = (times.first(), times.last()) else { return };
        let Some(late) = self.late.get(&slot) else { return };
        if late.times.get(late.range(*first, *last)) == Some(times) {
            self.drop_late(slot, *first, *last);
            return;
        }
        for at in times {
            self.drop_late(slot, *at, *at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Labels, Options};

    #[test]
    fn late_samples_are_counted_kept_in_order_and_let_go_of_in_parts() {
        let options = Options { future_ms_max: i64::MAX / 4, ..Options::default() };
        let mut head = Head::new(options.clone(), 0);
        let id = head.register("s", Labels::new(&[("__name__", "a")], &options).unwrap()).unwrap();
        assert_eq!(head.append("s", 9_000, &[(id, 9.0)]).accepted, 1);
        for at in [5, 3, 4, 1] {
            let appended = head.append("s", at * 1_000, &[(id, at as f64)]);
            assert_eq!((appended.accepted, appended.late), (1, 1));
        }
        assert_eq!(head.append("s", 4_000, &[(id, 4.0)]).repeated, 1);
        assert_eq!(head.append("s", 4_000, &[(id, 4.5)]).duplicate, 1);
        assert_eq!((head.samples, head.late_samples, head.repeated, head.rejected.duplicate), (5, 4, 1, 1));
        assert_eq!(head.late[&id.slot].times, [1_000, 3_000, 4_000, 5_000]);
        assert_eq!(head.one(id.slot).map(|one| (one.first_ms, one.last_ms)), Some((1_000, 9_000)));
        assert_eq!(head.late_bytes, head.late[&id.slot].size_bytes());
        head.drop_late_at(id.slot, &[3_000, 5_000]);
        assert_eq!(head.late[&id.slot].times, [1_000, 4_000]);
        head.drop_late(id.slot, 0, 9_000);
        assert_eq!((head.late.len(), head.late_bytes), (0, 0));
    }
}
