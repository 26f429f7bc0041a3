//! What a rule would have done in the last hours, on the data that is there.

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::{Access, Cx, Effect, Error, Kernel, Operation, PrepareCx, Reach, Result, Route, Time, get};
use promql::{Labels, Points, Sample, Value, When};
use rules::{Alerts, Extras, Phase, Watched};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NewRule;
use super::fields::rule_input;
use crate::charts::{Band, Line};
use crate::limits::{
    CHART_LINES_MAX, CHART_STEPS, PREVIEW_SERIES_MAX, QUERY_TIME_PEOPLE, RULE_ALERTS_MAX, RULE_INTERVAL_MS,
};
use crate::metrics::query::evaluate;
use crate::metrics::{legend, limits};

/// Longest span of a preview, in hours.
const HOURS_MAX: i64 = 24 * 14;
/// Most spans of alerts that are listed.
const FIRED_MAX: usize = 100;

rule_input! {
    /// Show what a rule would have done: its expression over the last hours, and when it would have fired.
    PreviewRule {
        /// How many hours up to now; 6 if left out.
        hours: Option<i64>,
        /// From when on, in milliseconds since 1970, in place of hours.
        from: Option<i64>,
        /// Until when; now if left out.
        to: Option<i64>,
        /// What came of it.
        #[serde(skip)]
        seen: Option<Preview>,
    }
}

/// What a rule would have done, as a figure and in words.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Preview {
    /// Begin, in milliseconds since 1970.
    pub from: i64,
    /// End.
    pub to: i64,
    /// The lines: what is compared, and the threshold.
    pub series: Vec<Line>,
    /// When an alert would have been out.
    pub bands: Vec<Band>,
    /// Moments; none.
    pub marks: Vec<crate::charts::ChartMark>,
    /// The expression.
    pub expr: String,
    /// The expression that ends the alert.
    pub clear: Option<String>,
    /// Series that are compared.
    pub series_count: usize,
    /// Alerts that would be out now.
    pub firing_now: usize,
    /// Spans in which an alert would have been out, oldest first, at most 100.
    pub fired: Vec<Fired>,
    /// What may be wrong.
    pub warnings: Vec<String>,
}

/// A span in which an alert would have been out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fired {
    /// The labels of its series, in few words.
    pub name: String,
    /// From when, in milliseconds since 1970.
    pub from: i64,
    /// Until when.
    pub to: i64,
    /// The value at the end.
    pub value: String,
}

impl Operation for PreviewRule {
    const NAME: &'static str = "monitor.rule.preview";
    const ROUTE: Route = get("/monitor/rules/preview");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    const FIELD_BYTES_MAX: usize = promql::QUERY_BYTES_MAX;
    type Output = Preview;

    fn prepare(&mut self, cx: &PrepareCx<'_>) -> Result<()> {
        let reach = cx.actor.reach(Self::NAME, cx.now).unwrap_or_default();
        self.seen = Some(self.seen_by(cx.kernel, &reach, cx.now, QUERY_TIME_PEOPLE)?);
        Ok(())
    }

    fn run(&self, cx: &mut Cx) -> Result<Preview> {
        cx.reach(Self::NAME)?;
        self.seen.clone().ok_or_else(|| Error::internal("preview-not-prepared", "rule"))
    }
}

impl PreviewRule {
    /// What the rule would have done, on the series that the asker may see.
    pub(crate) fn seen_by(&self, kernel: &Kernel, reach: &Reach, now: Time, time: Duration) -> Result<Preview> {
        let mut given = self.given();
        // A rule without a name yet is previewed all the same.
        given.name = given.name.filter(|name| !name.trim().is_empty()).or(Some("preview"));
        let rule = given.apply(None)?;
        let hours = self.hours.unwrap_or(6);
        if !(1..=HOURS_MAX).contains(&hours) {
            return Err(Error::invalid("hours", format!("Use a number from 1 to {HOURS_MAX}.")));
        }
        let to = self.to.unwrap_or_else(|| now.millis());
        let from = self.from.unwrap_or(to - hours * 3_600_000);
        if from >= to || to - from > HOURS_MAX * 3_600_000 {
            return Err(Error::invalid("from", "Use a beginning before the end, at most two weeks earlier."));
        }
        let ask = |text: &str, when: When| {
            let answer = evaluate(kernel, reach, text, when, &limits(time))?;
            answer.map_err(crate::metrics::query::in_words).map_err(|error| error.at("expr"))
        };
        preview(&rule, (from, to), &ask)
    }
}

