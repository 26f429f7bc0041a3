//! Links that acknowledge: looking does nothing, pressing does, and says who.

use kernel::time::DAY;
use serde_json::{Value, json};

use crate::house::{Catcher, House};

struct Linked {
    house: House,
    token: String,
}

/// A page that went to a person, or to a channel that many read.
fn linked(personal: bool) -> Linked {
    let house = House::new();
    let chat = Catcher::new();
    let channel = house.channel("chat", &chat);
    let ada = house.user("ada");
    house.call("paging.contact.save", json!({ "user": ada, "items": [{ "channel": channel, "address": "ada" }] }));
    house.policy(if personal { "0 user:ada\n10m channel:chat" } else { "0 channel:chat\n10m user:ada" }, json!({}));
    house.opened(1, json!({}));
    let body: Value = serde_json::from_str(&chat.got()[0].1).unwrap();
    let url = body["actions"][0]["url"].as_str().unwrap().to_owned();
    let token = url.strip_prefix("https://it.example.org/acknowledge/").unwrap().to_owned();
    Linked { house, token }
}

fn door() -> web::page::Door {
    paging::domain().doors.remove(0)
}

#[test]
fn looking_at_a_link_never_acknowledges_and_pressing_its_button_does_in_the_persons_name() {
    let Linked { house, token } = linked(true);
    let kernel = &house.world.kernel;
    for _ in 0..3 {
        let page = (door().show)(kernel, &token).unwrap();
        assert!(page.body.0.contains("method=\"post\"") && page.body.0.contains("Fault 1"));
    }
    assert_eq!(house.page()["state"], "active");
    let page = (door().act)(kernel, &token, &[]).unwrap();
    assert!(page.body.0.contains("Ada is on it"), "{}", page.body.0);
    assert_eq!(house.page()["state"], "acknowledged");
    assert!(house.notes().contains("Ada acknowledged it"));
    (door().act)(kernel, &token, &[]).unwrap();
    house.pass(3_600);
    assert_eq!(house.messages().len(), 1, "nobody else was called");
}

#[test]
fn whoever_presses_in_a_chat_says_who_they_are() {
    let Linked { house, token } = linked(false);
    let kernel = &house.world.kernel;
    let error = (door().act)(kernel, &token, &[]).err().unwrap();
    assert_eq!(error.field.as_deref(), Some("name"));
    let page = (door().act)(kernel, &token, &[("name".into(), "Grace <b>".into())]).unwrap();
    assert!(page.body.0.contains("Grace &lt;b&gt; (by link) is on it"), "{}", page.body.0);
}

#[test]
fn a_link_that_is_old_or_not_ours_or_of_somebody_who_left_does_nothing() {
    let Linked { house, token } = linked(true);
    let kernel = &house.world.kernel;
    let forged = token.replacen("1.", "2.", 1);
    assert!((door().act)(kernel, &forged, &[]).is_err() && (door().show)(kernel, "x").is_err());
    let grace = house.person("grace");
    house.call(
        "people.grant.give",
        json!({ "user": grace, "role": "administrator", "scope": "everything", "reason": "stands in" }),
    );
    house.call("people.user.disable", json!({ "id": house.user("ada"), "reason": "left" }));
    assert!((door().act)(kernel, &token, &[]).is_err());
    house.call("people.user.enable", json!({ "id": house.user("ada") }));
    house.world.clock.advance(3 * DAY);
    assert!((door().act)(kernel, &token, &[]).err().unwrap().message.contains("no longer works"));
    assert_eq!(house.page()["state"], "active");
}

#[test]
fn a_link_gives_no_more_than_its_one_purpose() {
    let Linked { house, token } = linked(true);
    assert!(token.starts_with("1."));
    assert!(!house.messages().iter().any(|(subject, ..)| subject.contains(&token)), "no row holds it");
    let rows = house.call("paging.message.list", json!({})).to_string();
    assert!(!rows.contains(&token));
}

#[test]
fn of_two_people_the_first_is_on_it_and_the_second_reads_who() {
    let house = House::new();
    let chat = Catcher::new();
    let channel = house.channel("chat", &chat);
    for name in ["grace", "sam"] {
        let person = house.person(name);
        let ways = json!([{ "channel": channel, "address": name }]);
        house.call("paging.contact.save", json!({ "user": person, "items": ways }));
    }
    house.policy("0 user:grace, user:sam", json!({}));
    house.opened(1, json!({}));
    let token = |message: usize| {
        let body: Value = serde_json::from_str(&chat.got()[message].1).unwrap();
        body["actions"][0]["url"].as_str().unwrap().rsplit_once('/').unwrap().1.to_owned()
    };
    let (grace, sam) = (token(0), token(1));
    assert_ne!(grace, sam, "each has a link of their own");
    let kernel = &house.world.kernel;
    assert!((door().act)(kernel, &sam, &[]).unwrap().body.0.contains("sam is on it"));
    let late = (door().act)(kernel, &grace, &[]).unwrap();
    assert!(late.body.0.contains("sam is on it") && !late.body.0.contains("method=\"post\""), "{}", late.body.0);
    assert!(house.notes().contains("sam acknowledged it") && !house.notes().contains("grace acknowledged it"));
    house.recovered(1);
    assert!((door().show)(kernel, &grace).unwrap().body.0.contains("This is over"));
    house.reopened(1, json!({}));
    let page = (door().act)(kernel, &grace, &[]).unwrap();
    assert!(page.body.0.contains("grace is on it"), "an old link is good for what is back: {}", page.body.0);
}
