//! Alerts over series that are played minute by minute.

use promql::{MemorySource, Options, When};

use super::*;

const MINUTE: i64 = 60_000;

/// A rule over series; each is `name{..} values`, a value a minute, as tests of rules write them.
struct Play {
    source: MemorySource,
    alerts: Alerts,
    extras: Extras,
    expr: &'static str,
    for_ms: i64,
    keep_ms: i64,
}

impl Play {
    fn new(expr: &'static str, series: &[&str]) -> Self {
        let mut source = MemorySource::default();
        for line in series {
            let (labels, points) = promql::notation::parse_series(line).unwrap();
            for (minute, point) in (0..).zip(points) {
                let value = match point {
                    promql::notation::Point::Value(value) => value,
                    promql::notation::Point::Stale => f64::from_bits(promql::STALE_BITS),
                    _ => continue,
                };
                source.push(&labels, minute * MINUTE, value);
            }
        }
        Self { source, alerts: Alerts::default(), extras: Extras::default(), expr, for_ms: 0, keep_ms: 0 }
    }

    fn extras(mut self, extras: Extras) -> Self {
        self.extras = extras;
        self
    }

    fn waits(mut self, minutes: i64) -> Self {
        self.for_ms = minutes * MINUTE;
        self
    }

    fn keeps(mut self, minutes: i64) -> Self {
        self.keep_ms = minutes * MINUTE;
        self
    }

    /// Evaluates, or recalls the minutes before.
    fn turn(&mut self, minute: i64, recalls: bool) {
        let source = &self.source;
        let ask = |text: &str, at_ms: i64| {
            let options = Options { threads: 1, ..Options::default() };
            let answer = promql::query(text, source, When::Instant(at_ms), &options).map_err(|why| why.to_string())?;
            crate::vector_of(answer.value)
        };
        let (pairs, empty) = (Pairs::new(), Labels::empty());
        let rule = Watched {
            name: "High",
            expr: self.expr,
            for_ms: self.for_ms,
            keep_firing_ms: self.keep_ms,
            labels: &pairs,
            annotations: &vec![("summary".into(), "{{ $labels.host }} {{ $value }}".into())],
            extras: &self.extras,
            limit: None,
            offset_ms: 0,
            external_labels: &empty,
            external_url: "",
        };
        if recalls {
            let m = i64::try_from(self.extras.fire.1).unwrap();
            let moments: Vec<i64> = (minute - m + 1..minute).filter(|at| *at >= 0).map(|at| at * MINUTE).collect();
            self.alerts.recall(&rule, &moments, &ask).unwrap();
        } else {
            self.alerts.evaluate(&rule, minute * MINUTE, &ask).unwrap();
        }
    }

    /// What an earlier process leaves behind.
    fn restart(&mut self, minute: i64) {
        let kept = |one: &Active| {
            let since = Since {
                active_at_ms: one.active_at_ms,
                fired_at_ms: one.fired_at_ms,
                keeping_since_ms: one.keeping_since_ms,
            };
            Active::kept(one.labels.clone(), one.source.clone(), (one.phase, one.value), since)
        };
        self.alerts = Alerts::restored(self.alerts.active().map(kept).collect::<Vec<_>>());
        self.turn(minute, true);
    }

    /// One letter a minute for the first alert: p, f, or ? where nothing is known; `restarts` says before which minute the
    /// process is another one.
    fn phases(&mut self, minutes: i64, restarts: Option<i64>) -> String {
        let mut said = String::new();
        for minute in 0..minutes {
            if restarts == Some(minute) {
                self.restart(minute);
            }
            self.turn(minute, false);
            said.push(match self.alerts.active().next() {
                None => '.',
                Some(one) if one.unknown => '?',
                Some(one) if one.phase == Phase::Pending => 'p',
                Some(_) => 'f',
            });
        }
        said
    }
}

/// The letters of a rule, whenever the process ends and another one goes on.
fn play(made: impl Fn() -> Play, minutes: i64, expected: &str) {
    assert_eq!(made().phases(minutes, None), expected);
    for restart in 1..minutes {
        assert_eq!(made().phases(minutes, Some(restart)), expected, "restarted before minute {restart}");
    }
}

fn load(values: &str) -> Play {
    Play::new("load > 90", &[&format!("load{{host=\"a\"}} {values}")])
}

#[test]
fn an_alert_is_pending_for_its_time_and_then_fires_until_it_is_not_true() {
    play(|| load("50 95 95 95 95 50 95 50").waits(2), 8, ".ppff.p.");
}

#[test]
fn it_keeps_firing_for_its_time_and_a_new_hit_begins_that_anew() {
    play(|| load("95 50 50 95 50 50 50 50").keeps(2), 8, "ffffff..");
}

#[test]
fn a_pair_of_conditions_does_not_flap_between_them() {
    let extras = || Extras { clear: Some("load < 80".into()), ..Extras::default() };
    play(|| load("85 95 85 89 95 81 79 85").extras(extras()), 8, ".fffff..");
}

#[test]
fn n_of_m_needs_so_many_hits() {
    let extras = || Extras { fire: (2, 3), ..Extras::default() };
    play(|| load("95 50 50 95 50 95 50 50").extras(extras()), 8, ".....f..");
    let extras = || Extras { fire: (3, 5), ..Extras::default() };
    play(|| load("95 50 95 50 95 50 95 50 50 50 50").extras(extras()), 11, "....f.f....");
}

