//! A question in PromQL as a figure: what the console draws.

use kernel::{Access, Cx, Effect, Error, Kernel, Operation, PrepareCx, Reach, Result, Route, Time, get};
use promql::{Answer, Labels, Points, Value, When};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ask;
use super::query::{answer, in_words};
use crate::charts::{ChartData, Line, Threshold, marks};
use crate::limits::{CHART_LINES_MAX, CHART_STEPS, QUERY_TIME_PEOPLE};
use crate::series::check_span;
use crate::store;

/// Steps from this length on begin at multiples of it, in milliseconds.
const ALIGNED_FROM_MS: i64 = 300_000;

/// Draw a question in PromQL: at most 20 lines, with as many points as a screen shows.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ChartMetrics {
    /// The question.
    pub query: String,
    /// How many minutes up to now; 60 if left out. Not used when `from` is given.
    #[serde(default)]
    pub minutes: Option<i64>,
    /// From when on, in milliseconds since 1970.
    #[serde(default)]
    pub from: Option<i64>,
    /// Until when, in milliseconds since 1970.
    #[serde(default)]
    pub to: Option<i64>,
    /// A value to draw a line at, for example that from which on somebody is told.
    #[serde(default)]
    pub threshold: Option<f64>,
    #[serde(skip)]
    drawn: Option<ChartData>,
    /// The asset that all lines are about.
    #[serde(skip)]
    asset: Option<i64>,
}

impl Operation for ChartMetrics {
    const NAME: &'static str = "monitor.metrics.chart";
    const ROUTE: Route = get("/monitor/metrics/chart");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    const FIELD_BYTES_MAX: usize = promql::QUERY_BYTES_MAX;
    type Output = ChartData;

    fn prepare(&mut self, cx: &PrepareCx<'_>) -> Result<()> {
        let reach = cx.actor.reach(Self::NAME, cx.now).unwrap_or_default();
        self.drawn = Some(self.draw(cx.kernel, &reach, cx.now)?);
        Ok(())
    }

    fn run(&self, cx: &mut Cx) -> Result<ChartData> {
        cx.reach(Self::NAME)?;
        let mut drawn = self.drawn.clone().ok_or_else(|| Error::internal("chart-not-prepared", &self.query))?;
        // Alerts are marked where the whole figure is about one asset.
        if let Some(asset) = self.asset {
            let reach = cx.actor.reach(crate::alert::ListAlerts::NAME, cx.now).unwrap_or_default();
            let time = |ms: i64| Time(ms.saturating_mul(1_000));
            drawn.marks = marks(store::alerts::marks(cx.tx, asset, time(drawn.from), time(drawn.to), &reach, 100)?);
        }
        Ok(drawn)
    }
}

impl ChartMetrics {
    /// A question over a span of time.
    pub(crate) fn of(query: String, minutes: Option<i64>, (from, to): (Option<i64>, Option<i64>)) -> Self {
        Self { query, minutes, from, to, threshold: None, drawn: None, asset: None }
    }

    /// The figure, without what stands in the database.
    pub(crate) fn draw(&mut self, kernel: &Kernel, reach: &Reach, now: Time) -> Result<ChartData> {
        let (from, to) = self.span(now)?;
        let (start_ms, end_ms) = (from.millis(), to.millis());
        let step_ms = step((end_ms - start_ms) / CHART_STEPS);
        // Whole steps: values of five minutes or an hour answer those where samples would be many or are gone.
        let on_step = |ms: i64| if step_ms >= ALIGNED_FROM_MS { ms - ms.rem_euclid(step_ms) } else { ms };
        let when = When::Range { start_ms: on_step(start_ms), end_ms: on_step(end_ms), step_ms };
        let answer =
            answer(kernel, reach, (&self.query, ""), when, &ask::limits(QUERY_TIME_PEOPLE))?.map_err(in_words)?;
        let Value::Matrix(series) = &answer.value else { return Err(Error::internal("chart-no-matrix", &self.query)) };
        self.asset = only_asset(series);
        let lines = series.iter().take(CHART_LINES_MAX).map(|one| Line {
            name: legend(&one.labels),
            unit: String::new(),
            points: with_gaps(&one.points, step_ms),
        });
        let threshold = self.threshold.filter(|value| value.is_finite());
        Ok(ChartData {
            from: start_ms,
            to: end_ms,
            series: lines.collect(),
            bands: Vec::new(),
            marks: Vec::new(),
            thresholds: Vec::from_iter(threshold.map(|value| Threshold {
                value,
                title: "threshold".to_owned(),
                tone: "critical".to_owned(),
            })),
            notes: notes(&answer, series.len()),
        })
    }

