//! Scraping from outside: jobs, targets, what they answer, and what becomes of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kernel::LiveList;
use serde_json::{Value, json};

use crate::exporter::Exporter;
use crate::house::House;

/// Fifteen seconds pass, and everything that is due is scraped.
pub(crate) fn turn(house: &House) {
    house.world.clock.advance(15 * kernel::time::SECOND);
    monitor::tick(house.kernel()).unwrap();
    monitor::scrape::pass(house.kernel()).unwrap();
}

/// A job that scrapes these addresses; its number.
pub(crate) fn job(house: &House, name: &str, input: Value) -> i64 {
    let mut all = json!({ "name": name });
    all.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
    let id = house.call("monitor.scrape.create", all)["id"].as_i64().unwrap();
    house.world.settle().unwrap();
    monitor::scrape::pass(house.kernel()).unwrap();
    id
}

/// The values of a question now, each with its labels as text.
pub(crate) fn ask(house: &House, query: &str) -> Vec<String> {
    let answer = house.call("monitor.metrics.query", json!({ "query": query }));
    let mut all: Vec<String> = answer["series"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{} {}", one["labels"], one["points"][0][1].as_str().unwrap_or_default()))
        .collect();
    all.sort();
    all
}

/// The value of a question that has one answer.
pub(crate) fn value(house: &House, query: &str) -> Option<f64> {
    let answer = house.call("monitor.metrics.query", json!({ "query": query }));
    match answer["series"].as_array().unwrap().as_slice() {
        [] => None,
        [one] => one["points"][0][1].as_str().unwrap().parse().ok(),
        more => panic!("{query}: {more:?}"),
    }
}

pub(crate) fn targets(house: &House) -> Vec<Value> {
    house.call("monitor.target.list", json!({}))["items"].as_array().unwrap().clone()
}

#[test]
fn what_a_target_says_is_stored_with_its_labels_and_what_the_scrape_says_about_itself() {
    let house = House::new();
    let exporter = Exporter::page("# TYPE load gauge\nload 0.5\nhttp_requests_total{code=\"200\",job=\"own\"} 7\n");
    job(&house, "node", json!({ "targets": [exporter.address], "labels": {"site": "oslo"} }));
    assert_eq!(targets(&house)[0]["state"], "waiting");
    turn(&house);
    let address = &exporter.address;
    assert_eq!(
        ask(&house, "load"),
        [format!("{{\"__name__\":\"load\",\"instance\":\"{address}\",\"job\":\"node\",\"site\":\"oslo\"}} 0.5")]
    );
    assert_eq!(value(&house, "http_requests_total{exported_job=\"own\",job=\"node\"}"), Some(7.0));
    let report = ["up", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling", "scrape_series_added"];
    assert_eq!(report.map(|name| value(&house, name).unwrap()), [1.0, 2.0, 2.0, 2.0]);
    assert!(value(&house, "scrape_duration_seconds").unwrap() < 10.0);
    turn(&house);
    assert_eq!(value(&house, "scrape_series_added"), Some(0.0));
    let target = &targets(&house)[0];
    assert_eq!((&target["state"], &target["samples"], &target["series"]), (&json!("up"), &json!(2), &json!(2)));
    assert_eq!(exporter.connections(), 1, "the connection is kept");
    let asked = exporter.requests().remove(0);
    assert_eq!(asked.line, "GET /metrics HTTP/1.1");
    assert!(asked.headers.iter().any(|line| line.starts_with("Accept: application/openmetrics-text")));
    assert!(asked.headers.contains(&"X-Prometheus-Scrape-Timeout-Seconds: 10".to_owned()));
}

#[test]
fn a_series_that_is_not_there_any_more_ends_and_so_does_everything_of_a_target_that_fails_or_is_gone() {
    let house = House::new();
    let exporter = Exporter::page("a 1\nb 2\nc 3\n");
    let id = job(&house, "node", json!({ "targets": [exporter.address] }));
    turn(&house);
    exporter.says("c 3\na 1\n");
    turn(&house);
    assert_eq!((value(&house, "a"), value(&house, "b"), value(&house, "c")), (Some(1.0), None, Some(3.0)));
    exporter.sends(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".to_vec());
    turn(&house);
    assert_eq!((value(&house, "a"), value(&house, "up")), (None, Some(0.0)));
    exporter.says("a 1\nb 2\n");
    turn(&house);
    assert_eq!((value(&house, "a"), value(&house, "b"), value(&house, "up")), (Some(1.0), Some(2.0), Some(1.0)));
    house.call("monitor.scrape.pause", json!({ "id": id }));
    turn(&house);
    assert_eq!((value(&house, "a"), value(&house, "up")), (None, None));
    house.call("monitor.scrape.resume", json!({ "id": id }));
    turn(&house);
    turn(&house);
    assert_eq!(value(&house, "up"), Some(1.0));
    house.call("monitor.scrape.delete", json!({ "id": id }));
    turn(&house);
    assert_eq!((value(&house, "a"), value(&house, "up"), targets(&house).len()), (None, None, 0));
}

#[test]
fn rules_change_what_is_scraped_and_what_is_stored_and_a_change_of_them_ends_what_they_drop() {
    let house = House::new();
    let exporter = Exporter::page("go_threads 9\nload{cpu=\"0\"} 1\nload{cpu=\"1\"} 2\n");
    let id = job(
        &house,
        "node",
        json!({
            "targets": [exporter.address, "127.0.0.1:1"],
            "relabel": [{"action": "drop", "source_labels": ["__address__"], "regex": ".*:1"}, {"target_label": "rack", "replacement": "r7"}],
            "metric_relabel": [{"action": "drop", "source_labels": ["__name__"], "regex": "go_.*"}],
        }),
    );
    turn(&house);
    assert_eq!((value(&house, "go_threads"), value(&house, "sum(load{rack=\"r7\"})")), (None, Some(3.0)));
    assert_eq!(value(&house, "scrape_samples_scraped"), Some(3.0));
    assert_eq!(value(&house, "scrape_samples_post_metric_relabeling"), Some(2.0));
    let shown = house.call("monitor.scrape.show", json!({ "id": id }));
    assert_eq!((&shown["standing"]["targets"], &shown["standing"]["dropped"]), (&json!(1), &json!(1)));
    let rules = json!([{"action": "drop", "source_labels": ["cpu"], "regex": "1"}]);
    house.call("monitor.scrape.update", json!({ "id": id, "metric_relabel": rules }));
    turn(&house);
    turn(&house);
    assert_eq!((value(&house, "sum(load)"), value(&house, "go_threads")), (Some(1.0), Some(9.0)));
}

#[test]
fn openmetrics_gzip_chunks_and_own_times_are_understood() {
    use std::io::Write as _;
    let house = House::new();
    let exporter = Exporter::page("");
    let at = house.kernel().now().millis() / 1_000 + 10;
    let body = format!("# TYPE req counter\nreq_total 5 {at}.000 # {{trace=\"x\"}} 1\n# EOF\n");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(body.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    exporter.does(move |_, stream| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n\
                    Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n";
        let (one, two) = packed.split_at(7);
        let mut bytes = head.as_bytes().to_vec();
        for chunk in [one, two] {
            bytes.extend_from_slice(format!("{:x};ext=1\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\nTrailer: x\r\n\r\n");
        stream.write_all(&bytes).is_ok()
    });
    job(&house, "app", json!({ "targets": [exporter.address] }));
    turn(&house);
    assert_eq!(value(&house, "req_total"), Some(5.0));
    assert_eq!(value(&house, "timestamp(req_total)"), Some(at as f64), "{:?}", targets(&house));
    turn(&house);
    assert_eq!((exporter.connections(), value(&house, "up")), (1, Some(1.0)));
}

#[test]
fn targets_come_from_files_and_assets_and_know_their_asset() {
    let house = House::new();
    let exporter = Exporter::page("load 1\n");
    let web = house.asset("web-01");
    let host = house.asset("127.0.0.1");
    let folder = house.world.folder().join("targets");
    std::fs::create_dir_all(&folder).unwrap();
    let write = |text: String| std::fs::write(folder.join("web.json"), text).unwrap();
    write(json!([{"targets": [exporter.address], "labels": {"asset": web.to_string()}}]).to_string());
    let id = job(&house, "files", json!({ "files": ["web.json"] }));
    let port: u16 = exporter.address.rsplit(':').next().unwrap().parse().unwrap();
    job(&house, "things", json!({ "assets": [{"filter": "127.0.0.1", "port": port}] }));
    turn(&house);
    let mut assets: Vec<(String, i64)> = targets(&house)
        .iter()
        .map(|one| (one["job_name"].as_str().unwrap().to_owned(), one["asset"].as_i64().unwrap()))
        .collect();
    assets.sort();
    assert_eq!(assets, [("files".to_owned(), web), ("things".to_owned(), host)]);
    assert_eq!(value(&house, &format!("load{{asset=\"{web}\",job=\"files\"}}")), Some(1.0));
    // A file that is damaged keeps what it said before, and the job says what is wrong.
    write("[{".into());
    turn(&house);
    turn(&house);
    turn(&house);
    let shown = house.call("monitor.scrape.show", json!({ "id": id }));
    assert!(shown["standing"]["problem"].as_str().unwrap().contains("web.json"), "{shown}");
    assert_eq!(shown["standing"]["targets"], 1);
    write("[]".into());
    turn(&house);
    turn(&house);
    turn(&house);
    assert_eq!(value(&house, "load{job=\"files\"}"), None);
    assert_eq!(
        house.refused("monitor.scrape.update", json!({"id": id, "files": ["../x.json"]})).field.as_deref(),
        Some("files")
    );
}

#[test]
fn a_series_may_not_say_which_asset_it_is_about() {
    let house = House::new();
    let victim = house.asset("victim");
    let exporter =
        Exporter::page(&format!("load{{asset=\"{victim}\",check=\"1\"}} 1\nmainstay_check_up{{check=\"1\"}} 1\n"));
    job(&house, "node", json!({ "targets": [exporter.address], "honor_labels": true }));
    turn(&house);
    assert_eq!(
        value(&house, &format!("load{{asset=\"\",exported_asset=\"{victim}\",exported_check=\"1\"}}")),
        Some(1.0)
    );
    assert_eq!(value(&house, "mainstay_check_up"), None);
    let target = &targets(&house)[0];
    assert_eq!(target["refused"], 1);
    assert!(target["because"].as_str().unwrap().contains("Mainstay's own"));
}

#[test]
fn credentials_are_sent_sealed_and_given_again_before_they_go_elsewhere() {
    let house = House::new();
    let (exporter, other) = (Exporter::page("a 1\n"), Exporter::page("a 1\n"));
    let id = job(&house, "node", json!({ "targets": [exporter.address], "bearer_token": "geheim-1" }));
    turn(&house);
    assert!(exporter.requests()[0].headers.contains(&"Authorization: Bearer geheim-1".to_owned()));
    let shown = house.call("monitor.scrape.show", json!({ "id": id }));
    assert!(!shown.to_string().contains("geheim") && shown["secrets"] == json!(["bearer_token"]));
    let refused = house.refused("monitor.scrape.update", json!({ "id": id, "targets": [other.address] }));
    assert_eq!(refused.field.as_deref(), Some("bearer_token"));
    house.call("monitor.scrape.update", json!({ "id": id, "interval_s": 10 }));
    let given =
        json!({ "id": id, "targets": [other.address], "bearer_token": "", "username": "prom", "password": "pw" });
    house.call("monitor.scrape.update", given);
    turn(&house);
    turn(&house);
    let sent = other.requests().remove(0).headers;
    assert!(sent.contains(&"Authorization: Basic cHJvbTpwdw==".to_owned()), "{sent:?}");
    for (field, input) in [
        ("bearer_token", json!({"bearer_token": "x\r\nX-Evil: 1", "username": ""})),
        ("tls_key", json!({"tls_certificate": "-----BEGIN CERTIFICATE-----"})),
        ("tls_ca", json!({"scheme": "https", "tls_ca": "nonsense", "password": "pw"})),
    ] {
        let mut all = json!({ "id": id });
        all.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
        assert_eq!(house.refused("monitor.scrape.update", all).field.as_deref(), Some(field));
    }
}

#[test]
fn a_job_is_tried_before_it_is_trusted() {
    let house = House::new();
    let exporter = Exporter::page("a{x=\"1\"} 1\ngo_b 2\n");
    let rules = json!([{"action": "drop", "source_labels": ["__name__"], "regex": "go_.*"}]);
    let id = job(&house, "node", json!({ "targets": [exporter.address], "metric_relabel": rules, "paused": true }));
    let tried = house.call("monitor.scrape.test", json!({ "id": id }));
    assert_eq!((&tried["samples"], &tried["kept"], &tried["error"]), (&json!(2), &json!(1), &Value::Null));
    let series = format!("a{{instance=\"{}\", job=\"node\", x=\"1\"}} 1", exporter.address);
    assert_eq!(tried["series"], json!([series]));
    assert_eq!(value(&house, "a"), None, "nothing was stored");
    let limited = |limit: usize| {
        house.call("monitor.scrape.update", json!({ "id": id, "sample_limit": limit }));
        house.call("monitor.scrape.test", json!({ "id": id }))["error"].clone()
    };
    exporter.says("a{x=\"1\"} 1\ngo_b 2\nc 3\n");
    assert_eq!(limited(1), json!("it has more than 1 samples, the limit of the job"), "as a scrape says");
    assert_eq!(limited(2), Value::Null);
    let rules = json!([{"action": "labeldrop", "regex": "__name__"}]);
    house.call("monitor.scrape.update", json!({ "id": id, "metric_relabel": rules }));
    let tried = house.call("monitor.scrape.test", json!({ "id": id }));
    assert_eq!((&tried["samples"], &tried["kept"], &tried["series"]), (&json!(3), &json!(0), &json!([])), "no names");
    exporter.says("no metrics here\n");
    let tried = house.call("monitor.scrape.test", json!({ "id": id, "target": exporter.address }));
    assert!(tried["error"].as_str().unwrap().contains("line 1"), "{tried}");
    let refused = house.refused("monitor.scrape.test", json!({ "id": id, "target": "10.0.0.1:22" }));
    assert_eq!(refused.field.as_deref(), Some("target"), "only its own targets are asked");
}

#[test]
fn a_label_that_is_too_long_costs_its_series_alone_and_a_try_says_so_before() {
    let house = House::new();
    for bytes in [1_025, 5_000] {
        let exporter = Exporter::page(&format!("good 1\nbad{{x=\"{}\"}} 2\n", "x".repeat(bytes)));
        let name = format!("long-{bytes}");
        let id = job(&house, &name, json!({ "targets": [exporter.address] }));
        let tried = house.call("monitor.scrape.test", json!({ "id": id }));
        assert_eq!(
            (&tried["kept"], &tried["refused"], &tried["error"]),
            (&json!(1), &json!(1), &Value::Null),
            "{tried}"
        );
        assert!(tried["because"].as_str().unwrap().contains("1024"), "{tried}");
        turn(&house);
        assert_eq!(value(&house, &format!("up{{job=\"{name}\"}}")), Some(1.0), "{bytes}");
        assert_eq!(value(&house, &format!("good{{job=\"{name}\"}}")), Some(1.0), "{bytes}");
        let rules = json!([{"action": "labeldrop", "regex": "x"}]);
        house.call("monitor.scrape.update", json!({ "id": id, "metric_relabel": rules }));
        turn(&house);
        assert_eq!(value(&house, &format!("bad{{job=\"{name}\"}}")), Some(2.0), "a rule may drop the label first");
        house.call("monitor.scrape.delete", json!({ "id": id }));
    }
}

#[test]
fn pages_of_targets_are_told_when_a_target_goes_down_or_comes_back_and_not_at_every_scrape() {
    let house = House::new();
    let exporter = Exporter::page("a 1\n");
    let told = Arc::new(AtomicUsize::new(0));
    let hears = told.clone();
    house.kernel().listen(Box::new(move |touched| {
        let targets = touched.contains(&LiveList::Targets.reference());
        hears.fetch_add(usize::from(targets), Ordering::SeqCst);
    }));
    let mut since = 0;
    let mut news = |what: &str, expected: usize| {
        let now = told.load(Ordering::SeqCst);
        assert_eq!(now - std::mem::replace(&mut since, now), expected, "{what}");
    };
    job(&house, "node", json!({ "targets": [exporter.address] }));
    news("a target is there", 1);
    for (what, page, expected) in
        [("it is up", "a 1\n", 1), ("it stays up", "a 2\n", 0), ("it is down", "}", 1), ("it is back", "a 3\n", 1)]
    {
        exporter.says(page);
        turn(&house);
        news(what, expected);
    }
}

#[test]
fn exporters_that_run_on_assets_are_proposed_until_they_are_scraped() {
    let house = House::new();
    let web = house.asset("web-01");
    let unit = json!({"active": "active"}).to_string();
    house
        .kernel()
        .write_as(house.admin.clone(), "test.facts", move |cx| {
            let set = [("services.prometheus-node-exporter.service".to_owned(), unit.clone())];
            let section: agent_proto::facts::Section = set.clone().into();
            let facts = agent_proto::facts::whole("services", cx.now.millis(), &section);
            assets::store_facts(cx, web, "agent", &facts).map(|_| ())
        })
        .unwrap();
    let propose = || house.call("monitor.scrape.propose", json!({}))["items"].clone();
    assert_eq!(
        propose(),
        json!([{"name": "node", "service": "prometheus-node-exporter.service", "port": 9100, "assets": 1, "names": ["web-01"]}])
    );
    let from = json!([{"filter": "", "port": 9100, "service": "prometheus-node-exporter.service"}]);
    house.call("monitor.scrape.create", json!({ "name": "node", "assets": from, "paused": true }));
    assert_eq!(propose(), json!([]));
}
