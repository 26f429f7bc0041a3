//! Groups: one per cause.

use agent_proto::CheckState;
use serde_json::json;

use crate::house::House;

#[test]
fn children_of_a_failing_parent_join_its_group() {
    let house = House::new();
    let switch = house.thing("sw-01", "switch");
    let (host, vm) = (house.thing("host-01", "server"), house.thing("vm-01", "virtual_machine"));
    house.link(host, "connected_to", switch);
    house.link(vm, "runs_on", host);
    let probe = house.asset("probe-01");
    let ping = |asset: i64, name: &str| {
        let input = json!({"name": name, "asset": asset, "vantage": probe, "kind": "icmp", "host": "10.0.0.1"});
        house.call("monitor.check.create", input)["id"].as_i64().unwrap()
    };
    let up = ping(switch, "Switch answers");
    let children: Vec<i64> = (0..3).map(|n| ping(vm, &format!("Address {n}"))).collect();
    let all = |states: &[CheckState]| {
        for state in states {
            house.wait(10);
            house.send(probe, vec![house.result(up, *state)]).unwrap();
            house.send(probe, children.iter().map(|check| house.result(*check, *state)).collect()).unwrap();
        }
    };
    all(&[CheckState::Ok, CheckState::Fail, CheckState::Fail]);
    let groups = house.groups("open");
    assert_eq!(groups.len(), 1);
    let group = groups[0]["id"].as_i64().unwrap();
    assert_eq!(groups[0]["open_alerts"], 4);
    assert_eq!(groups[0]["asset"].as_i64(), Some(switch));
    let opened = house.events("alert_group", group, "monitor.group.opened");
    assert_eq!(opened.len(), 1, "told once");
    let own: serde_json::Value = opened[0].fields().unwrap();
    assert_eq!(own["own"], json!([]), "what follows from the switch is told with it, and to nobody else");
    assert_eq!(house.needs().len(), 1);
    house.report(probe, up, "gg");
    assert_eq!(house.groups("open").len(), 1, "children are still out");
    for check in &children {
        house.report(probe, *check, "gg");
    }
    house.wait(300);
    assert!(house.groups("open").is_empty());
    assert_eq!(house.events("alert_group", group, "monitor.group.recovered").len(), 1, "one recovery");
}

#[test]
fn alerts_that_do_not_follow_from_a_cause_elsewhere_are_told_for_themselves() {
    let house = House::new();
    let web = house.asset("pay-01");
    let names = [("Disk has room", "disk"), ("Payments run", "payment"), ("Queue moves", "queue")];
    let [disk, payment, queue] = names.map(|(name, service)| {
        let labels = json!([format!("service={service}")]);
        let input = json!({ "name": name, "asset": web, "kind": "process", "process": "nginx", "labels": labels });
        house.call("monitor.check.create", input)["id"].as_i64().unwrap()
    });
    let fail = |checks: &[i64]| {
        for state in [CheckState::Ok, CheckState::Fail, CheckState::Fail] {
            house.wait(10);
            house.send(web, checks.iter().map(|check| house.result(*check, state)).collect()).unwrap();
        }
        house.wait(15);
    };
    let own = |event: &kernel::StoredEvent| {
        let fields: serde_json::Value = event.fields().unwrap();
        let services = fields["own"].as_array().unwrap().iter().map(|one| one["labels"]["service"].clone());
        services.map(|service| service.as_str().unwrap().to_owned()).collect::<Vec<String>>()
    };
    fail(&[disk, payment]);
    let groups = house.groups("open");
    assert_eq!(groups.len(), 1);
    let group = groups[0]["id"].as_i64().unwrap();
    let opened = house.events("alert_group", group, "monitor.group.opened");
    let lead = groups[0]["labels"]["service"].as_str().unwrap();
    assert_eq!(own(&opened[0]), [if lead == "disk" { "payment" } else { "disk" }], "beside the one that leads");
    fail(&[queue]);
    let joined = house.events("alert_group", group, "monitor.group.changed");
    assert_eq!(joined.iter().map(own).collect::<Vec<_>>().concat(), ["queue"]);
}

