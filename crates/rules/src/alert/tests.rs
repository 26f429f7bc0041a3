//! Alerts over a series of answers.

use super::*;

const MINUTE: i64 = 60_000;

struct Play {
    alerts: Alerts,
    extras: Extras,
    for_ms: i64,
    keep_ms: i64,
}

impl Play {
    fn new(for_ms: i64, keep_ms: i64, extras: Extras) -> Self {
        Self { alerts: Alerts::default(), extras, for_ms, keep_ms }
    }

    /// One evaluation of `load > 90`, ended by `load < 80` where the extras say so. No value is no series.
    fn minute(&mut self, minute: i64, value: Option<f64>) -> (Vec<&'static str>, usize) {
        let labels = Labels::from_pairs([("__name__", "load"), ("host", "a")]);
        let answer = |fits: bool| {
            let value = value.filter(|_| fits).map(|value| Sample { labels: labels.clone(), at_ms: 0, value });
            Ok(value.into_iter().collect())
        };
        let ask = |text: &str, _: i64| match text {
            "load > 90" => answer(value.is_some_and(|value| value > 90.0)),
            "load < 80" => answer(value.is_some_and(|value| value < 80.0)),
            "load" => answer(true),
            other => Err(format!("nobody asks {other}")),
        };
        let pairs = Pairs::new();
        let empty = Labels::empty();
        let rule = Watched {
            name: "High",
            expr: "load > 90",
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
        let ended = self.alerts.evaluate(&rule, minute * MINUTE, &ask).unwrap();
        (self.alerts.active().map(|one| one.phase.as_str()).collect(), ended.len())
    }

    fn phases(&mut self, values: &[Option<f64>]) -> String {
        let letter = |one: (Vec<&'static str>, usize)| match one.0.first() {
            None => '.',
            Some(phase) => phase.chars().next().unwrap_or('?'),
        };
        (0..).zip(values).map(|(minute, value)| letter(self.minute(minute, *value))).collect()
    }
}

fn known(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().copied().map(Some).collect()
}

#[test]
fn an_alert_is_pending_for_its_time_and_then_fires_until_it_is_not_true() {
    let mut play = Play::new(2 * MINUTE, 0, Extras::default());
    assert_eq!(play.phases(&known(&[50.0, 95.0, 95.0, 95.0, 95.0, 50.0, 95.0, 50.0])), ".ppff.p.");
}

#[test]
fn it_keeps_firing_for_its_time_and_a_new_hit_begins_that_anew() {
    let mut play = Play::new(0, 2 * MINUTE, Extras::default());
    assert_eq!(play.phases(&known(&[95.0, 50.0, 50.0, 95.0, 50.0, 50.0, 50.0, 50.0])), "ffffff..");
}

#[test]
fn a_pair_of_conditions_does_not_flap_between_them() {
    let extras = Extras { clear: Some("load < 80".into()), ..Extras::default() };
    assert_eq!(Play::new(0, 0, extras).phases(&known(&[85.0, 95.0, 85.0, 89.0, 95.0, 81.0, 79.0, 85.0])), ".fffff..");
}

#[test]
fn n_of_m_needs_so_many_hits() {
    let extras = Extras { fire: (2, 3), ..Extras::default() };
    assert_eq!(Play::new(0, 0, extras).phases(&known(&[95.0, 50.0, 50.0, 95.0, 50.0, 95.0, 50.0, 50.0])), ".....f..");
}

#[test]
fn missing_data_ends_nothing_unless_the_rule_says_so() {
    let values = [Some(95.0), None, None, Some(50.0)];
    let mut play = Play::new(0, 0, Extras::default());
    assert_eq!(play.phases(&values), "fff.");
    play.phases(&values[..2]);
    assert!(play.alerts.active().all(|one| one.unknown));
    let clear = Extras { missing: Missing::Clear, ..Extras::default() };
    assert_eq!(Play::new(0, 0, clear).phases(&values), "f...");
}

#[test]
fn a_gap_does_not_begin_the_time_of_a_pending_alert_anew() {
    let mut play = Play::new(3 * MINUTE, 0, Extras::default());
    assert_eq!(play.phases(&[Some(95.0), None, None, Some(95.0)]), "pppf");
}

#[test]
fn it_goes_on_where_an_earlier_process_stopped() {
    let mut first = Play::new(2 * MINUTE, 0, Extras::default());
    first.phases(&known(&[95.0, 95.0]));
    let mut second = Play::new(2 * MINUTE, 0, Extras::default());
    second.alerts = Alerts::restored(first.alerts.active().cloned());
    assert_eq!(second.minute(2, Some(95.0)), (vec!["firing"], 0));
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
