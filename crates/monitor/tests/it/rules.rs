//! Rules: evaluated on time on the series that are there; their alerts are alerts like others; files round-trip.

use kernel::time::SECOND;
use kernel::{Clock, Handle};
use serde_json::{Value, json};

use crate::house::House;
use crate::restart::{call, open};

pub(crate) const FILE: &str = "# ours\ngroups:\n- name: web\n  interval: 10s\n  rules:\n  - record: job:up:sum\n    expr: sum by (job) (up)\n  - alert: Down\n    expr: up == 0   # gone\n    for: 20s\n    labels: {severity: page}\n    annotations:\n      summary: '{{ $labels.instance }} is down'\n";

impl House {
    /// Seconds pass, with samples of series written every ten of them.
    pub(crate) fn play(&self, seconds: i64, samples: &[(&str, Value, f64)]) {
        for second in 0..seconds {
            if second % 10 == 0 && !samples.is_empty() {
                let samples: Vec<Value> = samples
                    .iter()
                    .map(|(metric, labels, value)| json!({"metric": metric, "labels": labels, "value": value}))
                    .collect();
                self.call("monitor.metrics.write", json!({"samples": samples}));
            }
            self.world.clock.advance(SECOND);
            monitor::tick(self.kernel()).unwrap();
            monitor::evaluate_rules(self.kernel()).unwrap();
        }
        self.world.settle().unwrap();
    }

    pub(crate) fn rule(&self, more: Value) -> i64 {
        let mut input = json!({"name": "High", "expr": "load > 90", "interval": "10s"});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.call("monitor.rule.create", input)["id"].as_i64().unwrap()
    }

    pub(crate) fn alerts_of(&self, rule: i64) -> Vec<Value> {
        self.call("monitor.rule.show", json!({"id": rule}))["alerts"].as_array().unwrap().clone()
    }
}

pub(crate) fn load(value: f64) -> Vec<(&'static str, Value, f64)> {
    vec![("load", json!({"instance": "web-01:9100"}), value)]
}

#[test]
fn an_alert_of_a_rule_is_an_alert_like_others_about_the_asset_its_labels_name() {
    let house = House::new();
    let web = house.asset("web-01");
    let rule = house.rule(json!({"severity": "critical", "for": "20s", "annotations": {"summary": "{{ $labels.instance }} at {{ $value }}"}}));
    house.play(20, &load(95.0));
    let pending = house.alerts_of(rule);
    assert_eq!(pending[0]["state"], "pending");
    let check = pending[0]["check"].as_i64().unwrap();
    assert_eq!(house.state(check), "pending");
    house.play(40, &load(95.0));
    let shown = house.show(check);
    assert_eq!((&shown["check"]["asset"], &shown["check"]["severity"]), (&json!(web), &json!("critical")));
    assert_eq!(shown["check"]["labels"]["alertname"], "High");
    assert_eq!(house.state(check), "firing");
    let groups = house.groups("open");
    assert_eq!(groups.len(), 1);
    assert!(groups[0].to_string().contains("web-01:9100 at 95"), "{}", groups[0]);
    house.play(30, &load(50.0));
    assert_eq!(house.state(check), "ok");
    assert!(house.groups("open").is_empty() && house.alerts_of(rule).is_empty());
}

#[test]
fn the_pages_of_a_rules_alert_draw_what_the_rule_compares_for_it() {
    let house = House::new();
    let rule = house.rule(json!({}));
    let mut two = load(95.0);
    two.push(("load", json!({"instance": "web-02:9100"}), 97.0));
    house.play(60, &two);
    let alerts = house.alerts_of(rule);
    let of = alerts.iter().find(|one| one["labels"]["instance"] == "web-01:9100").unwrap();
    let chart = house.call("monitor.chart.check", json!({"id": of["check"], "minutes": 10}));
    let lines = chart["series"].as_array().unwrap();
    assert_eq!(lines.len(), 1, "that of the other instance is not about this alert: {lines:?}");
    assert!(lines[0]["points"].as_array().unwrap().iter().any(|point| point[1] == 95.0), "{lines:?}");
    assert_eq!(
        (&chart["thresholds"][0]["value"], &chart["notes"][0]),
        (&json!(90.0), &json!("What the rule compares: load"))
    );
    let group = house.groups("open")[0]["id"].as_i64();
    for (path, id) in [("/monitoring/checks/{id}", of["check"].as_i64()), ("/monitoring/groups/{id}", group)] {
        let drawn = crate::pages::page(&house, path, id, &[]);
        assert!(!drawn.contains("No numbers in this time") && drawn.contains("What the rule compares"), "{path}");
    }
}

