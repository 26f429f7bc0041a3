//! Maintenance windows: nobody is told while they last, and what is bad is told when they end.

use kernel::{Actor, Event, Ref};
use serde::Serialize;
use serde_json::{Value, json};

use crate::house::House;

/// The wall time so many minutes from now, in UTC.
fn wall(house: &House, minutes: i64) -> String {
    let at = house.kernel().now().plus(minutes * kernel::time::MINUTE);
    at.timestamp().strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

fn plan(house: &House, input: Value) -> i64 {
    house.call("monitor.maintenance.create", input)["id"].as_i64().unwrap()
}

fn announced(house: &House) -> Vec<bool> {
    house.groups("open").iter().map(|group| group["announced"].as_bool().unwrap()).collect()
}

#[test]
fn lesson_09_maintenance_is_a_window_with_a_scope_a_recurrence_and_a_check_after_it() {
    let house = House::new();
    let (host, vm, other) = (house.asset("host-01"), house.asset("vm-01"), house.asset("db-01"));
    house.link(vm, "runs_on", host);
    let start = wall(&house, 1);
    let input = json!({"name": "Patch night", "asset": host, "spread": "dependents", "first_start": start, "minutes": 5,
        "rrule": "FREQ=DAILY"});
    let window = plan(&house, input);
    house.wait(61);
    let (service, database) = (house.check(vm, "Service"), house.check(other, "Database"));
    house.report(vm, service, "bb");
    house.settle();
    house.wait(60);
    house.report(other, database, "bb");
    house.settle();
    assert_eq!(announced(&house), [true, false], "the other machine is told, what stands on the host is not");
    assert_eq!(house.show(service)["check"]["open"], true, "checks go on and everything is recorded");
    house.wait(300);
    assert_eq!(announced(&house), [true, true], "what is bad when it ends is told");
    let ended = house.events("maintenance", window, "monitor.maintenance.ended");
    assert_eq!(ended[0].fields::<Value>().unwrap()["bad"], json!(["Service"]));
    assert_eq!(house.events("maintenance", window, "monitor.maintenance.started").len(), 1);
    let shown = &house.call("monitor.maintenance.list", json!({}))["items"][0];
    assert!(shown["active_since"].is_null() && shown["over_at"].is_null(), "it comes again: {shown}");
}

#[derive(Serialize)]
struct Closed {
    ticket: Ref,
}

impl Event for Closed {
    const NAME: &'static str = "desk.ticket.closed";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.ticket.clone()]
    }
    fn title(&self) -> String {
        "Closed".into()
    }
    fn sample() -> Self {
        Self { ticket: Ref::new("ticket", 1) }
    }
}

#[test]
fn a_window_until_a_change_is_closed_ends_with_it() {
    let house = House::new();
    let web = house.asset("web-01");
    let refused = house.refused("monitor.maintenance.create", json!({"name": "Move", "asset": web, "until_ticket": 7}));
    assert_eq!(refused.field.as_deref(), Some("until_ticket"), "there is no such ticket here");
    // The desk is not part of this house, so its ticket is written into the row.
    let window = plan(&house, json!({"name": "Move", "asset": web, "minutes": 600}));
    house.until_ticket(window, 7);
    let check = house.check(web, "Web server runs");
    house.report(web, check, "bb");
    house.wait(15);
    assert_eq!(announced(&house), [false]);
    let close = |cx: &mut kernel::Cx| cx.emit(&Closed { ticket: Ref::new("ticket", 7) });
    house.kernel().write_as(Actor::service("desk", &["*"]), "test.desk", close).unwrap();
    house.wait(1);
    house.wait(10);
    assert_eq!(announced(&house), [true]);
    let ended = house.call("monitor.maintenance.list", json!({"over": true}));
    assert_eq!(ended["items"][0]["ended_by"], "ticket:7");
}

