//! One turn of a group: its rules in their order, the series they make, and what is told to their checks.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kernel::{Handle, Reach, Result};
use promql::{Labels, Options, STALE_BITS, Sample, When};
use rules::{Alerts, Watched};

use super::seat::{Memory, Post, Seat, Seen};
use super::{judge, rows};
use crate::limits::{RULE_ALERTS_MAX, RULE_MEMORY_BYTES, RULE_SERIES_MAX, RULE_TIME};
use crate::live::{Monitor, lock};
use crate::metrics::{Reader, limits};

/// Evaluates a group, in the turn that was taken for it. A turn ends after the group's interval, but
/// not before one rule had its whole time; rules that it did not get to are the first of the next one.
pub(super) fn group(handle: &Handle, seat: &Seat) -> Result<()> {
    let at_ms = lock(&seat.pace).due_ms.saturating_sub(seat.interval_ms);
    let began = Instant::now();
    let time = Duration::from_millis(u64::try_from(seat.interval_ms).unwrap_or(0)).max(RULE_TIME);
    let first = std::mem::take(&mut lock(&seat.pace).first).min(seat.rules.len());
    let (before, from) = seat.rules.split_at_checked(first).unwrap_or((&[], seat.rules.as_slice()));
    let (mut done, mut slowest, mut left_out) = (Ok(()), None, 0);
    let mut next = 0;
    for (place, post) in (first..).zip(from).chain((0..).zip(before)) {
        if post.stored.paused || seat.has_left() {
            continue;
        }
        let left = time.saturating_sub(began.elapsed());
        if left.is_zero() {
            if left_out == 0 {
                next = place;
            }
            left_out += 1;
            continue;
        }
        if let Some((_, rule)) = &mut lock(&seat.pace).turn {
            *rule = Some(post.stored.new.rule.name.clone());
        }
        let started = Instant::now();
        done = done.and(rule(handle, seat, post, at_ms, left.min(RULE_TIME)));
        let took = started.elapsed();
        if slowest.as_ref().is_none_or(|(_, most)| took > *most) {
            slowest = Some((post.stored.new.rule.name.clone(), took));
        }
    }
    let mut pace = lock(&seat.pace);
    pace.turn = None;
    if !seat.has_left() {
        (pace.took, pace.evaluated_ms) = (began.elapsed(), Some(at_ms));
        (pace.first, pace.left_out, pace.slowest) = (next, left_out, slowest);
    }
    done
}

/// Evaluates one rule, and writes and tells what follows.
fn rule(handle: &Handle, seat: &Seat, post: &Post, at_ms: i64, time: Duration) -> Result<()> {
    let monitor = handle.get::<Monitor>()?;
    let mut memory = post.slot.memory();
    let set_back = |before: i64| before > at_ms + seat.interval_ms;
    if memory.evaluated_ms.is_some_and(|before| before >= at_ms && !set_back(before)) {
        // Its group is another one by now, which was quicker.
        return Ok(());
    }
    let began = Instant::now();
    let mut seen = Seen { evaluated_ms: Some(at_ms), ..Seen::default() };
    let made = evaluate(handle, &monitor, (seat, post), &mut memory, (at_ms, time), &mut seen);
    if made.is_err() && seat.has_left() {
        // It was changed while it was asked: what comes next asks it anew.
        return Ok(());
    }
    seen.took = began.elapsed();
    memory.evaluated_ms = Some(at_ms);
    // What cannot be stored is shown; only what could not be evaluated leaves the alerts unknown.
    let (error, unknown) = match made {
        Ok(series) => (write(&monitor, &seat.def, post, &mut memory, &series, at_ms).err(), None),
        Err(why) => (Some(why.clone()), Some(why)),
    };
    seen.error = error;
    let mut done = Ok(());
    let alerts = post.stored.new.rule.kind == rules::Kind::Alert;
    if !alerts && !memory.alerts.is_empty() {
        // It made alerts before it was changed.
        memory.alerts = Alerts::default();
    }
    if alerts || !memory.known.is_empty() {
        // What cannot be written now is written with the next evaluation.
        let kept = rows::keep(handle, post, &mut memory, seat.interval_ms, at_ms);
        monitor.note_lost(judge::lost(&memory));
        let results = judge::results(post, &memory, unknown.as_deref(), (at_ms, seen.took));
        post.slot.publish(&memory, seen);
        drop(memory);
        done = kept.and(crate::live::feed(handle, &results));
    } else {
        post.slot.publish(&memory, seen);
    }
    done
}