#[test]
fn lesson_07_hysteresis_is_a_pair_with_for_keep_firing_and_n_of_m() {
    let house = House::new();
    let pair =
        house.rule(json!({"name": "Pair", "expr": null, "metric": "load", "threshold": 90, "clear_threshold": 80}));
    let keeps = house.rule(json!({"name": "Keeps", "keep_firing_for": "30s"}));
    let often = house.rule(json!({"name": "Often", "fire_n": 2, "fire_m": 3}));
    let out = |rule: i64| house.alerts_of(rule).iter().filter(|one| one["state"] == "firing").count();
    house.play(10, &load(95.0));
    assert_eq!([pair, keeps, often].map(out), [1, 1, 0], "two of three is not once");
    house.play(20, &load(95.0));
    assert_eq!(out(often), 1);
    house.play(20, &load(85.0));
    assert_eq!([pair, keeps].map(out), [1, 1], "between the two values nothing changes");
    house.play(40, &load(85.0));
    assert_eq!([pair, keeps].map(out), [1, 0]);
    house.play(20, &load(70.0));
    assert_eq!(out(pair), 0);
    let shown = house.call("monitor.rule.show", json!({"id": pair}));
    assert_eq!((&shown["rule"]["expr"], &shown["rule"]["clear"]), (&json!("load > 90"), &json!("load < 80")));
}

#[test]
fn missing_data_keeps_an_alert_of_a_rule_out_unless_the_rule_says_otherwise() {
    let house = House::new();
    let (keep, clear) = (house.rule(json!({})), house.rule(json!({"name": "Clear", "missing": "clear"})));
    house.play(30, &load(95.0));
    assert_eq!((house.alerts_of(keep).len(), house.alerts_of(clear).len()), (1, 1));
    house.play(400, &[]);
    assert_eq!((house.alerts_of(keep).len(), house.alerts_of(clear).len()), (1, 0));
    let check = house.alerts_of(keep)[0]["check"].as_i64().unwrap();
    assert_eq!((house.state(check).as_str(), &house.show(check)["check"]["open"]), ("no_data", &json!(true)));
    house.play(20, &load(95.0));
    assert_eq!(house.state(check), "firing");
}

#[test]
fn lesson_14_rules_are_data_in_the_console_and_files_in_git_and_both_round_trip() {
    let house = House::new();
    let done = house.call("monitor.rule.import", json!({"name": "web.yml", "text": FILE}));
    assert_eq!((&done["groups"], &done["added"]), (&json!(1), &json!(2)));
    let export = || house.call("monitor.rule.export", json!({"file": "web.yml"}));
    assert_eq!((&export()["text"], &export()["unchanged"]), (&json!(FILE), &json!(true)));
    let rules = house.call("monitor.rule.list", json!({"makes": "alert"}))["items"].clone();
    let id = rules[0]["id"].as_i64().unwrap();
    assert_eq!(rules[0]["severity"], "critical", "page is critical");
    house.call("monitor.rule.update", json!({"id": id, "for": "1m"}));
    let text = export()["text"].as_str().unwrap().to_owned();
    assert!(text.contains("for: 1m") && text.contains("{{ $labels.instance }} is down"), "{text}");
    let again = house.call("monitor.rule.import", json!({"name": "web.yml", "text": text}));
    assert_eq!((&again["added"], &again["kept"], &again["removed"]), (&json!(0), &json!(2), &json!(0)));
    assert_eq!(house.call("monitor.rule.list", json!({}))["items"][0]["id"], json!(id), "it goes on under its number");
    house.call("monitor.rule.update", json!({"id": id, "for": "20s"}));
    house.call("monitor.rule.import", json!({"name": "web.yml", "text": FILE}));
    assert_eq!(export()["text"], json!(FILE));
    let tests = "rule_files: [web.yml]\ntests:\n- input_series: [{series: 'up{job=\"a\"}', values: '0 0'}]\n  alert_rule_test:\n  - eval_time: 1m\n    alertname: Down\n    exp_alerts: [{exp_labels: {job: a, severity: page}, exp_annotations: {summary: ' is down'}}]\n  promql_expr_test:\n  - {expr: 'job:up:sum', eval_time: 0, exp_samples: [{labels: 'job:up:sum{job=\"a\"}', value: 0}]}\n";
    let tested = house.call("monitor.rule.test", json!({"tests": tests}));
    assert_eq!(tested, json!({"ok": true, "passed": 2, "failures": []}));
    let wrong =
        house.refused("monitor.rule.import", json!({"name": "x.yml", "text": FILE.replace("up == 0", "up ==")}));
    assert!(wrong.field.as_deref() == Some("text") && wrong.message.contains("line 9"), "{wrong}");
}

