//! Reading roll-ups: which tier answers which part of a time, and what is missing rolled up from samples on the way.

use super::Store;
use super::gather::{Gather, Reading, wanted};
use crate::block::Block;
use crate::columns::{Column, QuickHash};
use crate::error::Result;
use crate::head::Collected;
use crate::options::TIERS_MS;
use crate::rollup::{AGGREGATES, Aggregate, Asked, EVERYTHING, Part, Rollup, each_sample, roll_up};
use crate::{Labels, Limits, Matcher};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// What [`Store::select_rollup`] answers.
#[derive(Clone, Debug, Default)]
pub struct Rollups {
    /// The series, in no order that means anything.
    pub series: Vec<Rollup>,
    /// Which tier answered what, in order of time. Classes with ages of their own may add parts at the same time.
    pub parts: Vec<Part>,
}

/// Spans of time: after, to.
type Spans = Vec<(i64, i64)>;

impl Store {
    /// Roll-ups from `from_ms` to `to_ms` of the series that fulfil every condition.
    ///
    /// `coarsest_ms` is the longest bucket the caller can use (the smaller of a query's step and window). The coarsest tier
    /// that is not longer answers; where it has nothing (yet), finer tiers or samples do, rolled up to the same buckets;
    /// where those are gone, a coarser tier. If no tier is short enough, samples answer, each a bucket of its own. Buckets
    /// are whole: the first may begin before `from_ms`.
    ///
    /// Errors: more than `limits`; every bucket counts as a sample.
    pub fn select_rollup(
        &self,
        matchers: &[Matcher],
        (from_ms, to_ms): (i64, i64),
        coarsest_ms: i64,
        limits: Limits,
    ) -> Result<Rollups> {
        self.rollup(matchers, (from_ms, to_ms), coarsest_ms, limits, EVERYTHING)
    }

    /// The same with the numbers that are asked for alone: others are neither read nor counted.
    ///
    /// Errors: as [`select_rollup`](Self::select_rollup).
    pub fn select_aggregates(
        &self,
        matchers: &[Matcher],
        span: (i64, i64),
        coarsest_ms: i64,
        limits: Limits,
        aggregates: &[Aggregate],
    ) -> Result<Rollups> {
        let mut asked = [false; AGGREGATES];
        for aggregate in aggregates {
            asked.iter_mut().skip(aggregate.at()).take(1).for_each(|asked| *asked = true);
        }
        self.rollup(matchers, span, coarsest_ms, limits, asked)
    }

    /// True if samples as they came hold all there is from `from_ms` to `to_ms`, and no tier on disk has buckets that a
    /// caller who can use `coarsest_ms` would rather take.
    pub fn samples_suffice(&self, (from_ms, to_ms): (i64, i64), coarsest_ms: i64) -> bool {
        let tier_ms = tier(coarsest_ms);
        let blocks = self.block_list();
        let mut tiers = blocks.iter().filter(|block| {
            let says = &block.says;
            says.resolution_ms != 0 && block.is_sound && says.from_ms < to_ms && says.to_ms >= from_ms
        });
        tiers.all(|block| {
            let of_class =
                |raw: &&Arc<Block>| raw.says.resolution_ms == 0 && raw.is_sound && raw.says.class == block.says.class;
            let raw = blocks.iter().filter(of_class).map(|raw| (raw.says.from_ms.saturating_sub(1), raw.says.to_ms));
            let meant = (block.says.from_ms.max(from_ms.saturating_sub(1)), block.says.to_ms.min(to_ms));
            block.says.resolution_ms != tier_ms && split(&[meant], merged(raw.collect())).1.is_empty()
        })
    }

