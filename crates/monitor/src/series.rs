//! Reading series: decimated so that no peak and no trough is lost, counters as rates.

use kernel::{Access, Cx, Effect, Error, Kernel, Operation, PrepareCx, Result, Route, Time, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ground;
use crate::limits::{POINTS_MAX, RANGE_MICROS_MAX, SAMPLES_READ_MAX, SERIES_ANSWER_MAX};
use crate::live::Monitor;

/// Read series of an asset: for charts, and for those who want the numbers.
///
/// Each series has at most 600 points. When there are more samples, every span keeps its lowest and its highest one.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ReadSeries {
    /// The asset.
    pub asset: i64,
    /// Names of metrics, for example node_load1; at most 20.
    pub metric: Vec<String>,
    /// From when on; an hour before the end if left out.
    pub from: Option<Time>,
    /// Until when; now if left out.
    pub to: Option<Time>,
    /// Seconds between points, at least; as many points as fit if left out.
    pub step: Option<i64>,
    /// Counters as their rate per second.
    pub rate: bool,
    /// Read before the transaction.
    #[serde(skip)]
    answer: Option<SeriesAnswer>,
}

/// Series of an asset.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SeriesAnswer {
    /// The series, in order of labels.
    pub series: Vec<SeriesPoints>,
    /// There are more series than an answer holds.
    pub more: bool,
}

/// One series.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SeriesPoints {
    /// Name of the metric.
    pub metric: String,
    /// Its labels.
    pub labels: std::collections::BTreeMap<String, String>,
    /// Milliseconds since 1970 and value; null where there is no number.
    pub points: Vec<(i64, Option<f64>)>,
}

impl Operation for ReadSeries {
    const NAME: &'static str = "monitor.series.read";
    const ROUTE: Route = get("/monitor/series");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = SeriesAnswer;

    /// The samples are read here: no reader of the database waits for them.
    fn prepare(&mut self, cx: &PrepareCx<'_>) -> Result<()> {
        cx.kernel.read_as(cx.actor, |cx| ground::visible_asset(cx, Self::NAME, self.asset, "asset"))?;
        self.answer = Some(self.read(cx.kernel, cx.now)?);
        Ok(())
    }

    fn run(&self, cx: &mut Cx) -> Result<SeriesAnswer> {
        ground::visible_asset(cx, Self::NAME, self.asset, "asset")?;
        match &self.answer {
            Some(answer) => Ok(answer.clone()),
            None => self.read(cx.kernel, cx.now),
        }
    }
}

impl ReadSeries {
    fn read(&self, kernel: &Kernel, now: Time) -> Result<SeriesAnswer> {
        if self.metric.is_empty() || self.metric.len() > 20 {
            return Err(Error::invalid("metric", "Name 1 to 20 metrics."));
        }
        let to = self.to.unwrap_or(now);
        let from = self.from.unwrap_or(to.plus(-kernel::time::HOUR));
        check_span(from, to)?;
        let step_ms = match self.step {
            Some(step) if step <= 0 => return Err(Error::invalid("step", "Use a number of seconds above 0.")),
            step => step.unwrap_or(0).saturating_mul(1_000),
        };
        let metrics: Vec<&str> = self.metric.iter().map(String::as_str).collect();
        let span = (from.millis(), to.millis());
        let (mut series, mut more) = (Vec::new(), false);
        visit(kernel, self.asset, &metrics, (from, to), |one| {
            if series.len() >= SERIES_ANSWER_MAX {
                more = true;
                return false;
            }
            let points = if self.rate { rate(&one.points) } else { one.points };
            series.push(SeriesPoints {
                metric: one.labels.metric().to_owned(),
                labels: one
                    .labels
                    .iter()
                    .filter(|(name, _)| *name != tsdb::NAME_LABEL)
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect(),
                points: decimate(&points, span, step_ms),
            });
            true
        })?;
        Ok(SeriesAnswer { series, more })
    }
}

/// Refuses a time that is empty or too long.
pub(crate) fn check_span(from: Time, to: Time) -> Result<()> {
    if to <= from {
        return Err(Error::invalid("to", "The end must be after the beginning."));
    }
    if to.since(from) > RANGE_MICROS_MAX {
        return Err(Error::invalid("from", "At most 400 days fit into one answer. Ask for a shorter time."));
    }
    Ok(())
}

/// Hands over the series of an asset's metrics one after the other, so that few of them are in memory at a time; `each`
/// answers whether it wants more.
pub(crate) fn visit(
    kernel: &Kernel,
    asset: i64,
    metrics: &[&str],
    (from, to): (Time, Time),
    each: impl FnMut(tsdb::Series) -> bool,
) -> Result<()> {
    let asset = asset.to_string();
    let matchers = [tsdb::Matcher::one_of(tsdb::NAME_LABEL, metrics), tsdb::Matcher::equal("asset", &asset)];
    let limits = tsdb::Limits { samples: SAMPLES_READ_MAX, ..tsdb::Limits::default() };
    let monitor = kernel.get::<Monitor>()?;
    let visited = monitor.series.visit(&matchers, (from.millis(), to.millis()), limits, each);
    visited.map_err(failed)
}

/// Why series could not be read, for people.
pub(crate) fn failed(error: tsdb::Error) -> Error {
    match error {
        tsdb::Error::TooMuch { .. } => Error::over_limit(format!("This asks for {error}.")),
        other => Error::unavailable(format!("The series cannot be read: {other}.")),
    }
}

