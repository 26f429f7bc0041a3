//! Alerts of a group that are told for themselves: by their own labels and teams, once each, and over with the group.

use serde_json::{Value, json};

use crate::house::{House, counts, three};

fn alert(title: &str, more: Value) -> Value {
    let mut alert =
        json!({ "check": "check:4", "title": title, "severity": "critical", "labels": {}, "evidence": ["b is 0"] });
    for (name, field) in more.as_object().unwrap() {
        alert[name] = field.clone();
    }
    alert
}

fn joined(house: &House, own: Value) {
    let fields = json!({ "group": "alert_group:1", "change": "joined", "severity": "warning", "own": own });
    house.tell("monitor.group.changed", fields);
    house.world.settle().unwrap();
}

/// Disks go to channel one, payments to channel two, the rest to channel three.
fn routed(house: &House) {
    let (disks, payments) = (house.policy("0 channel:one", json!({})), house.policy("0 channel:two", json!({})));
    house.policy("0 channel:three", json!({}));
    for (name, policy) in [("Disk", disks), ("Payment", payments)] {
        let matchers = format!("alertname=\"{name}\"");
        house.call("paging.route.add", json!({ "name": name, "matchers": matchers, "policy": policy }));
    }
}

#[test]
fn an_alert_that_joins_goes_to_whom_its_own_labels_lead_and_its_people_hear_when_all_is_over() {
    let (house, all) = three();
    routed(&house);
    house.opened(1, json!({ "labels": { "alertname": "Disk" } }));
    assert_eq!(counts(&all), [1, 0, 0]);
    let payment = alert("Payment fails on pay01", json!({ "labels": { "alertname": "Payment" } }));
    joined(&house, json!([payment]));
    assert_eq!(counts(&all), [1, 1, 0]);
    assert_eq!(all[1].titles(), ["Alert: Payment fails on pay01"]);
    let body = all[1].got()[0].1.clone();
    assert!(body.contains("It belongs to the alert group") && body.contains("Fault 1"), "{body}");
    assert!(body.contains("b is 0") && !body.contains("it fails"), "what was seen of this alert: {body}");
    // The same again, and one that goes where somebody was told already: nobody hears twice.
    let disk = alert("Disk fails on pay01", json!({ "labels": { "alertname": "Disk" } }));
    joined(&house, json!([payment, disk]));
    assert_eq!(counts(&all), [1, 1, 0]);
    joined(&house, json!([alert("Door open", json!({}))]));
    assert_eq!(counts(&all), [1, 1, 1], "and what no route fits goes where such alerts go");
    house.recovered(1);
    assert_eq!(counts(&all), [2, 2, 2]);
    assert!(all[1].got()[1].1.contains("With it: Payment fails on pay01"), "{:?}", all[1].got());
}

#[test]
fn two_alerts_of_one_name_are_each_told_where_they_belong_and_what_is_back_is_told_again() {
    let (house, all) = three();
    let (soft, hard) =
        (house.policy("0 channel:one", json!({})), house.policy("0 channel:two\n1m channel:three", json!({})));
    house.call("paging.route.add", json!({ "name": "Critical", "severity": "critical", "policy": hard }));
    house.call("paging.route.add", json!({ "name": "All", "policy": soft }));
    let load = |severity: &str| alert("Fault 1", json!({ "severity": severity, "labels": { "level": severity } }));
    house.opened(1, json!({ "severity": "warning" }));
    joined(&house, json!([load("warning"), load("critical")]));
    assert_eq!(counts(&all), [1, 1, 0]);
    house.recovered(1);
    assert_eq!(counts(&all), [2, 2, 0]);
    house.reopened(1, json!({ "severity": "warning" }));
    let before = counts(&all);
    joined(&house, json!([load("critical")]));
    assert!(counts(&all)[1] > before[1], "{before:?} {:?}", counts(&all));
    house.pass(90);
    assert_eq!(counts(&all)[2], 1, "its steps begin anew: {:?}", counts(&all));
}

#[test]
fn alerts_that_fire_together_are_each_told_where_they_belong() {
    let (house, all) = three();
    routed(&house);
    let own = [alert("Payment fails", json!({ "labels": { "alertname": "Payment" } }))];
    house.opened(1, json!({ "labels": { "alertname": "Disk" }, "own": own }));
    assert_eq!(counts(&all), [1, 1, 0]);
    let told = house.call("paging.page.told", json!({ "group": 1 }));
    assert!(
        told["answer"].as_str().unwrap().contains("one") && told["answer"].as_str().unwrap().contains("two"),
        "{told}"
    );
    let explained = house.call("paging.page.explain", json!({ "group": 1, "person": house.user("ada") }));
    assert!(explained.to_string().contains("Of its own, \\\"Payment fails\\\": Route Payment leads"), "{explained}");
}

#[test]
fn what_joins_after_somebody_took_the_group_on_still_reaches_others_who_can_take_it_on_too() {
    let (house, all) = three();
    routed(&house);
    house.opened(1, json!({ "labels": { "alertname": "Disk" } }));
    house.acknowledged(1, &house.actor(house.user("ada")));
    joined(&house, json!([alert("Payment fails", json!({ "labels": { "alertname": "Payment" } }))]));
    assert_eq!(counts(&all), [1, 1, 0]);
    house.acknowledged(1, &house.actor(house.user("ada")));
    let pages = house.call("paging.page.list", json!({}));
    let states: Vec<&str> =
        pages["items"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["acknowledged", "acknowledged"]);
}

#[test]
fn what_joins_a_silenced_group_tells_nobody_until_the_group_is_told() {
    let (house, all) = three();
    routed(&house);
    house.opened(1, json!({ "labels": { "alertname": "Disk" }, "silenced": true }));
    joined(&house, json!([alert("Payment fails", json!({ "labels": { "alertname": "Payment" } }))]));
    assert_eq!(counts(&all), [0, 0, 0]);
    house.opened(1, json!({ "labels": { "alertname": "Disk" }, "again": true }));
    assert_eq!(counts(&all), [1, 1, 0]);
}

#[test]
fn one_policy_tells_the_team_of_the_group_and_that_of_an_alert_in_it() {
    let house = House::new();
    let team =
        house.call("people.team.create", json!({ "name": "Payments", "slug": "payments" }))["id"].as_i64().unwrap();
    let eve = house.person("eve");
    house.call("people.team.add-member", json!({ "id": team, "user": eve }));
    house.opened(1, json!({}));
    let to = |house: &House| house.messages().into_iter().map(|(subject, to, _)| (subject, to)).collect::<Vec<_>>();
    assert_eq!(to(&house), [("Alert: Fault 1".to_owned(), "Ada by mail".to_owned())]);
    joined(&house, json!([alert("Queue stuck", json!({ "team": team }))]));
    assert_eq!(to(&house)[1..], [("Alert: Queue stuck".to_owned(), "eve by mail".to_owned())]);
}
