//! A server that is killed while samples come in and alerts are out: what was taken is there again, but for the last moment,
//! and the alerts are as they were.

use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::running::{PROGRAM, Running};

/// Samples are put on disk every second; this is that, and what a busy disk takes to do it.
const LOST_AT_MOST: Duration = Duration::from_secs(2);

/// Sends samples numbered from 1 on until it is told to end; answers when each was taken.
fn send(data: &std::path::Path, end: &AtomicBool, taken: &Mutex<Vec<Instant>>) {
    for number in 1.. {
        let sample = json!({"samples": [{"metric": "pressure", "value": number + 100}]}).to_string();
        let words = ["monitor", "metrics", "write", "--input", &sample];
        let sent = Command::new(PROGRAM).arg("--data").arg(data).args(words).output().unwrap();
        if end.load(Ordering::SeqCst) || !sent.status.success() {
            return;
        }
        taken.lock().unwrap().push(Instant::now());
    }
}

fn alert<'a>(shown: &'a Value, state: &str) -> Option<&'a Value> {
    shown["alerts"].as_array()?.iter().find(|alert| alert["state"] == state)
}

/// What must be the same before and after.
fn telling(alert: &Value) -> [Value; 4] {
    ["labels", "state", "active_at", "check"].map(|field| alert[field].clone())
}

#[test]
fn a_killed_server_has_lost_a_second_at_most_and_its_alerts_stand_as_they_stood() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (server, _) = Running::start(&data, &[]);
    let (end, taken) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let rule = |name: &str, more: Value| {
        let mut input = json!({"name": name, "expr": "pressure > 100", "interval": "5s", "severity": "critical"});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = server.cli(&["monitor", "rule", "create", "--input", &input.to_string()]);
        made["id"].as_i64().unwrap().to_string()
    };
    let (high, lasting) = (rule("High", json!({})), rule("Lasting", json!({"for": "1h"})));
    let show = |id: &str| ["monitor", "rule", "show", id].map(str::to_owned);
    let ask = |server: &Running, id: &str, state: &str| {
        let words = show(id);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let shown = server.until(state, &words, |shown| alert(shown, state).is_some());
        telling(alert(&shown, state).unwrap())
    };
    let groups = ["monitor", "group", "list", "--state", "open"];
    let open = |groups: &Value| groups["items"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    let (before, opened, killed): ([_; 2], Vec<Value>, Instant) = std::thread::scope(|scope| {
        scope.spawn(|| send(&data, &end, &taken));
        let before = [ask(&server, &high, "firing"), ask(&server, &lasting, "pending")];
        let opened = server.until("a group opens", &groups, |groups| groups["items"][0]["id"].is_number());
        let killed = Instant::now();
        // SIGKILL, while samples come in.
        drop(server);
        end.store(true, Ordering::SeqCst);
        (before, open(&opened), killed)
    });
    let (server, _) = Running::start(&data, &[]);
    assert_eq!([ask(&server, &high, "firing"), ask(&server, &lasting, "pending")], before);
    assert_eq!(open(&server.cli(&groups)), opened, "the group is the same one, and nobody is told anew");
    let query = ["monitor", "metrics", "query", "--input", r#"{"query": "count_over_time(pressure[1h])"}"#];
    let answer = server.cli(&query);
    let found: usize = answer["series"][0]["points"][0][1].as_str().unwrap().parse().unwrap();
    let taken = taken.into_inner().unwrap();
    let safe = taken.iter().filter(|at| killed.saturating_duration_since(**at) > LOST_AT_MOST).count();
    assert!(safe > 0 && found >= safe, "{found} of {} are there; {safe} were taken well before", taken.len());
}