/// The rate per second of a counter between each two samples; a counter that fell began anew at zero.
pub(crate) fn rate(points: &[(i64, f64)]) -> Vec<(i64, f64)> {
    let pairs = points.iter().zip(points.iter().skip(1));
    pairs
        .filter_map(|((before_ms, before), (at_ms, at))| {
            let gone_ms = at_ms - before_ms;
            let grown = if at < before { *at } else { at - before };
            #[expect(clippy::cast_precision_loss, reason = "milliseconds between two samples are few")]
            let seconds = gone_ms as f64 / 1_000.0;
            (gone_ms > 0).then(|| (*at_ms, grown / seconds))
        })
        .collect()
}

/// At most [`POINTS_MAX`] points: each span keeps its lowest and highest sample, in order of time. Where samples are
/// missing for much longer than usual, one point without a value says so. Numbers that are not finite have no value.
pub(crate) fn decimate(points: &[(i64, f64)], (from_ms, to_ms): (i64, i64), step_ms: i64) -> Vec<(i64, Option<f64>)> {
    let spans = i64::try_from(POINTS_MAX / 3 - 2).unwrap_or(1);
    let span_ms = ((to_ms - from_ms) / spans).max(1).max(step_ms);
    let every_sample = points.len() <= POINTS_MAX / 2 && step_ms == 0;
    let mut out: Vec<(i64, Option<f64>)> = Vec::new();
    let gap_ms = 4 * usual_distance(points).max(if every_sample { 0 } else { span_ms / 2 });
    let mut rest = points;
    while let Some(&(first_ms, _)) = rest.first() {
        if let Some((last_ms, _)) = out.last().copied()
            && gap_ms > 0
            && first_ms - last_ms > gap_ms
        {
            out.push((last_ms + 1, None));
        }
        let end_ms = from_ms + ((first_ms - from_ms).div_euclid(span_ms) + 1) * span_ms;
        let count = if every_sample { 1 } else { rest.partition_point(|(at, _)| *at < end_ms).max(1) };
        let (bucket, after) = rest.split_at_checked(count).unwrap_or((rest, &[]));
        rest = after;
        extremes(bucket, &mut out);
    }
    out.truncate(POINTS_MAX);
    out
}

fn extremes(bucket: &[(i64, f64)], out: &mut Vec<(i64, Option<f64>)>) {
    let finite = || bucket.iter().copied().filter(|(_, value)| value.is_finite());
    let low = finite().min_by(|a, b| a.1.total_cmp(&b.1));
    let high = finite().max_by(|a, b| a.1.total_cmp(&b.1));
    match (low, high) {
        (Some(low), Some(high)) if low.0 == high.0 => out.push((low.0, Some(low.1))),
        (Some(low), Some(high)) => {
            let (first, second) = if low.0 < high.0 { (low, high) } else { (high, low) };
            out.extend([(first.0, Some(first.1)), (second.0, Some(second.1))]);
        }
        _ => out.extend(bucket.first().map(|(at, _)| (*at, None))),
    }
}

/// The middle of the distances between samples.
fn usual_distance(points: &[(i64, f64)]) -> i64 {
    let mut distances: Vec<i64> = points.iter().zip(points.iter().skip(1)).map(|(a, b)| b.0 - a.0).collect();
    let middle = distances.len() / 2;
    if distances.is_empty() { 0 } else { *distances.select_nth_unstable(middle).1 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_rate_survives_a_counter_that_began_anew() {
        let points = [(0, 100.0), (10_000, 150.0), (20_000, 30.0), (20_000, 40.0)];
        assert_eq!(rate(&points), [(10_000, 5.0), (20_000, 3.0)]);
        assert_eq!(rate(&[(0, 1.0)]), []);
    }

    #[test]
    fn few_points_stay_as_they_are_and_gaps_are_said() {
        let points: Vec<(i64, f64)> = [0, 1, 2, 3, 30, 31].iter().map(|at| (at * 1_000, 1.0)).collect();
        let out = decimate(&points, (0, 60_000), 0);
        assert_eq!(out.len(), 7);
        assert_eq!(out[4], (3_001, None));
        assert_eq!(decimate(&[(5, f64::NAN)], (0, 10), 0), [(5, None)]);
        assert_eq!(decimate(&[], (0, 10), 0), []);
    }

    proptest! {
        #[test]
        fn decimation_keeps_the_lowest_and_the_highest_value(
            values in proptest::collection::vec(-1e6_f64..1e6, 1..5_000), step_s in 0_i64..120,
        ) {
            let points: Vec<(i64, f64)> = (0_i64..).map(|at| at * 15_000).zip(values.iter().copied()).collect();
            let to = 15_000 * i64::try_from(points.len()).unwrap();
            let out = decimate(&points, (0, to), step_s * 1_000);
            prop_assert!(out.len() <= POINTS_MAX);
            let fold = |start: f64, pick: fn(f64, f64) -> f64, values: &[f64]| values.iter().copied().fold(start, pick);
            let kept: Vec<f64> = out.iter().filter_map(|(_, value)| *value).collect();
            prop_assert_eq!(fold(f64::INFINITY, f64::min, &kept), fold(f64::INFINITY, f64::min, &values));
            prop_assert_eq!(fold(f64::NEG_INFINITY, f64::max, &kept), fold(f64::NEG_INFINITY, f64::max, &values));
            prop_assert!(out.iter().zip(out.iter().skip(1)).all(|(a, b)| a.0 < b.0));
        }
    }
}
