//! Playing one test: series come to be, rules are evaluated, expectations are looked at, as promtool does it.

use std::cell::RefCell;

use promql::notation::Point;
use promql::{Labels, MemorySource, Options, STALE_BITS, Sample, When};

use super::compare::{alerts_text, same_alerts, same_samples, samples_text};
use super::{AlertTest, ExprTest, Report, Suite, Test};
use crate::alert::{Alerts, Ask, Phase, Watched};
use crate::record::{Written, recorded, vector_of};
use crate::{Extras, Group, Kind, Missing, Pairs, Rule};

/// Most evaluations of one test.
const STEPS_MAX: i64 = 1_000_000;

pub(super) struct Played<'a> {
    suite: &'a Suite,
    test: &'a Test,
    rules: Vec<Live<'a>>,
    source: RefCell<MemorySource>,
    /// How many points of each series are there already.
    shown: i64,
}

struct Live<'a> {
    group: &'a Group,
    rule: &'a Rule,
    labels: Pairs,
    extras: Extras,
    alerts: Alerts,
    written: Written,
}

impl<'a> Played<'a> {
    pub(super) fn new(suite: &'a Suite, test: &'a Test, groups: &'a [Group]) -> Self {
        let each = groups.iter().flat_map(|group| group.rules.iter().map(move |rule| (group, rule)));
        let rules = each.map(|(group, rule)| {
            // A rule without our annotations is tested exactly as Prometheus evaluates it.
            let ours = rule.annotations.iter().any(|(name, _)| name.starts_with(crate::PREFIX));
            let mut extras = Extras::of(&rule.annotations).unwrap_or_default();
            if !ours {
                extras.missing = Missing::Clear;
            }
            let (alerts, written) = (Alerts::default(), Written::default());
            Live { group, rule, labels: rule.labels_in(group), extras, alerts, written }
        });
        Self { suite, test, rules: rules.collect(), source: RefCell::default(), shown: 0 }
    }

    pub(super) fn play(mut self, report: &mut Report) {
        let latest = |all: &mut dyn Iterator<Item = i64>| all.max().unwrap_or(0);
        let test = self.test;
        let until = latest(&mut test.alerts.iter().map(|one| one.at_ms).chain(test.exprs.iter().map(|one| one.at_ms)));
        let step = self.suite.interval_ms;
        if until / step > STEPS_MAX {
            report.failures.push(self.said(&format!("more than {STEPS_MAX} evaluations would be needed")));
            return;
        }
        let mut at_ms = 0;
        while at_ms <= until {
            self.show(at_ms);
            let wrong = self.evaluate(at_ms);
            if !wrong.is_empty() {
                report.failures.extend(wrong.iter().map(|why| self.said(why)));
                return;
            }
            for one in test.alerts.iter().filter(|one| (at_ms..at_ms + step).contains(&one.at_ms)) {
                self.judge_alerts(one, report);
            }
            at_ms += step;
        }
        self.show(until);
        test.exprs.iter().for_each(|one| self.judge_expr(one, report));
    }

    fn said(&self, what: &str) -> String {
        match self.test.name.as_str() {
            "" if self.suite.tests.len() > 1 => format!("test {}\n{what}", self.test.number),
            "" => what.to_owned(),
            name => format!("name: {name}\n{what}"),
        }
    }

    /// Brings in the points up to a moment: later ones do not exist yet.
    fn show(&mut self, at_ms: i64) {
        let mut source = self.source.borrow_mut();
        let most = self.test.series.iter().map(|(_, points)| points.len()).max().unwrap_or(0);
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        while self.shown < most && self.shown.saturating_mul(self.test.interval_ms) <= at_ms {
            let place = usize::try_from(self.shown).unwrap_or(usize::MAX);
            for (labels, points) in &self.test.series {
                let value = match points.get(place) {
                    Some(Point::Value(value)) => *value,
                    Some(Point::Stale) => f64::from_bits(STALE_BITS),
                    _ => continue,
                };
                source.push(labels, self.shown.saturating_mul(self.test.interval_ms), value);
            }
            self.shown += 1;
        }
    }

