//! Before people are told of an alert, what its asset stands on is looked at again.

use agent_proto::CheckState;
use serde_json::json;

use crate::house::House;

/// A machine on a host, each with a check that was good a moment ago.
struct Rack {
    house: House,
    host: i64,
    host_runs: i64,
    vm: i64,
    service: i64,
}

impl Rack {
    fn new(interval_s: i64) -> Self {
        let house = House::new();
        let (host, vm) = (house.asset("host-01"), house.asset("vm-01"));
        house.link(vm, "runs_on", host);
        let input =
            json!({"name": "Host runs", "asset": host, "kind": "process", "process": "init", "interval_s": interval_s});
        let host_runs = house.call("monitor.check.create", input)["id"].as_i64().unwrap();
        let service = house.check(vm, "Service");
        house.wait(1);
        let rack = Self { house, host, host_runs, vm, service };
        rack.host_says(CheckState::Ok);
        rack
    }

    fn host_says(&self, state: CheckState) {
        self.house.send(self.host, vec![self.house.result(self.host_runs, state)]).unwrap();
    }

    fn vm_says(&self, state: CheckState) {
        self.house.send(self.vm, vec![self.house.result(self.service, state)]).unwrap();
    }

    /// The service fails twice within ten seconds, so that its alert is out.
    fn service_fails(&self) {
        self.vm_says(CheckState::Fail);
        self.house.wait(5);
        self.vm_says(CheckState::Fail);
        self.house.world.settle().unwrap();
        assert_eq!(self.house.state(self.service), "firing", "how it stands is known at once");
        assert!(self.house.groups("open").is_empty(), "nobody is told yet");
    }

    fn told(&self) -> Vec<String> {
        self.house.world.settle().unwrap();
        self.house.announced()
    }
}

#[test]
fn a_parent_that_is_down_too_takes_the_alert_before_anybody_is_told_of_the_child() {
    let rack = Rack::new(10);
    rack.house.wait(1);
    rack.host_says(CheckState::Fail);
    rack.service_fails();
    rack.house.wait(3);
    rack.host_says(CheckState::Fail);
    rack.house.wait(1);
    let open = rack.house.groups("open");
    assert_eq!((open.len(), open[0]["open_alerts"].as_i64()), (1, Some(2)));
    assert_eq!(open[0]["title"], "Host runs fails on host-01");
    assert_eq!(rack.house.groups("merged").len(), 0);
    assert_eq!(rack.told(), ["Alert: Host runs fails on host-01"]);
    assert_eq!(rack.house.events("asset", rack.vm, "monitor.alert.fired").len(), 1);
}

#[test]
fn a_parent_that_is_well_lets_the_child_be_told_with_its_newest_result() {
    let rack = Rack::new(10);
    rack.service_fails();
    rack.house.wait(3);
    assert!(rack.house.groups("open").is_empty());
    rack.host_says(CheckState::Ok);
    rack.house.wait(1);
    let open = rack.house.groups("open");
    assert_eq!((open.len(), open[0]["title"].as_str()), (1, Some("Service fails on vm-01")));
    let first = open[0]["evidence"][0].as_str().unwrap();
    assert_eq!(first, "Looked again at what it stands on: Host runs on host-01 is as it should be.");
    assert_eq!(rack.told(), ["Alert: Service fails on vm-01"]);
}

#[test]
fn nobody_waits_longer_than_one_interval_of_the_parent_and_never_longer_than_half_a_minute() {
    for (interval_s, waits) in [(10, 10), (20, 20), (600, 30)] {
        let rack = Rack::new(interval_s);
        rack.service_fails();
        rack.house.wait(waits - 1);
        assert!(rack.house.groups("open").is_empty(), "{interval_s}");
        rack.house.wait(1);
        let open = rack.house.groups("open");
        assert_eq!(open.len(), 1, "{interval_s}");
        assert!(open[0]["evidence"][0].as_str().unwrap().contains("no newer result of Host runs on host-01"));
    }
}