#[test]
fn windows_of_places_teams_and_labels_fit_all_that_is_given() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    plan(&house, json!({"name": "Only warnings", "asset": web, "labels": {"severity": "warning"}, "minutes": 60}));
    house.report(web, check, "bb");
    house.wait(15);
    assert_eq!(announced(&house), [true], "a critical alert is not covered");
    let other = house.asset("web-02");
    let second = house.check(other, "Web server runs");
    plan(&house, json!({"name": "By name", "labels": {"alertname": "Web server runs"}, "minutes": 60}));
    house.report(other, second, "bb");
    house.wait(15);
    assert_eq!(announced(&house), [false, true]);
}

#[test]
fn windows_say_what_is_wrong_with_them() {
    let house = House::new();
    let web = house.asset("web-01");
    let past = wall(&house, -600);
    for (input, field) in [
        (json!({"name": "x", "minutes": 60}), "asset"),
        (json!({"name": "", "asset": web, "minutes": 60}), "name"),
        (json!({"name": "x", "asset": web}), "minutes"),
        (json!({"name": "x", "asset": web, "minutes": 20_000}), "minutes"),
        (json!({"name": "x", "asset": 999, "minutes": 60}), "asset"),
        (json!({"name": "x", "asset": web, "minutes": 60, "first_start": "soon"}), "first_start"),
        (json!({"name": "x", "asset": web, "minutes": 60, "first_start": past}), "first_start"),
        (json!({"name": "x", "asset": web, "minutes": 60, "time_zone": "Mars/Base"}), "time_zone"),
        (json!({"name": "x", "asset": web, "minutes": 60, "rrule": "FREQ=HOURLY"}), "rrule"),
        (json!({"name": "x", "asset": web, "rrule": "FREQ=DAILY", "until_ticket": 3}), "rrule"),
        (json!({"name": "x", "asset": web, "minutes": 60, "labels": {"a-b": "c"}}), "labels"),
        (json!({"name": "x", "team": 77, "minutes": 60}), "team"),
        (json!({"name": "x", "place": 77, "minutes": 60}), "place"),
    ] {
        let error = house.refused("monitor.maintenance.create", input.clone());
        assert_eq!(error.field.as_deref(), Some(field), "{input} {error}");
    }
    let window = plan(&house, json!({"name": "x", "asset": web, "minutes": 60}));
    house.call("monitor.maintenance.end", json!({"id": window}));
    let again = house.refused("monitor.maintenance.end", json!({"id": window}));
    assert_eq!(again.kind, kernel::ErrorKind::Conflict);
    let preview = json!({"first_start": "2026-03-17T22:00", "minutes": 60, "rrule": "FREQ=MONTHLY;BYDAY=3TU",
        "from": "2026-03-01T00:00:00Z", "to": "2026-06-01T00:00:00Z"});
    let occurrences = house.call("monitor.maintenance.preview", preview);
    assert_eq!(occurrences["items"].as_array().unwrap().len(), 3);
}

/// Calls an operation and answers the number under which it can be undone.
fn done(house: &House, operation: &str, input: Value) -> i64 {
    house.world.answer(&house.admin, operation, input).unwrap().audit.unwrap()
}

fn shown(house: &House, window: i64) -> Value {
    let all = house.call("monitor.maintenance.list", json!({"over": true}));
    all["items"].as_array().unwrap().iter().find(|one| one["id"].as_i64() == Some(window)).unwrap().clone()
}

