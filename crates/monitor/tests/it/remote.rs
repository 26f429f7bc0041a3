//! Other engines: samples go to them, questions that reach further back are answered by them, and trouble stays theirs.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use agent_proto::{FromAgent, Samples, SeriesName};
use kernel::time::{DAY, HOUR, SECOND};
use serde_json::{Value, json};

use crate::house::{House, message};

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Debian's package of a peer, running until it is dropped.
struct Peer {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Peer {
    /// Each engine that is installed; the others are told.
    fn all() -> Vec<(&'static str, Self)> {
        let mut all = Vec::new();
        for name in ["victoria-metrics", "prometheus"] {
            match Self::start(name) {
                Some(peer) => all.push((name, peer)),
                None => {
                    // Who names the engines that must be there is not told that all is well without them.
                    let needed = std::env::var("MAINSTAY_TEST_ENGINES").unwrap_or_default();
                    assert!(!needed.split_whitespace().any(|one| one == name), "{name} is not installed");
                    eprintln!("skipped: {name} is not installed");
                }
            }
        }
        all
    }

    fn start(name: &str) -> Option<Self> {
        let program = std::path::PathBuf::from("/usr/bin").join(name);
        if !program.is_file() {
            return None;
        }
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let data = folder.path().join("data");
        let mut command = Command::new(program);
        if name == "prometheus" {
            let config = folder.path().join("prometheus.yml");
            std::fs::write(&config, "global: {}\n").unwrap();
            command.arg("--config.file").arg(config).arg("--storage.tsdb.path").arg(data);
            command.args(["--web.enable-remote-write-receiver", "--storage.tsdb.retention.time=10y"]);
            command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        } else {
            command.arg(format!("-storageDataPath={}", data.display())).arg("-retentionPeriod=10y");
            command.arg("-search.latencyOffset=0s").arg(format!("-httpListenAddr=127.0.0.1:{port}"));
        }
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).current_dir(folder.path()).spawn().unwrap();
        let peer = Self { child, port, _folder: folder };
        until("the peer answers", || peer.get("/-/ready").is_some_and(|answer| answer.starts_with("HTTP/1.1 200")));
        Some(peer)
    }

    fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks until it is so; another process decides when.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..600 {
        if is_so() {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    panic!("{what}: not within half a minute");
}

fn endpoint(house: &House, endpoint: Value) {
    house.call("kernel.setting.set", json!({"key": "monitor.remote", "value": {"endpoints": [endpoint]}}));
}

/// A machine that reports a counter that rises by two a second.
fn machine(house: &House, name: &str) -> i64 {
    let asset = house.asset(name);
    let register = ["node_work_total", "node_secret"].iter();
    let register = register.map(|name| SeriesName { name: (*name).into(), labels: vec![("host".into(), "a".into())] });
    let register = FromAgent::Series { register: (1..).zip(register).collect() };
    message(house.kernel(), "series", asset, &register).unwrap();
    asset
}

fn report(house: &House, asset: i64, moments: i64) {
    for _ in 0..moments {
        house.world.clock.advance(15 * SECOND);
        let at_ms = house.kernel().now().millis();
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let counted = ((at_ms - kernel::world::START.millis()) / 1_000 * 2) as f64;
        monitor::tick(house.kernel()).unwrap();
        message(house.kernel(), "samples", asset, &Samples { at_ms, values: vec![(1, counted), (2, 1.0)] }).unwrap();
    }
}

fn state(house: &House) -> Value {
    house.call("monitor.remote.list", json!({}))["items"][0].clone()
}

#[test]
fn samples_go_to_a_real_engine_and_long_questions_come_back_from_it() {
    for (name, peer) in Peer::all() {
        let house = House::new();
        let version = "1.0";
        endpoint(
            &house,
            json!({"name": "long-term", "write_url": peer.url("/api/v1/write"), "version": version, "drop": ["node_secret"],
                "allow_private": true}),
        );
        monitor::remote::flush(house.kernel()).unwrap();
        let asset = machine(&house, "web-01");
        report(&house, asset, 240);
        monitor::remote::flush(house.kernel()).unwrap();
        let sent = state(&house);
        // Half a minute is still waited for.
        assert_eq!((sent["sent"].as_i64(), sent["dropped"].as_i64()), (Some(238), Some(0)), "{name}: {sent}");
        assert!(sent["lag_s"].as_i64().unwrap() <= 45 && sent["error"].is_null(), "{name}: {sent}");
        // A house that began later has nothing of its own for that hour.
        let later = House::new();
        later.world.clock.advance(2 * HOUR);
        let asset = machine(&later, "web-01");
        report(&later, asset, 240);
        endpoint(&later, json!({"name": "long-term", "read_url": peer.url(""), "allow_private": true}));
        let input = json!({"query": "sum(increase(node_work_total[5m]))", "from": kernel::world::START.plus(30 * 60 * SECOND),
            "to": later.kernel().now(), "step": "5m"});
        let counted = || {
            let answer = later.call("monitor.metrics.query", input.clone());
            let points = answer["series"][0]["points"].as_array().cloned().unwrap_or_default();
            let right = |point: &&Value| (point[1].as_str().unwrap().parse::<f64>().unwrap() - 600.0).abs() < 45.0;
            (points.iter().filter(right).count(), answer)
        };
        until("both hours are answered", || counted().0 >= 15);
        let (_, answer) = counted();
        assert!(answer["infos"].to_string().contains("answered by the engine long-term before"), "{name}: {answer}");
        assert_eq!(answer["answered_by"][0], "the engine long-term", "{name}");
        let here = json!({"query": "count(node_work_total)", "to": kernel::world::START.plus(HOUR), "engine": "local"});
        assert_eq!(later.call("monitor.metrics.query", here)["series"], json!([]));
        let there = json!({"query": "count(node_work_total)", "to": kernel::world::START.plus(HOUR)});
        assert_eq!(later.call("monitor.metrics.query", there)["series"][0]["points"][0][1], "1", "{name}");
        let dropped = json!({"query": "count(node_secret)", "to": kernel::world::START.plus(HOUR)});
        assert_eq!(later.call("monitor.metrics.query", dropped)["series"], json!([]), "{name}");
    }
}

/// Answers one request after the other with these statuses, then closes.
fn scripted(statuses: &'static [(u16, &'static str)]) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/write", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let mut heads = Vec::new();
        for (status, header) in statuses {
            let (mut stream, _) = listener.accept().unwrap();
            let mut seen = Vec::new();
            let mut buffer = [0; 65_536];
            loop {
                let count = stream.read(&mut buffer).unwrap();
                seen.extend_from_slice(&buffer[..count]);
                let text = String::from_utf8_lossy(&seen).into_owned();
                let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
                let length = head
                    .lines()
                    .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
                if count == 0 || seen.len() >= head.len() + 4 + length.unwrap_or(0_usize) {
                    heads.push(head.to_owned());
                    break;
                }
            }
            write!(stream, "HTTP/1.1 {status} X\r\n{header}Content-Length: 4\r\nConnection: close\r\n\r\nsaid")
                .unwrap();
        }
        heads
    });
    (url, thread)
}

