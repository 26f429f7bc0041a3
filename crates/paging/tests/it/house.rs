//! A small house: people, a team, channels that lead to sockets of the test, and monitoring's events told by hand.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use kernel::time::SECOND;
use kernel::world::World;
use kernel::*;
use serde::Serialize;
use serde_json::{Value, json};

use crate::post::Post;

macro_rules! told {
    ($($type:ident $name:literal),*) => {
        $(
            #[derive(Serialize)]
            struct $type { #[serde(flatten)] fields: Value }
            impl Event for $type {
                const NAME: &'static str = $name;
                fn subjects(&self) -> Vec<Ref> { Vec::new() }
                fn title(&self) -> String { $name.into() }
                fn sample() -> Self { Self { fields: json!({}) } }
            }
        )*
        fn tell(cx: &mut Cx, name: &str, fields: Value) -> Result<()> {
            match name { $($name => cx.emit(&$type { fields }),)* other => Err(Error::internal("told", other)) }
        }
    };
}
told! {
    Opened "monitor.group.opened", Changed "monitor.group.changed", Recovered "monitor.group.recovered",
    Reopened "monitor.group.reopened", Merged "monitor.group.merged"
}

/// A server of the web that keeps what it gets and answers with a status; 0 is a server that never answers.
pub(crate) struct Catcher {
    pub(crate) url: String,
    status: Arc<AtomicU16>,
    tries: Arc<AtomicU16>,
    got: Arc<Mutex<Vec<(String, String)>>>,
}

impl Catcher {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let status = Arc::new(AtomicU16::new(200));
        let got: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let tries = Arc::new(AtomicU16::new(0));
        let (answers, counts, keeps) = (status.clone(), tries.clone(), got.clone());
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming().flatten() {
                counts.fetch_add(1, Ordering::SeqCst);
                match answers.load(Ordering::SeqCst) {
                    0 => silent.push(stream),
                    status => drop(answer(stream, status, &keeps)),
                }
            }
        });
        Self { url, status, tries, got }
    }

    pub(crate) fn answers(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// How often somebody tried.
    pub(crate) fn tries(&self) -> u16 {
        self.tries.load(Ordering::SeqCst)
    }

    /// What it took so far: path and body.
    pub(crate) fn got(&self) -> Vec<(String, String)> {
        self.got.lock().unwrap().clone()
    }

    /// The titles of what came by ntfy.
    pub(crate) fn titles(&self) -> Vec<String> {
        let title = |body: &str| serde_json::from_str::<Value>(body).unwrap()["title"].as_str().unwrap().to_owned();
        self.got().iter().map(|(_, body)| title(body)).collect()
    }
}

fn answer(stream: TcpStream, status: u16, keeps: &Mutex<Vec<(String, String)>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    if status < 300 {
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        keeps.lock().unwrap().push((path, String::from_utf8_lossy(&body).into_owned()));
    }
    let text = format!("HTTP/1.1 {status} X\r\ncontent-length: 4\r\nconnection: close\r\n\r\nsaid");
    reader.get_mut().write_all(text.as_bytes())
}

pub(crate) struct House {
    pub(crate) world: World,
    pub(crate) admin: Actor,
}

pub(crate) fn domains() -> Vec<Domain> {
    vec![people::domain().kernel, assets::domain().kernel, paging::domain().kernel]
}

impl House {
    /// Ada's house; nothing is tested daily, and messages may go to this machine.
    pub(crate) fn new() -> Self {
        Self::beside(Vec::new())
    }

    /// The same with other domains beside.
    pub(crate) fn beside(others: Vec<Domain>) -> Self {
        let all = domains().into_iter().chain(others).collect();
        let house = Self { world: World::new(all).unwrap(), admin: Actor::os("root") };
        let secret = people::setup::issue(&house.world.kernel).unwrap().unwrap();
        let ada = json!({ "secret": secret, "organisation": "Fjord", "name": "Ada", "login": "ada", "email": "ada@example.org", "password": "a long enough sentence" });
        house.world.call(&Actor::nobody(), "people.setup.complete", ada).unwrap();
        house.sending(json!({}));
        house
    }

    pub(crate) fn sending(&self, more: Value) {
        let mut value = json!({ "address": "https://it.example.org", "allow_private": true, "test_hour": -1, "time_zone": "UTC", "timeout_s": 1 });
        for (name, field) in more.as_object().unwrap() {
            value[name] = field.clone();
        }
        self.set("paging.sending", value);
    }

    pub(crate) fn set(&self, key: &str, value: Value) {
        self.call("kernel.setting.set", json!({ "key": key, "value": value }));
    }

    pub(crate) fn call(&self, operation: &str, input: Value) -> Value {
        let done = self.world.call(&self.admin, operation, input);
        done.unwrap_or_else(|error| panic!("{operation}: {error} {:?}", error.cause))
    }

    pub(crate) fn refused(&self, operation: &str, input: Value) -> Error {
        self.world.call(&self.admin, operation, input).unwrap_err()
    }

    pub(crate) fn user(&self, login: &str) -> i64 {
        self.world.kernel.db.read(|tx| people::user_by_login(tx, login)).unwrap().unwrap()
    }

    pub(crate) fn person(&self, login: &str) -> i64 {
        let email = format!("{login}@example.org");
        let input = json!({ "login": login, "name": login, "email": email, "password": "a long enough sentence" });
        self.call("people.user.create", input)["id"].as_i64().unwrap()
    }

