//! Reading samples: blocks and head merged into one answer.

use super::Store;
use super::gather::{Gather, Reading, wanted};
use crate::columns::{Columns, QuickHash};
use crate::error::{Error, Result};
use crate::head::{Collected, Found, LateArrivals};
use crate::{Labels, Limits, Matcher};
use std::collections::HashMap;

/// A series and its samples.
#[derive(Clone, Debug)]
pub struct Series {
    /// What names it.
    pub labels: Labels,
    /// Time (milliseconds since 1970 UTC) and value, times strictly rising.
    pub points: Vec<(i64, f64)>,
}

impl From<Columns> for Series {
    fn from(one: Columns) -> Self {
        Self { labels: one.labels, points: one.times.iter().copied().zip(one.values).collect() }
    }
}

/// Series that [`Store::visit`] reads at a time: those of one source share the times.
const TOGETHER: usize = 16;

impl Store {
    /// The samples from `from_ms` to `to_ms` (both included) of the series that fulfil every condition, as columns; series
    /// without a sample are left out. The order of the series means nothing, but is the same for the same store. Damaged
    /// pages are left out and counted.
    ///
    /// Errors: more than `limits`, found before the memory is taken.
    pub fn select_columns(
        &self,
        matchers: &[Matcher],
        from_ms: i64,
        to_ms: i64,
        limits: Limits,
    ) -> Result<Vec<Columns>> {
        let collected = self.collect(matchers, from_ms, to_ms, limits.series)?;
        self.read_found(Reading::new(from_ms, to_ms, limits), &collected, &collected.found)
    }

    /// Like [`select_columns`](Self::select_columns), but in order of labels and as pairs of time and value.
    pub fn select(&self, matchers: &[Matcher], from_ms: i64, to_ms: i64, limits: Limits) -> Result<Vec<Series>> {
        let mut series = self.select_columns(matchers, from_ms, to_ms, limits)?;
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(series.into_iter().map(Series::from).collect())
    }

    /// Like [`select`](Self::select), but hands the series over one after the other, so that only a few are in memory at a
    /// time. `each` answers whether it wants more.
    ///
    /// Errors: more series than `limits`, or one series with more samples than `limits`.
    pub fn visit(
        &self,
        matchers: &[Matcher],
        (from_ms, to_ms): (i64, i64),
        limits: Limits,
        mut each: impl FnMut(Series) -> bool,
    ) -> Result<()> {
        let mut collected = self.collect(matchers, from_ms, to_ms, limits.series)?;
        let mut found = std::mem::take(&mut collected.found);
        found.sort_by(|a, b| a.labels.cmp(&b.labels));
        let (mut rest, mut size) = (found.as_slice(), TOGETHER);
        while let Some((some, after)) = rest.split_at_checked(together(rest, size)).filter(|(some, _)| !some.is_empty())
        {
            match self.read_found(Reading::new(from_ms, to_ms, limits), &collected, some) {
                Err(Error::TooMuch { .. }) if size > 1 => size /= 2,
                Err(error) => return Err(error),
                Ok(series) => {
                    rest = after;
                    if !series.into_iter().map(Series::from).all(&mut each) {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// The samples of the series found, whose sources' rows are in `collected`. Series with the same labels become one.
    fn read_found(&self, reading: Reading, collected: &Collected, found: &[Found]) -> Result<Vec<Columns>> {
        let mut gather = Gather::<1>::new(reading, found.len());
        self.gather_raw(collected, found, None, &mut gather)?;
        let Gather { mut times, columns, .. } = gather;
        let mut all = Vec::with_capacity(columns.len());
        let mut places: HashMap<&Labels, usize, QuickHash> = HashMap::default();
        let all_differ = all_differ(found);
        for (one, column) in found.iter().zip(columns).filter(|(_, column)| !column.is_empty()) {
            let place = if all_differ { all.len() } else { *places.entry(&one.labels).or_insert(all.len()) };
            match all.get_mut(place) {
                None => all.push((&one.labels, column)),
                Some((_, there)) => there.append(column),
            }
        }
        let whole = all.into_iter().map(|(labels, column)| {
            let (times, [values]) = column.finish(&mut times);
            Columns { labels: labels.clone(), times, values }
        });
        Ok(whole.collect())
    }

    /// Adds samples as they came: from blocks, then from the head.
    pub(super) fn gather_raw(
        &self,
        collected: &Collected,
        found: &[Found],
        class: Option<u8>,
        gather: &mut Gather<1>,
    ) -> Result<()> {
        let mut blocks = self.block_list();
        let (from_ms, to_ms) = (gather.reading.from_ms, gather.reading.to_ms);
        blocks.retain(|block| block.says.resolution_ms == 0 && block.overlaps(from_ms, to_ms));
        if !blocks.is_empty() {
            self.gather_blocks(blocks.iter(), &wanted(collected, found, class), gather)?;
        }
        self.gather_head(collected, found, class, gather)
    }

    /// Keeps in memory, from now on, the newest samples that come more than `late_ms` after their time, for
    /// [`late_arrivals`](Self::late_arrivals); `None` keeps none, as at first.
    pub fn keep_late_arrivals(&self, late_ms: Option<i64>) {
        self.head_mut().arrivals.keep(late_ms);
    }

    /// Samples that came late at or after the place `since`, which an earlier call answered as `next`; without one, where
    /// to begin. At most `limit` samples; only so many are kept, and none over a restart.
    pub fn late_arrivals(&self, since: Option<u64>, limit: usize) -> LateArrivals {
        self.head().late_arrivals(since, limit)
    }

    /// The newest sample of each series that fulfils every condition and has one at or after `since_ms`, in order of
    /// labels: labels, time, value.
    pub fn last(&self, matchers: &[Matcher], since_ms: i64) -> Vec<(Labels, i64, f64)> {
        let head = self.head();
        let series = head.find(matchers).into_iter().filter_map(|slot| head.one(slot));
        let mut last: Vec<_> = series
            .filter(|series| series.last_ms >= since_ms)
            .filter_map(|series| Some((series.labels.clone(), series.last_ms, series.last_value?)))
            .collect();
        drop(head);
        last.sort_by(|a, b| a.0.cmp(&b.0));
        last
    }
}

/// True if surely no two of the series have the same labels; told without a look at them.
fn all_differ(found: &[Found]) -> bool {
    let mut hashes: Vec<u32> = found.iter().map(|one| one.hash).collect();
    hashes.sort_unstable();
    hashes.is_sorted_by(|a, b| a < b)
}

/// How many of the series, which are in order of labels, are read together: those with the same labels stay together.
fn together(found: &[Found], size: usize) -> usize {
    let same = |at: usize| found.get(at).zip(found.get(at + 1)).is_some_and(|(a, b)| a.labels == b.labels);
    let mut count = size.min(found.len());
    while count > 0 && same(count - 1) {
        count += 1;
    }
    count
}
