//! Selectors: reading samples, and the latest one at each step.

use crate::bucket::{Buckets, SelectedBuckets};
use crate::error::{EvalError, SourceError};
use crate::eval::rolled::Rolled;
use crate::eval::{ABSENT, Around, Column, Cx, Grid, Result, Series, Vector, is_absent};
use crate::expr::{At, Edges, Expr, ExprKind, Selector, When};
use crate::guard::Charge;
use crate::labels::Labels;
use crate::source::{Hint, Selected, Selection, SeriesData};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

/// Samples of one series without staleness markers.
#[derive(Debug)]
pub(crate) struct Samples {
    pub(crate) labels: Labels,
    pub(crate) times: Arc<[i64]>,
    pub(crate) values: Vec<f64>,
    /// The metric's name goes at the end.
    pub(crate) nameless: bool,
    /// If the samples stand for buckets.
    pub(crate) rolled: Option<Rolled>,
}

/// A series as the source gave it.
struct Given {
    data: SeriesData,
    rolled: Option<Rolled>,
}

/// Samples of several series, and the windows a function looks at.
#[derive(Debug)]
pub(crate) struct Ranges {
    pub(crate) series: Vec<Samples>,
    pub(crate) windows: Windows,
    /// What counts at the edges of the windows.
    pub(crate) edges: Edges,
    /// Held for as long as the samples are.
    pub(crate) _room: Charge,
}

/// For each step the time range `(end - range, end]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    /// The end of the first.
    pub(crate) end: i64,
    /// From one end to the next; zero with `@`.
    pub(crate) step: i64,
    pub(crate) steps: usize,
    pub(crate) range: i64,
}

impl Windows {
    pub(crate) fn end(&self, step: usize) -> i64 {
        self.end.saturating_add(self.step.saturating_mul(i64::try_from(step).unwrap_or(i64::MAX)))
    }

    pub(crate) fn last_end(&self) -> i64 {
        self.end(self.steps.saturating_sub(1))
    }

    /// What lies before the first window.
    pub(crate) fn before(&self) -> i64 {
        self.end.saturating_sub(self.range)
    }
}