    pub(crate) fn actor(&self, user: i64) -> Actor {
        let kernel = &self.world.kernel;
        kernel.db.read(|tx| kernel.actor(tx, &Ident::User(user))).unwrap()
    }

    /// A channel of ntfy that leads to a catcher.
    pub(crate) fn channel(&self, name: &str, to: &Catcher) -> i64 {
        let input = json!({ "name": name, "kind": "ntfy", "url": to.url, "address": name });
        self.call("paging.channel.save", input)["id"].as_i64().unwrap()
    }

    /// A policy of lines, made the default one.
    pub(crate) fn policy(&self, lines: &str, more: Value) -> i64 {
        let mut input = json!({ "name": format!("policy {}", lines.replace("\n", ", ")), "lines": lines });
        for (name, field) in more.as_object().unwrap() {
            input[name] = field.clone();
        }
        let id = self.call("paging.policy.save", input)["id"].as_i64().unwrap();
        self.set("paging.default", json!({ "policy": id }));
        id
    }

    pub(crate) fn mail_by(&self, post: &Post) {
        let smtp = json!({ "host": "127.0.0.1", "port": post.port, "tls": "none", "from": "it@example.org" });
        self.set("kernel.smtp", smtp);
    }

    pub(crate) fn tell(&self, name: &'static str, fields: Value) {
        self.tell_as(self.admin.clone(), name, fields);
    }

    pub(crate) fn tell_as(&self, actor: Actor, name: &'static str, fields: Value) {
        self.world.kernel.write_as(actor, "test.tell", move |cx| tell(cx, name, fields.clone())).unwrap();
    }

    /// Monitoring tells that a group opened, and everything that follows at once is done.
    pub(crate) fn opened(&self, group: i64, more: Value) {
        let mut fields = json!({ "group": format!("alert_group:{group}"), "severity": "critical", "title": format!("Fault {group}"), "evidence": ["it fails"] });
        for (name, field) in more.as_object().unwrap() {
            fields[name] = field.clone();
        }
        self.tell("monitor.group.opened", fields);
        self.world.settle().unwrap();
    }

    pub(crate) fn recovered(&self, group: i64) {
        let fields = json!({ "group": format!("alert_group:{group}"), "title": format!("Fault {group}"), "evidence": ["it works"], "lasted_s": 60, "proven": true, "announced": true });
        self.tell("monitor.group.recovered", fields);
        self.world.settle().unwrap();
    }

    /// Monitoring tells that a group that was over is back.
    pub(crate) fn reopened(&self, group: i64, more: Value) {
        let mut fields = json!({ "group": format!("alert_group:{group}"), "severity": "critical", "title": format!("Fault {group}"), "evidence": ["it fails again"], "over_s": 240 });
        for (name, field) in more.as_object().unwrap() {
            fields[name] = field.clone();
        }
        self.tell("monitor.group.reopened", fields);
        self.world.settle().unwrap();
    }

    pub(crate) fn acknowledged(&self, group: i64, by: &Actor) {
        let fields =
            json!({ "group": format!("alert_group:{group}"), "change": "acknowledged", "severity": "critical" });
        self.tell_as(by.clone(), "monitor.group.changed", fields);
        self.world.settle().unwrap();
    }

    /// Time passes with the loop of paging looking at every second of `step`.
    pub(crate) fn pass(&self, seconds: i64) {
        let step = (seconds / 20).clamp(1, 60);
        let mut left = seconds;
        while left > 0 {
            let now = step.min(left);
            self.world.clock.advance(now * SECOND);
            paging::tick(&self.world.kernel).unwrap();
            self.world.settle().unwrap();
            left -= now;
        }
    }

    /// Messages, oldest first: subject, to whom, state.
    pub(crate) fn messages(&self) -> Vec<(String, String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let all = self.call("paging.message.list", json!({ "limit": 500 }));
        let mut all: Vec<_> = all["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (text(&one["subject"]), text(&one["to"]), text(&one["state"])))
            .collect();
        all.reverse();
        all
    }

    pub(crate) fn page(&self) -> Value {
        let all = self.call("paging.page.list", json!({}));
        let id = all["items"][0]["id"].clone();
        self.call("paging.page.show", json!({ "id": id }))
    }

    pub(crate) fn notes(&self) -> String {
        let page = self.page();
        let line = |one: &Value| one["line"].as_str().unwrap().to_owned();
        page["notes"].as_array().unwrap().iter().map(line).collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn needs(&self) -> Vec<String> {
        let needs = self.world.kernel.read_as(&self.admin, |cx| cx.attention(100)).unwrap();
        needs.into_iter().map(|need| need.title).collect()
    }
}

/// A house with the channels one, two and three, and what each of them got.
pub(crate) fn three() -> (House, [Catcher; 3]) {
    let house = House::new();
    let all = [Catcher::new(), Catcher::new(), Catcher::new()];
    for (name, catcher) in ["one", "two", "three"].iter().zip(&all) {
        house.channel(name, catcher);
    }
    (house, all)
}

/// How many messages each got.
pub(crate) fn counts(all: &[Catcher]) -> Vec<usize> {
    all.iter().map(|one| one.got().len()).collect()
}
