//! Channels that hang, refuse and come back; secrets that stay secret; people with several ways.

use serde_json::{Value, json};

use crate::house::{Catcher, House};
use crate::post::{Mood, Post};

#[test]
fn a_channel_that_hangs_holds_up_no_other() {
    let house = House::new();
    let (hangs, works) = (Catcher::new(), Catcher::new());
    hangs.answers(0);
    house.channel("hangs", &hangs);
    house.channel("works", &works);
    house.policy("0 channel:hangs, channel:works", json!({}));
    for group in 1..=30 {
        house.opened(group, json!({}));
    }
    assert_eq!(works.titles().iter().filter(|title| title.starts_with("Alert")).count(), 30);
    assert_eq!(hangs.tries(), 1, "the others do not wait for the same");
    house.pass(60);
    assert!(works.titles().contains(&"Failing: hangs".to_owned()));
    let of = |state: &str| house.messages().into_iter().filter(|one| one.1 == "hangs" && one.2 == state).count();
    assert_eq!((of("failed"), of("waiting")), (0, 30), "nothing is lost that has no other way");
    hangs.answers(200);
    house.pass(600);
    assert_eq!((of("sent"), hangs.got().len()), (30, 30));
}

#[test]
fn a_mail_server_that_refuses_is_written_down_and_a_person_is_told_by_the_next_way() {
    let house = House::new();
    let post = Post::new(Mood::Refuses("550 no such box"));
    house.mail_by(&post);
    let chat = Catcher::new();
    let channel = house.channel("chat", &chat);
    let ada = house.user("ada");
    let ways = json!([{ "channel": null }, { "channel": channel, "address": "ada" }]);
    house.call("paging.contact.save", json!({ "user": ada, "items": ways }));
    house.policy("0 user:ada", json!({}));
    house.opened(1, json!({}));
    let all = house.messages();
    assert_eq!((all[0].1.as_str(), all[0].2.as_str()), ("Ada by mail", "failed"));
    assert!(chat.titles().contains(&"Alert: Fault 1".to_owned()), "{all:?}");
    let message = house.call("paging.message.list", json!({ "user": ada, "state": "failed" }));
    let shown = house.call("paging.message.show", json!({ "id": message["items"][0]["id"] }));
    assert!(shown["tries"][0]["answer"].as_str().unwrap().contains("550"), "{shown}");
}

#[test]
fn mail_goes_out_with_a_link_that_acknowledges() {
    let house = House::new();
    let post = Post::new(Mood::Takes);
    house.mail_by(&post);
    house.policy("0 user:ada", json!({}));
    house.opened(1, json!({}));
    let mail = post.got.lock().unwrap().join("").replace("=\r\n", "").replace("=3D", "=");
    assert!(mail.contains("Subject: Alert: Fault 1") && mail.contains("https://it.example.org/acknowledge/"), "{mail}");
    house.recovered(1);
    assert_eq!(post.got.lock().unwrap().len(), 2);
}

#[test]
fn a_try_that_fails_for_a_moment_is_made_again_three_times() {
    let house = House::new();
    let chat = Catcher::new();
    chat.answers(503);
    house.channel("chat", &chat);
    house.policy("0 channel:chat", json!({}));
    house.opened(1, json!({}));
    chat.answers(200);
    house.pass(60);
    assert_eq!(chat.titles(), ["Alert: Fault 1"]);
    assert!(house.needs().is_empty(), "{:?}", house.needs());
    let all = house.call("paging.message.list", json!({}));
    assert_eq!((&all["items"][0]["attempts"], &all["items"][0]["answer"]), (&json!(2), &json!("200 said")));
}

#[test]
fn what_recovers_before_it_is_told_is_told_to_nobody() {
    let house = House::new();
    let chat = Catcher::new();
    chat.answers(503);
    house.channel("chat", &chat);
    house.policy("0 channel:chat", json!({}));
    house.opened(1, json!({}));
    house.recovered(1);
    chat.answers(200);
    house.pass(120);
    assert_eq!(chat.titles(), Vec::<String>::new());
    assert_eq!(house.messages()[0].2, "stopped");
}

#[test]
fn addresses_and_tokens_are_sealed_and_never_shown_again() {
    let house = House::new();
    let input = json!({ "name": "sms", "kind": "sms", "url": "http://127.0.0.1:1/send/hidden-path?key={token}", "token": "hidden-token", "address": "+47 1" });
    let id = house.call("paging.channel.save", input)["id"].clone();
    house.call("paging.channel.test", json!({ "id": id }));
    house.pass(120);
    let shown = [
        house.call("paging.channel.list", json!({})).to_string(),
        house.call("paging.message.list", json!({})).to_string(),
        house.call("kernel.audit.list", json!({ "limit": 100 })).to_string(),
    ];
    for text in shown {
        assert!(!text.contains("hidden"), "{text}");
    }
    assert_eq!(house.messages()[0].2, "failed");
}