#[test]
fn an_alert_that_waits_is_told_also_when_its_check_is_paused_meanwhile() {
    let rack = Rack::new(600);
    rack.service_fails();
    rack.house.call("monitor.check.pause", json!({ "id": rack.service }));
    rack.house.wait(30);
    assert_eq!(rack.house.groups("open").len(), 1, "an alert that is out stays out");
}

#[test]
fn a_parent_that_failed_but_not_yet_for_long_is_waited_for_within_the_bound() {
    let rack = Rack::new(20);
    rack.service_fails();
    rack.house.wait(5);
    rack.host_says(CheckState::Fail);
    rack.house.wait(10);
    assert!(rack.house.groups("open").is_empty(), "one bad result of the host is no answer yet");
    rack.house.wait(5);
    assert_eq!(rack.house.groups("open")[0]["title"], "Service fails on vm-01");
    rack.host_says(CheckState::Fail);
    rack.house.wait(1);
    assert_eq!(rack.house.groups("open")[0]["title"], "Host runs fails on host-01", "the host's group takes it over");
    assert_eq!(rack.house.groups("open").len(), 1);
}

#[test]
fn what_recovers_while_it_waits_is_recorded_and_nobody_is_told() {
    let rack = Rack::new(600);
    rack.service_fails();
    for _ in 0..2 {
        rack.house.wait(5);
        rack.vm_says(CheckState::Ok);
    }
    rack.house.wait(25);
    assert_eq!(rack.house.state(rack.service), "ok");
    assert!(rack.house.groups("open").is_empty() && rack.house.groups("recovered").is_empty());
    assert!(rack.told().is_empty());
    for name in ["monitor.alert.fired", "monitor.alert.recovered"] {
        assert!(rack.house.events("asset", rack.vm, name).is_empty(), "{name}");
    }
    let alert = rack.house.show(rack.service)["check"]["alert"].clone();
    let history = rack.house.call("monitor.alert.show", json!({"id": alert}));
    let text = history.to_string();
    assert!(text.contains("\"fired\":true") && text.contains("\"cleared\":true"), "{text}");
}

#[test]
fn a_parent_that_is_paused_or_was_silent_before_is_not_waited_for() {
    for paused in [true, false] {
        let rack = Rack::new(10);
        if paused {
            rack.house.call("monitor.check.pause", json!({"id": rack.host_runs}));
        } else {
            rack.house.wait(61);
            assert_eq!(rack.house.state(rack.host_runs), "stale");
        }
        rack.vm_says(CheckState::Fail);
        rack.house.wait(5);
        rack.vm_says(CheckState::Fail);
        assert_eq!(rack.house.groups("open").len(), 1, "{paused}");
    }
}

#[test]
fn of_three_that_stand_on_each_other_the_lowest_is_told() {
    let rack = Rack::new(10);
    let switch = rack.house.asset("sw-01");
    rack.house.link(rack.host, "connected_to", switch);
    let answers = rack.house.check(switch, "Switch answers");
    rack.house.wait(1);
    let switch_says = |state| rack.house.send(switch, vec![rack.house.result(answers, state)]).unwrap();
    switch_says(CheckState::Ok);
    rack.host_says(CheckState::Fail);
    rack.service_fails();
    rack.house.wait(2);
    rack.host_says(CheckState::Fail);
    rack.house.wait(1);
    assert_eq!(rack.house.state(rack.host_runs), "firing");
    assert!(rack.house.groups("open").is_empty(), "the switch was not looked at again yet");
    switch_says(CheckState::Ok);
    rack.house.wait(1);
    let open = rack.house.groups("open");
    assert_eq!((open.len(), open[0]["title"].as_str()), (1, Some("Host runs fails on host-01")));
    assert_eq!(open[0]["open_alerts"], 2);
}
