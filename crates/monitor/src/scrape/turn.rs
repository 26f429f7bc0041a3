//! One scrape from beginning to end: ask, take, report.

use std::collections::BTreeMap;
use std::time::Instant;

use kernel::Handle;
use kernel::fetch::Failure;
use metrics_proto::Kind;
use metrics_proto::text::Entry;

use super::ask::{self, Hands};
use super::book::{Owner, Taken};
use super::plan::Plan;
use super::queue::Turn;
use super::scraper::{Scraper, source};
use super::seen::Seen;
use super::target::Target;
use crate::live::Monitor;
use crate::metrics::Sink;

/// What exporters say about their metrics is taken this often.
const TOLD_EVERY_MS: i64 = 3_600_000;
/// Most metrics of one answer about which something is taken.
const TOLD_MAX: usize = 5_000;

/// Whose the series of a target are.
pub(super) fn owner<'a>(source: &'a str, target: &'a Target, plan: &'a Plan) -> Owner<'a> {
    let spec = &plan.job.spec;
    let size = |number: i64| usize::try_from(number).unwrap_or(0);
    Owner {
        source,
        labels: &target.labels,
        asset: target.asset,
        rules: &plan.metric_rules,
        honor_labels: spec.honor_labels,
        honor_timestamps: spec.honor_timestamps,
        sample_limit: size(spec.sample_limit),
        label_limit: size(spec.label_limit),
        body_bytes_max: size(spec.body_bytes_max),
        room: usize::MAX,
    }
}

/// Scrapes a target and puts it back.
pub(super) fn scrape(handle: &Handle, scraper: &Scraper, mut turn: Turn, hands: &mut Hands) {
    let Ok(monitor) = handle.get::<Monitor>() else { return };
    let (seen, slow) = once(&monitor, &mut turn, hands);
    hands.rest();
    scraper.done(handle, turn, seen, slow);
}

fn once(monitor: &Monitor, turn: &mut Turn, hands: &mut Hands) -> (Seen, bool) {
    let (target, plan, at_ms) = (turn.target.clone(), turn.plan.clone(), turn.due_ms);
    let started = Instant::now();
    let source = source(&target);
    let owner = Owner { room: monitor.scraper.room(), ..owner(&source, &target, &plan) };
    let work = &mut turn.work;
    let answer = match &plan.wrong {
        Some(why) => Err(Failure { slow: false, words: why.clone() }),
        None => ask::ask(&mut work.line, &target, &plan.headers, owner.body_bytes_max, hands),
    };
    let bytes = answer.as_ref().map_or(0, |(body, _)| body.len());
    let tell = work.told_ms.is_none_or(|told| !(0..TOLD_EVERY_MS).contains(&(at_ms - told)));
    let mut told = Told::default();
    let outcome = answer.and_then(|answer| {
        let taken = work.book.take(&monitor.series, &owner, at_ms, answer, |entry| {
            if tell {
                told.hear(entry);
            }
        });
        taken.map_err(|words| Failure { slow: false, words })
    });
    if tell && outcome.is_ok() {
        told.pass_on(&monitor.sink);
        work.told_ms = Some(at_ms);
    }
    if outcome.is_err() {
        work.book.end(&monitor.series, &owner, at_ms);
    }
    let took = started.elapsed();
    let (taken, failure) = match outcome {
        Ok(taken) => (taken, None),
        Err(failure) => (Taken::default(), Some(failure)),
    };
    let up = if failure.is_none() { 1.0 } else { 0.0 };
    let report = [up, took.as_secs_f64(), taken.scraped as f64, taken.kept as f64, taken.added as f64];
    let reported = work.book.report(&monitor.series, &owner, at_ms, report);
    let slow = failure.as_ref().is_some_and(|failure| failure.slow);
    let error = failure.map(|failure| failure.words).or(reported.err());
    let seen = Seen {
        up: Some(error.is_none()),
        at_ms,
        took_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        bytes,
        scraped: taken.scraped,
        kept: taken.kept,
        series: work.book.len(),
        refused: taken.refused,
        because: taken.because,
        error: error.map(|words| kernel::text::shorten(&words, 400)),
    };
    (seen, slow)
}

/// What an answer says about its metrics.
#[derive(Default)]
struct Told(BTreeMap<String, Words>);

/// Kind, help and unit of a metric.
type Words = (Kind, String, String);

impl Told {
    fn hear(&mut self, entry: &Entry<'_>) {
        let (metric, set): (&str, &dyn Fn(&mut Words)) = match entry {
            Entry::Type { metric, kind } => (metric, &|there| there.0 = *kind),
            Entry::Help { metric, text } => (metric, &|there| there.1 = text.to_string()),
            Entry::Unit { metric, unit } => (metric, &|there| there.2 = (*unit).to_owned()),
            _ => return,
        };
        if self.0.len() < TOLD_MAX || self.0.contains_key(metric) {
            let nothing = || (Kind::Unknown, String::new(), String::new());
            set(self.0.entry(metric.to_owned()).or_insert_with(nothing));
        }
    }

    fn pass_on(self, sink: &Sink) {
        for (metric, (kind, help, unit)) in &self.0 {
            sink.note(metric, &metrics_proto::Metadata { metric, kind: *kind, help, unit });
        }
    }
}