#[test]
fn recorded_series_are_there_for_questions_and_end_when_their_source_does() {
    let house = House::new();
    house.call("monitor.rule.import", json!({"name": "web.yml", "text": FILE}));
    house.play(20, &[("up", json!({"job": "a", "instance": "i"}), 1.0)]);
    let ask =
        |query: &str| house.call("monitor.metrics.query", json!({"query": query}))["series"].as_array().unwrap().len();
    assert_eq!(ask("job:up:sum{job=\"a\"} == 1"), 1);
    house.play(320, &[]);
    assert_eq!(ask("job:up:sum"), 0, "it is stale with the series it is made of");
    house.play(40, &[("up", json!({"job": "a", "instance": "i"}), 0.0)]);
    assert_eq!(ask("ALERTS{alertname=\"Down\", alertstate=\"firing\", severity=\"page\"}"), 1);
}

#[test]
fn a_restart_goes_on_where_it_stood() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::fake(kernel::world::START);
    let name = format!("mainstay_monitor_rules_{}", std::process::id());
    let turn = |kernel: &Handle, seconds: i64| {
        for _ in 0..seconds / 5 {
            let samples = json!([{"metric": "load", "labels": {"instance": "web-01"}, "value": 95.0}]);
            call(kernel, "monitor.metrics.write", json!({"samples": samples}));
            clock.advance(5 * SECOND);
            monitor::tick(kernel).unwrap();
            monitor::evaluate_rules(kernel).unwrap();
        }
    };
    let alert =
        |kernel: &Handle, rule: i64| call(kernel, "monitor.rule.show", json!({"id": rule}))["alerts"][0].clone();
    let kernel = open(folder.path(), &clock, &name);
    let input = json!({"name": "High", "expr": "load > 90", "for": "60s", "interval": "10s"});
    let rule = call(&kernel, "monitor.rule.create", input)["id"].as_i64().unwrap();
    turn(&kernel, 30);
    let before = alert(&kernel, rule);
    assert_eq!(before["state"], "pending");
    kernel.shut_down();
    // The store of series is open once at a time.
    drop(kernel);
    let kernel = open(folder.path(), &clock, &name);
    assert_eq!(alert(&kernel, rule)["value"], "95", "what it said last is known before the first evaluation");
    turn(&kernel, 50);
    let after = alert(&kernel, rule);
    assert_eq!((&after["active_at"], &after["check"]), (&before["active_at"], &before["check"]));
    assert_eq!(after["state"], "firing", "the time before the restart counts");
    kernel.shut_down();
}

