//! Samples that came long after their time, the newest of them: for whoever passes on what comes and is past that time.

use super::Head;
use crate::Labels;
use std::collections::VecDeque;

/// Most that are kept; of more, the oldest go.
const KEPT_MAX: usize = 1 << 17;

/// One sample.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    slot: u32,
    generation: u32,
    at_ms: i64,
    value: f64,
}

/// What came late, in the order in which it came.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    /// How much older than the store's clock a sample must be; nothing is kept without.
    late_ms: Option<i64>,
    /// The number of the oldest that is kept.
    first: u64,
    kept: VecDeque<Arrival>,
}

/// What came late after a place.
#[derive(Clone, Debug, Default)]
pub struct LateArrivals {
    /// Series and their samples, in order of time.
    pub series: Vec<(Labels, Vec<(i64, f64)>)>,
    /// Where to go on next time.
    pub next: u64,
    /// Samples that came and went before anybody asked.
    pub missed: u64,
}

impl Arrivals {
    /// Keeps what comes more than this after its time from now on; `None` keeps nothing and forgets.
    pub(crate) fn keep(&mut self, late_ms: Option<i64>) {
        self.late_ms = late_ms;
        if late_ms.is_none() {
            self.first = self.end();
            self.kept = VecDeque::new();
        }
    }

    fn end(&self) -> u64 {
        self.first + self.kept.len() as u64
    }
}

impl Head {
    /// Notes samples that were accepted, if they came late.
    pub(super) fn note_arrivals(&mut self, at_ms: i64, accepted: &[(u32, f64)]) {
        if self.arrivals.late_ms.is_none_or(|late_ms| at_ms > self.now_ms.saturating_sub(late_ms)) {
            return;
        }
        for (slot, value) in accepted {
            let Some(generation) = self.one(*slot).map(|one| one.generation) else { continue };
            self.arrivals.kept.push_back(Arrival { slot: *slot, generation, at_ms, value: *value });
        }
        let over = self.arrivals.kept.len().saturating_sub(KEPT_MAX);
        self.arrivals.kept.drain(..over);
        self.arrivals.first += over as u64;
    }

    /// What came late at or after the place `since` (nothing without one), at most `limit` samples.
    pub(crate) fn late_arrivals(&self, since: Option<u64>, limit: usize) -> LateArrivals {
        let end = self.arrivals.end();
        let Some(since) = since else { return LateArrivals { next: end, ..LateArrivals::default() } };
        let from = since.clamp(self.arrivals.first, end);
        let skip = usize::try_from(from - self.arrivals.first).unwrap_or(usize::MAX);
        let mut some: Vec<Arrival> = self.arrivals.kept.iter().skip(skip).take(limit).copied().collect();
        let next = from + some.len() as u64;
        some.sort_by_key(|one| (one.slot, one.at_ms));
        let of_series = some.chunk_by(|a, b| (a.slot, a.generation) == (b.slot, b.generation));
        let series = of_series.filter_map(|of| {
            let one = of.first()?;
            let series = self.one(one.slot).filter(|series| series.generation == one.generation)?;
            Some((series.labels.clone(), of.iter().map(|one| (one.at_ms, one.value)).collect()))
        });
        LateArrivals { series: series.collect(), next, missed: from.saturating_sub(since) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

    fn taken(head: &Head, since: u64, limit: usize) -> (Vec<(i64, f64)>, u64, u64) {
        let found = head.late_arrivals(Some(since), limit);
        (found.series.into_iter().flat_map(|(_, points)| points).collect(), found.next, found.missed)
    }

    #[test]
    fn what_comes_late_is_kept_for_those_who_ask_and_the_rest_is_not() {
        let options = Options { future_ms_max: i64::MAX / 4, ..Options::default() };
        let mut head = Head::new(options.clone(), 100_000);
        let id = head.register("s", Labels::new(&[("__name__", "a")], &options).unwrap()).unwrap();
        let add = |head: &mut Head, at_ms: i64| {
            assert_eq!(head.append("s", at_ms, &[(id, at_ms as f64)]).accepted, 1);
        };
        add(&mut head, 10_000);
        assert_eq!(taken(&head, 0, 9), (vec![], 0, 0), "nobody asked for it");
        head.arrivals.keep(Some(30_000));
        // In order for its source, and behind what is there: both came late.
        for at_ms in [60_000, 20_000, 99_000] {
            add(&mut head, at_ms);
        }
        assert_eq!(taken(&head, 0, 9), (vec![(20_000, 20_000.0), (60_000, 60_000.0)], 2, 0));
        assert_eq!(taken(&head, 1, 9), (vec![(20_000, 20_000.0)], 2, 0));
        assert_eq!(taken(&head, 0, 1), (vec![(60_000, 60_000.0)], 1, 0));
        assert_eq!(head.late_arrivals(None, 9).next, 2, "who begins now has missed nothing");
        for at_ms in 0..KEPT_MAX as i64 {
            head.note_arrivals(at_ms % 1_000, &[(id.slot, 1.0)]);
        }
        let (points, next, missed) = taken(&head, 1, 3);
        assert_eq!((points.len(), next, missed), (3, 5, 1), "the oldest go, and are counted");
        head.arrivals.keep(None);
        assert_eq!(taken(&head, next, 9), (vec![], KEPT_MAX as u64 + 2, KEPT_MAX as u64 - 3));
    }
}