#[test]
fn a_window_is_changed_told_and_put_back() {
    let house = House::new();
    let web = house.asset("web-01");
    let start = wall(&house, 60);
    let window = plan(
        &house,
        json!({"name": "Patch", "asset": web, "first_start": start, "minutes": 60, "rrule": "FREQ=DAILY"}),
    );
    let version = shown(&house, window)["version"].clone();
    let change = json!({"id": window, "name": "Firmware", "minutes": 90, "rrule": null, "expected_version": version});
    let undo = done(&house, "monitor.maintenance.update", change.clone());
    let now = shown(&house, window);
    assert_eq!(
        (now["name"].as_str(), now["minutes"].as_i64(), now["rrule"].as_str()),
        (Some("Firmware"), Some(90), Some(""))
    );
    assert!(now["over_at"].is_string(), "it does not come again, so its end is known: {now}");
    assert_eq!(now["first_start"].as_str(), Some(start.as_str()), "what was left out stays");
    assert_eq!(house.events("maintenance", window, "monitor.maintenance.changed").len(), 1);
    assert_eq!(
        house.refused("monitor.maintenance.update", change).kind,
        kernel::ErrorKind::Conflict,
        "an older version"
    );
    house.call("kernel.audit.undo", json!({"id": undo}));
    let back = shown(&house, window);
    assert_eq!(
        (back["name"].as_str(), back["minutes"].as_i64(), back["rrule"].as_str()),
        (Some("Patch"), Some(60), Some("FREQ=DAILY"))
    );
    assert!(back["over_at"].is_null());
    for (input, field) in [
        (json!({"id": window, "minutes": 0}), "minutes"),
        (json!({"id": window, "until_ticket": 3}), "rrule"),
        (json!({"id": window, "asset": null}), "asset"),
        (json!({"id": window, "name": " "}), "name"),
        (json!({"id": window, "time_zone": "Mars/Base"}), "time_zone"),
    ] {
        let error = house.refused("monitor.maintenance.update", input.clone());
        assert_eq!(error.field.as_deref(), Some(field), "{input} {error}");
    }
}

#[test]
fn what_a_change_takes_out_of_a_window_is_told_and_ending_one_can_be_undone() {
    let house = House::new();
    let (web, other) = (house.asset("web-01"), house.asset("web-02"));
    let window = plan(&house, json!({"name": "Patch", "asset": web, "minutes": 60}));
    let check = house.check(web, "Web server runs");
    house.report(web, check, "bb");
    house.wait(15);
    assert_eq!(announced(&house), [false]);
    let ended = done(&house, "monitor.maintenance.end", json!({"id": window}));
    house.call("kernel.audit.undo", json!({"id": ended}));
    assert!(shown(&house, window)["ended_by"].is_null());
    house.wait(15);
    assert_eq!(announced(&house), [false], "the end was taken back before anybody was told");
    house.call("monitor.maintenance.update", json!({"id": window, "asset": other}));
    house.wait(15);
    assert_eq!(announced(&house), [true], "it covers another machine now");
    house.call("monitor.maintenance.end", json!({"id": window}));
    let over = house.refused("monitor.maintenance.update", json!({"id": window, "minutes": 90}));
    assert_eq!(over.kind, kernel::ErrorKind::Conflict);
    let planned = done(&house, "monitor.maintenance.create", json!({"name": "Move", "asset": web, "minutes": 30}));
    house.call("kernel.audit.undo", json!({"id": planned}));
    assert!(
        house.call("monitor.maintenance.list", json!({}))["items"].as_array().unwrap().is_empty(),
        "planned by mistake"
    );
}

#[test]
fn figures_show_when_maintenance_covered_what_they_show() {
    let house = House::new();
    let (host, vm, other) = (house.asset("host-01"), house.asset("vm-01"), house.asset("db-01"));
    house.link(vm, "runs_on", host);
    plan(&house, json!({"name": "Patch night", "asset": host, "spread": "dependents", "minutes": 5}));
    let (service, database) = (house.check(vm, "Service"), house.check(other, "Database"));
    house.wait(400);
    let bands = |input: Value, operation: &str| -> Vec<String> {
        let chart = house.call(operation, input);
        chart["bands"].as_array().unwrap().iter().map(|band| band["title"].as_str().unwrap().to_owned()).collect()
    };
    let of = |check: i64| bands(json!({"id": check}), "monitor.chart.check");
    assert_eq!(of(service), ["Maintenance: Patch night"]);
    assert!(of(database).is_empty());
    assert_eq!(bands(json!({"asset": vm, "panel": "cpu"}), "monitor.chart.read"), ["Maintenance: Patch night"]);
    let shown = crate::pages::page(&house, "/monitoring/maintenance", None, &[("days", "7"), ("change", "1")]);
    assert!(
        shown.contains("Change: Patch night")
            && shown.contains("monitor.maintenance.update")
            && shown.contains("Calendar")
    );
}