    fn span(&self, now: Time) -> Result<(Time, Time)> {
        let minutes = self.minutes.unwrap_or(60);
        if minutes <= 0 {
            return Err(Error::invalid("minutes", "Use a number of minutes above 0."));
        }
        let time = |ms: i64| Time(ms.saturating_mul(1_000));
        let to = self.to.map_or(now, time);
        let from = self.from.map_or(to.plus(-minutes.saturating_mul(kernel::time::MINUTE)), time);
        check_span(from, to)?;
        Ok((from, to))
    }
}

/// The asset that all series are about, if it is one.
fn only_asset(series: &[Points]) -> Option<i64> {
    let asset = series.first()?.labels.get("asset")?;
    series.iter().all(|one| one.labels.get("asset") == Some(asset)).then(|| asset.parse().ok()).flatten()
}

/// What stands under a figure: which tier or engine answered, what is missing, and how many lines are left out.
fn notes(answer: &Answer, lines: usize) -> Vec<String> {
    let mut notes = vec![answer.stats.notes.join(", then ")];
    notes.extend(answer.warnings.iter().cloned());
    if lines > CHART_LINES_MAX {
        notes.push(format!("{lines} series; the first {CHART_LINES_MAX} are drawn. Narrow the question, or use topk"));
    }
    notes.retain(|note| !note.is_empty());
    notes
}

/// The next step people would choose themselves.
fn step(wished_ms: i64) -> i64 {
    const ROUND_S: [i64; 13] = [1, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600];
    let round = ROUND_S.into_iter().map(|s| s * 1_000).find(|ms| *ms >= wished_ms);
    round.unwrap_or(86_400_000)
}

/// What distinguishes a line: its labels, in few words.
pub(crate) fn legend(labels: &Labels) -> String {
    let name = labels.metric();
    let rest: Vec<String> = labels
        .iter()
        .filter(|(label, _)| *label != tsdb::NAME_LABEL)
        .map(|(label, value)| format!("{label}={value}"))
        .collect();
    let text = match (name.is_empty(), rest.is_empty()) {
        (true, true) => "value".to_owned(),
        (false, true) => name.to_owned(),
        (true, false) => rest.join(", "),
        (false, false) => format!("{name} {}", rest.join(", ")),
    };
    kernel::text::shorten(&text, 120)
}

/// Steps without a value are gaps; what is no number cannot be drawn and is one too.
fn with_gaps(points: &[(i64, f64)], step_ms: i64) -> Vec<(i64, Option<f64>)> {
    let mut out: Vec<(i64, Option<f64>)> = Vec::with_capacity(points.len());
    for (at, value) in points {
        if let Some((before, _)) = out.last().copied()
            && at - before > step_ms
        {
            out.push((before + step_ms, None));
        }
        out.push((*at, value.is_finite().then_some(*value)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_gaps_are_drawn() {
        assert_eq!([0, 1_000, 12_000, 200_000, 90_000_000].map(step), [1_000, 1_000, 15_000, 300_000, 86_400_000]);
        let points = [(0, 1.0), (10, f64::NAN), (40, 2.0)];
        assert_eq!(with_gaps(&points, 10), [(0, Some(1.0)), (10, None), (20, None), (40, Some(2.0))]);
    }

    #[test]
    fn a_legend_says_what_distinguishes_a_line() {
        let labels = |pairs: &[(&str, &str)]| legend(&Labels::from_pairs(pairs.iter().copied()));
        assert_eq!(labels(&[]), "value");
        assert_eq!(labels(&[("__name__", "up")]), "up");
        assert_eq!(labels(&[("__name__", "up"), ("asset", "7")]), "up asset=7");
    }
}
