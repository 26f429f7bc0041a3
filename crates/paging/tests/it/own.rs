//! Alerts of a group that are told for themselves: by their own labels and teams, once each, and over with the group.

use serde_json::{Value, json};

use crate::house::{Catcher, House, counts, three};

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
    assert!(explained.to_string().contains("For its alert \\\"Payment fails\\\": Route Payment leads"), "{explained}");
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

fn named(title: &str, name: &str) -> Value {
    alert(title, json!({ "labels": { "alertname": name } }))
}

/// The titles and texts that a channel got.
fn texts(to: &Catcher) -> Vec<(String, String)> {
    let text = |body: &Value, field: &str| body[field].as_str().unwrap().to_owned();
    let read = |(_, body): &(String, String)| serde_json::from_str::<Value>(body).unwrap();
    to.got().iter().map(read).map(|body| (text(&body, "title"), text(&body, "message"))).collect()
}

#[test]
fn a_mute_time_of_one_route_holds_back_no_other_alert_whichever_comes_first() {
    let (house, all) = three();
    let policy = house.policy("0 channel:two", json!({}));
    house.policy("0 channel:three", json!({}));
    let quiet =
        json!({ "name": "Quiet", "matchers": "alertname=\"Report\"", "policy": policy, "mute": "mon 07:00-20:00" });
    house.call("paging.route.add", quiet);
    house.call("paging.route.add", json!({ "name": "Loud", "matchers": "alertname=\"Payment\"", "policy": policy }));
    let (report, payment) = (named("Report late", "Report"), named("Payment fails", "Payment"));
    house.opened(1, json!({ "own": [report, payment] }));
    assert_eq!(all[1].titles(), ["Alert: Payment fails"], "together");
    house.opened(2, json!({ "own": [report] }));
    assert_eq!(counts(&all), [0, 1, 2], "held back");
    let fields = json!({ "group": "alert_group:2", "change": "joined", "severity": "warning", "own": [payment] });
    house.tell("monitor.group.changed", fields);
    house.world.settle().unwrap();
    assert_eq!(all[1].titles()[1..], ["Alert: Payment fails".to_owned()], "one after the other");
}

#[test]
fn an_alert_is_routed_once_by_the_clock_of_the_moment_it_joined() {
    let (house, all) = three();
    let (night, day) = (house.policy("0 channel:one", json!({})), house.policy("0 channel:two", json!({})));
    house.policy("0 channel:three", json!({}));
    for (name, policy, hours) in [("Night", night, "mon 00:00-08:30"), ("Day", day, "mon 08:30-17:00")] {
        let route = json!({ "name": name, "matchers": "alertname=\"Payment\"", "policy": policy, "hours": hours });
        house.call("paging.route.add", route);
    }
    house.opened(1, json!({}));
    let payment = named("Payment fails", "Payment");
    joined(&house, json!([payment]));
    assert_eq!(counts(&all), [1, 0, 1]);
    house.pass(3_600);
    joined(&house, json!([payment, named("Door open", "Door")]));
    assert_eq!(counts(&all), [1, 0, 1], "whom the night told is not told by the day again");
    joined(
        &house,
        json!([alert("Payment fails", json!({ "check": "check:5", "labels": { "alertname": "Payment" } }))]),
    );
    assert_eq!(counts(&all), [1, 1, 1], "what fires by day is");
}

#[test]
fn what_is_critical_is_told_for_itself_behind_a_warning_to_the_same_people_once() {
    let (house, all) = three();
    routed(&house);
    house.opened(1, json!({ "labels": { "alertname": "Disk" } }));
    let payment = |title: &str, severity: &str| {
        alert(title, json!({ "severity": severity, "labels": { "alertname": "Payment" } }))
    };
    joined(&house, json!([payment("Payment slow", "warning")]));
    joined(&house, json!([payment("Payment slower", "warning")]));
    assert_eq!(all[1].titles(), ["Alert: Payment slow"]);
    joined(&house, json!([payment("Payment fails", "critical")]));
    assert_eq!(all[1].titles()[1..], ["Alert: Payment fails".to_owned()]);
    assert!(texts(&all[1])[1].1.contains("Severity: critical"), "{:?}", texts(&all[1]));
    joined(&house, json!([payment("Payment lost", "critical"), payment("Payment slow again", "warning")]));
    assert_eq!(counts(&all), [1, 2, 0], "once");
}

