//! The same request in both encodings, the rules of the specification, refusals and damage.

use proptest::prelude::*;

use super::*;
use crate::dice::{Dice, peak_resident_kib};
use crate::wire::{put_bytes, put_double, put_fixed64, put_uint};
use crate::{LabelLimits, is_stale_marker, number};

/// Every kind of metric, as a collector writes it.
const GOLDEN: &str = r#"{
  "resourceMetrics": [{
    "resource": { "attributes": [
      { "key": "service.name", "value": { "stringValue": "shop" } },
      { "key": "service.namespace", "value": { "stringValue": "web" } },
      { "key": "service.instance.id", "value": { "stringValue": "i-1" } },
      { "key": "host.name", "value": { "stringValue": "srv1" } },
      { "key": "process.pid", "value": { "intValue": "17" } }
    ], "droppedAttributesCount": 3 },
    "scopeMetrics": [{
      "scope": { "name": "lib", "version": "1.2", "attributes": [{ "key": "a.b", "value": { "boolValue": true } }] },
      "schemaUrl": "https://opentelemetry.io/schemas/1.27.0",
      "metrics": [
        { "name": "system.memory.usage", "unit": "By", "description": "Memory in use.", "gauge": { "dataPoints": [
          { "timeUnixNano": "1700000000123456789", "asInt": "-5",
            "attributes": [{ "key": "state", "value": { "stringValue": "used" } }, { "key": "empty", "value": { "stringValue": "" } }] },
          { "timeUnixNano": 1700000000123000000, "asDouble": 1.5, "flags": 1 } ] } },
        { "name": "http.requests", "unit": "{request}", "sum": { "aggregationTemporality": "AGGREGATION_TEMPORALITY_CUMULATIVE",
          "isMonotonic": true, "dataPoints": [{ "timeUnixNano": "1700000001000000000", "asDouble": "Infinity",
            "exemplars": [{ "asInt": "1", "traceId": "ab" }],
            "attributes": [{ "key": "a.b", "value": { "arrayValue": { "values": [{ "intValue": 1 }, { "stringValue": "x\"" }, { "doubleValue": 0.5 }] } } },
                           { "key": "a_b", "value": { "kvlistValue": { "values": [{ "key": "k", "value": { "bytesValue": "AQI=" } }] } } }] }] } },
        { "name": "queue.depth", "sum": { "aggregationTemporality": 2, "dataPoints": [{ "timeUnixNano": "1700000001000000000", "asInt": 7 }] } },
        { "name": "latency", "unit": "s", "histogram": { "aggregationTemporality": 2, "dataPoints": [
          { "timeUnixNano": "1700000001000000000", "count": "6", "sum": 3.5, "bucketCounts": ["1", "2", 3], "explicitBounds": [0.5, 1],
            "attributes": [{ "key": "le", "value": { "stringValue": "mine" } }] } ] } },
        { "name": "size", "exponentialHistogram": { "aggregationTemporality": 2, "dataPoints": [
          { "timeUnixNano": "1700000001000000000", "count": "6", "sum": 20, "scale": 0, "zeroCount": "1", "zeroThreshold": 0.25,
            "positive": { "offset": 1, "bucketCounts": ["2", "3"] }, "negative": { "bucketCounts": [] } } ] } },
        { "name": "old", "summary": { "dataPoints": [
          { "timeUnixNano": "1700000001000000000", "count": "4", "sum": 9, "quantileValues": [{ "quantile": 0.5, "value": 2 }, { "quantile": 1, "value": 4 }] } ] } }
      ]
    }]
  }]
}"#;

fn told(body: &[u8], encoding: Encoding, options: &Options) -> Result<(Vec<String>, Outcome), OtlpError> {
    let mut lines = Vec::new();
    let outcome = read(body, encoding, options, |item| match item {
        Item::Series(series) => {
            let mut labels = Vec::new();
            series.labels.read_into(&LabelLimits::default(), &mut labels).unwrap();
            let text: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
            for (at_ms, value) in series.samples {
                let value = if is_stale_marker(*value) { "stale".to_owned() } else { number::canonical(*value) };
                lines.push(format!("{} {value} @{at_ms}", text.join(" ").replacen("__name__=", "", 1)));
            }
        }
        Item::Metadata(one) => lines.push(format!("# {} {} {:?} {}", one.metric, one.kind.word(), one.help, one.unit)),
    })?;
    Ok((lines, outcome))
}

