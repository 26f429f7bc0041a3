//! Reading: blocks and head merged into one answer.

use super::Store;
use crate::block::{Block, BlockFile, Group};
use crate::chunk::{Chunk, masked};
use crate::error::{Error, Result};
use crate::head::{Found, SourceRows};
use crate::{Labels, Limits, Matcher};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A series and its samples.
#[derive(Clone, Debug)]
pub struct Series {
    /// What names it.
    pub labels: Labels,
    /// Time (milliseconds since 1970 UTC) and value, times strictly rising.
    pub points: Vec<(i64, f64)>,
}

/// Series that [`Store::visit`] reads at a time: those of one source share the times.
const TOGETHER: usize = 16;

/// Labels as a block has them, and which of the series found they are.
type Wanted = HashMap<Vec<u8>, usize>;

/// What a read still may answer, and the time it is about.
struct Reading {
    from_ms: i64,
    to_ms: i64,
    left: usize,
    limit: usize,
}

impl Reading {
    fn new(from_ms: i64, to_ms: i64, limits: Limits) -> Self {
        Self { from_ms, to_ms, left: limits.samples, limit: limits.samples }
    }

    fn overlaps(&self, first_ms: i64, last_ms: i64) -> bool {
        first_ms <= self.to_ms && last_ms >= self.from_ms
    }

    /// Adds what lies within the time asked for.
    fn take(&mut self, to: &mut Vec<(i64, f64)>, points: impl Iterator<Item = (i64, f64)>) -> Result<()> {
        let before = to.len();
        to.extend(points.filter(|(at, _)| (self.from_ms..=self.to_ms).contains(at)));
        self.left =
            self.left.checked_sub(to.len() - before).ok_or(Error::TooMuch { what: "samples", limit: self.limit })?;
        Ok(())
    }
}

