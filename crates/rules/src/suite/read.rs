//! Reading a file of tests.

use promql::Labels;
use promql::notation::{Point, parse_labels, parse_series};
use serde::{Deserialize, Deserializer};

use super::{AlertTest, ExprTest, Suite, Test};
use crate::file::{FILE_BYTES_MAX, Length, Scalar, Words};
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
    series: SeriesName,
    values: Values,
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
    expr: Asked,
    eval_time: Length,
    exp_samples: Option<Vec<ExpectedSample>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedSample {
    labels: Option<LabelsText>,
    #[serde(default)]
    value: Number,
    #[serde(default, rename = "histogram")]
    _histogram: NoHistogram,
}

/// An expression as it is written. One that cannot be read fails its own expectation, not the whole file.
struct Asked(String);

impl<'de> Deserialize<'de> for Asked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Scalar(|text: &str| Ok(Self(text.to_owned())), "an expression in PromQL"))
    }
}

/// The labels of a series, its name among them.
struct SeriesName(Labels);

impl<'de> Deserialize<'de> for SeriesName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |text: &str| parse_series(&format!("{text} 0")).map(|(labels, _)| Self(labels));
        deserializer.deserialize_str(Scalar(read, "a series such as up{job=\"node\"}"))
    }
}

/// The values of a series.
struct Values(Vec<Point>);

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |text: &str| {
            let (_, points) = parse_series(&format!("x {text}"))?;
            match points.iter().any(|point| matches!(point, Point::Histogram(_))) {
                true => Err(NO_HISTOGRAMS.to_owned()),
                false => Ok(Self(points)),
            }
        };
        deserializer.deserialize_str(Scalar(read, "values such as 0+10x3"))
    }
}

const NO_HISTOGRAMS: &str = "native histograms are not supported";

/// What must not be there.
#[derive(Default)]
struct NoHistogram;

impl<'de> Deserialize<'de> for NoHistogram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Scalar(|_: &str| Err(NO_HISTOGRAMS.to_owned()), "nothing"))
    }
}

/// Labels in braces, or a name with labels.
struct LabelsText(Labels);

impl<'de> Deserialize<'de> for LabelsText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |text: &str| match text.trim().is_empty() {
            true => Ok(Self(Labels::empty())),
            false => parse_labels(text).map(Self),
        };
        deserializer.deserialize_str(Scalar(read, "labels such as up{job=\"node\"}"))
    }
}

/// A number as YAML or as PromQL writes it.
#[derive(Default)]
struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read =
            |text: &str| promql::parse_float(text.trim()).map(Self).ok_or_else(|| format!("{text:?} is no number"));
        deserializer.deserialize_str(Scalar(read, "a number"))
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
        tests: tests.map(|(place, one)| test(one, place, interval_ms)).collect(),
    })
}

fn test(text: TestText, place: usize, usual_ms: i64) -> Test {
    let series = text.input_series.unwrap_or_default().into_iter();
    Test {
        number: place + 1,
        interval_ms: text.interval.map_or(usual_ms, |length| if length.0 > 0 { length.0 } else { usual_ms }),
        series: series.map(|one| (one.series.0, one.values.0)).collect(),
        alerts: text.alert_rule_test.unwrap_or_default().into_iter().map(alert).collect(),
        exprs: text.promql_expr_test.unwrap_or_default().into_iter().map(expr).collect(),
        external_labels: labels(text.external_labels),
        external_url: text.external_url.unwrap_or_default(),
        name: text.name.unwrap_or_default(),
    }
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

fn expr(text: ExprText) -> ExprTest {
    let expected = text.exp_samples.unwrap_or_default().into_iter();
    let expected = expected.map(|one| (one.labels.map_or_else(Labels::empty, |labels| labels.0), one.value.0));
    ExprTest { at_ms: text.eval_time.0, expr: text.expr.0, expected: expected.collect() }
}