#[test]
fn every_kind_of_metric_becomes_series() {
    let (lines, outcome) = told(GOLDEN.as_bytes(), Encoding::Json, &Options::default()).unwrap();
    let expected = "\
# system_memory_usage_bytes gauge \"Memory in use.\" By
system_memory_usage_bytes instance=i-1 job=web/shop state=used -5.0 @1700000000123
system_memory_usage_bytes instance=i-1 job=web/shop stale @1700000000123
# http_requests_total counter \"\" {request}
http_requests_total a_b=[1,\"x\\\"\",0.5];{\"k\":\"AQI=\"} instance=i-1 job=web/shop +Inf @1700000001000
# queue_depth gauge \"\" \nqueue_depth instance=i-1 job=web/shop 7.0 @1700000001000
# latency_seconds histogram \"\" s
latency_seconds_bucket instance=i-1 job=web/shop le=0.5 1.0 @1700000001000
latency_seconds_bucket instance=i-1 job=web/shop le=1.0 3.0 @1700000001000
latency_seconds_bucket instance=i-1 job=web/shop le=+Inf 6.0 @1700000001000
latency_seconds_count instance=i-1 job=web/shop 6.0 @1700000001000
latency_seconds_sum instance=i-1 job=web/shop 3.5 @1700000001000
# size histogram \"\" \nsize_bucket instance=i-1 job=web/shop le=0.25 1.0 @1700000001000
size_bucket instance=i-1 job=web/shop le=2.0 1.0 @1700000001000
size_bucket instance=i-1 job=web/shop le=4.0 3.0 @1700000001000
size_bucket instance=i-1 job=web/shop le=8.0 6.0 @1700000001000
size_bucket instance=i-1 job=web/shop le=16.0 6.0 @1700000001000
size_bucket instance=i-1 job=web/shop le=+Inf 6.0 @1700000001000
size_count instance=i-1 job=web/shop 6.0 @1700000001000
size_sum instance=i-1 job=web/shop 20.0 @1700000001000
# old summary \"\" \nold instance=i-1 job=web/shop quantile=0.5 2.0 @1700000001000
old instance=i-1 job=web/shop quantile=1.0 4.0 @1700000001000
old_count instance=i-1 job=web/shop 4.0 @1700000001000
old_sum instance=i-1 job=web/shop 9.0 @1700000001000
target_info host_name=srv1 instance=i-1 job=web/shop process_pid=17 1.0 @1700000001000";
    assert_eq!(lines.join("\n"), expected);
    assert_eq!(outcome, Outcome { points: 7, series: 22, exemplars_ignored: 1, ..Outcome::default() });
    assert_eq!((outcome.answer(Encoding::Json), outcome.answer(Encoding::Protobuf)), (b"{}".to_vec(), vec![]));
}

#[test]
fn scope_and_promoted_attributes_become_labels_and_names_may_stay() {
    let options = Options {
        naming: Naming::Utf8,
        scope_labels: true,
        target_info: false,
        promoted: vec!["host.name".into()],
        ..Options::default()
    };
    let (lines, _) = told(GOLDEN.as_bytes(), Encoding::Json, &options).unwrap();
    let expected = "queue.depth host.name=srv1 instance=i-1 job=web/shop otel_scope_a.b=true otel_scope_name=lib \
                    otel_scope_version=1.2 7.0 @1700000001000";
    assert!(lines.iter().any(|line| line == expected), "{lines:#?}");
    assert!(!lines.iter().any(|line| line.starts_with("target_info")));
}

fn nested(fields: &[u32], inner: &[u8]) -> Vec<u8> {
    fields.iter().rev().fold(inner.to_vec(), |inner, field| {
        let mut outer = Vec::new();
        put_bytes(*field, &inner, &mut outer);
        outer
    })
}

/// A request with one metric, its data in field `shape`.
fn request(shape: u32, data: &[u8]) -> Vec<u8> {
    let mut metric = Vec::new();
    put_bytes(1, b"m", &mut metric);
    put_bytes(shape, data, &mut metric);
    nested(&[1, 2, 2], &metric)
}

fn at_time(mut point: Vec<u8>) -> Vec<u8> {
    put_fixed64(3, 1_700_000_000_000_000_000, &mut point);
    point
}

/// Field 1: a point; field 2: the temporality.
fn data(point: &[u8], temporality: u64) -> Vec<u8> {
    let mut data = nested(&[1], point);
    put_uint(2, temporality, &mut data);
    data
}

fn point(fields: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut into = Vec::new();
    fields(&mut into);
    at_time(into)
}

fn refused(body: &[u8], reason: &str) {
    let (lines, outcome) = told(body, Encoding::Protobuf, &Options::default()).unwrap();
    assert_eq!((outcome.points, outcome.points_rejected), (0, 1), "{lines:?}");
    let because = outcome.rejected_because.clone().unwrap();
    assert!(because.contains(reason), "{because}");
    let answer = String::from_utf8(outcome.answer(Encoding::Json)).unwrap();
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["partialSuccess"]["rejectedDataPoints"], "1");
    assert_eq!(answer["partialSuccess"]["errorMessage"], because);
    assert!(outcome.answer(Encoding::Protobuf).ends_with(because.as_bytes()));
}