#[test]
fn what_is_critical_calls_again_those_who_took_on_less() {
    let (house, all) = three();
    house.policy("0 channel:one\n10m channel:two", json!({}));
    let critical = |title: &str| {
        let own = [alert(title, json!({ "labels": { "alertname": title } }))];
        house.tell(
            "monitor.group.changed",
            json!({ "group": "alert_group:1", "change": "joined", "severity": "critical", "own": own }),
        );
        house.world.settle().unwrap();
    };
    let ada = house.actor(house.user("ada"));
    house.opened(1, json!({ "severity": "warning" }));
    house.acknowledged(1, &ada);
    joined(&house, json!([alert("Disk slow", json!({ "severity": "warning" }))]));
    assert_eq!(counts(&all), [1, 0, 0], "what matters no more than that calls nobody");
    // It matters more by now, for nothing of its own.
    house.tell("monitor.group.changed", json!({ "group": "alert_group:1", "change": "risen", "severity": "critical" }));
    critical("Payment fails");
    critical("Payment lost");
    assert_eq!(all[0].titles()[1..], ["Alert: Payment fails".to_owned()], "once");
    assert!(texts(&all[0])[1].1.contains("nobody is on this alert yet"), "{:?}", texts(&all[0]));
    house.pass(660);
    assert_eq!(counts(&all), [2, 1, 0], "its steps go on, those of the group do not");
    house.acknowledged(1, &ada);
    critical("Disk full");
    assert_eq!(counts(&all), [2, 1, 0], "and who is on all of it is on what is critical");
    house.recovered(1);
    assert_eq!(counts(&all), [3, 2, 0]);
    house.reopened(1, json!({ "severity": "critical" }));
    house.acknowledged(1, &ada);
    let before = counts(&all);
    critical("Payment fails");
    assert_eq!(counts(&all), before, "who took on what is critical knows");
}

#[test]
fn many_alerts_of_one_kind_shut_out_none_that_belongs_to_somebody_else() {
    let (house, all) = three();
    routed(&house);
    house.opened(1, json!({ "labels": { "alertname": "Disk" } }));
    for round in 0..6 {
        let many = (0..10).map(|one| named(&format!("Payment {round} {one}"), "Payment"));
        joined(&house, many.collect());
    }
    assert_eq!(counts(&all), [1, 1, 0]);
    joined(&house, json!([named("Door open", "Door")]));
    assert_eq!(counts(&all), [1, 1, 1]);
}

#[test]
fn who_is_told_of_the_group_and_of_an_alert_of_it_at_one_moment_gets_one_message_that_says_both() {
    let house = House::new();
    let (chat, two) = (Catcher::new(), Catcher::new());
    let channel = house.channel("chat", &chat);
    house.channel("two", &two);
    let ada = house.user("ada");
    house.call("paging.contact.save", json!({ "user": ada, "items": [{ "channel": channel, "address": "ada" }] }));
    let payments = house.policy("0 user:ada", json!({ "name": "payments" }));
    let doors = house.policy("0 user:ada, channel:two", json!({}));
    house.policy("0 user:ada", json!({}));
    for (name, policy) in [("Payment", payments), ("Door", doors)] {
        let matchers = format!("alertname=\"{name}\"");
        house.call("paging.route.add", json!({ "name": name, "matchers": matchers, "policy": policy }));
    }
    let own = json!([named("Payment fails", "Payment"), named("Door open", "Door")]);
    house.opened(1, json!({ "own": own }));
    let said = texts(&chat);
    assert_eq!(chat.titles(), ["Alert: Fault 1"]);
    assert!(said[0].1.contains("With it: Payment fails\nWith it: Door open\n"), "{said:?}");
    assert_eq!(two.titles(), ["Alert: Door open"]);
    assert!(texts(&two)[0].1.contains("With it: Payment fails\n"), "{:?}", texts(&two));
    assert!(house.needs().iter().all(|need| !need.contains("Nobody could be told")), "{:?}", house.needs());
}

#[test]
fn what_is_back_is_told_once_to_each_by_the_alert_that_is_theirs() {
    let (house, all) = three();
    routed(&house);
    let own = json!([named("Payment fails", "Payment")]);
    let about = json!({ "labels": { "alertname": "Disk" }, "own": own });
    house.opened(1, about.clone());
    house.recovered(1);
    assert_eq!(counts(&all), [2, 2, 0]);
    house.pass(60);
    house.reopened(1, about);
    assert_eq!(all[0].titles()[2..], ["Again: Fault 1".to_owned()]);
    assert_eq!(all[1].titles()[2..], ["Again: Payment fails".to_owned()]);
}

