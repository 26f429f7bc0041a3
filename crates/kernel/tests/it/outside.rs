//! What leaves the house: mail and webhooks to servers of the test on loopback, blobs on disk.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use kernel::db::Priority;
use kernel::world::World;
use kernel::*;
use ring::hmac;
use serde_json::{Value, json};

use crate::notes;

fn world() -> (World, Actor) {
    (World::new(vec![notes::domain()]).unwrap(), Actor::os("boss"))
}

fn set(world: &World, key: &str, value: Value) {
    world.call(&Actor::os("boss"), "kernel.setting.set", json!({"key": key, "value": value})).unwrap();
}

/// An HTTP server that answers each request with the next of `answers` and hands over what it got.
fn http(answers: &'static [&'static str]) -> (u16, Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line == "\r\n" {
                    break;
                }
                head += &line;
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            write!(reader.get_mut(), "HTTP/1.1 {answer}\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").unwrap();
            tell.send((head, String::from_utf8(body).unwrap())).unwrap();
        }
    });
    (port, told)
}

/// A mail server that takes messages, or refuses recipients named `nobody`.
fn smtp() -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            reader.get_mut().write_all(b"220 test\r\n").unwrap();
            let (mut data, mut text) = (false, String::new());
            let mut line = String::new();
            while reader.read_line(&mut line).unwrap_or(0) > 0 {
                let answer: &[u8] = match (data, line.trim_end()) {
                    (true, ".") => {
                        data = false;
                        let _ = tell.send(std::mem::take(&mut text));
                        b"250 taken as 7\r\n"
                    }
                    (true, _) => {
                        text += &line;
                        b""
                    }
                    (_, "DATA") => {
                        data = true;
                        b"354 go on\r\n"
                    }
                    (_, command) if command.contains("nobody@") => b"550 no such user\r\n",
                    _ => b"250 ok\r\n",
                };
                reader.get_mut().write_all(answer).unwrap();
                line.clear();
            }
        }
    });
    (port, told)
}

fn messages(world: &World) -> Value {
    world.call(&Actor::os("boss"), "kernel.notification.list", json!({})).unwrap()["items"].clone()
}

fn needs(world: &World) -> Vec<String> {
    let needs = world.kernel.read_as(&Actor::os("boss"), |cx| cx.attention(10)).unwrap();
    needs.into_iter().map(|need| format!("{}: {}", need.title, need.why)).collect()
}

#[test]
fn a_webhook_gets_events_it_asked_for_signed_so_that_it_can_check() {
    let (world, boss) = world();
    let (port, told) = http(&["200 OK"]);
    set(&world, "kernel.webhooks", json!({"allow_private": true}));
    let input = json!({"name": "chat", "url": format!("http://127.0.0.1:{port}/in"), "events": ["notes.*"]});
    let saved = world.call(&boss, "kernel.webhook.save", input.clone()).unwrap();
    assert_eq!(world.call(&boss, "kernel.webhook.save", input).unwrap()["signing_key"], Value::Null);
    world.call(&boss, "notes.note.write", json!({"text": "<b>hello</b>"})).unwrap();
    world.settle().unwrap();
    let (head, body) = told.recv().unwrap();
    let header = head.lines().find_map(|line| line.strip_prefix("mainstay-signature: ")).unwrap();
    let (time, tag) = header.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, saved["signing_key"].as_str().unwrap().as_bytes());
    let expected = hmac::sign(&key, format!("{time}.{body}").as_bytes());
    assert_eq!(tag, kernel::text::hex(expected.as_ref()));
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&body["about"], &body["data"]["event"]), (&json!("note:1"), &json!("notes.note.written")));
    assert_eq!(messages(&world)[0]["state"], "sent");
    let shown = world.call(&boss, "kernel.notification.show", json!({"id": 1})).unwrap();
    assert_eq!(shown["deliveries"][0]["answer"], "200 ok");
    assert!(
        !world
            .call(&boss, "kernel.audit.list", json!({}))
            .unwrap()
            .to_string()
            .contains(saved["signing_key"].as_str().unwrap())
    );
}