#[test]
fn points_that_cannot_be_are_refused_one_by_one_with_the_reason() {
    let number = point(|into| put_double(4, 1.0, into));
    refused(&request(7, &data(&number, 1)), "temporality is not cumulative");
    refused(&request(7, &data(&number, 0)), "temporality is not cumulative");
    refused(&request(9, &data(&point(|_| ()), 1)), "temporality is not cumulative");
    refused(&request(5, &data(&point(|_| ()), 0)), "has no value");
    let mut timeless = Vec::new();
    put_double(4, 1.0, &mut timeless);
    refused(&request(5, &data(&timeless, 0)), "has no time");
    let bounds = |counts: &[u64], bounds: &[f64]| {
        point(|into| {
            put_fixed64(4, 3, into);
            counts.iter().for_each(|count| put_fixed64(6, *count, into));
            bounds.iter().for_each(|bound| put_double(7, *bound, into));
        })
    };
    refused(&request(9, &data(&bounds(&[1, 2], &[1.0, 2.0]), 2)), "one bucket more than bounds");
    refused(&request(9, &data(&bounds(&[1, 1, 1], &[2.0, 1.0]), 2)), "bounds do not rise");
    refused(&request(9, &data(&bounds(&[2, 2, 0], &[1.0, 2.0]), 2)), "more than its count");
    let scale = |scale: u64| point(|into| put_uint(6, scale, into));
    refused(&request(10, &data(&scale(42), 2)), "scale is not between -4 and 20");
    refused(&request(10, &data(&scale(9), 2)), "scale is not between -4 and 20");
    let floods = point(|into| (0..5_000).for_each(|_| put_fixed64(6, 0, into)));
    refused(&request(9, &data(&floods, 2)), "more than 4096 buckets");
    let mut long = Vec::new();
    put_bytes(1, b"a", &mut long);
    put_bytes(2, &nested(&[1], &[b'x'; 10_000]), &mut long);
    refused(&request(5, &data(&point(|into| put_bytes(7, &long, into)), 0)), "labels take more than 8192 bytes");
    let crowded = point(|into| (0..200).for_each(|_| put_bytes(7, b"\x0a\x01a", into)));
    refused(&request(5, &data(&crowded, 0)), "more than 128 attributes");
}

#[test]
fn a_metric_without_a_name_or_with_an_endless_one_is_refused() {
    let number = point(|into| put_double(4, 1.0, into));
    refused(&nested(&[1, 2, 2, 5], &data(&number, 0)), "its name has no letter");
    let mut metric = Vec::new();
    put_bytes(1, &[b'n'; 5_000], &mut metric);
    put_bytes(5, &data(&number, 0), &mut metric);
    refused(&nested(&[1, 2, 2], &metric), "its name is too long");
}

#[test]
fn an_exponential_histogram_finer_than_prometheus_knows_is_lowered() {
    let buckets = point(|into| {
        put_fixed64(4, 2, into);
        put_uint(6, 40, into); // scale 20
        let mut positive = Vec::new();
        put_uint(1, 2 << 20, &mut positive); // offset 2^20: the bucket that begins at 2
        put_bytes(2, &[1, 1], &mut positive);
        put_bytes(8, &positive, into);
    });
    let (lines, _) = told(&request(10, &data(&buckets, 2)), Encoding::Protobuf, &Options::default()).unwrap();
    let expected = [
        "m_bucket le=2.0 0.0",
        "m_bucket le=2.8284271247461903 2.0",
        "m_bucket le=4.0 2.0",
        "m_bucket le=+Inf 2.0",
        "m_count 2.0",
    ];
    let lines: Vec<&str> = lines.iter().skip(1).map(|line| line.split(" @").next().unwrap()).collect();
    assert_eq!(lines, expected);
}