impl Store {
    /// The samples from `from_ms` to `to_ms` (both included) of the series that fulfil every condition, in order of
    /// labels; series without a sample are left out. Damaged pages are left out and counted.
    ///
    /// Errors: more than `limits`.
    pub fn select(&self, matchers: &[Matcher], from_ms: i64, to_ms: i64, limits: Limits) -> Result<Vec<Series>> {
        // The head first: a window cut meanwhile is then met twice, never not at all.
        let (found, rows) = self.head().collect(matchers, from_ms, to_ms);
        if found.len() > limits.series {
            return Err(Error::TooMuch { what: "series", limit: limits.series });
        }
        self.read_found(Reading::new(from_ms, to_ms, limits), &found, &rows)
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
        let (mut found, rows) = self.head().collect(matchers, from_ms, to_ms);
        if found.len() > limits.series {
            return Err(Error::TooMuch { what: "series", limit: limits.series });
        }
        found.sort_by(|a, b| a.labels.cmp(&b.labels));
        let (mut rest, mut size) = (found.as_slice(), TOGETHER);
        while let Some((some, after)) = rest.split_at_checked(together(rest, size)).filter(|(some, _)| !some.is_empty())
        {
            match self.read_found(Reading::new(from_ms, to_ms, limits), some, &rows) {
                Err(Error::TooMuch { .. }) if size > 1 => size /= 2,
                Err(error) => return Err(error),
                Ok(series) => {
                    rest = after;
                    if !series.into_iter().all(&mut each) {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// The samples of the series found, in order of labels.
    fn read_found(
        &self,
        mut reading: Reading,
        found: &[Found],
        rows: &BTreeMap<u32, SourceRows>,
    ) -> Result<Vec<Series>> {
        let mut points = vec![Vec::new(); found.len()];
        self.read_blocks(&mut reading, found, rows, &mut points)?;
        let mut by_labels: BTreeMap<&Labels, Vec<(i64, f64)>> = BTreeMap::new();
        for (found, mut points) in found.iter().zip(points) {
            for chunk in rows.get(&found.source).into_iter().flat_map(|source| &source.chunks) {
                read_chunk(&mut reading, chunk, found.slot, &mut points)?;
            }
            reading.take(&mut points, found.open.iter().copied())?;
            by_labels.entry(&found.labels).or_default().append(&mut points);
        }
        let series = by_labels.into_iter().filter(|(_, points)| !points.is_empty());
        Ok(series.map(|(labels, points)| Series { labels: labels.clone(), points: in_order(points) }).collect())
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

    /// The values of a label over the series that fulfil every condition, in order.
    pub fn label_values(&self, name: &str, matchers: &[Matcher]) -> Vec<String> {
        let head = self.head();
        if matchers.is_empty() {
            return head.postings.values(name).map(str::to_owned).collect();
        }
        let found = head.find(matchers);
        let values: BTreeSet<&str> = found.iter().filter_map(|slot| head.one(*slot)?.labels.get(name)).collect();
        values.into_iter().map(str::to_owned).collect()
    }

    /// The labels of the series that fulfil every condition, in order.
    pub fn series(&self, matchers: &[Matcher], limits: Limits) -> Result<Vec<Labels>> {
        let head = self.head();
        let found = head.find(matchers);
        if found.len() > limits.series {
            return Err(Error::TooMuch { what: "series", limit: limits.series });
        }
        let mut labels: Vec<_> = found.iter().filter_map(|slot| Some(head.one(*slot)?.labels.clone())).collect();
        drop(head);
        labels.sort();
        labels.dedup();
        Ok(labels)
    }

    fn read_blocks(
        &self,
        reading: &mut Reading,
        found: &[Found],
        rows: &BTreeMap<u32, SourceRows>,
        points: &mut [Vec<(i64, f64)>],
    ) -> Result<()> {
        let mut wanted: HashMap<&str, Wanted> = HashMap::new();
        for (at, one) in found.iter().enumerate() {
            if let Some(source) = rows.get(&one.source) {
                let mut labels = Vec::new();
                one.labels.write(&mut labels);
                wanted.entry(&source.name).or_default().insert(labels, at);
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        for block in &self.block_list() {
            if !reading.overlaps(block.from_ms, block.to_ms) {
                continue;
            }
            let mut file = None;
            let places =
                wanted.iter().flat_map(|(source, series)| block.groups_of(source).iter().map(move |one| (one, series)));
            for (place, series) in places {
                if !reading.overlaps(place.first_ms, place.last_ms) {
                    continue;
                }
                // A block deleted meanwhile was too old to be promised.
                let Some(file) = file.get_or_insert_with(|| block.file()).as_ref() else { break };
                match file.group(place, |labels| series.contains_key(labels)) {
                    Some(group) => self.read_group(reading, (block, file), &group, series, points)?,
                    None => self.note_damage(block, place.offset),
                }
            }
        }
        Ok(())
    }

    fn read_group(
        &self,
        reading: &mut Reading,
        (block, file): (&Block, &BlockFile),
        group: &Group,
        wanted: &Wanted,
        points: &mut [Vec<(i64, f64)>],
    ) -> Result<()> {
        let mut times: Vec<Option<Vec<i64>>> = Vec::new();
        for series in &group.series {
            let Some(points) = wanted.get(&series.labels).and_then(|at| points.get_mut(*at)) else { continue };
            if times.is_empty() {
                times = group.times.iter().map(|page| self.read_times(reading, (block, file), page)).collect();
            }
            for ((page, times), time_page) in series.pages.iter().zip(&times).zip(&group.times) {
                let Some(times) = times else { continue };
                match file.values(page, time_page.rows) {
                    Some(values) => reading.take(points, times.iter().copied().zip(values))?,
                    None => self.note_damage(block, page.extent.offset),
                }
            }
        }
        Ok(())
    }

    /// The times of a page, if it is sound and overlaps the time asked for.
    fn read_times(
        &self,
        reading: &Reading,
        (block, file): (&Block, &BlockFile),
        page: &crate::block::TimePage,
    ) -> Option<Vec<i64>> {
        if !reading.overlaps(page.first_ms, page.last_ms) {
            return None;
        }
        let times = file.times(page);
        if times.is_none() {
            self.note_damage(block, page.extent.offset);
        }
        times
    }
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

fn read_chunk(reading: &mut Reading, chunk: &Chunk, slot: u32, points: &mut Vec<(i64, f64)>) -> Result<()> {
    let Some((values, times)) = chunk.values(slot).zip(chunk.times()) else { return Ok(()) };
    reading.take(points, masked(&times, chunk.mask(slot)).zip(values))
}

/// Sorts by time if needed; of two samples at one time the first stays.
fn in_order(mut points: Vec<(i64, f64)>) -> Vec<(i64, f64)> {
    if !points.is_sorted_by(|a, b| a.0 < b.0) {
        points.sort_by_key(|(at, _)| *at);
        points.dedup_by_key(|(at, _)| *at);
    }
    points
}