impl Cx<'_> {
    pub(crate) fn windows(&self, when: When, range: i64, grid: Grid) -> Windows {
        let fixed = when.at.map(|at| match at {
            At::Time(ms) => ms,
            At::Start => self.query.start,
            At::End => self.query.end(),
        });
        let end = fixed.unwrap_or(grid.start).saturating_sub(when.offset_ms);
        let step = if fixed.is_some() { 0 } else { grid.step };
        Windows { end, step, steps: grid.steps, range }
    }

    fn read(&self, selector: &Selector, windows: Windows, hint: Hint<'_>) -> Result<(Vec<Given>, Charge)> {
        let stop = || self.guard.check().is_err();
        let lookback = self.options.lookback_ms;
        let before = if selector.edges == Edges::Plain || hint.range_ms == 0 { 0 } else { lookback };
        let after = if selector.edges == Edges::Smoothed { lookback } else { 0 };
        let selection = Selection {
            matchers: &selector.matchers,
            after_ms: windows.before().saturating_sub(before),
            until_ms: windows.last_end().saturating_add(after),
            hint,
            samples_max: self.guard.left() / 16,
            stop: &stop,
        };
        let given = self.asked(&selection, selector.edges == Edges::Plain);
        self.guard.check()?;
        let series = given.map_err(|error| match error {
            SourceError::TooManySamples => EvalError::Memory(self.guard.bytes_max),
            SourceError::Failed(message) => EvalError::Source(message),
        })?;
        let samples: usize = series.iter().map(|one| one.data.times.len()).sum();
        let rolled = |one: &Given| one.rolled.as_ref().map_or(0, |rolled| rolled.numbers.bytes());
        let others: usize = series.iter().map(|one| one.data.labels.bytes() + rolled(one)).sum();
        self.guard.samples.fetch_add(samples, Ordering::Relaxed);
        self.guard.series.fetch_add(series.len(), Ordering::Relaxed);
        let room = self.guard.charge(samples.saturating_mul(16).saturating_add(others))?;
        Ok((series, room))
    }

    /// What the source has: buckets, or samples.
    fn asked(&self, selection: &Selection<'_>, may_be_buckets: bool) -> Result<Vec<Given>, SourceError> {
        let buckets = if may_be_buckets { self.source.select_buckets(selection)? } else { None };
        let (series, notes, infos, warnings) = match buckets {
            Some(SelectedBuckets { series, notes, infos, warnings }) => {
                (series.into_iter().map(Given::of_buckets).collect(), notes, infos, warnings)
            }
            None => {
                let Selected { series, notes, warnings } = self.source.select(selection)?;
                (series.into_iter().map(|data| Given { data, rolled: None }).collect(), notes, Vec::new(), warnings)
            }
        };
        if !notes.is_empty() || !infos.is_empty() || !warnings.is_empty() {
            self.notes.lock().unwrap_or_else(PoisonError::into_inner).of_source(notes, infos, warnings);
        }
        Ok(series)
    }

    /// The latest sample of each series at each step; its time in seconds instead of its value if `times`.
    pub(crate) fn latest(&self, selector: &Selector, grid: Grid, around: Around<'_>, times: bool) -> Result<Vector> {
        let windows = self.windows(selector.when, self.options.lookback_ms, grid);
        let Around { function, grouping } = around;
        let hint = Hint { function, range_ms: 0, step_ms: grid.step, grouping };
        let (series, _samples) = self.read(selector, windows, hint)?;
        let room = self.room(series.len(), grid)?;
        let size = series.len().saturating_mul(grid.steps);
        let series = self.each(series, size, |given| {
            let Given { data, rolled } = given;
            if selector.edges != Edges::Plain && !times {
                let samples = without_stale(Given { data, rolled: None });
                let values = super::edges::at_steps(&samples, windows, selector.edges);
                return Ok(Series::new(samples.labels, values));
            }
            let values = match rolled {
                None => latest(&data, windows, times, |_| 0),
                Some(rolled) => latest(&data, windows, times, |row| rolled.lengths.get(row).copied().unwrap_or(0)),
            };
            Ok(Series::new(data.labels, values))
        })?;
        Ok(Vector { series: series.into_iter().filter(Series::has_any).collect(), room })
    }

    /// The samples in the windows of a range vector.
    pub(crate) fn ranges(&self, expr: &Expr, grid: Grid, around: Around<'_>) -> Result<Ranges> {
        match &expr.bare().kind {
            ExprKind::Subquery(subquery) => self.subquery(subquery, grid),
            ExprKind::Range(range) => {
                let windows = self.windows(range.selector.when, range.range_ms, grid);
                let Around { function, grouping } = around;
                let hint = Hint { function, range_ms: range.range_ms, step_ms: grid.step, grouping };
                let (series, room) = self.read(&range.selector, windows, hint)?;
                let edges = range.selector.edges;
                Ok(Ranges { series: series.into_iter().map(without_stale).collect(), windows, edges, _room: room })
            }
            _ => Err(crate::eval::internal("a range vector was expected")),
        }
    }

    /// The samples of a range vector that is the whole query.
    pub(crate) fn raw_points(&self, expr: &Expr, grid: Grid) -> Result<Vec<crate::answer::Points>> {
        let ranges = self.ranges(expr, grid, Around::default())?;
        let _room =
            self.guard.charge(ranges.series.iter().map(|one| one.times.len()).sum::<usize>().saturating_mul(16))?;
        let points = |one: Samples| {
            let points: Vec<_> = one.times.iter().copied().zip(one.values.iter().copied()).collect();
            let labels = if one.nameless { one.labels.without_name() } else { one.labels };
            (!points.is_empty()).then_some(crate::answer::Points { labels, points })
        };
        let mut all: Vec<_> = ranges.series.into_iter().filter_map(points).collect();
        all.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(all)
    }

    /// The time of each step in seconds.
    pub(crate) fn time_column(&self, grid: Grid) -> Result<Column> {
        let _room = self.guard.charge(grid.steps.saturating_mul(8))?;
        Ok(Column::Each((0..grid.steps).map(|step| grid.time(step) as f64 / 1e3).collect()))
    }
}

/// `length` is that of the bucket in a row: the latest value of a bucket holds until the next one is over.
fn latest(data: &SeriesData, windows: Windows, times: bool, length: impl Fn(usize) -> i64) -> Vec<f64> {
    let samples = data.times.iter().copied().zip(data.values.iter().copied());
    let mut samples = samples.enumerate().peekable();
    let mut current: Option<(usize, (i64, f64))> = None;
    (0..windows.steps)
        .map(|step| {
            let end = windows.end(step);
            while let Some(sample) = samples.next_if(|(_, (at, _))| *at <= end) {
                current = Some(sample);
            }
            match current {
                Some((row, (at, value)))
                    if at > end.saturating_sub(windows.range.max(length(row))) && !is_absent(value) =>
                {
                    if times {
                        at as f64 / 1e3
                    } else {
                        value
                    }
                }
                _ => ABSENT,
            }
        })
        .collect()
}

impl Given {
    fn of_buckets(buckets: Buckets) -> Self {
        let Buckets { labels, times, lengths, numbers } = buckets;
        let values = numbers.values().to_vec();
        Self { data: SeriesData { labels, times, values }, rolled: Some(Rolled { lengths, numbers }) }
    }
}

fn without_stale(given: Given) -> Samples {
    let Given { data: SeriesData { labels, times, values }, mut rolled } = given;
    if !values.iter().any(|value| is_absent(*value)) {
        return Samples { labels, times, values, nameless: false, rolled };
    }
    let keep: Vec<bool> = values.iter().map(|value| !is_absent(*value)).collect();
    if let Some(Rolled { lengths, numbers }) = &mut rolled {
        *lengths = lengths.iter().zip(&keep).filter(|(_, keep)| **keep).map(|(length, _)| *length).collect();
        numbers.retain(&keep);
    }
    let kept = times.iter().copied().zip(values).filter(|(_, value)| !is_absent(*value));
    let (times, values): (Vec<i64>, Vec<f64>) = kept.unzip();
    Samples { labels, times: times.into(), values, nameless: false, rolled }
}