type Range<'a> = dyn Fn(&str, When) -> Result<promql::Answer> + 'a;

/// Asks each part of the rule once over the whole span, and plays the rule along it.
fn preview(new: &NewRule, (from, to): (i64, i64), ask: &Range<'_>) -> Result<Preview> {
    let extras = Extras::of(&new.rule.annotations).unwrap_or_default();
    let step_ms = ((to - from) / CHART_STEPS).max(RULE_INTERVAL_MS) / 1_000 * 1_000;
    let (to, steps) = (to - to.rem_euclid(step_ms), (to - from) / step_ms);
    let from = to - steps * step_ms;
    let when = When::Range { start_ms: from, end_ms: to, step_ms };
    let parsed = rules::parse_expression(&new.rule.expr).map_err(|error| Error::invalid("expr", error.to_string()))?;
    let base = rules::base_of(&parsed).map(ToString::to_string);
    let mut seen = Preview { from, to, expr: new.rule.expr.clone(), clear: extras.clear.clone(), ..Preview::default() };
    let mut answers: BTreeMap<String, Vec<Points>> = BTreeMap::new();
    let mut asked = vec![new.rule.expr.clone()];
    asked.extend(base.iter().chain(&extras.clear).cloned());
    if new.rule.kind == rules::Kind::Alert && extras.missing == rules::Missing::Keep {
        asked.extend(rules::parts_of(&parsed).into_iter().map(|part| part.text));
    }
    for text in &asked {
        if answers.contains_key(text) {
            continue;
        }
        let answer = ask(text, when)?;
        seen.warnings.extend(answer.warnings);
        let Value::Matrix(mut series) = answer.value else {
            return Err(Error::invalid("expr", "The expression must give series or a number."));
        };
        if series.len() > PREVIEW_SERIES_MAX {
            seen.warnings.push(format!(
                "{} series answer; the preview looks at the first {PREVIEW_SERIES_MAX}. A rule has at most {RULE_ALERTS_MAX} alerts.",
                series.len()
            ));
            series.truncate(PREVIEW_SERIES_MAX);
        }
        answers.insert(text.clone(), series);
    }
    seen.warnings.dedup();
    let drawn = answers.get(base.as_ref().unwrap_or(&new.rule.expr)).map(Vec::as_slice).unwrap_or_default();
    seen.series_count = drawn.len();
    seen.series = drawn.iter().take(CHART_LINES_MAX).map(|one| line(one, step_ms)).collect();
    let limits = [("Fires", threshold(&new.rule.expr)), ("Ends", extras.clear.as_deref().and_then(threshold))];
    for (word, (sign, value)) in limits.into_iter().filter_map(|(word, found)| Some((word, found?))) {
        let name = format!("{word} {sign} {}", promql::format_float(value));
        seen.series.push(Line { name, unit: String::new(), points: vec![(from, Some(value)), (to, Some(value))] });
    }
    if new.rule.kind == rules::Kind::Alert {
        play(new, &extras, &answers, (from, to, step_ms), &mut seen)?;
    }
    Ok(seen)
}

/// The number that an expression compares with, and how.
pub(crate) fn threshold(text: &str) -> Option<(&'static str, f64)> {
    let parsed = rules::parse_expression(text).ok()?;
    let promql::ExprKind::Binary(binary) = &parsed.bare().kind else { return None };
    let promql::ExprKind::Number(value) = binary.right.bare().kind else { return None };
    (binary.op.is_comparison() && value.is_finite()).then_some((binary.op.name(), value))
}

/// A line with gaps where steps are missing.
pub(crate) fn line(one: &Points, step_ms: i64) -> Line {
    let mut points: Vec<(i64, Option<f64>)> = Vec::with_capacity(one.points.len());
    for (at, value) in &one.points {
        if let Some((before, _)) = points.last().copied()
            && at - before > step_ms
        {
            points.push((before + step_ms, None));
        }
        points.push((*at, value.is_finite().then_some(*value)));
    }
    Line { name: legend(&one.labels), unit: String::new(), points }
}

