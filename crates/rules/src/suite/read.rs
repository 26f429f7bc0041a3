//! Reading a file of tests.

use promql::Labels;
use promql::notation::{Point, parse_labels, parse_series};
use serde::Deserialize;

use super::{AlertTest, ExprTest, Suite, Test};
use crate::file::{FILE_BYTES_MAX, Length, Words};
use crate::mistake::Mistake;

const MINUTE: i64 = 60_000;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SuiteText {
    rule_files: Option<Vec<String>>,
    evaluation_interval: Option<Length>,
    group_eval_order: Option<Vec<String>>,
    #[serde(default)]
    fuzzy_compare: bool,
    tests: Option<Vec<TestText>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TestText {
    name: Option<String>,
    interval: Option<Length>,
    input_series: Option<Vec<SeriesText>>,
    alert_rule_test: Option<Vec<AlertText>>,
    promql_expr_test: Option<Vec<ExprText>>,
    external_labels: Option<Words>,
    external_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeriesText {
    series: String,
    values: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AlertText {
    eval_time: Length,
    groupname: Option<String>,
    alertname: String,
    exp_alerts: Option<Vec<ExpectedAlert>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedAlert {
    exp_labels: Option<Words>,
    exp_annotations: Option<Words>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExprText {
    expr: String,
    eval_time: Length,
    exp_samples: Option<Vec<ExpectedSample>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedSample {
    labels: Option<String>,
    #[serde(default)]
    value: Number,
    histogram: Option<String>,
}

/// A number as YAML or as PromQL writes it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Plain(f64),
    Text(String),
}

impl Default for Number {
    fn default() -> Self {
        Self::Plain(0.0)
    }
}

pub(super) fn suite(text: &str) -> Result<Suite, Mistake> {
    if text.len() > FILE_BYTES_MAX {
        return Err(Mistake::new(format!("the file is larger than {} MiB", FILE_BYTES_MAX >> 20)));
    }
    let read: Option<SuiteText> = serde_norway::from_str(text).map_err(|error| Mistake::of_yaml(&error))?;
    let read = read.unwrap_or_default();
    let interval_ms = read.evaluation_interval.map_or(0, |length| length.0);
    let interval_ms = if interval_ms > 0 { interval_ms } else { MINUTE };
    let tests = read.tests.unwrap_or_default().into_iter().enumerate();
    Ok(Suite {
        rule_files: read.rule_files.unwrap_or_default(),
        interval_ms,
        order: read.group_eval_order.unwrap_or_default(),
        fuzzy: read.fuzzy_compare,
        tests: tests.map(|(place, one)| test(one, place, interval_ms)).collect::<Result<_, _>>()?,
    })
}

fn test(text: TestText, place: usize, usual_ms: i64) -> Result<Test, Mistake> {
    let name = text.name.unwrap_or_default();
    let called = if name.is_empty() { format!("tests[{place}]") } else { format!("test \"{name}\"") };
    let wrong = |why: String| Mistake::new(format!("{called}: {why}"));
    let mut series = Vec::new();
    for one in text.input_series.unwrap_or_default() {
        let (labels, points) = parse_series(&format!("{} {}", one.series, one.values)).map_err(&wrong)?;
        if points.iter().any(|point| matches!(point, Point::Histogram(_))) {
            return Err(wrong(format!("series {:?}: native histograms are not supported", one.series)));
        }
        series.push((labels, points));
    }
    let exprs = text.promql_expr_test.unwrap_or_default().into_iter();
    Ok(Test {
        interval_ms: text.interval.map_or(usual_ms, |length| if length.0 > 0 { length.0 } else { usual_ms }),
        series,
        alerts: text.alert_rule_test.unwrap_or_default().into_iter().map(alert).collect(),
        exprs: exprs.map(expr).collect::<Result<_, _>>().map_err(&wrong)?,
        external_labels: labels(text.external_labels),
        external_url: text.external_url.unwrap_or_default(),
        name,
    })
}

fn labels(words: Option<Words>) -> Labels {
    Labels::from_pairs(words.unwrap_or_default().0)
}

fn alert(text: AlertText) -> AlertTest {
    let expected = text.exp_alerts.unwrap_or_default().into_iter().map(|one| {
        // Prometheus sets the alert's name itself, so that tests leave it out.
        let labels = labels(one.exp_labels).with("alertname", &text.alertname);
        (labels, Labels::from_pairs(one.exp_annotations.unwrap_or_default().0))
    });
    let expected = expected.collect();
    let group = text.groupname.filter(|group| !group.is_empty());
    AlertTest { at_ms: text.eval_time.0, name: text.alertname, group, expected }
}

fn expr(text: ExprText) -> Result<ExprTest, String> {
    let mut expected = Vec::new();
    for one in text.exp_samples.unwrap_or_default() {
        if one.histogram.is_some() {
            return Err(format!("expr {:?}: native histograms are not supported", text.expr));
        }
        let labels = one.labels.unwrap_or_default();
        let labels = if labels.trim().is_empty() { Labels::empty() } else { parse_labels(&labels)? };
        let value = match one.value {
            Number::Plain(value) => value,
            Number::Text(text) => promql::parse_float(text.trim()).ok_or_else(|| format!("{text:?} is no number"))?,
        };
        expected.push((labels, value));
    }
    Ok(ExprTest { at_ms: text.eval_time.0, expr: text.expr, expected })
}