fn pages(house: &House) -> Vec<(String, Option<i64>, Option<i64>)> {
    let sql = "SELECT own, team_id, place_id FROM paging_pages ORDER BY id";
    let read = |tx: &mut kernel::db::Tx<'_>| {
        tx.query(sql, &[])?.iter().map(|row| Ok((row.text(0)?, row.opt_int(1)?, row.opt_int(2)?))).collect()
    };
    house.world.kernel.db.read(read).unwrap()
}

#[test]
fn an_escalation_that_begins_anew_is_for_what_it_is_called_now() {
    let (house, all) = three();
    routed(&house);
    let of = |name: &str, title: &str, team: i64, place: i64| {
        let more = json!({ "labels": { "alertname": name }, "team": team, "place": place });
        let mut alert = alert(title, more);
        alert["title"] = json!(title);
        alert
    };
    let lead = |name: &str, title: &str, team, place, own: Value| {
        let mut fields = of(name, title, team, place);
        fields["own"] = json!([own]);
        fields
    };
    house.opened(1, lead("Disk", "Disk fails", 1, 1, of("Payment", "Payment fails", 2, 2)));
    let begun = [(String::new(), Some(1), Some(1)), ("Payment fails".to_owned(), Some(2), Some(2))];
    assert_eq!(pages(&house), begun);
    house.recovered(1);
    house.pass(60);
    house.reopened(1, lead("Payment", "Payment lost", 3, 3, of("Disk", "Disk full", 4, 4)));
    let anew = [("Disk full".to_owned(), Some(4), Some(4)), (String::new(), Some(3), Some(3))];
    assert_eq!(pages(&house), anew, "each for the other's");
    assert_eq!(all[0].titles()[2..], ["Again: Disk full".to_owned()]);
    assert_eq!(all[1].titles()[2..], ["Again: Payment lost".to_owned()]);
}

#[test]
fn alerts_of_a_group_that_goes_into_another_call_there_for_whoever_was_called() {
    let (house, all) = three();
    let payments = house.policy("0 channel:two\n10m channel:three", json!({}));
    house.policy("0 channel:one", json!({}));
    let route = json!({ "name": "Payment", "matchers": "alertname=\"Payment\"", "policy": payments });
    house.call("paging.route.add", route);
    house.opened(1, json!({}));
    let payment = named("Payment fails", "Payment");
    house.opened(2, json!({ "labels": { "alertname": "Payment" }, "title": "Payment fails" }));
    assert_eq!(counts(&all), [1, 1, 0]);
    house.tell("monitor.group.merged", json!({ "group": "alert_group:2", "into": "alert_group:1" }));
    joined(&house, json!([payment]));
    assert_eq!(all[1].titles(), ["Alert: Payment fails", "Alert: Payment fails"]);
    assert!(texts(&all[1])[1].1.contains("It belongs to the alert group"), "{:?}", texts(&all[1]));
    house.pass(660);
    assert_eq!(counts(&all), [1, 2, 1], "the steps go on there");
    house.recovered(1);
    assert_eq!(counts(&all), [2, 3, 2], "and each hears once that it is over");
}

#[test]
fn two_alerts_of_one_title_are_each_told_with_what_was_seen_of_it() {
    let (house, all) = three();
    let (one, two) = (house.policy("0 channel:one", json!({})), house.policy("0 channel:two", json!({})));
    house.policy("0 channel:three", json!({}));
    for (shop, policy) in [("a", one), ("b", two)] {
        let matchers = format!("shop=\"{shop}\"");
        house.call("paging.route.add", json!({ "name": shop, "matchers": matchers, "policy": policy }));
    }
    let of = |shop: &str, check: i64| {
        let seen = format!("shop {shop} is shut");
        let more = json!({ "check": format!("check:{check}"), "labels": { "shop": shop }, "evidence": [seen] });
        alert("Shop shut", more)
    };
    house.opened(1, json!({ "own": [of("a", 7), of("b", 8)] }));
    assert!(texts(&all[0])[0].1.contains("shop a is shut"), "{:?}", texts(&all[0]));
    assert!(texts(&all[1])[0].1.contains("shop b is shut"), "{:?}", texts(&all[1]));
}