#[test]
fn too_many_alerts_of_a_rule_are_refused_and_the_label_is_named() {
    let house = House::new();
    let rule = house.rule(json!({"expr": "load > 0"}));
    for part in 0..2 {
        let samples: Vec<Value> = (0..600)
            .map(|n| json!({"metric": "load", "labels": {"pod": format!("pod-{part}-{n}")}, "value": 1.0}))
            .collect();
        house.call("monitor.metrics.write", json!({"samples": samples}));
    }
    house.play(12, &[]);
    let standing = house.call("monitor.rule.show", json!({"id": rule}))["rule"]["standing"].clone();
    assert_eq!(standing["health"], "err");
    let why = standing["error"].as_str().unwrap();
    assert!(why.contains("limit of 1000 with 1200 alerts") && why.contains("\"pod\" has 1200 values"), "{why}");
    assert!(house.groups("open").is_empty());
}

#[test]
fn a_paused_rule_is_not_evaluated_and_a_deleted_one_takes_its_alerts_with_it() {
    let house = House::new();
    let rule = house.rule(json!({}));
    house.play(20, &load(95.0));
    let check = house.alerts_of(rule)[0]["check"].as_i64().unwrap();
    house.call("monitor.rule.pause", json!({"id": rule}));
    house.play(60, &load(50.0));
    assert_eq!((house.state(check).as_str(), house.groups("open").len()), ("firing", 1), "pausing closes nothing");
    house.call("monitor.rule.resume", json!({"id": rule}));
    house.play(20, &load(95.0));
    house.call("monitor.rule.delete", json!({"id": rule}));
    monitor::clean_rules(house.kernel()).unwrap();
    house.play(5, &[]);
    assert!(house.groups("open").is_empty());
    assert!(house.refused("monitor.check.show", json!({"id": check})).message.contains("was not found"));
}

#[test]
fn a_preview_says_when_it_would_have_fired() {
    let house = House::new();
    house.play(600, &load(50.0));
    house.play(600, &load(95.0));
    house.play(600, &load(50.0));
    let seen = house.call("monitor.rule.preview", json!({"expr": "load > 90", "for": "2m", "hours": 1}));
    assert_eq!((&seen["series_count"], &seen["firing_now"]), (&json!(1), &json!(0)));
    let fired = seen["fired"].as_array().unwrap();
    assert_eq!(fired.len(), 1, "{seen}");
    let minutes = (fired[0]["to"].as_i64().unwrap() - fired[0]["from"].as_i64().unwrap()) / 60_000;
    assert!((6..=9).contains(&minutes), "{minutes}");
    assert_eq!(seen["series"][1]["name"], "Fires > 90");
    assert_eq!(seen["bands"].as_array().unwrap().len(), 1);
    let wrong = house.refused("monitor.rule.preview", json!({"expr": "load >"}));
    assert!(wrong.field.as_deref() == Some("expr") && wrong.message.starts_with("1:7: parse error"), "{wrong}");
}

#[test]
fn what_does_not_fit_is_refused_at_its_field() {
    let house = House::new();
    for (input, field) in [
        (json!({"name": "A"}), "expr"),
        (json!({"name": "A", "expr": "up ==", }), "expr"),
        (json!({"name": "A", "metric": "up"}), "threshold"),
        (json!({"name": "A", "metric": "up", "expr": "up", "threshold": 1}), "expr"),
        (json!({"name": "", "expr": "up"}), "name"),
        (json!({"name": "a b", "makes": "record", "expr": "up"}), "name"),
        (json!({"name": "A", "expr": "up", "for": "soon"}), "for"),
        (json!({"name": "A", "expr": "up", "fire_n": 3, "fire_m": 2}), "fire_n"),
        (json!({"name": "A", "expr": "up", "clear": "up <"}), "clear"),
        (json!({"name": "A", "expr": "up", "annotations": {"summary": "{{ nope }}"}}), "annotations"),
        (json!({"name": "A", "expr": "up", "labels": {"a-b": "c"}}), "labels"),
        (json!({"name": "A", "expr": "up", "team": 99}), "team"),
        (json!({"name": "A", "expr": "up", "asset": 99}), "asset"),
        (json!({"name": "A", "expr": "up", "interval": "1ms"}), "interval"),
    ] {
        let error = house.refused("monitor.rule.create", input.clone());
        assert_eq!(error.field.as_deref(), Some(field), "{input}: {error}");
    }
}
