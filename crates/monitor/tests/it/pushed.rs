//! Bad input through the doors of pushed samples and of questions: a clear error, a counter, and everything else goes on.

use std::sync::Arc;

use kernel::time::{HOUR, SECOND};
use kernel::{Actor, Asked, Call, Reach, Said, Via};
use metrics_proto::inflate::to_snappy;
use metrics_proto::write::{Encoder, Version};
use serde_json::{Value, json};

use crate::house::House;

const NOW_S: i64 = kernel::world::START.0 / 1_000_000;
const NAMED: &str = "__name__";

/// The labels of a series, and its samples by second.
type Pushed<'a> = (&'a [(&'a str, &'a str)], &'a [(i64, f64)]);

/// What an address answers to whoever may do everything.
fn asked(house: &House, path: &str, fields: &[(&str, &str)], body: Vec<u8>) -> Said {
    let is_json = body.first() == Some(&b'{');
    let endpoint = house.kernel().registry().endpoints().find(|one| one.path == path).unwrap();
    let asked = Asked {
        actor: Arc::new(Actor::os("ada")),
        reach: Reach { everything: true, ..Reach::default() },
        path: Vec::new(),
        fields: fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        content_type: Some(if is_json { "application/json" } else { "application/x-protobuf" }.into()),
        content_encoding: (!is_json).then(|| "snappy".into()),
        body,
        gone: Arc::default(),
    };
    (endpoint.answer)(house.kernel(), &asked)
}

/// Status and words of an answer to a request of remote write.
fn sent(house: &House, body: Vec<u8>) -> (u16, String) {
    let said = asked(house, "/prometheus/api/v1/write", &[], body);
    (said.status, String::from_utf8(said.body).unwrap())
}

