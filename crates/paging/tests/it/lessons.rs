//! The lessons of monitoring that are paging's, each with a test of its name.

use kernel::time::{HOUR, SECOND};
use serde_json::json;

use crate::house::{Catcher, House};
use crate::post::{Mood, Post};

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
    let counted = || (paging::domain().families[0].read)(&house.world.kernel);
    let of = |channel: &str, outcome: &str| {
        let counts = counted();
        counts.iter().find(|(labels, _)| labels == &[channel, outcome]).map_or(0, |(_, count)| *count)
    };
    assert_eq!((of("channel:1", "sent"), of("channel:1", "failed")), (0, u64::from(chat.tries())), "{:?}", counted());
    assert_eq!((of("channel:2", "sent"), of("channel:2", "failed")), (1, 0));
    chat.answers(200);
    house.opened(3, json!({}));
    house.pass(120);
    assert_eq!(other.titles(), ["Failing: chat", "Works again: chat"]);
    assert!(!house.needs().iter().any(|need| need.contains("do not get through")));
}

#[test]
fn lesson_06_a_failure_is_announced_over_a_channel_that_is_proven_to_work() {
    let house = House::new();
    let [hangs, refuses, proven] = [Catcher::new(), Catcher::new(), Catcher::new()];
    hangs.answers(0);
    refuses.answers(403);
    house.channel("a-hangs", &hangs);
    house.channel("b-refuses", &refuses);
    let id = house.channel("c-proven", &proven);
    house.call("paging.channel.test", json!({ "id": id }));
    house.pass(5);
    house.policy("0 channel:b-refuses", json!({}));
    house.opened(1, json!({}));
    house.pass(30);
    assert_eq!(proven.titles(), ["Test message from Mainstay", "Failing: b-refuses"]);
    assert_eq!(hangs.tries(), 0, "what never worked is not asked first");
    let all = house.call("paging.channel.list", json!({}));
    let health = &all["items"][1]["health"];
    assert_eq!(
        (&health["failures"], health["answer"].as_str().unwrap().contains("403")),
        (&json!(1), true),
        "{health}"
    );
}

#[test]
fn lesson_06_an_announcement_that_fails_goes_over_all_others_in_turn() {
    let house = House::new();
    let [refuses, was_proven, hangs, last] = [Catcher::new(), Catcher::new(), Catcher::new(), Catcher::new()];
    refuses.answers(403);
    hangs.answers(0);
    house.channel("a-refuses", &refuses);
    let id = house.channel("b-was-proven", &was_proven);
    house.channel("c-hangs", &hangs);
    house.channel("d-last", &last);
    house.call("paging.channel.test", json!({ "id": id }));
    house.pass(5);
    was_proven.answers(403);
    house.policy("0 channel:a-refuses", json!({}));
    house.opened(1, json!({}));
    house.pass(60);
    let mut titles = last.titles();
    titles.retain(|title| !title.contains("mail") && !title.contains("c-hangs"));
    titles.sort();
    assert_eq!(titles, ["Failing: a-refuses", "Failing: b-was-proven"], "{:?}", house.messages());
    assert!(hangs.tries() > 0, "it was asked before the last");
}

#[test]
fn lesson_06_what_nobody_took_is_told_by_the_first_channel_that_works_again() {
    let house = House::new();
    let (chat, other) = (Catcher::new(), Catcher::new());
    chat.answers(403);
    other.answers(403);
    house.channel("chat", &chat);
    let id = house.channel("other", &other);
    house.policy("0 channel:chat", json!({}));
    house.opened(1, json!({}));
    house.pass(60);
    assert!(other.titles().is_empty() && chat.titles().is_empty());
    other.answers(200);
    house.call("paging.channel.test", json!({ "id": id }));
    house.pass(30);
    assert!(other.titles().contains(&"Failing: chat".to_owned()), "{:?}", other.titles());
    let times = other.titles().iter().filter(|title| *title == "Failing: chat").count();
    house.call("paging.channel.test", json!({ "id": id }));
    house.pass(300);
    assert_eq!((times, other.titles().iter().filter(|title| *title == "Failing: chat").count()), (1, 1), "once");
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
    house.world.settle().unwrap();
    kernel.beat("monitor");
    kernel.beat("paging");
    assert!(paging::dead_man::beat(kernel).unwrap());
    assert_eq!(watcher.got().len(), 1);
    let stops = |why: &str| {
        assert!(!paging::dead_man::beat(kernel).unwrap(), "{why}");
        let shown = house.call("paging.dead-man.show", json!({}));
        assert!(shown["blind"].as_str().is_some_and(|blind| blind.starts_with(why)), "{why}: {shown}");
    };
    house.world.clock.advance(90 * SECOND);
    kernel.beat("paging");
    stops("Checks are not evaluated since");
    kernel.beat("monitor");
    stops("Events are not passed on since");
    kernel.beat(kernel::event::RELAY);
    assert!(paging::dead_man::beat(kernel).unwrap());
    kernel.doubt("disk", Some("Samples are not stored.".into()));
    stops("Samples are not stored");
    kernel.doubt("disk", None);
    assert!(paging::dead_man::beat(kernel).unwrap());
    let fields = json!({ "group": "alert_group:1", "severity": "critical", "title": "Fault", "evidence": [] });
    house.tell("monitor.group.opened", fields);
    house.world.clock.advance(90 * SECOND);
    [kernel::event::RELAY, "paging", "monitor"].into_iter().for_each(|name| kernel.beat(name));
    stops("Alerts wait to be told since");
    house.world.settle().unwrap();
    assert!(paging::dead_man::beat(kernel).unwrap());
    let shown = house.call("paging.dead-man.show", json!({}));
    assert_eq!(
        (&shown["items"][0]["ok"], &shown["items"][0]["answer"], &shown["blind"]),
        (&json!(true), &json!("200"), &json!(null))
    );
    assert!(!shown.to_string().contains("s3cret"));
}

