//! The figure of an alert that a rule made: what the rule compares, for the series of the alert.

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::{Error, Kernel, Reach, Result, Time};
use promql::{Points, Value, When};

use super::Threshold;
use super::check::Drawn;
use crate::limits::{CHART_LINES_MAX, CHART_STEPS, RULE_INTERVAL_MS};
use crate::metrics::limits;
use crate::metrics::query::{evaluate, in_words};
use crate::rule::preview::{line, threshold};
use crate::store;

/// What a rule compares for the series of one of its alerts, as far as the reach goes. What cannot be answered is a note.
pub(super) fn compared(
    kernel: &Kernel,
    reach: &Reach,
    (rule, labels): (i64, &BTreeMap<String, String>),
    span: (Time, Time),
    time: Duration,
) -> Result<Drawn> {
    let everything = Reach { everything: true, ..Reach::default() };
    let Some(found) = kernel.db.read(|tx| store::rules::find(tx, rule, &everything))? else {
        let notes = vec!["The rule was deleted: nothing is compared any more.".to_owned()];
        return Ok(Drawn { notes, ..Drawn::default() });
    };
    let rule = found.new.rule;
    let labels = of_series(labels, &rule.labels);
    let drawn = draw(kernel, reach, (&rule.expr, &labels), span, time);
    Ok(drawn.unwrap_or_else(|error| Drawn { notes: vec![error.message], ..Drawn::default() }))
}

fn draw(
    kernel: &Kernel,
    reach: &Reach,
    (expr, labels): (&str, &BTreeMap<String, String>),
    (from, to): (Time, Time),
    time: Duration,
) -> Result<Drawn> {
    let (from, to) = (from.millis(), to.millis());
    let step_ms = ((to - from) / CHART_STEPS).max(RULE_INTERVAL_MS) / 1_000 * 1_000;
    let when = When::Range { start_ms: from - from.rem_euclid(step_ms), end_ms: to, step_ms };
    let parsed = rules::parse_expression(expr).map_err(|error| Error::invalid("expr", error.to_string()))?;
    let text = rules::base_of(&parsed).map_or_else(|| expr.to_owned(), ToString::to_string);
    let mut answer = evaluate(kernel, reach, &text, when, &limits(time))?.map_err(in_words)?;
    let Value::Matrix(series) = &mut answer.value else {
        return Err(Error::invalid("expr", "The expression must give series or a number."));
    };
    series.retain(|one| is_of(one, labels));
    let mut notes = vec![format!("What the rule compares: {}", kernel::text::shorten(text.trim(), 200))];
    if series.len() > CHART_LINES_MAX {
        notes.push(format!("{} series; the first {CHART_LINES_MAX} are drawn", series.len()));
    }
    notes.append(&mut answer.warnings);
    let limit = threshold(expr).map(|(sign, value)| Threshold {
        value,
        title: format!("Alert {sign} {}", promql::format_float(value)),
        tone: "critical".to_owned(),
    });
    let lines = series.iter().take(CHART_LINES_MAX).map(|one| line(one, step_ms)).collect();
    Ok(Drawn { lines, thresholds: Vec::from_iter(limit), notes })
}

/// The labels of an alert that tell its series from others. What the rule sets itself stands on the alert instead of what the
/// series said.
fn of_series(alert: &BTreeMap<String, String>, set: &[(String, String)]) -> BTreeMap<String, String> {
    alert
        .iter()
        .filter(|(name, _)| set.iter().all(|(known, _)| known != *name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// True when no label of a series is another one than that of the alert.
fn is_of(one: &Points, labels: &BTreeMap<String, String>) -> bool {
    let same = |(name, value): (&str, &str)| labels.get(name).is_none_or(|of_alert| of_alert == value);
    one.labels.iter().all(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_of_an_alert_are_those_whose_labels_are_not_others() {
        let labels = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let alert = labels(&[("alertname", "HighLoad"), ("instance", "a"), ("severity", "page")]);
        let points = |pairs: &[(&str, &str)]| Points {
            labels: promql::Labels::from_pairs(pairs.iter().copied()),
            points: Vec::new(),
        };
        assert!(is_of(&points(&[("__name__", "node_load1"), ("instance", "a"), ("cpu", "0")]), &alert));
        assert!(!is_of(&points(&[("__name__", "node_load1"), ("instance", "b")]), &alert));
        // A rule that sets a label of the series: the alert carries the rule's.
        let renamed = points(&[("instance", "a"), ("severity", "5"), ("cpu", "0")]);
        assert!(!is_of(&renamed, &alert));
        let set = [("severity".to_owned(), "page".to_owned())];
        assert!(is_of(&renamed, &of_series(&alert, &set)));
        assert!(!is_of(&points(&[("instance", "b"), ("severity", "5")]), &of_series(&alert, &set)));
    }
}