/// Asks a rule's expression; answers the series that follow.
fn evaluate(
    handle: &Handle,
    monitor: &Arc<Monitor>,
    (seat, post): (&Seat, &Post),
    memory: &mut Memory,
    (at_ms, time): (i64, Duration),
    seen: &mut Seen,
) -> std::result::Result<Vec<(Labels, f64)>, String> {
    // Rules see everything, and no question of a person stands before them.
    let reach = Reach { everything: true, ..Reach::default() };
    let reader = Reader::new(handle, monitor, &reach);
    let options = Options { memory_bytes_max: RULE_MEMORY_BYTES, cancel: Some(seat.cancel()), ..limits(time) };
    let samples = Cell::new(0);
    let ask = |text: &str, at_ms: i64| -> std::result::Result<Vec<Sample>, String> {
        let answer = promql::query(text, &reader, When::Instant(at_ms), &options).map_err(|error| error.to_string())?;
        samples.set(samples.get() + answer.stats.samples);
        rules::vector_of(answer.value)
    };
    let (group, rule) = (&seat.def, &post.stored.new.rule);
    let offset_ms = group.query_offset_ms.unwrap_or(0);
    let made = if rule.kind == rules::Kind::Record {
        let limit = Some(group.limit.unwrap_or(RULE_SERIES_MAX).min(RULE_SERIES_MAX));
        let vector = ask(&rule.expr, at_ms.saturating_sub(offset_ms));
        vector.and_then(|vector| rules::recorded(&rule.name, &post.labels, limit, vector))
    } else {
        let watched = Watched {
            name: &rule.name,
            expr: &rule.expr,
            for_ms: rule.for_ms,
            keep_firing_ms: rule.keep_firing_ms,
            labels: &post.labels,
            annotations: &rule.annotations,
            extras: &post.extras,
            limit: Some(group.limit.unwrap_or(RULE_ALERTS_MAX).min(RULE_ALERTS_MAX)),
            offset_ms,
            external_labels: &Labels::empty(),
            external_url: "",
        };
        let recalled = if memory.recalls && post.extras.fire.1 > 1 {
            memory.alerts.recall(&watched, &moments(seat, post, at_ms), &ask)
        } else {
            Ok(())
        };
        let made = recalled.and_then(|()| memory.alerts.evaluate(&watched, at_ms, &ask));
        memory.recalls = memory.recalls && made.is_err();
        made.map(|_| memory.alerts.series())
    };
    seen.samples = samples.get();
    let made = made.map_err(|why| format!("rule \"{}\": {why}", rule.name));
    if let Ok(series) = &made {
        seen.series = if rule.kind == rules::Kind::Record { series.len() } else { memory.alerts.len() };
    }
    made
}

/// The moments that the windows of n of m hold, before this one and since there is the rule.
fn moments(seat: &Seat, post: &Post, at_ms: i64) -> Vec<i64> {
    let m = i64::try_from(post.extras.fire.1).unwrap_or(1);
    let all = (1..m).rev().map(|back| at_ms.saturating_sub(back.saturating_mul(seat.interval_ms)));
    all.filter(|at_ms| *at_ms >= post.stored.created_at.millis()).collect()
}

/// Stores the series of a rule; those that are not there any more get a staleness marker.
fn write(
    monitor: &Monitor,
    group: &rules::Group,
    post: &Post,
    memory: &mut Memory,
    series: &[(Labels, f64)],
    at_ms: i64,
) -> std::result::Result<(), String> {
    let gone = memory.written.next(series);
    if series.is_empty() && gone.is_empty() {
        return Ok(());
    }
    let at_ms = at_ms.saturating_sub(group.query_offset_ms.unwrap_or(0));
    let source = format!("rule:{}", post.id);
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
        Some(why) => Err(format!("rule \"{}\": its series could not be stored: {why}", post.stored.new.rule.name)),
        None => Ok(()),
    }
}