#[test]
fn what_cannot_be_sent_now_is_sent_later_and_what_is_refused_is_counted() {
    let house = House::new();
    let (url, thread) = scripted(&[(503, "Retry-After: 60\r\n"), (400, ""), (204, "")]);
    endpoint(&house, json!({"name": "x", "write_url": url, "version": "2.0", "user": "ada", "allow_private": true}));
    house.call("monitor.remote.set-secret", json!({"name": "x", "secret": "pw"}));
    monitor::remote::flush(house.kernel()).unwrap();
    let asset = machine(&house, "web-01");
    let go_on = |moments: i64| {
        report(&house, asset, moments);
        monitor::remote::flush(house.kernel()).unwrap();
        let state = state(&house);
        assert_eq!(state["has_secret"], true);
        (
            state["sent"].as_i64().unwrap(),
            state["dropped"].as_i64().unwrap(),
            state["error"].as_str().map(str::to_owned),
        )
    };
    assert_eq!(go_on(6), (0, 0, Some("It answered 503: said".into())), "nothing is lost");
    let (sent, dropped, error) = go_on(1);
    assert!(sent > 0 && dropped > 0, "the first slice was refused, the second taken: {sent} {dropped}");
    assert_eq!(error, None, "it works again");
    for head in thread.join().unwrap() {
        let head = head.to_ascii_lowercase();
        assert!(head.contains("authorization: basic ywrhonb3"), "{head}");
        assert!(
            head.contains("proto=io.prometheus.write.v2.request") && head.contains("content-encoding: snappy"),
            "{head}"
        );
    }
}

#[test]
fn what_comes_after_the_slice_of_its_time_is_sent_by_itself() {
    let house = House::new();
    let (url, _) = scripted(&[(204, ""); 40]);
    endpoint(&house, json!({"name": "x", "write_url": url, "allow_private": true}));
    let sent = || {
        monitor::remote::flush(house.kernel()).unwrap();
        state(&house)["sent"].as_i64().unwrap()
    };
    assert_eq!(sent(), 0);
    let asset = machine(&house, "web-01");
    report(&house, asset, 8);
    let in_time = sent();
    assert!(in_time >= 8, "{in_time}");
    // The machine finds a moment in its buffer: for the store it is between what it has, for the slices it is over.
    let at_ms = kernel::world::START.millis() + 37_000;
    message(house.kernel(), "samples", asset, &Samples { at_ms, values: vec![(1, 74.0), (2, 1.0)] }).unwrap();
    assert_eq!(sent(), in_time + 2);
}

#[test]
fn an_endpoint_that_is_away_for_too_long_is_given_what_it_missed_up_to_a_limit() {
    let house = House::new();
    endpoint(
        &house,
        json!({"name": "x", "write_url": format!("http://127.0.0.1:{}/", free_port()), "allow_private": true}),
    );
    monitor::remote::flush(house.kernel()).unwrap();
    let asset = machine(&house, "web-01");
    report(&house, asset, 6);
    monitor::remote::flush(house.kernel()).unwrap();
    assert!(state(&house)["error"].as_str().unwrap().contains("cannot be reached"), "{}", state(&house));
    assert!(state(&house)["failing_since"].is_string());
    house.world.clock.advance(5 * DAY);
    monitor::remote::flush(house.kernel()).unwrap();
    assert!(state(&house)["skipped_s"].as_i64().unwrap() > 86_400, "{}", state(&house));
}

#[test]
fn an_engine_that_does_not_answer_costs_a_warning_and_an_unknown_one_is_an_error() {
    let house = House::new();
    let asset = machine(&house, "web-01");
    report(&house, asset, 20);
    endpoint(
        &house,
        json!({"name": "old", "read_url": format!("http://127.0.0.1:{}", free_port()), "allow_private": true}),
    );
    let ask = |engine: Option<&str>| json!({"query": "node_work_total", "from": house.kernel().now().plus(-HOUR), "step": "60s", "engine": engine});
    let answer = house.call("monitor.metrics.query", ask(None));
    let warning = answer["warnings"][0].as_str().unwrap();
    assert!(warning.contains("the engine old gave no answer") && warning.contains("is missing"), "{warning}");
    assert_eq!(answer["series"].as_array().unwrap().len(), 1, "what is here is answered");
    assert!(house.refused("monitor.metrics.query", ask(Some("old"))).message.contains("gave no answer"));
    assert_eq!(house.refused("monitor.metrics.query", ask(Some("new"))).field.as_deref(), Some("engine"));
    assert_eq!(
        house.refused("monitor.remote.set-secret", json!({"name": "new", "secret": "x"})).kind,
        kernel::ErrorKind::NotFound
    );
}