/// Evaluates the rule at every step.
fn play(
    new: &NewRule,
    extras: &Extras,
    answers: &BTreeMap<String, Vec<Points>>,
    (from, to, step_ms): (i64, i64, i64),
    seen: &mut Preview,
) -> Result<()> {
    let (labels, annotations) = (new.rule.labels.clone(), rules::Pairs::new());
    let empty = Labels::empty();
    let watched = Watched {
        name: &new.rule.name,
        expr: &new.rule.expr,
        for_ms: new.rule.for_ms,
        keep_firing_ms: new.rule.keep_firing_ms,
        labels: &labels,
        annotations: &annotations,
        extras,
        limit: None,
        offset_ms: 0,
        external_labels: &empty,
        external_url: "",
    };
    let steps = Steps(answers);
    let ask = |text: &str, at_ms: i64| steps.at(text, at_ms);
    let mut alerts = Alerts::default();
    let mut open: BTreeMap<Labels, Fired> = BTreeMap::new();
    let mut at_ms = from;
    while at_ms <= to {
        alerts.evaluate(&watched, at_ms, &ask).map_err(|why| Error::invalid("expr", why))?;
        let firing: BTreeMap<Labels, &rules::Active> =
            alerts.active().filter(|one| one.phase == Phase::Firing).map(|one| (one.labels.clone(), one)).collect();
        open.retain(|labels, fired| {
            let goes_on = firing.contains_key(labels);
            if !goes_on && seen.fired.len() < FIRED_MAX {
                seen.fired.push(fired.clone());
            }
            goes_on
        });
        for (labels, one) in firing {
            let name = || legend(&one.source);
            let fresh = || Fired { name: name(), from: at_ms, to: at_ms, value: String::new() };
            let fired = open.entry(labels).or_insert_with(fresh);
            (fired.to, fired.value) = (at_ms, promql::format_float(one.value));
        }
        at_ms += step_ms;
    }
    seen.firing_now = open.len();
    seen.fired.extend(open.into_values().take(FIRED_MAX));
    seen.fired.truncate(FIRED_MAX);
    seen.fired.sort_by_key(|fired| fired.from);
    seen.bands = bands(&seen.fired, step_ms);
    Ok(())
}

/// Answers over a span, looked at moment by moment.
struct Steps<'a>(&'a BTreeMap<String, Vec<Points>>);

impl Steps<'_> {
    fn at(&self, text: &str, at_ms: i64) -> std::result::Result<Vec<Sample>, String> {
        let Some(series) = self.0.get(text) else {
            return Err("a preview answers no other questions".to_owned());
        };
        let of = |one: &Points| {
            let place = one.points.partition_point(|(at, _)| *at < at_ms);
            let (at, value) = one.points.get(place).copied()?;
            (at == at_ms).then(|| Sample { labels: one.labels.clone(), at_ms, value })
        };
        Ok(series.iter().filter_map(of).collect())
    }
}

/// Spans as they are drawn: those that overlap are one.
fn bands(fired: &[Fired], step_ms: i64) -> Vec<Band> {
    let mut out: Vec<Band> = Vec::new();
    for one in fired {
        match out.last_mut().filter(|band| one.from <= band.to) {
            Some(band) => {
                band.to = band.to.max(one.to + step_ms);
                band.title = "Several alerts out".to_owned();
            }
            None => out.push(Band {
                from: one.from,
                to: one.to + step_ms,
                title: format!("Alert out: {}", one.name),
                tone: "critical".to_owned(),
            }),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_of_a_condition_is_found() {
        assert_eq!(threshold("rate(x[5m]) > 0.5"), Some((">", 0.5)));
        assert_eq!(threshold("(up == 0)"), Some(("==", 0.0)));
        assert_eq!(threshold("a > b"), None);
        assert_eq!(threshold("absent(up)"), None);
    }

    #[test]
    fn spans_that_overlap_are_one_band() {
        let fired = |from: i64, to: i64| Fired { name: "x".into(), from, to, value: String::new() };
        let bands = bands(&[fired(0, 10), fired(5, 20), fired(40, 50)], 5);
        assert_eq!(bands.iter().map(|band| (band.from, band.to)).collect::<Vec<_>>(), [(0, 25), (40, 55)]);
    }
}