#[test]
fn n_of_m_counts_what_is_not_known_neither_way() {
    let extras = || Extras { fire: (2, 3), ..Extras::default() };
    play(|| load("95 95 stale stale stale stale stale 50 50 50").extras(extras()), 10, ".ff????f..");
    play(|| load("95 stale 95 stale stale stale 95 95").extras(extras()), 8, "..f???ff");
}

#[test]
fn a_gap_does_not_begin_the_time_of_a_pending_alert_anew() {
    play(|| load("95 stale stale 95").waits(3), 4, "p??f");
}

#[test]
fn missing_data_ends_nothing_unless_the_rule_says_so() {
    let clear = || Extras { missing: Missing::Clear, ..Extras::default() };
    play(|| load("95 stale stale 50"), 4, "f??.");
    play(|| load("95 stale stale 50").extras(clear()), 4, "f...");
    let pair = || Extras { clear: Some("load < 80".into()), ..Extras::default() };
    play(|| load("95 stale 85 79").extras(pair()), 4, "f?f.");
    play(|| load("95 85 stale 85").extras(Extras { missing: Missing::Clear, ..pair() }), 4, "ff..");
}

#[test]
fn what_a_rule_is_made_of_must_be_there_before_its_alert_ends() {
    for (expr, series, expected) in [
        // One side of a ratio, of a join and of a set is gone: nobody knows.
        ("a / b > 1", ["a{h=\"x\"} 9 9 stale 1", "b{h=\"x\"} 1 1 1 1"], "ff?."),
        ("a / b > 1", ["a{h=\"x\"} 9 9 9 1", "b{h=\"x\"} 1 1 stale 1"], "ff?."),
        ("a > on (h) b", ["a{h=\"x\"} 9 9 9 1", "b{h=\"x\"} 1 1 stale 1"], "ff?."),
        ("a > 5 and on (s) b == 1", ["a{h=\"x\", s=\"o\"} 9 9 9 9", "b{s=\"o\"} 1 stale 1 0"], "f?f."),
        ("a > 5 and on (s) b == 1", ["a{h=\"x\", s=\"o\"} 9 stale 9 1", "b{s=\"o\"} 1 1 1 1"], "f?f."),
        // The part that made it true is gone, another one is well.
        ("a > 5 or b > 5", ["a{h=\"x\"} 9 stale stale 1", "b{h=\"x\"} 1 1 1 1"], "f??."),
        // A part that was not there while it was true is not missed.
        ("a > 5 or b > 5", ["a{h=\"x\"} 9 9 1 1", "b{h=\"y\"} 1 1 1 1"], "ff.."),
        ("a > 5 unless on (h) m == 1", ["a{h=\"x\"} 9 9 9 9", "m{h=\"x\"} stale stale 1 1"], "ff.."),
        ("a > 5 unless on (h) m == 1", ["a{h=\"x\"} 9 stale 9 1", "m{h=\"x\"} stale stale stale stale"], "f?f."),
        // Another host's series says nothing of this one.
        ("a / b > 1", ["a{h=\"x\"} 9 stale stale 1", "b{h=\"x\"} 1 1 1 1"], "f??."),
        ("sum by (s) (a) > 5", ["a{h=\"x\", s=\"o\"} 9 stale stale 1", "a{h=\"x\", s=\"p\"} 1 1 1 1"], "f??."),
        // Of a sum over all, the rest that is there is enough.
        ("sum(a) > 5", ["a{h=\"x\"} 9 stale stale 1", "a{h=\"y\"} 1 1 1 1"], "f..."),
        // A count of what is down is over when nothing is down.
        ("count(a == 0) > 0", ["a{h=\"x\"} 0 0 1 1", "a{h=\"y\"} 1 1 1 1"], "ff.."),
        ("a > scalar(b)", ["a{h=\"x\"} 9 9 9 1", "b 1 stale 1 1"], "f?f."),
        // Absence is no data by itself, and so is a series that is the condition.
        ("absent(a)", ["a{h=\"x\"} stale stale 1 1", "b 1 1 1 1"], "ff.."),
        ("a", ["a{h=\"x\"} 1 1 stale stale", "b 1 1 1 1"], "ff.."),
    ] {
        play(|| Play::new(expr, &series), 4, expected);
    }
}

#[test]
fn an_alert_of_which_nothing_is_known_can_be_let_go_and_no_other() {
    let mut play = load("95 95 stale 95");
    play.phases(2, None);
    let labels = play.alerts.active().next().unwrap().labels.clone();
    assert!(!play.alerts.dismiss(&labels), "it is true");
    play.turn(2, false);
    assert!(play.alerts.dismiss(&labels) && play.alerts.is_empty());
}

#[test]
fn an_edited_rule_goes_on_with_its_alerts_where_their_labels_are_the_same() {
    let mut play = load("95 95 85 stale 85");
    play.for_ms = 60 * MINUTE;
    play.phases(2, None);
    (play.expr, play.for_ms) = ("load > 80", 2 * MINUTE);
    assert_eq!(play.phases(5, None).get(2..), Some("f?f"));
    assert_eq!(play.alerts.active().next().unwrap().active_at_ms, 0);
}

#[test]
fn too_many_alerts_are_refused_and_the_label_is_named_that_makes_them() {
    let vector: Vec<Sample> = (0..5)
        .map(|n| {
            let pod = format!("pod-{n}");
            Sample { labels: Labels::from_pairs([("pod", pod.as_str()), ("site", "oslo")]), at_ms: 0, value: 1.0 }
        })
        .collect();
    let said = within(Some(3), &vector).unwrap_err();
    assert_eq!(said, "exceeded limit of 3 with 5 alerts; the label \"pod\" has 5 values");
    assert_eq!(within(Some(5), &vector), Ok(()));
}