#[test]
fn a_group_whose_checks_were_deleted_does_not_come_back_for_another_fault_of_the_same_machine() {
    let house = House::new();
    let web = house.asset("web-01");
    let (disk, service) = (house.check(web, "Disk has room"), house.check(web, "Web server runs"));
    house.report(web, disk, "bb");
    let first = house.groups("open")[0]["id"].as_i64().unwrap();
    house.call("monitor.check.delete", json!({ "id": disk }));
    house.wait(60);
    assert!(house.groups("open").is_empty());
    house.report(web, service, "gbb");
    let open = house.groups("open");
    assert_eq!(open.len(), 1);
    assert_ne!(open[0]["id"].as_i64().unwrap(), first, "{open:?}");
    assert!(house.events("alert_group", first, "monitor.group.reopened").is_empty());
}

#[test]
fn a_circle_of_relations_is_no_trouble() {
    let house = House::new();
    let (a, b) = (house.asset("a"), house.asset("b"));
    house.link(a, "depends_on", b);
    house.link(b, "depends_on", a);
    for asset in [a, b] {
        let check = house.check(asset, "Service");
        house.report(asset, check, "bb");
    }
    assert_eq!(house.groups("open").len(), 1);
}

#[test]
fn severity_of_a_group_is_the_most_of_its_alerts() {
    let house = House::new();
    let web = house.asset("web-01");
    let input = json!({"name": "Disk", "asset": web, "kind": "file_system", "mount": "/", "severity": "warning"});
    let disk = house.call("monitor.check.create", input)["id"].as_i64().unwrap();
    house.report(web, disk, "bb");
    assert_eq!(house.groups("open")[0]["severity"], "warning");
    let check = house.check(web, "Web server runs");
    house.report(web, check, "bb");
    assert_eq!(house.groups("open")[0]["severity"], "critical");
}

#[test]
fn acknowledging_names_who_is_on_it_and_can_be_taken_back() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    house.report(web, check, "bb");
    house.settle();
    let group = house.groups("open")[0]["id"].as_i64().unwrap();
    let answer = house.world.answer(&house.admin, "monitor.group.acknowledge", json!({"id": group})).unwrap();
    assert_eq!(answer.output["acknowledged_by"], "ada");
    let other = kernel::Actor::os("grace");
    let refused = house.world.call(&other, "monitor.group.acknowledge", json!({"id": group})).unwrap_err();
    house.call("kernel.audit.undo", json!({"id": answer.audit}));
    assert!(house.groups("open")[0]["acknowledged_by"].is_null());
    house.call("monitor.group.acknowledge", json!({"id": group}));
    assert!(refused.message.contains("ada") && refused.message.contains("take_over"), "{refused}");
    let over = json!({"id": group, "take_over": true});
    let taken = house.world.answer(&other, "monitor.group.acknowledge", over).unwrap();
    assert_eq!(taken.output["acknowledged_by"], "grace");
    house.call("kernel.audit.undo", json!({"id": taken.audit}));
    assert_eq!(house.groups("open")[0]["acknowledged_by"], "ada", "who was on it before");
    house.call("monitor.group.acknowledge", json!({"id": group}));
    let said = house.events("alert_group", group, "monitor.group.changed");
    let said: Vec<&str> = said.iter().map(|event| event.title.as_str()).collect();
    assert_eq!(said[2..], ["ada is on it", "grace is on it instead of ada", "ada is on it instead of grace"]);
    house.report(web, check, "gg");
    house.settle();
    let refused = house.refused("monitor.group.acknowledge", json!({"id": group}));
    assert_eq!(refused.kind, kernel::ErrorKind::Conflict);
}

#[test]
fn deleting_the_check_ends_its_group_without_proof() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    house.report(web, check, "bb");
    house.settle();
    house.call("monitor.check.delete", json!({"id": check}));
    let groups = house.groups("recovered");
    assert_eq!(groups[0]["proven"], false);
    assert!(groups[0]["recovery"][0].as_str().unwrap().contains("deleted by ada"));
    assert!(house.needs().is_empty());
    house.report(web, check, "bb");
    assert!(house.groups("open").is_empty(), "nobody looks any more");
}

#[test]
fn a_paused_check_keeps_its_alert_for_nothing_is_known() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    house.report(web, check, "bb");
    house.call("monitor.check.pause", json!({"id": check}));
    house.wait(120);
    assert_eq!(house.groups("open").len(), 1);
    house.call("monitor.check.resume", json!({"id": check}));
    house.report(web, check, "gg");
    assert!(house.groups("open").is_empty());
}