#[test]
fn a_failing_webhook_is_tried_again_complained_about_and_forgiven() {
    let (world, boss) = world();
    let (port, told) = http(&["500 Broken", "200 OK", "404 Gone", "200 OK"]);
    set(&world, "kernel.webhooks", json!({"allow_private": true}));
    world
        .call(&boss, "kernel.webhook.save", json!({"name": "chat", "url": format!("http://127.0.0.1:{port}/")}))
        .unwrap();
    let test =
        || world.call(&boss, "kernel.notification.test", json!({"webhook": "chat"})).unwrap()["id"].as_i64().unwrap();
    let first = test();
    world.settle().unwrap();
    assert_eq!(needs(&world), ["The webhook \"chat\" does not take messages: 500 ok"]);
    world.pass(time::MINUTE).unwrap();
    assert_eq!(needs(&world), [] as [String; 0]);
    let second = test();
    world.settle().unwrap();
    let state = |id: i64| world.call(&boss, "kernel.notification.show", json!({"id": id})).unwrap()["state"].clone();
    assert_eq!((state(first), state(second)), (json!("sent"), json!("failed")));
    world.call(&boss, "kernel.notification.retry", json!({"id": second})).unwrap();
    world.settle().unwrap();
    assert_eq!(state(second), json!("sent"));
    assert_eq!(told.iter().take(4).count(), 4);
}

#[test]
fn a_message_that_can_never_be_read_for_sending_ends_as_failed_and_one_that_lost_its_job_is_sent_again() {
    let (world, boss) = world();
    world.call(&boss, "kernel.webhook.save", json!({"name": "in", "url": "http://127.0.0.1:9/"})).unwrap();
    let spoil = |sql: &'static str| {
        world.kernel.db.write("test.spoil", Priority::Interactive, move |tx| tx.execute(sql, &[])).unwrap()
    };
    assert_eq!(spoil("UPDATE kernel_secrets SET key_id = 'gone'"), 1);
    world.call(&boss, "kernel.notification.test", json!({"webhook": "in"})).unwrap();
    for _ in 0..=limits::JOB_TRIES {
        world.pass(time::HOUR).unwrap();
    }
    assert_eq!(messages(&world)[0]["state"], "failed");
    assert!(needs(&world)[0].contains("does not take messages"), "{:?}", needs(&world));
    let retry = || world.call(&boss, "kernel.notification.retry", json!({"id": 1}));
    assert_eq!(retry().unwrap()["state"], "waiting");
    assert_eq!(retry().unwrap_err().kind, ErrorKind::Conflict, "it is on its way");
    spoil("DELETE FROM kernel_jobs");
    assert_eq!(retry().unwrap()["state"], "waiting", "nothing was on its way any more");
}

#[test]
fn private_addresses_need_the_setting_and_redirects_are_not_followed() {
    let (world, boss) = world();
    world.call(&boss, "kernel.webhook.save", json!({"name": "in", "url": "http://127.0.0.1:9/"})).unwrap();
    world
        .call(&boss, "kernel.webhook.save", json!({"name": "meta", "url": "http://169.254.169.254/latest/meta-data"}))
        .unwrap();
    world.call(&boss, "kernel.notification.test", json!({"webhook": "in"})).unwrap();
    world.settle().unwrap();
    assert_eq!(messages(&world)[0]["state"], "failed");
    assert!(needs(&world)[0].contains("the setting does not allow"), "{:?}", needs(&world));
    let (port, _told) = http(&["302 Found\r\nlocation: http://169.254.169.254/"]);
    set(
        &world,
        "kernel.webhooks",
        json!({"allow_private": true, "webhooks": [
        {"name": "in", "url": format!("http://127.0.0.1:{port}/")}, {"name": "meta", "url": "http://169.254.169.254/latest"}]}),
    );
    for name in ["in", "meta"] {
        world.call(&boss, "kernel.notification.test", json!({"webhook": name})).unwrap();
        world.settle().unwrap();
        assert_eq!(messages(&world)[0]["state"], "failed", "{name}");
    }
    assert!(needs(&world).iter().any(|need| need.contains("link-local or metadata")), "{:?}", needs(&world));
}