fn write(house: &House, series: &[Pushed<'_>]) -> (u16, String) {
    let mut encoder = Encoder::new(Version::V1);
    for (labels, samples) in series {
        encoder.series(labels.iter().copied(), samples.iter().map(|(at, value)| (at * 1_000, *value)));
    }
    sent(house, encoder.finish().unwrap())
}

/// The values that a question has now, as they are written.
fn values(house: &House, query: &str) -> Vec<String> {
    let answer = house.call("monitor.metrics.query", json!({ "query": query }));
    let found = answer["series"].as_array().unwrap().iter();
    found.map(|one| one["points"][0][1].as_str().unwrap().to_owned()).collect()
}

/// What `/metrics` says of a figure.
fn figure(house: &House, name: &str) -> u64 {
    let all = monitor::domain().figures;
    let one = all.iter().find(|one| one.name == name).unwrap_or_else(|| panic!("no {name}"));
    (one.read)(house.kernel()).unwrap()
}

fn still_works(house: &House) {
    assert_eq!(write(house, &[(&[(NAMED, "still")], &[(NOW_S, 1.0)])]), (204, String::new()));
    assert_eq!(values(house, "still"), ["1"]);
}

#[test]
fn a_compressed_bomb_and_garbage_are_refused_and_counted() {
    let house = House::new();
    let bomb = to_snappy(&vec![0; 65 << 20]).unwrap();
    assert!(bomb.len() < 4 << 20);
    let (status, words) = sent(&house, bomb);
    assert!(status == 400 && words.contains("larger than 67108864 bytes when unpacked"), "{words}");
    // A header that claims 4 GB, and bytes that are no message.
    for body in [vec![0xff, 0xff, 0xff, 0xff, 0x0f, 0x00], to_snappy(&[0xff; 50]).unwrap()] {
        assert_eq!(sent(&house, body).0, 400);
    }
    assert_eq!(figure(&house, "mainstay_pushes_refused_total"), 3);
    still_works(&house);
}

#[test]
fn labels_without_end_cost_their_series_and_no_other() {
    let house = House::new();
    let names: Vec<String> = (0..40).map(|number| format!("l{number}")).collect();
    let mut many = vec![(NAMED, "many")];
    many.extend(names.iter().map(|name| (name.as_str(), "x")));
    let (long, longer) = ("v".repeat(5_000), "v".repeat(20_000));
    let (status, words) = write(
        &house,
        &[
            (&[(NAMED, "longer"), ("path", &longer)], &[(NOW_S, 1.0)]),
            (&many, &[(NOW_S, 1.0)]),
            (&[(NAMED, "long"), ("path", &long)], &[(NOW_S, 1.0)]),
            (&[(NAMED, "good")], &[(NOW_S, 7.0)]),
        ],
    );
    assert!(status == 400 && words.starts_with("3 of 4 samples were refused. The first: "), "{words}");
    assert_eq!(values(&house, "good"), ["7"]);
    assert_eq!(figure(&house, "mainstay_samples_without_series_total"), 3);
    still_works(&house);
}

#[test]
fn every_float_is_kept_and_a_staleness_marker_ends_its_series() {
    let house = House::new();
    for (name, value) in
        [("nan", f64::NAN), ("inf", f64::INFINITY), ("minus", -0.0), ("gone", metrics_proto::stale_marker())]
    {
        assert_eq!(write(&house, &[(&[(NAMED, name)], &[(NOW_S - 15, 1.0), (NOW_S, value)])]).0, 204, "{name}");
    }
    assert_eq!((values(&house, "nan"), values(&house, "inf")), (vec!["NaN".to_owned()], vec!["+Inf".to_owned()]));
    assert_eq!(values(&house, "minus"), ["-0"]);
    assert_eq!(values(&house, "gone"), Vec::<String>::new(), "it has ended");
    assert_eq!(values(&house, "gone offset 15s"), ["1"]);
}

#[test]
fn late_samples_are_kept_and_those_that_cannot_be_are_counted_by_reason() {
    let house = House::new();
    let push = |samples: &[(i64, f64)]| write(&house, &[(&[(NAMED, "a")], samples)]).0;
    assert_eq!(push(&[(NOW_S, 5.0)]), 204);
    assert_eq!(push(&[(NOW_S - 3_600, 4.0), (NOW_S - 7_200, 3.0)]), 204);
    assert_eq!(push(&[(NOW_S - 3_600, 4.0)]), 204, "it is there already");
    assert_eq!(push(&[(NOW_S - 3_600, 9.0)]), 400);
    assert_eq!(push(&[(NOW_S - 400 * 86_400, 1.0)]), 400);
    assert_eq!(push(&[(NOW_S + 3_600, 1.0)]), 400);
    assert_eq!(values(&house, "count_over_time(a[1d])"), ["3"]);
    assert_eq!(figure(&house, "mainstay_samples_late_total"), 2);
    assert_eq!(figure(&house, "mainstay_samples_repeated_total"), 1);
    assert_eq!(figure(&house, "mainstay_samples_duplicate_total"), 1);
    assert_eq!(figure(&house, "mainstay_samples_out_of_bounds_total"), 2);
}

#[test]
fn a_question_that_would_take_all_memory_or_time_is_refused_and_the_next_one_is_answered() {
    let house = House::new();
    still_works(&house);
    for query in ["sum_over_time(still[1y:1ms])", "count_over_time(vector(1)[100y:1ms])"] {
        let said = asked(&house, "/prometheus/api/v1/query", &[("query", query), ("timeout", "2s")], Vec::new());
        let answer: Value = serde_json::from_slice(&said.body).unwrap();
        assert!(said.status >= 400 && answer["error"].as_str().is_some_and(|words| !words.is_empty()), "{answer}");
    }
    assert_eq!(figure(&house, "mainstay_queries_refused_total"), 2);
    still_works(&house);
}

#[test]
fn a_clock_that_jumps_ahead_and_back_loses_nothing() {
    let house = House::new();
    still_works(&house);
    let push = |name: &str, at: i64| write(&house, &[(&[(NAMED, name)], &[(at, 2.0)])]);
    let clock = &house.world.clock;
    clock.advance(6 * HOUR);
    monitor::tick(house.kernel()).unwrap();
    monitor::upkeep(house.kernel()).unwrap();
    assert_eq!(push("ahead", NOW_S + 6 * 3_600), (204, String::new()));
    clock.advance(-6 * HOUR + 15 * SECOND);
    monitor::tick(house.kernel()).unwrap();
    monitor::upkeep(house.kernel()).unwrap();
    assert_eq!(push("after", NOW_S + 15), (204, String::new()));
    assert_eq!((values(&house, "after"), values(&house, "still")), (vec!["2".to_owned()], vec!["1".to_owned()]));
}

#[test]
fn samples_without_a_time_that_are_sent_again_with_their_key_are_the_same_samples() {
    let house = House::new();
    let send = || {
        let input = json!({"samples": [{"metric": "backup_size_bytes", "value": 7.5}]});
        let call = Call::new(house.admin.clone().into(), "monitor.metrics.write", input, Via::Rest);
        house.kernel().dispatch(Call { idempotency_key: Some("backup-1".into()), ..call }).unwrap().output
    };
    let first = send();
    house.world.clock.advance(60 * SECOND);
    monitor::tick(house.kernel()).unwrap();
    assert_eq!(send(), first);
    assert_eq!(values(&house, "count_over_time(backup_size_bytes[5m])"), ["1"]);
}

/// What docs/metrics.md says of native histograms: remote write takes the same way (see `metrics_proto`'s tests).
#[test]
fn an_exponential_histogram_has_a_count_a_sum_and_quantiles() {
    let house = House::new();
    let point = json!({"timeUnixNano": (NOW_S * 1_000_000_000).to_string(), "count": "6", "sum": 12.5, "scale": 0,
        "zeroCount": "2", "positive": {"offset": 0, "bucketCounts": ["1", "3"]}});
    let metric = json!({"name": "wait", "exponentialHistogram": {"aggregationTemporality": 2, "dataPoints": [point]}});
    let body = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]});
    assert_eq!(asked(&house, "/otlp/v1/metrics", &[], body.to_string().into_bytes()).status, 200);
    assert_eq!(
        (values(&house, "wait_count"), values(&house, "wait_sum")),
        (vec!["6".to_owned()], vec!["12.5".to_owned()])
    );
    // Of six, the 5.4th lies in the bucket from 2 to 4, of which it is the 2.4th of three.
    assert_eq!(values(&house, "round(histogram_quantile(0.9, wait_bucket) * 1000)"), ["3600"]);
}

#[test]
fn histograms_and_points_that_are_refused_are_counted() {
    let house = House::new();
    // A native histogram with a schema that there is not.
    let body = b"\x0a\x15\x0a\x0f\x0a\x08__name__\x12\x03lat\x22\x02\x20\x78";
    let (status, words) = sent(&house, to_snappy(body).unwrap());
    assert!(status == 400 && words.contains("schema"), "{status}: {words}");
    assert_eq!(figure(&house, "mainstay_histograms_refused_total"), 1);
    let points = json!([{"timeUnixNano": (NOW_S * 1_000_000_000).to_string(), "asInt": "6"}]);
    let metric =
        json!({"name": "wait", "sum": {"aggregationTemporality": 1, "isMonotonic": true, "dataPoints": points}});
    let body = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]});
    let said = asked(&house, "/otlp/v1/metrics", &[], body.to_string().into_bytes());
    assert!(said.status == 200 && String::from_utf8(said.body).unwrap().contains("rejectedDataPoints"));
    assert_eq!(figure(&house, "mainstay_otlp_points_refused_total"), 1);
    assert_eq!(figure(&house, "mainstay_samples_without_series_total"), 0);
    still_works(&house);
}
