//! One evaluation of a group: its rules in their order, the series they make, and what is told to their checks.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;

use kernel::{Handle, Reach, Result, Time};
use promql::{Labels, Options, STALE_BITS, Sample, When};
use rules::Watched;

use super::live::{Group, LiveRule};
use super::{judge, rows};
use crate::limits::{RULE_ALERTS_MAX, RULE_MEMORY_BYTES, RULE_SERIES_MAX, RULE_TIME};
use crate::live::Monitor;
use crate::metrics::{Reader, limits};

/// Evaluates a group at its newest moment; moments that passed meanwhile are counted as missed.
pub(super) fn group(handle: &Handle, group: &mut Group, now: Time) -> Result<()> {
    let at_ms = group.moment(now.millis());
    let passed = (at_ms - group.due_ms).div_euclid(group.interval_ms).max(0);
    group.missed = group.missed.saturating_add(u64::try_from(passed).unwrap_or(0));
    group.due_ms = at_ms + group.interval_ms;
    let started = Instant::now();
    let monitor = handle.get::<Monitor>()?;
    let (def, interval_ms) = (&group.def, group.interval_ms);
    let mut done = Ok(());
    for rule in group.rules.iter_mut().filter(|rule| !rule.stored.paused) {
        let began = Instant::now();
        let made = evaluate(handle, &monitor, def, rule, at_ms);
        (rule.took, rule.evaluated_ms) = (began.elapsed(), Some(at_ms));
        // What cannot be stored is shown; only what could not be evaluated leaves the alerts unknown.
        let (error, unknown) = match made {
            Ok(series) => (write(&monitor, def, rule, &series, at_ms).err(), None),
            Err(why) => (Some(why.clone()), Some(why)),
        };
        rule.error = error;
        if rule.stored.new.rule.kind == rules::Kind::Alert {
            // What cannot be written now is written with the next evaluation.
            let kept = rows::keep(handle, rule, interval_ms, at_ms);
            let told = crate::live::feed(handle, &judge::results(rule, unknown.as_deref(), at_ms));
            done = done.and(kept).and(told);
        }
    }
    (group.took, group.evaluated_ms) = (started.elapsed(), Some(at_ms));
    done
}

/// Asks a rule's expression; answers the series that follow.
fn evaluate(
    handle: &Handle,
    monitor: &Arc<Monitor>,
    group: &rules::Group,
    live: &mut LiveRule,
    at_ms: i64,
) -> std::result::Result<Vec<(Labels, f64)>, String> {
    // Rules see everything, and no question of a person stands before them.
    let reach = Reach { everything: true, ..Reach::default() };
    let reader = Reader::new(handle, monitor, &reach);
    let options = Options { memory_bytes_max: RULE_MEMORY_BYTES, ..limits(RULE_TIME) };
    let samples = Cell::new(0);
    let ask = |text: &str, at_ms: i64| -> std::result::Result<Vec<Sample>, String> {
        let answer = promql::query(text, &reader, When::Instant(at_ms), &options).map_err(|error| error.to_string())?;
        samples.set(samples.get() + answer.stats.samples);
        rules::vector_of(answer.value)
    };
    let offset_ms = group.query_offset_ms.unwrap_or(0);
    let rule = &live.stored.new.rule;
    let made = if rule.kind == rules::Kind::Record {
        let limit = Some(group.limit.unwrap_or(RULE_SERIES_MAX).min(RULE_SERIES_MAX));
        let vector = ask(&rule.expr, at_ms.saturating_sub(offset_ms));
        vector.and_then(|vector| rules::recorded(&rule.name, &live.labels, limit, vector))
    } else {
        let watched = Watched {
            name: &rule.name,
            expr: &rule.expr,
            for_ms: rule.for_ms,
            keep_firing_ms: rule.keep_firing_ms,
            labels: &live.labels,
            annotations: &rule.annotations,
            extras: &live.extras,
            limit: Some(group.limit.unwrap_or(RULE_ALERTS_MAX).min(RULE_ALERTS_MAX)),
            offset_ms,
            external_labels: &Labels::empty(),
            external_url: "",
        };
        live.alerts.evaluate(&watched, at_ms, &ask).map(|_| live.alerts.series())
    };
    live.samples = samples.get();
    let made = made.map_err(|why| format!("rule \"{}\": {why}", rule.name));
    if let Ok(series) = &made {
        live.series = if rule.kind == rules::Kind::Record { series.len() } else { live.alerts.len() };
    }
    made
}

/// Stores the series of a rule; those that are not there any more get a staleness marker.
fn write(
    monitor: &Monitor,
    group: &rules::Group,
    live: &mut LiveRule,
    series: &[(Labels, f64)],
    at_ms: i64,
) -> std::result::Result<(), String> {
    let gone = live.written.next(series);
    if series.is_empty() && gone.is_empty() {
        return Ok(());
    }
    let at_ms = at_ms.saturating_sub(group.query_offset_ms.unwrap_or(0));
    let source = format!("rule:{}", live.id);
    let stale = gone.iter().map(|labels| (labels, f64::from_bits(STALE_BITS)));
    let all = series.iter().map(|(labels, value)| (labels, *value)).chain(stale);
    let mut samples = Vec::with_capacity(series.len() + gone.len());
    let mut refused = None;
    for (labels, value) in all {
        let pairs: Vec<(&str, &str)> = labels.iter().collect();
        match monitor.series.register(&source, &pairs) {
            Ok(id) => samples.push((id, value)),
            Err(error) => refused = refused.or(Some(error.to_string())),
        }
    }
    for some in samples.chunks(tsdb::BATCH_SAMPLES_MAX) {
        if let Err(error) = monitor.series.append(&source, at_ms, some) {
            refused = refused.or(Some(error.to_string()));
        }
    }
    match refused {
        Some(why) => Err(format!("rule \"{}\": its series could not be stored: {why}", live.stored.new.rule.name)),
        None => Ok(()),
    }
}