#[test]
fn a_redirect_to_a_metadata_address_is_refused() {
    let (port, _told) = http(&[
        "302 Found\r\nlocation: http://169.254.169.254/latest",
        "302 Found\r\nlocation: http://[::ffff:a9fe:a9fe]/",
    ]);
    for _ in 0..2 {
        let url = format!("http://127.0.0.1:{port}/");
        let error = kernel::fetch::fetch(&kernel::fetch::Request {
            method: "GET",
            url: &url,
            headers: &[],
            body: &[],
            timeout: std::time::Duration::from_secs(10),
            redirects: 3,
            allow_private: true,
        })
        .unwrap_err();
        assert!(error.message.contains("link-local or metadata"), "{error}");
    }
}

#[test]
fn mail_is_sent_logged_and_a_refused_recipient_fails_at_once() {
    let (world, boss) = world();
    let (port, told) = smtp();
    set(
        &world,
        "kernel.smtp",
        json!({"host": "127.0.0.1", "port": port, "tls": "none", "from": "Mainstay <it@example.com>"}),
    );
    for to in ["ada@example.com", "nobody@example.com", "not an address\r\nBcc: x@example.com"] {
        world.call(&boss, "kernel.notification.test", json!({"email": to})).unwrap();
    }
    world.settle().unwrap();
    let mail = told.recv().unwrap();
    assert!(mail.contains("To: ada@example.com") && mail.contains("Subject: Test message from Mainstay"), "{mail}");
    let states: Vec<_> = messages(&world).as_array().unwrap().iter().rev().map(|one| one["state"].clone()).collect();
    assert_eq!(states, ["sent", "failed", "failed"]);
    let shown = world.call(&boss, "kernel.notification.show", json!({"id": 2})).unwrap();
    assert!(shown["deliveries"][0]["answer"].as_str().unwrap().contains("no such user"), "{shown}");
}

fn mail_with_delay(world: &World, by: &Actor) {
    world
        .kernel
        .write_as(by.clone(), "notes.mail", |cx| {
            let about = Ref::new("note", 1);
            cx.changed(&about, "text", "a", "b")?;
            cx.notify(&Notification {
                recipients: vec![Recipient::Email("ada@example.com".into())],
                subject: "s".into(),
                body: "b".into(),
                about,
                undo_delay: true,
            })
        })
        .unwrap();
}

#[test]
fn undo_stops_a_message_that_has_not_left() {
    let (world, boss) = world();
    world.call(&boss, "notes.note.write", json!({"text": "b"})).unwrap();
    world.clock.advance(time::SECOND);
    mail_with_delay(&world, &boss);
    world.settle().unwrap();
    assert_eq!(messages(&world)[0]["state"], "waiting");
    let undone = world.call(&boss, "kernel.audit.undo", json!({"id": 2})).unwrap();
    assert_eq!(undone["stopped_messages"], 1);
    world.pass(time::MINUTE).unwrap();
    assert_eq!(messages(&world)[0]["state"], "stopped");
}

#[test]
fn a_blob_is_stored_once_kept_while_needed_and_swept_after() {
    let (world, boss) = world();
    let blob = world.kernel.put_blob(b"bytes").unwrap();
    assert_eq!(world.kernel.put_blob(b"bytes").unwrap(), blob);
    let (owner, kept) = (Ref::new("note", 1), blob.clone());
    world.kernel.write_as(boss.clone(), "notes.keep", move |cx| cx.keep_blob(&kept, &owner)).unwrap();
    world.pass(3 * time::DAY).unwrap();
    assert_eq!(world.kernel.blob(&blob.hash).unwrap(), b"bytes");
    let path = world.folder().join("blobs").join(&blob.hash[..2]).join(&blob.hash);
    std::fs::write(&path, b"bytez").unwrap();
    assert_eq!(world.kernel.blob(&blob.hash).unwrap_err().kind, ErrorKind::Internal);
    assert_eq!(world.kernel.blob("../../etc/passwd").unwrap_err().kind, ErrorKind::NotFound);
    world.kernel.db.write("test", Priority::Interactive, |tx| tx.execute("DELETE FROM kernel_blobs", &[])).unwrap();
    world.pass(400 * time::DAY).unwrap();
    assert_eq!(world.kernel.blob(&blob.hash).unwrap_err().kind, ErrorKind::NotFound);
}
