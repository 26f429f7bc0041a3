//! A mail server that refuses one, hangs or goes away in the middle: each message has its own fate, and none is lost.

use serde_json::{Value, json};

use crate::house::{Catcher, House};
use crate::post::{Mood, Post};

const FIVE: [&str; 5] = ["ann", "bob", "cid", "dot", "eve"];

/// Five people who are told by mail in one step.
fn five(post: &Post) -> House {
    let house = House::new();
    house.mail_by(post);
    for name in FIVE {
        house.person(name);
    }
    house.policy(&format!("0 {}", FIVE.map(|name| format!("user:{name}")).join(", ")), json!({}));
    house
}

/// How each of the five stands: state and tries.
fn fates(house: &House) -> Vec<(String, i64)> {
    let all = house.call("paging.message.list", json!({ "limit": 100 }));
    let items = all["items"].as_array().unwrap();
    let of = |name: &&str| {
        let label = format!("{name} by mail");
        let one = items.iter().find(|one| one["to"] == *label).unwrap();
        (one["state"].as_str().unwrap().to_owned(), one["attempts"].as_i64().unwrap())
    };
    FIVE.iter().map(of).collect()
}

fn fate(state: &str, tries: i64) -> (String, i64) {
    (state.to_owned(), tries)
}

fn answers(house: &House, to: &str) -> Vec<String> {
    let all = house.call("paging.message.list", json!({ "limit": 100 }));
    let one = all["items"].as_array().unwrap().iter().find(|one| one["to"] == *to).unwrap().clone();
    let shown = house.call("paging.message.show", json!({ "id": one["id"] }));
    let text = |one: &Value| one["answer"].as_str().unwrap().to_owned();
    shown["tries"].as_array().unwrap().iter().map(text).collect()
}

#[test]
fn who_is_refused_for_good_is_alone_with_it() {
    let post = Post::new(Mood::RefusesOnly("bob", "550 no such box"));
    let house = five(&post);
    house.opened(1, json!({}));
    let sent = fate("sent", 1);
    assert_eq!(fates(&house), [sent.clone(), fate("failed", 1), sent.clone(), sent.clone(), sent]);
    assert_eq!(post.to(), ["ann", "cid", "dot", "eve"].map(|name| format!("{name}@example.org")));
    assert!(answers(&house, "bob by mail")[0].contains("550"));
    assert!(!house.needs().iter().any(|need| need.contains("do not get through")), "mail works: {:?}", house.needs());
}

#[test]
fn who_is_put_off_is_tried_again_and_holds_up_nobody() {
    let post = Post::new(Mood::RefusesOnly("bob", "450 come back later"));
    let house = five(&post);
    house.opened(1, json!({}));
    let sent = fate("sent", 1);
    assert_eq!(fates(&house), [sent.clone(), fate("waiting", 1), sent.clone(), sent.clone(), sent]);
    post.becomes(Mood::Takes);
    house.pass(60);
    assert_eq!(fates(&house)[1], fate("sent", 2));
    let why = house.call("paging.page.explain", json!({ "group": 1, "person": house.user("bob") }));
    let lines: Vec<&str> = why["steps"].as_array().unwrap().iter().map(|step| step["line"].as_str().unwrap()).collect();
    let tried: Vec<&&str> = lines.iter().filter(|line| line.starts_with("Try ")).collect();
    assert_eq!(tried.len(), 2, "{lines:?}");
    assert!(tried[0].contains("450") && tried[1] == &"Try 2: the other side said: 250 taken", "{tried:?}");
    assert!(lines.contains(&"\"Alert: Fault 1\" to bob by mail was taken after 2 tries."), "{lines:?}");
    assert_eq!(post.got.lock().unwrap().len(), 5, "and nobody was told twice");
}

#[test]
fn a_mail_server_that_hangs_costs_one_try_and_what_was_not_tried_stays_waiting() {
    let post = Post::new(Mood::Hangs);
    let house = five(&post);
    house.opened(1, json!({}));
    let untried = fate("waiting", 0);
    assert_eq!(fates(&house), [fate("waiting", 1), untried.clone(), untried.clone(), untried.clone(), untried]);
    post.becomes(Mood::Takes);
    house.pass(60);
    assert!(fates(&house).iter().all(|(state, _)| state == "sent"), "{:?}", fates(&house));
    assert_eq!(post.to().len(), 5);
}

