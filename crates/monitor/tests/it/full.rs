//! A disk that is nearly full: samples wait, everything else goes on.

use agent_proto::{FromAgent, Samples, SeriesName};
use serde_json::{Value, json};

use crate::exporter::Exporter;
use crate::house::{House, message};
use crate::scrapes::{job, value};

const MIB: u64 = 1 << 20;
/// Ticks after which what was found is grouped and told.
const SETTLED: usize = 8;

fn tick(house: &House, free: u64) {
    house.world.clock.advance(15 * kernel::time::SECOND);
    monitor::tick_with_room(house.kernel(), Some(free)).unwrap();
    monitor::evaluate_rules(house.kernel()).unwrap();
    monitor::scrape::pass(house.kernel()).unwrap();
    house.world.settle().unwrap();
}

const FULL: &str = "Samples are not stored: the server's disk is nearly full";

/// The groups about the disk. (Nothing settles here: that would look at the real disk.)
fn groups(house: &House, state: &str) -> Vec<Value> {
    let mut all = house.call("monitor.group.list", json!({"state": state}))["items"].as_array().unwrap().clone();
    all.retain(|group| group["title"] == FULL);
    all
}

#[test]
fn a_full_disk_stops_ingest_with_one_alert_and_checks_and_questions_go_on() {
    let house = House::new();
    let exporter = Exporter::page("load 1\n");
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    job(&house, "node", json!({ "targets": [exporter.address] }));
    let name = SeriesName { name: "node_load1".into(), labels: Vec::new() };
    message(house.kernel(), "series", web, &FromAgent::Series { register: vec![(1, name)] }).unwrap();
    let rule = house.rule(json!({"expr": "room_celsius > 30", "for": "60s", "severity": "critical"}));
    house.call("monitor.metrics.write", json!({"samples": [{"metric": "room_celsius", "value": 41.0}]}));
    let push = || json!({"samples": [{"metric": "backup_size_bytes", "value": 1.0}]});
    let sample = |at_ms| message(house.kernel(), "samples", web, &Samples { at_ms, values: vec![(1, 0.5)] });
    tick(&house, 4_096 * MIB);
    house.call("monitor.metrics.write", push());
    assert_eq!(value(&house, "load"), Some(1.0));
    let scraped = exporter.requests().len();

    tick(&house, 100 * MIB);
    tick(&house, 300 * MIB);
    assert_ne!(house.alerts_of(rule).first().map(|alert| alert["state"].clone()), Some(json!("firing")));
    assert_eq!(house.refused("monitor.metrics.write", push()).kind, kernel::ErrorKind::Unavailable);
    let refused = sample(house.kernel().now().millis()).unwrap_err();
    assert_eq!(refused.kind, kernel::ErrorKind::Unavailable, "the agent sends them again");
    assert_eq!(exporter.requests().len(), scraped, "nothing is scraped");
    assert_eq!(value(&house, "load"), Some(1.0), "questions are answered");
    for _ in 0..3 {
        tick(&house, 100 * MIB);
        house.send(web, vec![house.result(check, agent_proto::CheckState::Fail)]).unwrap();
        tick(&house, 100 * MIB);
    }
    assert_eq!(house.state(check), "firing", "checks are judged and alerts go out");
    assert_eq!(house.alerts_of(rule)[0]["state"], "firing", "rules are evaluated on what is there");
    let still_full = || (0..SETTLED).for_each(|_| tick(&house, 300 * MIB));
    still_full();
    let open = groups(&house, "open");
    assert_eq!((open.len(), groups(&house, "recovered").len()), (1, 0), "one alert until there is room: {open:?}");
    let entries = house.needs().iter().filter(|title| *title == FULL).count();
    assert_eq!(entries, 1, "{:?}", house.needs());
    let group = &open[0];
    assert_eq!((&group["severity"], &group["labels"]["check_kind"]), (&json!("critical"), &json!("own")));
    assert_eq!((&group["announced"], &group["silenced"]), (&json!(true), &json!(false)));
    assert_eq!(house.kernel().doubts(), [format!("{FULL}.")], "the dead-man's switch is not called");
    let own = group["check"].as_i64().unwrap();
    house.call("monitor.check.delete", json!({"id": own}));
    still_full();
    assert!(house.needs().contains(&FULL.to_owned()), "it is an alert again when its check was taken away");

    (0..SETTLED).for_each(|_| tick(&house, 600 * MIB));
    assert!(!house.needs().contains(&FULL.to_owned()), "{:?}", house.needs());
    assert_eq!(groups(&house, "open").len(), 0);
    assert_eq!(groups(&house, "recovered")[0]["proven"], true);
    assert_eq!(house.kernel().doubts(), Vec::<String>::new());
    house.call("monitor.metrics.write", push());
    sample(house.kernel().now().millis()).unwrap();
    tick(&house, 600 * MIB);
    assert!(exporter.requests().len() > scraped);
}
