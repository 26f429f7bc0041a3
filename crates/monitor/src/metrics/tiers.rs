//! Which tier answers a question: samples as they came where they are needed, values of five minutes or an hour where they
//! say the same or nothing else is left.

use std::collections::HashMap;
use std::sync::Arc;

use promql::{BUCKET_MS_MAX, BucketColumn, Buckets, Hint, Labels, Numbers, SelectedBuckets, Selection};
use tsdb::{Aggregate, Part, Rollups};

/// The latest value of a series is looked for this far back, in milliseconds: what stands for it must not be longer.
const LOOKBACK_MS: i64 = 300_000;

/// The longest bucket, in milliseconds, with which every window and step of a selection begins and ends; 0 if there is
/// none, or the answer needs the samples themselves.
pub(super) fn coarsest(selection: &Selection<'_>) -> i64 {
    let Hint { range_ms, step_ms, .. } = selection.hint;
    if !selection.hint.takes_buckets() || (range_ms == 0 && step_ms == 0) {
        return 0;
    }
    let fits = |tier: &i64| {
        let window = if range_ms == 0 { LOOKBACK_MS % tier } else { range_ms % tier };
        window == 0 && step_ms % tier == 0 && selection.until_ms % tier == 0
    };
    let longest = if range_ms == 0 { LOOKBACK_MS } else { i64::MAX };
    tsdb::TIERS_MS.into_iter().rev().map(i64::from).filter(|tier| *tier <= longest).find(fits).unwrap_or(0)
}

/// From when on buckets are read for a selection: windows shorter than a bucket look back for one.
pub(super) fn from_ms(selection: &Selection<'_>) -> i64 {
    selection.after_ms.saturating_add(1).saturating_sub(BUCKET_MS_MAX)
}

/// The numbers of buckets that a selection needs.
pub(super) fn aggregates(hint: &Hint<'_>) -> Vec<Aggregate> {
    let one = |column: &BucketColumn| match column {
        BucketColumn::Count => Aggregate::Count,
        BucketColumn::Sum => Aggregate::Sum,
        BucketColumn::Min => Aggregate::Min,
        BucketColumn::Max => Aggregate::Max,
        BucketColumn::First => Aggregate::First,
        BucketColumn::Last => Aggregate::Last,
        BucketColumn::Increase => Aggregate::Increase,
    };
    hint.columns().iter().map(one).collect()
}

/// What the store found, as a query takes it, with words on which tier answered.
pub(super) fn selected(found: Rollups, hint: &Hint<'_>) -> SelectedBuckets {
    let notes = notes(&found.parts);
    let mut infos = Vec::new();
    if found.parts.iter().any(|part| part.is_stored) {
        infos.push(format!("answered by {}", notes.join(", then by ")));
        if !hint.takes_buckets() {
            let function = if hint.function.is_empty() { "a range of samples" } else { hint.function };
            infos.push(format!("{function} sees one value of each bucket where samples as they came are gone"));
        }
    }
    // Series that were sampled together share their columns of times.
    let mut known: HashMap<(usize, usize), Arc<[i64]>> = HashMap::new();
    let series = found.series.into_iter().map(|mut one| {
        let key = (one.times.as_ptr() as usize, one.parts.as_ptr() as usize);
        let lengths = known.entry(key).or_insert_with(|| lengths(&one.times, &one.parts)).clone();
        let numbers = Numbers {
            count: one.take(Aggregate::Count),
            sum: one.take(Aggregate::Sum),
            min: one.take(Aggregate::Min),
            max: one.take(Aggregate::Max),
            first: one.take(Aggregate::First),
            last: one.take(Aggregate::Last),
            increase: one.take(Aggregate::Increase),
        };
        Buckets { labels: Labels::from_sorted(one.labels.iter()), times: one.times, lengths, numbers }
    });
    SelectedBuckets { series: series.collect(), notes, infos, warnings: Vec::new() }
}

/// The length of each bucket, by the part in which it ends.
fn lengths(times: &[i64], parts: &[Part]) -> Arc<[i64]> {
    // A bucket at the end of the time asked for may end after it.
    let last = parts.len().saturating_sub(1);
    let one = |at: &i64| {
        let part = parts.get(parts.partition_point(|part| part.to_ms < *at).min(last));
        part.map_or(0, |part| i64::from(part.resolution_ms))
    };
    times.iter().map(one).collect()
}

/// What answered what, in order of time.
fn notes(parts: &[Part]) -> Vec<String> {
    let mut said: Vec<(i64, bool, i64)> = Vec::new();
    for part in parts {
        let length = if part.is_stored { i64::from(part.resolution_ms) } else { 0 };
        match said.last_mut().filter(|last| last.0 == length) {
            Some(last) => last.2 = last.2.max(part.to_ms),
            None => said.push((length, part.is_stored, part.to_ms)),
        }
    }
    let count = said.len();
    let one = |(at, (length, is_stored, to_ms)): (usize, (i64, bool, i64))| {
        let what = match length {
            _ if !is_stored => "samples as they came".to_owned(),
            3_600_000 => "values of an hour".to_owned(),
            length => format!("values of {} minutes", length / 60_000),
        };
        let until = kernel::Time(to_ms.saturating_mul(1_000)).timestamp().strftime("%F %H:%M UTC").to_string();
        if at + 1 < count { format!("{what} until {until}") } else { what }
    };
    said.into_iter().enumerate().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn longest(function: &str, range: i64, step: i64, until: i64) -> i64 {
        let hint = Hint { function, range_ms: range * MINUTE, step_ms: step * MINUTE, grouping: None };
        let (after_ms, until_ms) = ((until - 600) * MINUTE, until * MINUTE);
        coarsest(&Selection { matchers: &[], after_ms, until_ms, hint, samples_max: 1, stop: &|| false }) / MINUTE
    }

    #[test]
    fn buckets_answer_where_windows_begin_and_end_with_them() {
        assert_eq!(longest("rate", 5, 5, 600), 5);
        assert_eq!(longest("rate", 60, 120, 600), 60);
        assert_eq!(longest("rate", 60, 120, 605), 5, "the end is not on the hour");
        assert_eq!(longest("rate", 5, 5, 601), 0, "windows begin within buckets");
        assert_eq!(longest("rate", 4, 5, 600), 0);
        assert_eq!(longest("avg_over_time", 60, 0, 600), 60);
        assert_eq!(longest("", 0, 60, 600), 5, "the latest value is no older than the lookback");
        assert_eq!(longest("", 0, 0, 600), 0);
        assert_eq!(longest("quantile_over_time", 60, 60, 600), 0, "samples are needed");
    }

    #[test]
    fn the_parts_of_an_answer_are_told_in_order() {
        let part = |after: i64, to: i64, resolution_ms: u32, is_stored: bool| Part {
            after_ms: after * MINUTE,
            to_ms: to * MINUTE,
            resolution_ms,
            is_stored,
        };
        let parts = [part(0, 60, 3_600_000, true), part(60, 70, 300_000, true), part(70, 90, 300_000, false)];
        assert_eq!(
            notes(&parts),
            [
                "values of an hour until 1970-01-01 01:00 UTC",
                "values of 5 minutes until 1970-01-01 01:10 UTC",
                "samples as they came"
            ]
        );
        assert_eq!(notes(&parts[2..]), ["samples as they came"]);
        let times = [60, 65, 70, 75, 95].map(|at| at * MINUTE);
        assert_eq!(lengths(&times, &parts)[..], [60, 5, 5, 5, 5].map(|length| length * MINUTE));
    }
}