    /// Evaluates every rule once; answers what went wrong.
    fn evaluate(&mut self, at_ms: i64) -> Vec<String> {
        let mut wrong = Vec::new();
        let (source, test) = (&self.source, self.test);
        let ask = |text: &str, at_ms: i64| ask(&source.borrow(), text, at_ms);
        for live in &mut self.rules {
            let made = live.evaluate(test, at_ms, &ask);
            let series = match made {
                Ok(series) => series,
                Err(why) => {
                    let time = promql::format_duration(at_ms);
                    wrong.push(format!("    rule: {}, time: {time}, err: {why}", live.rule.name));
                    continue;
                }
            };
            let gone = live.written.next(&series);
            let stamped = at_ms.saturating_sub(live.offset_of_record());
            let mut source = source.borrow_mut();
            series.iter().for_each(|(labels, value)| source.push(labels, stamped, *value));
            gone.iter().for_each(|labels| source.push(labels, stamped, f64::from_bits(STALE_BITS)));
        }
        wrong
    }

    fn judge_alerts(&self, one: &AlertTest, report: &mut Report) {
        let ours = |live: &&Live<'_>| {
            let in_group = one.group.as_ref().is_none_or(|group| *group == live.group.name);
            live.rule.kind == Kind::Alert && live.rule.name == one.name && in_group
        };
        let found = self.rules.iter().filter(ours).flat_map(|live| live.alerts.active());
        let firing = found.filter(|alert| alert.phase == Phase::Firing);
        let mut got: Vec<(Labels, Labels)> =
            firing.map(|alert| (alert.labels.clone(), alert.annotations.clone())).collect();
        let mut expected = one.expected.clone();
        got.sort();
        expected.sort();
        if same_alerts(&expected, &got) {
            report.passed += 1;
            return;
        }
        report.failures.push(self.said(&format!(
            "    alertname: {}, time: {},\n        exp:{}\n        got:{}",
            one.name,
            promql::format_duration(one.at_ms),
            alerts_text(&expected),
            alerts_text(&got)
        )));
    }

    fn judge_expr(&self, one: &ExprTest, report: &mut Report) {
        let head = format!("    expr: {:?}, time: {},", one.expr, promql::format_duration(one.at_ms));
        let got = match ask(&self.source.borrow(), &one.expr, one.at_ms) {
            Ok(got) => got,
            Err(why) => return report.failures.push(self.said(&format!("{head} err: {why}"))),
        };
        let mut got: Vec<(Labels, f64)> = got.into_iter().map(|sample| (sample.labels, sample.value)).collect();
        let mut expected = one.expected.clone();
        got.sort_by(|a, b| a.0.cmp(&b.0));
        expected.sort_by(|a, b| a.0.cmp(&b.0));
        if same_samples(&expected, &got, self.suite.fuzzy) {
            report.passed += 1;
            return;
        }
        let (expected, got) = (samples_text(&expected), samples_text(&got));
        report.failures.push(self.said(&format!("{head}\n        exp: {expected}\n        got: {got}")));
    }
}

impl Live<'_> {
    fn offset_of_record(&self) -> i64 {
        self.group.query_offset_ms.unwrap_or(0)
    }

    fn evaluate(&mut self, test: &Test, at_ms: i64, ask: &Ask<'_>) -> Result<Vec<(Labels, f64)>, String> {
        let (rule, offset_ms) = (self.rule, self.group.query_offset_ms.unwrap_or(0));
        if rule.kind == Kind::Record {
            let vector = ask(&rule.expr, at_ms.saturating_sub(offset_ms))?;
            return recorded(&rule.name, &self.labels, self.group.limit, vector);
        }
        let watched = Watched {
            name: &rule.name,
            expr: &rule.expr,
            for_ms: rule.for_ms,
            keep_firing_ms: rule.keep_firing_ms,
            labels: &self.labels,
            annotations: &rule.annotations,
            extras: &self.extras,
            limit: self.group.limit,
            offset_ms,
            external_labels: &test.external_labels,
            external_url: &test.external_url,
        };
        self.alerts.evaluate(&watched, at_ms, ask)?;
        Ok(self.alerts.series())
    }
}

fn ask(source: &MemorySource, text: &str, at_ms: i64) -> Result<Vec<Sample>, String> {
    let options = Options { experimental: true, threads: 1, ..Options::default() };
    let answer = promql::query(text, source, When::Instant(at_ms), &options).map_err(|error| error.to_string())?;
    vector_of(answer.value)
}
