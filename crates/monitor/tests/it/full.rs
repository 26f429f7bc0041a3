//! A disk that is nearly full: samples wait, everything else goes on.

use agent_proto::{FromAgent, Samples, SeriesName};
use serde_json::json;

use crate::exporter::Exporter;
use crate::house::{House, message};
use crate::scrapes::{job, value};

const MIB: u64 = 1 << 20;

fn tick(house: &House, free: u64) {
    house.world.clock.advance(15 * kernel::time::SECOND);
    monitor::tick_with_room(house.kernel(), Some(free)).unwrap();
    monitor::scrape::pass(house.kernel()).unwrap();
    house.world.settle().unwrap();
}

#[test]
fn a_full_disk_stops_ingest_with_one_entry_and_checks_and_questions_go_on() {
    let house = House::new();
    let exporter = Exporter::page("load 1\n");
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    job(&house, "node", json!({ "targets": [exporter.address] }));
    let name = SeriesName { name: "node_load1".into(), labels: Vec::new() };
    message(house.kernel(), "series", web, &FromAgent::Series { register: vec![(1, name)] }).unwrap();
    let push = || json!({"samples": [{"metric": "backup_size_bytes", "value": 1.0}]});
    let sample = |at_ms| message(house.kernel(), "samples", web, &Samples { at_ms, values: vec![(1, 0.5)] });
    tick(&house, 4_096 * MIB);
    house.call("monitor.metrics.write", push());
    assert_eq!(value(&house, "load"), Some(1.0));
    let scraped = exporter.requests().len();

    tick(&house, 100 * MIB);
    tick(&house, 300 * MIB);
    let full = "Samples are not stored: the disk is nearly full";
    let entries = house.needs().iter().filter(|title| *title == full).count();
    assert_eq!(entries, 1, "one entry, and it stays until there is room");
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

    tick(&house, 600 * MIB);
    assert!(!house.needs().contains(&full.to_owned()));
    house.call("monitor.metrics.write", push());
    sample(house.kernel().now().millis()).unwrap();
    tick(&house, 600 * MIB);
    assert!(exporter.requests().len() > scraped);
}