    fn rollup(
        &self,
        matchers: &[Matcher],
        (from_ms, to_ms): (i64, i64),
        coarsest_ms: i64,
        limits: Limits,
        asked: Asked,
    ) -> Result<Rollups> {
        let tier_ms = tier(coarsest_ms);
        let length_ms = i64::from(tier_ms.max(1));
        let after_ms = from_ms.saturating_sub(1).div_euclid(length_ms).saturating_mul(length_ms);
        let collected = self.collect(matchers, after_ms.saturating_add(1), to_ms, limits.series)?;
        let mut gather = Gather::<AGGREGATES>::new(Reading::new(from_ms, to_ms, limits), collected.found.len());
        gather.asked = asked;
        let classes: BTreeSet<u8> = collected.found.iter().map(|one| one.class).collect();
        let mut parts = BTreeMap::new();
        for class in classes {
            let of_class = self.parts_of(&collected, class, (after_ms, to_ms), tier_ms);
            for part in &of_class {
                self.read_part(&collected, class, *part, &mut gather)?;
            }
            parts.insert(class, of_class.into());
        }
        let all: BTreeSet<Part> = parts.values().flat_map(|parts: &Arc<[Part]>| parts.iter().copied()).collect();
        Ok(Rollups { series: finish(&collected, gather, &parts), parts: all.into_iter().collect() })
    }

    fn read_part(&self, collected: &Collected, class: u8, part: Part, gather: &mut Gather<AGGREGATES>) -> Result<()> {
        (gather.reading.from_ms, gather.reading.to_ms) = (part.after_ms.saturating_add(1), part.to_ms);
        if part.is_stored {
            let blocks = self.block_list();
            let is_meant = |block: &&Arc<Block>| {
                block.says.resolution_ms == part.resolution_ms && *block.says.class == *self.options.class_name(class)
            };
            let wanted = wanted(collected, &collected.found, Some(class));
            return self.gather_blocks(blocks.iter().filter(is_meant), &wanted, gather);
        }
        let mut raw = Gather::<1>::new(gather.reading.clone(), collected.found.len());
        self.gather_raw(collected, &collected.found, Some(class), &mut raw)?;
        gather.reading = raw.reading.clone();
        let width = gather.width();
        let mut last: (Vec<i64>, u32) = (Vec::new(), 0);
        for (column, to) in raw.columns.into_iter().zip(&mut gather.columns).filter(|(raw, _)| !raw.is_empty()) {
            let (times, [values]) = column.finish(&mut raw.times);
            let (ends, columns) = if part.resolution_ms == 0 {
                (times.to_vec(), each_sample(&values, gather.asked))
            } else {
                roll_up(&times, &values, part.resolution_ms, gather.asked)
            };
            if ends.is_empty() {
                continue;
            }
            gather.reading.charge(ends.len(), width)?;
            if last.0 != ends {
                last = (ends.clone(), gather.times.add(ends));
            }
            to.append(Column { pieces: vec![last.1], values: columns });
        }
        Ok(())
    }

    /// Which tier answers which part for series of a class.
    fn parts_of(&self, collected: &Collected, class: u8, asked: (i64, i64), tier_ms: u32) -> Vec<Part> {
        let [five, hour] = TIERS_MS;
        // Samples at the very end of a span lie in the window after it, but belong to the bucket before: where that one is
        // read, the sample at the very begin of a window is in it; where there is none, it is read by itself.
        let order = match tier_ms {
            0 => [(0, 0), (five, 0), (hour, 0), (0, 1)],
            tier if tier == five => [(five, 0), (0, 0), (hour, 0), (0, 1)],
            _ => [(hour, 0), (five, 0), (0, 0), (0, 1)],
        };
        let blocks = self.block_list();
        let mut left = vec![asked];
        let mut parts = Vec::new();
        for (resolution_ms, earlier_ms) in order {
            let is_meant = |block: &&Arc<Block>| {
                block.is_sound
                    && block.says.resolution_ms == resolution_ms
                    && *block.says.class == *self.options.class_name(class)
            };
            let begin = |block: &Arc<Block>| block.says.from_ms.saturating_sub(earlier_ms);
            let mut spans: Spans =
                blocks.iter().filter(is_meant).map(|block| (begin(block), block.says.to_ms)).collect();
            if resolution_ms == 0 {
                spans.extend(self.spans_in_memory(collected, class, earlier_ms));
            }
            let (taken, rest) = split(&left, merged(spans));
            left = rest;
            let is_stored = resolution_ms != 0;
            let resolution_ms = if is_stored { resolution_ms } else { tier_ms };
            parts.extend(taken.into_iter().map(|(after_ms, to_ms)| Part { after_ms, to_ms, resolution_ms, is_stored }));
        }
        parts.sort();
        parts
    }