#[test]
fn lesson_05_events_that_are_not_passed_on_are_said_without_them() {
    let house = House::new();
    let chat = Catcher::new();
    house.channel("chat", &chat);
    house.policy("0 channel:chat", json!({}));
    let kernel = &house.world.kernel;
    let mut known = paging::dead_man::stuck::Standing::default();
    let mut look = || paging::dead_man::stuck::tell(kernel, &mut known).unwrap();
    let stuck = || house.needs().iter().any(|need| need.contains("Alerts are not passed on"));
    house.world.settle().unwrap();
    look();
    assert!(!stuck());
    let fields = json!({ "group": "alert_group:1", "severity": "critical", "title": "Fault", "evidence": [] });
    house.tell("monitor.group.opened", fields);
    house.world.clock.advance(50 * SECOND);
    look();
    assert!(!stuck(), "a minute is not over");
    house.world.clock.advance(40 * SECOND);
    look();
    look();
    assert!(stuck(), "{:?}", house.needs());
    // The jobs that send still run: only events stand still.
    let waiting = house.call("paging.message.list", json!({ "state": "waiting" }));
    assert_eq!(waiting["items"].as_array().unwrap().len(), 1, "{waiting}");
    assert_eq!(waiting["items"][0]["subject"], "Alerts are not passed on");
    house.world.settle().unwrap();
    look();
    assert!(!stuck());
    assert_eq!(chat.titles().iter().filter(|title| title.contains("not passed on")).count(), 1, "{:?}", chat.titles());
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

#[test]
fn lesson_08_who_was_told_is_what_became_of_the_messages() {
    let house = House::new();
    house.policy("0 user:ada", json!({}));
    house.opened(1, json!({}));
    house.pass(10);
    let told = |group: i64| house.call("paging.page.told", json!({ "group": group }));
    let failed = told(1);
    let answer = failed["answer"].as_str().unwrap();
    assert_eq!(failed["state"], "failed", "{failed}");
    assert!(answer.starts_with("Nobody could be told: Ada by mail (No mail server is set"), "{answer}");
    assert!(!house.notes().contains("Told"), "{}", house.notes());
    let chat = Catcher::new();
    house.channel("chat", &chat);
    house.policy("0 channel:chat, user:ada", json!({}));
    house.opened(2, json!({}));
    house.pass(10);
    let some = told(2);
    assert_eq!(some["state"], "told");
    assert!(some["answer"].as_str().unwrap().starts_with("Told: chat. Not reached: Ada by mail (No mail"), "{some}");
    house.recovered(2);
    house.pass(10);
    assert_eq!(told(2)["over"], "Told that it is over: chat.");
    house.opened(3, json!({ "silenced": true }));
    assert_eq!(told(3)["state"], "covered");
    assert_eq!(told(99)["state"], "unknown");
}

#[test]
fn an_address_of_the_dead_mans_switch_is_forgotten_when_it_is_not_set_any_more() {
    let house = House::new();
    let watcher = Catcher::new();
    let kernel = &house.world.kernel;
    let set = |paths: &[&str]| {
        let urls: Vec<String> = paths.iter().map(|path| format!("{}/ping/{path}", watcher.url)).collect();
        house.set("paging.dead-man", json!({ "urls": urls, "every_s": 10 }));
        house.world.settle().unwrap();
        ["monitor", "paging"].into_iter().for_each(|name| kernel.beat(name));
        paging::dead_man::beat(kernel).unwrap();
        let rows = kernel.db.read(|tx| tx.query("SELECT url_hash FROM paging_beats", &[])).unwrap();
        rows.iter().map(|row| row.text(0).unwrap()).collect::<Vec<String>>()
    };
    assert_eq!(set(&["one", "two"]).len(), 2);
    let left = set(&["two"]);
    assert_eq!(left.len(), 1);
    assert!(!left[0].contains("ping"), "no row holds the address");
    assert_eq!(set(&[]).len(), 0);
}

#[test]
fn a_webhook_that_is_gone_is_forgotten_with_its_need() {
    let house = House::new();
    let webhook = json!({ "name": "ops", "url": "http://127.0.0.1:1/x", "events": [] });
    house.set("kernel.webhooks", json!({ "webhooks": [webhook] }));
    house.set("paging.default", json!({ "webhook": "ops", "team": false }));
    house.opened(1, json!({}));
    house.pass(300);
    let failing = |needs: Vec<String>| needs.iter().any(|need| need.contains("webhook ops"));
    assert!(failing(house.needs()), "{:?}", house.needs());
    house.set("kernel.webhooks", json!({ "webhooks": [] }));
    house.world.pass(25 * HOUR).unwrap();
    assert!(failing(house.needs()), "the default still names it");
    house.set("paging.default", json!({ "team": false }));
    house.world.pass(25 * HOUR).unwrap();
    assert!(!failing(house.needs()), "{:?}", house.needs());
}

#[test]
fn each_address_of_a_lane_is_tested_once_a_day() {
    let house = House::new();
    let post = Post::new(Mood::Takes);
    house.mail_by(&post);
    for name in ["ops", "lead"] {
        let input = json!({ "name": name, "kind": "mail", "address": format!("{name}@example.org") });
        house.call("paging.channel.save", input);
    }
    house.sending(json!({ "test_hour": 10 }));
    for _ in 0..20 {
        house.world.pass(HOUR).unwrap();
    }
    let tests = |to: &str| post.got.lock().unwrap().iter().filter(|mail| mail.contains(&format!("To: {to}@"))).count();
    assert_eq!((tests("ops"), tests("lead")), (1, 1));
}