#[test]
fn a_retired_asset_is_no_longer_looked_at() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    house.report(web, check, "bb");
    house.settle();
    house.call("assets.thing.retire", json!({"id": web, "reason": "Replaced"}));
    house.world.settle().unwrap();
    assert_eq!(house.show(check)["check"]["paused"], true);
    assert_eq!(house.groups("recovered")[0]["proven"], false);
}

#[test]
fn a_change_of_a_check_can_be_undone_and_found() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    let answer =
        house.world.answer(&house.admin, "monitor.check.update", json!({"id": check, "name": "Front door"})).unwrap();
    let find = |text: &str| house.kernel().read_as(&house.admin, |cx| cx.search(text, &["check"], 10)).unwrap().len();
    assert_eq!((find("door"), find("server")), (1, 0));
    house.call("kernel.audit.undo", json!({"id": answer.audit}));
    assert_eq!(house.show(check)["check"]["name"], "Web server runs");
    house.call("monitor.check.delete", json!({"id": check}));
    assert_eq!(find("server"), 0);
}

#[test]
fn every_alert_of_a_retired_asset_ends_and_what_fails_when_it_is_used_again_is_told_again() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    let by_hand = house.check(web, "Paused by hand");
    let others: Vec<i64> = (0..100).map(|n| house.check(web, &format!("Other {n:03}"))).collect();
    house.report(web, by_hand, "bb");
    house.call("monitor.check.pause", json!({"id": by_hand}));
    house.report(web, check, "bb");
    house.call("assets.thing.retire", json!({"id": web, "reason": "Replaced"}));
    house.world.settle().unwrap();
    house.wait(1);
    assert!(house.groups("open").is_empty(), "nobody looks, so nothing is out");
    assert_eq!(house.show(others[99])["check"]["paused"], true, "the last page too");
    assert_eq!((house.state(check).as_str(), house.state(by_hand).as_str()), ("waiting", "waiting"));
    house.call("assets.thing.update", json!({"id": web, "status": "in_use"}));
    house.call("monitor.check.resume", json!({"id": check}));
    let generation = house.show(check)["check"]["generation"].as_i64().unwrap();
    for _ in 0..2 {
        house.wait(10);
        let mut result = house.result(check, agent_proto::CheckState::Fail);
        result.generation = u64::try_from(generation).unwrap().try_into().unwrap();
        house.send(web, vec![result]).unwrap();
    }
    assert_eq!((house.state(check).as_str(), house.groups("open").len()), ("firing", 1));
}

#[test]
fn what_changed_just_before_is_not_crowded_out_by_alerts_and_repairs() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    house.call("assets.thing.update", json!({"id": web, "notes": "New certificate"}));
    for _ in 0..25 {
        house.wait(1);
        house.repaired(web);
    }
    house.report(web, check, "bb");
    let before = house.groups("open")[0]["changed_before"].clone();
    let titles: Vec<&str> = before.as_array().unwrap().iter().map(|one| one["title"].as_str().unwrap()).collect();
    assert!(!titles.contains(&"Repaired"), "{titles:?}");
    assert!(titles.iter().any(|title| title.contains("web-01")), "{titles:?}");
}

#[test]
fn what_would_join_a_group_that_just_ended_opens_one_of_its_own() {
    let house = House::new();
    let (host, vm) = (house.asset("host-01"), house.asset("vm-01"));
    house.link(vm, "runs_on", host);
    let (host_runs, service) = (house.check(host, "Host runs"), house.check(vm, "Service runs"));
    house.report(host, host_runs, "bb");
    assert_eq!(house.groups("open").len(), 1);
    house.send(vm, vec![house.result(service, CheckState::Fail)]).unwrap();
    house.call("monitor.check.delete", json!({"id": host_runs}));
    assert_eq!(house.call("monitor.group.list", json!({"state": "open"}))["count"], 0);
    // The cause engine has not let go of that group yet.
    house.wait(2);
    house.send(vm, vec![house.result(service, CheckState::Fail)]).unwrap();
    assert_eq!(house.state(service), "firing");
    house.wait(30);
    let open = house.groups("open");
    assert_eq!((open.len(), open[0]["check"].as_i64()), (1, Some(service)), "{open:?}");
    assert_eq!(house.show(service)["check"]["group"], open[0]["id"]);
}