    /// The time from the first row in memory on, and the windows of late samples.
    fn spans_in_memory(&self, collected: &Collected, class: u8, earlier_ms: i64) -> Spans {
        let of_class = || collected.found.iter().filter(|one| one.class == class);
        let first_row = |source| {
            let rows = collected.sources.get(&source)?;
            rows.chunks.first().map(|chunk| chunk.first_ms).into_iter().chain(rows.open.first().copied()).min()
        };
        let sources: BTreeSet<u32> = of_class().map(|one| one.source).collect();
        let first = sources.into_iter().filter_map(first_row).min();
        let mut spans: Spans = first.map(|first| (first.saturating_sub(1), i64::MAX)).into_iter().collect();
        let window_ms = self.options.window_ms.max(1);
        let windows: BTreeSet<i64> =
            of_class().flat_map(|one| &one.late.times).map(|at| at - at.rem_euclid(window_ms)).collect();
        spans.extend(windows.into_iter().map(|from| (from.saturating_sub(earlier_ms), from.saturating_add(window_ms))));
        spans
    }
}

/// The tier for a caller who can use buckets of so many ms; 0 for samples.
fn tier(coarsest_ms: i64) -> u32 {
    TIERS_MS.into_iter().rev().find(|tier| i64::from(*tier) <= coarsest_ms).unwrap_or(0)
}

/// Spans in order, those that touch made one.
fn merged(mut spans: Spans) -> Spans {
    spans.sort_unstable();
    let mut all: Spans = Vec::new();
    for (after, to) in spans {
        match all.last_mut().filter(|last| after <= last.1) {
            Some(last) => last.1 = last.1.max(to),
            None => all.push((after, to)),
        }
    }
    all
}

/// What of `spans` is in `cover`, and what is not.
fn split(spans: &[(i64, i64)], cover: Spans) -> (Spans, Spans) {
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for (mut after, to) in spans.iter().copied() {
        for (from, until) in &cover {
            let (from, until) = (*from.max(&after), *until.min(&to));
            if from < until {
                if after < from {
                    outside.push((after, from));
                }
                inside.push((from, until));
                after = until;
            }
        }
        if after < to {
            outside.push((after, to));
        }
    }
    (inside, outside)
}

/// Series with the same labels become one.
fn finish(collected: &Collected, gather: Gather<AGGREGATES>, parts: &BTreeMap<u8, Arc<[Part]>>) -> Vec<Rollup> {
    let Gather { mut times, columns, .. } = gather;
    let mut all: Vec<(&Labels, u8, Column<AGGREGATES>)> = Vec::new();
    let mut places: HashMap<&Labels, usize, QuickHash> = HashMap::default();
    for (one, column) in collected.found.iter().zip(columns).filter(|(_, column)| !column.is_empty()) {
        let place = *places.entry(&one.labels).or_insert(all.len());
        match all.get_mut(place) {
            None => all.push((&one.labels, one.class, column)),
            Some((.., there)) => there.append(column),
        }
    }
    let whole = all.into_iter().map(|(labels, class, column)| {
        let (times, columns) = column.finish(&mut times);
        let parts = parts.get(&class).cloned().unwrap_or_else(|| Vec::new().into());
        Rollup { labels: labels.clone(), times, parts, columns }
    });
    whole.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_split_by_what_covers_it() {
        let cover = merged(vec![(30, 40), (10, 20), (15, 25), (40, 45)]);
        assert_eq!(cover, [(10, 25), (30, 45)]);
        let (inside, outside) = split(&[(0, 32), (44, 60)], cover);
        assert_eq!(inside, [(10, 25), (30, 32), (44, 45)]);
        assert_eq!(outside, [(0, 10), (25, 30), (45, 60)]);
        assert_eq!(split(&[(0, 5)], vec![]), (vec![], vec![(0, 5)]));
    }
}