#[test]
fn headers_and_bodies_of_a_gateway_are_sealed_kept_and_removed() {
    let house = House::new();
    let gateway = Catcher::new();
    let url = format!("{}/send", gateway.url);
    let sms = |more: Value| {
        let mut input = json!({ "name": "sms", "kind": "sms", "address": "+47 1" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let first = sms(json!({
        "url": url, "headers": "X-Api-Key: hidden-key\nContent-Type: text/plain", "body": "login=hidden-login;{text}"
    }));
    let made = house.call("paging.channel.save", first);
    let id = made["id"].clone();
    assert_eq!((&made["headers"], &made["has_body"]), (&json!("X-Api-Key\nContent-Type"), &json!(true)));
    let test = || {
        let known = gateway.got().len();
        house.pass(5);
        house.call("paging.channel.test", json!({ "id": id }));
        house.world.settle().unwrap();
        assert_eq!(gateway.got().len(), known + 1);
        gateway.got().last().unwrap().1.clone()
    };
    assert!(test().starts_with("login=hidden-login;Test message"), "{:?}", gateway.got());
    house.call("paging.channel.save", sms(json!({ "id": id, "method": "PUT" })));
    assert!(test().starts_with("login=hidden-login;"), "what is not given again is kept");
    let row = house.world.kernel.db.read(|tx| tx.one("SELECT config FROM paging_channels", &[])?.text(0)).unwrap();
    let shown = [
        row,
        house.call("paging.channel.list", json!({})).to_string(),
        house.call("paging.message.list", json!({})).to_string(),
        house.call("kernel.audit.list", json!({ "limit": 100 })).to_string(),
    ];
    for text in shown {
        assert!(!text.contains("hidden"), "{text}");
    }
    let elsewhere = sms(json!({ "id": id, "url": "https://other.example.org/send" }));
    assert_eq!(house.refused("paging.channel.save", elsewhere).field.as_deref(), Some("headers"), "they stay at home");
    let removed = house.call("paging.channel.save", sms(json!({ "id": id, "headers": "-", "body": "-" })));
    assert_eq!((&removed["headers"], &removed["has_body"]), (&json!(""), &json!(false)));
    assert_eq!(test(), "");
}

#[test]
fn what_an_earlier_version_kept_plain_is_sealed_at_the_start() {
    let house = House::new();
    let gateway = Catcher::new();
    let input = json!({ "name": "sms", "kind": "sms", "url": gateway.url, "address": "+47 1" });
    let id = house.call("paging.channel.save", input)["id"].as_i64().unwrap();
    let old = r#"{"address":"+47 1","host":"x","method":"POST","headers":"X-Key: hidden","body":"hidden={text}"}"#;
    let put = move |cx: &mut kernel::Cx| {
        cx.tx.execute("UPDATE paging_channels SET config = ?1 WHERE id = ?2", &[old.into(), id.into()])
    };
    house.world.kernel.write_as(house.admin.clone(), "test.old", put).unwrap();
    let start = paging::domain().kernel.start.unwrap();
    for _ in 0..2 {
        start(&house.world.kernel).unwrap();
    }
    let row = house.world.kernel.db.read(|tx| tx.one("SELECT config FROM paging_channels", &[])?.text(0)).unwrap();
    assert!(!row.contains("hidden") && row.contains("X-Key") && row.contains("+47 1"), "{row}");
    house.call("paging.channel.test", json!({ "id": id }));
    house.world.settle().unwrap();
    assert!(gateway.got()[0].1.starts_with("hidden=Test"), "{:?}", gateway.got());
}

#[test]
fn private_addresses_need_the_setting_and_link_local_ones_never_pass() {
    let house = House::new();
    let chat = Catcher::new();
    let channel = house.channel("chat", &chat);
    house.sending(json!({ "allow_private": false }));
    house.call("paging.channel.test", json!({ "id": channel }));
    house.world.settle().unwrap();
    assert!(chat.got().is_empty());
    let all = house.call("paging.message.list", json!({}));
    let test = all["items"].as_array().unwrap().iter().find(|one| one["what"] == "test").unwrap();
    assert!(test["answer"].as_str().unwrap().contains("loopback address, which the setting does not allow"), "{all}");
}

#[test]
fn channels_that_mean_nothing_are_refused_by_the_name_of_the_field() {
    let house = House::new();
    for (input, field) in [
        (json!({ "name": "Chat!", "kind": "slack", "url": "https://x.example.org" }), "name"),
        (json!({ "name": "chat", "kind": "slack" }), "url"),
        (json!({ "name": "chat", "kind": "slack", "url": "ftp://x" }), "url"),
        (json!({ "name": "chat", "kind": "ntfy", "url": "https://x.example.org" }), "address"),
        (json!({ "name": "chat", "kind": "matrix", "url": "https://x.example.org", "address": "#room:x" }), "address"),
        (json!({ "name": "chat", "kind": "sms", "url": "https://x.example.org", "method": "BREW" }), "method"),
        (json!({ "name": "chat", "kind": "sms", "url": "https://x.example.org", "headers": "nonsense" }), "headers"),
    ] {
        assert_eq!(house.refused("paging.channel.save", input.clone()).field.as_deref(), Some(field), "{input}");
    }
}

#[test]
fn people_keep_their_own_ways_and_nobody_elses() {
    let house = House::new();
    let grace = house.person("grace");
    let (own, ada) = (house.actor(grace), house.user("ada"));
    let saved = house
        .world
        .call(&own, "paging.contact.save", json!({ "lines": "mail | critical | mon-fri 08:00-16:00" }))
        .unwrap();
    assert_eq!(saved["lines"], "mail | critical | mon-fri 08:00-16:00");
    for operation in ["paging.contact.save", "paging.contact.list"] {
        assert!(house.world.call(&own, operation, json!({ "user": ada })).is_err(), "{operation}");
    }
}

#[test]
fn a_worker_that_dies_in_the_middle_leaves_a_message_that_the_next_one_sends() {
    let house = House::new();
    let chat = Catcher::new();
    house.channel("chat", &chat);
    house.policy("0 channel:chat", json!({}));
    // The message is written, and the job that was to send it is lost with its worker.
    chat.answers(503);
    house.opened(1, json!({}));
    chat.answers(200);
    let lost = |cx: &mut kernel::Cx| cx.tx.execute("DELETE FROM kernel_jobs WHERE kind = 'paging.send'", &[]);
    house.world.kernel.write_as(house.admin.clone(), "test.lost", lost).unwrap();
    assert!(chat.got().is_empty());
    house.pass(200);
    assert_eq!(chat.titles(), ["Alert: Fault 1"]);
}

#[test]
fn a_channel_that_can_never_send_is_refused_when_it_is_saved() {
    let house = House::new();
    let save = |more: Value| {
        let mut input = json!({ "name": "ops", "kind": "slack" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        house.refused("paging.channel.save", input)
    };
    let unknown = save(json!({ "kind": "webhook", "address": "nope" }));
    assert_eq!(unknown.field.as_deref(), Some("address"));
    assert!(
        unknown.message.contains("no webhook \"nope\"") && unknown.message.contains("kernel.webhook.save"),
        "{unknown}"
    );
    let credentials = save(json!({ "url": "http://169.254.169.254/latest?x=1" }));
    assert_eq!(credentials.field.as_deref(), Some("url"));
    assert!(credentials.message.starts_with("169.254.169.254 is a link-local or metadata address"), "{credentials}");
    house.sending(json!({ "allow_private": false }));
    assert_eq!(save(json!({ "url": "http://127.0.0.1:9/x" })).field.as_deref(), Some("url"));
    assert_eq!(save(json!({ "url": "https://[::1]/x" })).field.as_deref(), Some("url"));
    house.call("kernel.webhook.save", json!({ "name": "nope", "url": "https://hooks.example.org/x", "events": [] }));
    house.call("paging.channel.save", json!({ "name": "ops", "kind": "webhook", "address": "nope" }));
}

#[test]
fn an_address_that_is_read_from_a_file_or_a_terminal_may_end_with_an_end_of_line() {
    let house = House::new();
    let chat = Catcher::new();
    let (url, token) = (format!("{}\n", chat.url), "s3cret\r\n");
    let channel = json!({ "name": "ops", "kind": "ntfy", "address": "ops", "url": url, "token": token });
    let id = house.call("paging.channel.save", channel)["id"].clone();
    house.call("paging.channel.test", json!({ "id": id }));
    house.world.settle().unwrap();
    assert_eq!(chat.got().len(), 1, "{:?}", house.messages());
}
