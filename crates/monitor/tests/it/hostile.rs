//! Targets that answer badly: each ends in a clear error and `up 0`, and its neighbours are scraped as ever.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::exporter::Exporter;
use crate::house::House;
use crate::scrapes::{job, targets, turn, value};

/// Scrapes one bad target beside a good one; what the bad one's error says.
fn error(house: &House, bad: &Exporter, input: Value) -> String {
    let good = Exporter::page("good 1\n");
    let mut fields = json!({ "targets": [bad.address], "timeout_s": 1 });
    fields.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
    job(house, "bad", fields);
    job(house, "good", json!({ "targets": [good.address] }));
    turn(house);
    assert_eq!(value(house, "up{job=\"good\"}"), Some(1.0), "the neighbour is scraped");
    assert_eq!(value(house, "up{job=\"bad\"}"), Some(0.0));
    let all = targets(house);
    let bad = all.iter().find(|one| one["job_name"] == "bad").unwrap();
    assert_eq!((&bad["state"], &bad["series"]), (&json!("down"), &json!(0)));
    bad["error"].as_str().unwrap().to_owned()
}

fn check(bytes: &[u8], input: Value, expected: &str) {
    let house = House::new();
    let exporter = Exporter::page("");
    exporter.sends(bytes.to_vec());
    let error = error(&house, &exporter, input);
    assert!(error.contains(expected), "{error}\n lacks {expected}");
}

fn page(kind: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[test]
fn garbage_and_wrong_types_name_the_line_and_what_to_look_at() {
    check(&page("text/plain", "a 1\nb{x=\"1\" 2\n"), json!({}), "line 2");
    check(&page("text/html", "<html>"), json!({}), "check the target's path");
    check(&page("application/openmetrics-text", "a 1\n"), json!({}), "EOF");
    check(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", json!({}), "not HTTP/1.1");
    check(b"HTTP/1.1 401 No\r\n\r\n", json!({}), "credentials");
    check(b"HTTP/1.1 404 No\r\n\r\n", json!({}), "check the path");
    check(
        b"HTTP/1.1 302 Moved\r\nLocation: http://169.254.169.254/\r\n\r\n",
        json!({}),
        "leads to http://169.254.169.254/",
    );
    check(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", json!({}), "chunks");
    check(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\na 1\n", json!({}), "broke off");
    check(b"", json!({}), "closed without an answer");
}

#[test]
fn bodies_labels_and_samples_without_end_stop_at_their_limit() {
    check(&page("text/plain", &"a 1\n".repeat(1_000)), json!({"body_bytes_max": 1024}), "larger than 1024 bytes");
    let many: String = (0..200).map(|number| format!("a{{n=\"{number}\"}} 1\n")).collect();
    check(&page("text/plain", &many), json!({"sample_limit": 100}), "more than 100 samples");
    let labels: Vec<String> = (0..40).map(|number| format!("l{number}=\"1\"")).collect();
    check(&page("text/plain", &format!("a{{{}}} 1\n", labels.join(","))), json!({}), "more than 32 labels");
    let header = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    check(header.as_bytes(), json!({}), "header is longer");
}

#[test]
fn a_compressed_bomb_is_not_unpacked() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&vec![b'#'; 64 << 20]).unwrap();
    let packed = packed.finish().unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        packed.len()
    );
    check(&[head.into_bytes(), packed].concat(), json!({"body_bytes_max": 1 << 20}), "cannot be unpacked");
}

#[test]
fn a_scrape_that_never_ends_ends_with_its_timeout_and_does_not_hold_the_others_up() {
    let house = House::new();
    let over = Arc::new(AtomicBool::new(false));
    let (inside, drip) = (over.clone(), Exporter::page(""));
    drip.does(move |_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        // A line now and then, for as long as anybody reads.
        while !inside.load(Ordering::SeqCst) && stream.write_all(b"4\r\na 1\n\r\n").is_ok() {
            std::thread::park_timeout(std::time::Duration::from_millis(20));
        }
        false
    });
    let error = error(&house, &drip, json!({}));
    over.store(true, Ordering::SeqCst);
    assert!(error.contains("timeout passed"), "{error}");
}

#[test]
fn addresses_that_give_out_credentials_are_never_asked() {
    let house = House::new();
    job(&house, "cloud", json!({ "targets": ["169.254.169.254:80"], "timeout_s": 1 }));
    turn(&house);
    let error = targets(&house)[0]["error"].as_str().unwrap().to_owned();
    assert!(error.contains("link-local or metadata"), "{error}");
    assert_eq!(value(&house, "up"), Some(0.0));
}

#[test]
fn a_label_that_is_new_every_time_does_not_pile_up() {
    let house = House::new();
    let exporter = Exporter::page("");
    job(&house, "flood", json!({ "targets": [exporter.address] }));
    for round in 0..6 {
        let text: String = (0..900).map(|number| format!("a{{id=\"{round}-{number}\"}} 1\n")).collect();
        exporter.says(&text);
        turn(&house);
    }
    assert_eq!(value(&house, "count(a)"), Some(900.0), "what was there before has ended");
    assert_eq!(targets(&house)[0]["series"], 900);
}

#[test]
fn a_label_that_is_too_long_costs_its_series_and_no_other() {
    let house = House::new();
    let exporter = Exporter::page(&format!("a{{path=\"{}\"}} 1\nb 2\n", "x".repeat(2_000)));
    job(&house, "node", json!({ "targets": [exporter.address] }));
    turn(&house);
    turn(&house);
    assert_eq!((value(&house, "b"), value(&house, "up"), value(&house, "a")), (Some(2.0), Some(1.0), None));
    let target = &targets(&house)[0];
    assert_eq!(target["refused"], 1);
}

/// Debian's `prometheus-node-exporter`, where it is installed.
#[test]
fn a_real_node_exporter_is_scraped() {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let program =
        std::env::split_paths(&path).map(|folder| folder.join("prometheus-node-exporter")).find(|one| one.is_file());
    let Some(program) = program else {
        println!("skipped 1: prometheus-node-exporter is not installed");
        return;
    };
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut child = std::process::Command::new(program)
        .arg(format!("--web.listen-address={address}"))
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let answers = (0..500).any(|_| {
        std::thread::park_timeout(std::time::Duration::from_millis(20));
        std::net::TcpStream::connect(&address).is_ok()
    });
    let house = House::new();
    job(&house, "node", json!({ "targets": [address] }));
    turn(&house);
    turn(&house);
    let (up, load) = (value(&house, "up"), value(&house, "node_load1"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(answers && up == Some(1.0) && load.is_some(), "{:?}", targets(&house));
}