#[test]
fn a_histogram_without_recorded_values_ends_its_series() {
    let ended = point(|into| {
        put_uint(10, 1, into);
        put_double(7, 1.0, into);
    });
    let (lines, _) = told(&request(9, &data(&ended, 2)), Encoding::Protobuf, &Options::default()).unwrap();
    assert_eq!(lines.len(), 5);
    assert!(lines.iter().skip(1).all(|line| line.contains(" stale @")), "{lines:?}");
}

#[test]
fn json_says_where_it_is_wrong() {
    let check = |body: &str, message: &str| {
        let error = told(body.as_bytes(), Encoding::Json, &Options::default()).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    };
    check("[]", "an object");
    check("{", "EOF while parsing");
    check("{} x", "trailing characters");
    check(r#"{"resourceMetrics": 5}"#, "an object in \"resourceMetrics\"");
    check(r#"{"resourceMetrics": [[]]}"#, "an object in \"resourceMetrics\"");
    let metric = |inner: &str| format!(r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{{inner}}}]}}]}}]}}"#);
    check(&metric(r#""name": 5"#), "a text in \"name\"");
    check(&metric(r#""name": true"#), "a text in \"name\"");
    check(&metric(r#""sum":{"aggregationTemporality":"SOMETIMES"}"#), "SOMETIMES");
    check(&metric(r#""sum":{"dataPoints":[{"asInt":"1.5"}]}"#), "a whole number in \"asInt\"");
    check(&metric(r#""sum":{"dataPoints":[{"asInt":99999999999999999999}]}"#), "asInt");
    check(&metric(r#""sum":{"dataPoints":[{"timeUnixNano":1.5}]}"#), "a whole number in \"timeUnixNano\"");
    let deep = format!("{}1{}", r#"{"arrayValue":{"values":["#.repeat(100), "]}}".repeat(100));
    let attribute = format!(r#"{{"resourceMetrics":[{{"resource":{{"attributes":[{{"value":{deep}}}]}}}}]}}"#);
    check(&attribute, "recursion limit");
    // What is not looked at may be as deep as it likes.
    let unknown = format!("{}1{}", r#"{"x":["#.repeat(10_000), "]}".repeat(10_000));
    assert!(told(unknown.as_bytes(), Encoding::Json, &Options::default()).is_ok());
    assert!(told(br#"{"resource_metrics": null, "more": {"a": [1]}}"#, Encoding::Json, &Options::default()).is_ok());
}

#[test]
fn attributes_nested_without_end_are_refused() {
    let mut value = vec![0x0a, 0x01, b'x'];
    for _ in 0..40 {
        value = nested(&[5, 1], &value);
    }
    let attribute = nested(&[2], &value);
    let deep = point(|into| put_bytes(7, &attribute, into));
    let outcome = told(&request(5, &data(&deep, 0)), Encoding::Protobuf, &Options::default());
    assert_eq!(outcome.unwrap_err(), OtlpError::Damaged(WireError::Depth));
}

#[test]
fn limits_are_named() {
    let check = |options: Options, what: &str| {
        let error = told(GOLDEN.as_bytes(), Encoding::Json, &options).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    };
    check(Options { points_max: 3, ..Options::default() }, "more than 3 data points");
    check(Options { series_max: 3, ..Options::default() }, "more than 3 series");
    check(Options { attributes_max: 3, ..Options::default() }, "more than 3 attributes");
    check(Options { shared_bytes_max: 20, ..Options::default() }, "more than 20 bytes of labels");
    check(Options { shared_bytes_max: 60, scope_labels: true, ..Options::default() }, "more than 60 bytes of labels");
}

#[test]
fn the_content_type_names_the_encoding() {
    let of = Encoding::of_content_type;
    assert_eq!(of(Some("application/x-protobuf")), Some(Encoding::Protobuf));
    assert_eq!(of(Some("application/json; charset=utf-8")), Some(Encoding::Json));
    assert_eq!((of(Some("text/plain")), of(None)), (None, None));
    assert_eq!(of(Some(Encoding::Json.content_type())), Some(Encoding::Json));
}

#[test]
fn damaged_requests_never_panic_nor_take_memory() {
    let protobuf = json::to_protobuf(GOLDEN.as_bytes()).unwrap();
    let tokens: [&[u8]; 9] = [&[0xff; 9], &[0x0b], b"\"", b"{", b"[", b"}", b"null", b"1e400", b"\"asInt\":"];
    let mut dice = Dice::new(0x6f74_6c70);
    let before = peak_resident_kib();
    let options = Options { scope_labels: true, ..Options::default() };
    let mut refused = 0;
    for round in 0..20_000 {
        let (seed, encoding) = if round % 2 == 0 {
            (protobuf.as_slice(), Encoding::Protobuf)
        } else {
            (GOLDEN.as_bytes(), Encoding::Json)
        };
        let mut bytes = seed.to_vec();
        dice.damage(&mut bytes, &tokens);
        let outcome = read(&bytes, encoding, &options, |item| {
            if let Item::Series(series) = item {
                let _ = series.labels.read_into(&LabelLimits::default(), &mut Vec::new());
            }
        });
        refused += usize::from(outcome.is_err());
    }
    assert!(refused > 8_000, "much damage is noticed: {refused}");
    if let (Some(before), Some(after)) = (before, peak_resident_kib()) {
        assert!(after - before < 256 * 1024, "{} KiB", after - before);
    }
}

proptest! {
    #[test]
    fn both_encodings_of_a_request_mean_the_same(
        points in prop::collection::vec((1_u64..i64::MAX as u64, any::<f64>(), any::<i64>(), "[a-z.ø\"]{1,5}", "[a-zø\"\\\\\n]{0,5}"), 0..6),
        counts in prop::collection::vec(0_u64..1_000, 3),
        temporality in 0_u64..4,
    ) {
        let total: u64 = counts.iter().sum();
        let (mut gauges, mut gauges_json) = (Vec::new(), Vec::new());
        for (time, double, int, key, value) in &points {
            let mut attribute = Vec::new();
            put_bytes(1, key.as_bytes(), &mut attribute);
            put_bytes(2, &nested(&[1], value.as_bytes()), &mut attribute);
            let mut point = Vec::new();
            put_bytes(7, &attribute, &mut point);
            put_fixed64(3, *time, &mut point);
            let whole = time % 2 == 0;
            if whole { put_fixed64(6, int.cast_unsigned(), &mut point) } else { put_double(4, *double, &mut point) }
            put_bytes(1, &point, &mut gauges);
            let attributes = serde_json::json!([{ "key": key, "value": { "stringValue": value } }]);
            let special = |double: f64| match double {
                double if double.is_nan() => serde_json::json!("NaN"),
                f64::INFINITY => serde_json::json!("Infinity"),
                f64::NEG_INFINITY => serde_json::json!("-Infinity"),
                double => serde_json::json!(double),
            };
            gauges_json.push(if whole {
                serde_json::json!({ "timeUnixNano": time.to_string(), "asInt": int.to_string(), "attributes": attributes })
            } else {
                serde_json::json!({ "timeUnixNano": time, "asDouble": special(*double), "attributes": attributes })
            });
        }
        let mut histogram = point(|into| {
            put_fixed64(4, total, into);
            counts.iter().for_each(|count| put_fixed64(6, *count, into));
            [0.5, 2.0].iter().for_each(|bound| put_double(7, *bound, into));
        });
        histogram = data(&histogram, temporality);
        let metric = |field: u32, data: &[u8]| {
            let mut metric = Vec::new();
            put_bytes(1, b"m", &mut metric);
            put_bytes(field, data, &mut metric);
            nested(&[2], &metric)
        };
        let protobuf = nested(&[1, 2], &[metric(5, &gauges), metric(9, &histogram)].concat());
        let json = serde_json::json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [
            { "name": "m", "gauge": { "dataPoints": gauges_json } },
            { "name": "m", "histogram": { "aggregationTemporality": temporality, "dataPoints": [{
                "timeUnixNano": "1700000000000000000", "count": total, "bucketCounts": counts, "explicitBounds": [0.5, 2] }] } },
        ] }] }] });
        let one = told(&protobuf, Encoding::Protobuf, &Options::default()).unwrap();
        let other = told(json.to_string().as_bytes(), Encoding::Json, &Options::default()).unwrap();
        prop_assert_eq!(one, other);
    }
}
