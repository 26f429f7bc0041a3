//! The lessons of monitoring that are paging's, each with a test of its name.

use kernel::time::{HOUR, SECOND};
use serde_json::json;

use crate::house::{Catcher, House};

#[test]
fn lesson_01_a_recovery_reaches_exactly_those_who_were_told() {
    let house = House::new();
    let (told, failing) = (Catcher::new(), Catcher::new());
    failing.answers(403);
    house.channel("told", &told);
    house.channel("failing", &failing);
    house.policy("0 channel:told, channel:failing\n10m channel:told", json!({}));
    house.opened(1, json!({}));
    house.opened(2, json!({ "silenced": true }));
    failing.answers(200);
    house.recovered(1);
    house.recovered(2);
    let of = |subjects: Vec<String>| subjects.into_iter().filter(|one| one.contains("Fault")).collect::<Vec<_>>();
    assert_eq!(of(told.titles()), ["Alert: Fault 1", "Recovered: Fault 1"]);
    assert_eq!(of(failing.titles()), Vec::<String>::new(), "never of what was not announced");
    house.pass(3_600);
    assert_eq!(of(told.titles()).len(), 2, "the second step was never taken");
}

#[test]
fn lesson_06_a_failing_channel_is_announced_over_another_and_its_end_to_the_same() {
    let house = House::new();
    let (chat, other) = (Catcher::new(), Catcher::new());
    house.channel("chat", &chat);
    house.channel("other", &other);
    chat.answers(503);
    house.policy("0 channel:chat", json!({}));
    house.opened(1, json!({}));
    house.pass(60);
    assert_eq!(other.titles(), ["Failing: chat"]);
    assert!(house.needs().contains(&"Messages by chat do not get through".to_owned()));
    house.opened(2, json!({}));
    house.pass(120);
    assert_eq!(other.titles(), ["Failing: chat"], "once, however often it fails");
    chat.answers(200);
    house.opened(3, json!({}));
    house.pass(120);
    assert_eq!(other.titles(), ["Failing: chat", "Works again: chat"]);
    assert!(!house.needs().iter().any(|need| need.contains("do not get through")));
}

#[test]
fn lesson_06_every_channel_is_tested_once_a_day_at_its_hour() {
    let house = House::new();
    let chat = Catcher::new();
    house.channel("chat", &chat);
    house.sending(json!({ "test_hour": 10 }));
    for _ in 0..30 {
        house.world.pass(HOUR).unwrap();
    }
    assert_eq!(chat.titles(), ["Test message from Mainstay", "Test message from Mainstay"]);
    let shown = house.call("paging.channel.list", json!({}));
    assert_eq!(shown["items"][0]["health"]["test_ok"], true);
}

#[test]
fn lesson_06_the_dead_mans_switch_stops_when_monitoring_is_blind() {
    let house = House::new();
    let watcher = Catcher::new();
    let kernel = &house.world.kernel;
    house.set("paging.dead-man", json!({ "urls": [format!("{}/ping/s3cret", watcher.url)], "every_s": 10 }));
    assert!(!paging::dead_man::beat(kernel).unwrap(), "nothing has turned yet");
    kernel.beat("monitor");
    kernel.beat("paging");
    assert!(paging::dead_man::beat(kernel).unwrap());
    assert_eq!(watcher.got().len(), 1);
    house.world.clock.advance(90 * SECOND);
    kernel.beat("paging");
    assert!(!paging::dead_man::beat(kernel).unwrap(), "checks are not evaluated");
    kernel.beat("monitor");
    assert!(paging::dead_man::beat(kernel).unwrap());
    let shown = house.call("paging.dead-man.show", json!({}));
    assert_eq!(
        (&shown["items"][0]["ok"], &shown["items"][0]["answer"], &shown["blind"]),
        (&json!(true), &json!("200"), &json!(null))
    );
    assert!(!shown.to_string().contains("s3cret"));
}

#[test]
fn lesson_12_the_preview_is_the_function_that_routes() {
    let house = House::new();
    let (grace, sam) = (house.person("grace"), house.person("sam"));
    let (ops, desk) = (Catcher::new(), Catcher::new());
    let channel = house.channel("ops", &ops);
    house.channel("desk", &desk);
    for person in [grace, sam] {
        let items = json!([{ "channel": channel, "address": format!("person-{person}") }]);
        house.call("paging.contact.save", json!({ "user": person, "items": items }));
    }
    let rota = json!({ "name": "Infra", "slug": "infra", "time_zone": "UTC", "rotations": [
        { "kind": "hourly", "length": 12, "start": "2026-03-02T00:00", "participants": ["grace", "sam"] }] });
    house.call("people.rota.create", rota);
    let policy = house.call(
        "paging.policy.save",
        json!({ "name": "Infra", "lines": "0 rota:infra\n6h rota:infra\n10m channel:desk" }),
    );
    house.call("paging.route.add", json!({ "name": "Oslo", "matchers": "site=\"oslo\"", "policy": policy["id"] }));
    let preview = house.call("paging.route.preview", json!({ "labels": { "site": "oslo" }, "severity": "critical" }));
    let planned: Vec<(String, String)> = preview["policies"][0]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["at"].as_str().unwrap().to_owned(), step["who"][0].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(planned.iter().map(|(_, who)| who.as_str()).collect::<Vec<_>>(), ["grace by ops", "sam by ops", "desk"]);
    house.opened(1, json!({ "labels": { "site": "oslo" } }));
    house.pass(7 * 3_600);
    let all = house.call("paging.message.list", json!({ "group": 1 }));
    let mut happened: Vec<(String, String)> = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["at"].as_str().unwrap().to_owned(), one["to"].as_str().unwrap().to_owned()))
        .collect();
    happened.reverse();
    assert_eq!(happened.len(), 3);
    for ((planned, who), (at, to)) in planned.iter().zip(&happened) {
        let late = kernel::Time::parse(at).unwrap().since(kernel::Time::parse(planned).unwrap());
        assert!(who == to && (0..=60 * SECOND).contains(&late), "{who} at {planned}, {to} at {at}");
    }
    let shown = house.page();
    assert_eq!(shown["routing"]["visits"], preview["visits"], "the same nodes for the same reasons");
}

#[test]
fn lesson_08_the_explanation_names_what_stood_in_the_way() {
    let house = House::new();
    let (grace, ada) = (house.person("grace"), house.user("ada"));
    let chat = Catcher::new();
    chat.answers(403);
    let channel = house.channel("chat", &chat);
    house.call(
        "paging.contact.save",
        json!({ "user": grace, "items": [{ "channel": channel, "address": "x", "severity": "critical" }] }),
    );
    house.policy("0 user:grace", json!({}));
    let other = Catcher::new();
    house.channel("other", &other);
    house.opened(1, json!({}));
    house.pass(10);
    let explained = house.call("paging.page.explain", json!({ "group": 1, "person": grace }));
    assert_eq!(explained["told"], false);
    let text = explained.to_string();
    assert!(
        text.contains("403")
            && text.contains("the next way is taken: grace by mail")
            && text.contains("No mail server is set"),
        "{text}"
    );
    let not = house.call("paging.page.explain", json!({ "group": 1, "person": ada }));
    assert_eq!(not["answer"], "Ada was not told: no step that was taken names them.");
    house.opened(2, json!({ "silenced": true }));
    let silent = house.call("paging.page.explain", json!({ "group": 2, "person": grace }));
    assert_eq!(silent["answer"], "grace was not told: a silence covered the alert group.");
}