#[test]
fn a_mail_server_that_goes_away_in_the_middle_loses_nothing() {
    let post = Post::new(Mood::Drops);
    let house = five(&post);
    house.opened(1, json!({}));
    assert_eq!(post.came(), 1);
    assert!(fates(&house).iter().all(|(state, _)| state == "waiting"), "{:?}", fates(&house));
    house.pass(3_600);
    assert!(fates(&house).iter().all(|(state, _)| state == "waiting"), "an hour is not the end: {:?}", fates(&house));
    assert!(house.needs().contains(&"Messages by mail do not get through".to_owned()));
    post.becomes(Mood::Takes);
    house.pass(600);
    assert!(fates(&house).iter().all(|(state, _)| state == "sent"), "{:?}", fates(&house));
    assert_eq!(post.to().len(), 5);
}

#[test]
fn a_server_that_lets_nobody_in_is_not_the_recipients_fault() {
    let post = Post::new(Mood::Refuses("535 authentication failed"));
    let house = five(&post);
    house.opened(1, json!({}));
    house.pass(60);
    assert!(fates(&house).iter().all(|(state, _)| state == "waiting"), "{:?}", fates(&house));
    assert!(house.needs().contains(&"Messages by mail do not get through".to_owned()));
}

/// Eve is told by mail, and next by chat.
fn eve_also_by(house: &House, chat: &Catcher) {
    let channel = house.channel("chat", chat);
    let ways = json!([{ "channel": null }, { "channel": channel, "address": "eve" }]);
    house.call("paging.contact.save", json!({ "user": house.user("eve"), "items": ways }));
}

#[test]
fn when_nothing_passes_by_one_way_people_are_told_by_their_next() {
    let post = Post::new(Mood::Drops);
    let house = five(&post);
    let chat = Catcher::new();
    eve_also_by(&house, &chat);
    house.opened(1, json!({}));
    house.pass(60);
    assert!(chat.titles().contains(&"Alert: Fault 1".to_owned()), "{:?}", fates(&house));
    assert!(house.notes().contains("eve by mail does not get through, so the next way is taken: eve by chat."));
    assert_eq!(fates(&house)[4].0, "failed");
    assert!(fates(&house)[..4].iter().all(|(state, _)| state == "waiting"), "{:?}", fates(&house));
}

#[test]
fn a_way_that_leads_to_where_nothing_passes_is_left_out_for_the_one_behind_it() {
    let post = Post::new(Mood::Drops);
    let house = five(&post);
    let chat = Catcher::new();
    let channel = house.channel("chat", &chat);
    let mail = json!({ "name": "post", "kind": "mail", "address": "post@example.org" });
    let mail = house.call("paging.channel.save", mail)["id"].clone();
    let ways = json!([{ "channel": null }, { "channel": mail, "address": "eve@other.example" }, { "channel": channel, "address": "eve" }]);
    house.call("paging.contact.save", json!({ "user": house.user("eve"), "items": ways }));
    house.opened(1, json!({}));
    house.pass(60);
    assert!(chat.titles().contains(&"Alert: Fault 1".to_owned()), "{:?}", fates(&house));
    assert!(house.notes().contains("eve by mail does not get through, so the next way is taken: eve by chat."));
}

#[test]
fn in_a_storm_nobody_who_has_another_way_waits_behind_those_who_have_none() {
    let post = Post::new(Mood::Drops);
    let house = five(&post);
    let chat = Catcher::new();
    eve_also_by(&house, &chat);
    let bob = house.user("bob");
    let storm = move |tx: &mut kernel::db::Tx<'_>| {
        for number in 1..=600_i64 {
            tx.execute(
                "INSERT INTO paging_messages (dedup, what, group_id, page_id, step, round, user_id, lane, address, label, contact, subject, \
                 lines, severity, state, attempts, answer, at, send_at, sent_at) VALUES (?1, 'page', 99, 99, 1, 1, ?2, 'mail', \
                 'bob@example.org', 'bob by mail', 1, 'Storm', '[]', 'critical', 'waiting', 0, '', 1, 1, 0)",
                &[format!("storm/{number}").into(), bob.into()],
            )?;
        }
        Ok(())
    };
    house.world.kernel.db.write("test.storm", kernel::db::Priority::Background, storm).unwrap();
    house.opened(1, json!({}));
    house.pass(120);
    assert!(chat.titles().contains(&"Alert: Fault 1".to_owned()), "{}", house.notes());
}

#[test]
fn what_has_no_other_way_is_given_up_after_a_day() {
    let house = House::new();
    let chat = Catcher::new();
    chat.answers(503);
    house.channel("chat", &chat);
    house.policy("0 channel:chat", json!({}));
    house.opened(1, json!({}));
    house.pass(12 * 3_600);
    assert_eq!(house.messages()[0].2, "waiting");
    house.pass(13 * 3_600);
    assert_eq!(house.messages()[0].2, "failed");
}
