//! The tools that people have keep working: Grafana's data source, remote write, OTLP.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use metrics_proto::write::{Encoder, Version};
use serde_json::{Value, json};

use crate::http::{Answer, Door};

const NOW_S: i64 = kernel::world::START.0 / 1_000_000;

/// The labels and samples of a series.
type Pushed<'a> = (&'a [(&'a str, &'a str)], &'a [(i64, f64)]);

struct Tools {
    door: Door,
    token: String,
}

impl Tools {
    fn new() -> Self {
        let door = Door::new();
        let token = door.token();
        Self { door, token }
    }

    fn send(&self, path: &str, content_type: &str, body: Vec<u8>) -> Answer {
        let request = Request::post(path)
            .header("host", "localhost")
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", content_type);
        self.door.send(request.body(Body::from(body)).unwrap())
    }

    fn write(&self, series: &[Pushed<'_>]) -> Answer {
        let mut encoder = Encoder::new(Version::V1);
        for (labels, samples) in series {
            encoder.series(labels.iter().copied(), samples.iter().map(|(s, value)| (s * 1_000, *value)));
        }
        self.send("/prometheus/api/v1/write", "application/x-protobuf", encoder.finish().unwrap())
    }

    fn get(&self, path: &str) -> (StatusCode, Value) {
        let request = Request::get(path).header("host", "localhost");
        let request = request.header("authorization", format!("Bearer {}", self.token));
        let answer = self.door.send(request.body(Body::empty()).unwrap());
        (answer.status, serde_json::from_str(&answer.body).unwrap_or_else(|_| json!(answer.body)))
    }

    fn filled() -> Self {
        let tools = Self::new();
        let from = NOW_S - 600;
        let counter = |rate: f64| (0..41).map(|n| (from + 15 * n, rate * 15.0 * n as f64)).collect::<Vec<_>>();
        let (oslo, bergen) = (counter(2.0), counter(5.0));
        let answer = tools.write(&[
            (&[("__name__", "requests_total"), ("site", "oslo"), ("instance", "a:1")], &oslo),
            (&[("__name__", "requests_total"), ("site", "bergen"), ("instance", "b:1")], &bergen),
            (&[("__name__", "claimed"), ("asset", "1")], &[(NOW_S, 1.0)]),
        ]);
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::NO_CONTENT, ""));
        tools
    }
}

#[test]
fn what_is_written_remotely_is_answered_in_promql_and_in_the_form_of_prometheus() {
    let tools = Tools::filled();
    let (status, answer) =
        tools.get(&format!("/prometheus/api/v1/query?query=sum+by(site)(rate(requests_total[5m]))&time={NOW_S}"));
    assert_eq!(status, StatusCode::OK, "{answer}");
    let mut rates: Vec<(String, f64)> = Vec::new();
    for one in answer["data"]["result"].as_array().unwrap() {
        let rate: f64 = one["value"][1].as_str().unwrap().parse().unwrap();
        assert_eq!(one["value"][0], NOW_S);
        rates.push((one["metric"].to_string(), (rate * 1e9).round() / 1e9));
    }
    rates.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(rates, [(r#"{"site":"bergen"}"#.to_owned(), 5.0), (r#"{"site":"oslo"}"#.to_owned(), 2.0)]);
    let path = format!("/prometheus/api/v1/query_range?query=requests_total&start={}&end={NOW_S}&step=1m", NOW_S - 300);
    let (_, answer) = tools.get(&path);
    assert_eq!(answer["data"]["result"][0]["values"].as_array().unwrap().len(), 6, "{answer}");
    let form = tools.send("/prometheus/api/v1/query", "application/x-www-form-urlencoded", b"query=1%2B1".to_vec());
    assert!(form.body.contains(r#""resultType":"scalar""#) && form.body.contains(r#""2""#), "{}", form.body);
}

#[test]
fn series_labels_and_values_are_listed() {
    let tools = Tools::filled();
    let data = |path: &str| tools.get(path).1["data"].clone();
    assert_eq!(data("/prometheus/api/v1/label/site/values"), json!(["bergen", "oslo"]));
    assert_eq!(
        data("/prometheus/api/v1/label/site/values?match[]=requests_total%7Binstance%3D%22a:1%22%7D"),
        json!(["oslo"])
    );
    assert_eq!(data("/prometheus/api/v1/labels?match[]=requests_total"), json!(["__name__", "instance", "site"]));
    let series = data("/prometheus/api/v1/series?match[]=claimed");
    assert_eq!(
        series,
        json!([{"__name__": "claimed", "exported_asset": "1"}]),
        "the house says itself which asset it is"
    );
    assert_eq!(data("/prometheus/api/v1/status/buildinfo")["version"], "3.0.0");
    assert_eq!(data("/prometheus/api/v1/metadata"), json!({}));
    let parsed = data("/prometheus/api/v1/parse_query?query=sum(up)");
    assert_eq!((&parsed["op"], &parsed["expr"]["name"]), (&json!("sum"), &json!("up")));
    assert_eq!(tools.get("/prometheus/api/v1/parse_query?query=sum(").0, StatusCode::BAD_REQUEST);
    assert_eq!(data("/prometheus/api/v1/query_exemplars?query=up"), json!([]));
    assert_eq!(data("/prometheus/api/v1/alertmanagers")["activeAlertmanagers"], json!([]));
    let (status, answer) = tools.get("/prometheus/api/v1/targets");
    let all = json!({"activeTargets": [], "droppedTargets": [], "droppedTargetCounts": {}});
    assert_eq!((status, &answer["data"]), (StatusCode::OK, &all));
    assert_eq!(tools.get("/prometheus/api/v1/targets?state=lost").0, StatusCode::BAD_REQUEST);
    assert_eq!(data("/prometheus/api/v1/scrape_pools"), json!({"scrapePools": []}));
    assert_eq!(tools.get("/prometheus/api/v1/series").0, StatusCode::BAD_REQUEST);
}

#[test]
fn what_is_wrong_with_a_question_is_said_with_its_place() {
    let tools = Tools::new();
    let error = |path: &str| {
        let (status, answer) = tools.get(path);
        (
            status.as_u16(),
            answer["errorType"].as_str().unwrap().to_owned(),
            answer["error"].as_str().unwrap().to_owned(),
        )
    };
    let (status, kind, words) = error("/prometheus/api/v1/query?query=sum(");
    assert_eq!((status, kind.as_str()), (400, "bad_data"));
    assert!(words.contains("1:5: parse error"), "{words}");
    assert_eq!(error("/prometheus/api/v1/query?query=1&time=tomorrow").0, 400);
    assert_eq!(error("/prometheus/api/v1/query_range?query=1&start=0&end=10&step=0").0, 400);
    let (status, _, words) = error("/prometheus/api/v1/query_range?query=1&start=0&end=10000000&step=1");
    assert!(status == 400 && words.contains("11000 points"), "{words}");
    let (status, kind, words) = error("/prometheus/api/v1/query_range?query=up%5B5m%5D&start=0&end=10&step=1");
    assert_eq!((status, kind.as_str()), (400, "bad_data"), "{words}");
    assert!(words.contains("invalid expression type \"range vector\" for range query"), "{words}");
}

#[test]
fn samples_that_cannot_be_kept_are_refused_with_the_reason_and_the_others_are_kept() {
    let tools = Tools::new();
    let answer = tools.write(&[
        (&[("__name__", "good")], &[(NOW_S, 1.0)]),
        (&[("__name__", "good")], &[(NOW_S, 2.0)]),
        (&[("__name__", "good")], &[(NOW_S + 86_400, 3.0)]),
        (&[("__name__", "mainstay_check_up"), ("check", "1")], &[(NOW_S, 0.0)]),
    ]);
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(
        answer.body.starts_with("3 of 4 samples were refused. The first: the metric \"mainstay_check_up\""),
        "{}",
        answer.body
    );
    let again = tools.write(&[(&[("__name__", "good")], &[(NOW_S, 1.0)])]);
    assert_eq!(again.status, StatusCode::NO_CONTENT, "what is there already is no error");
    let (_, answer) = tools.get("/prometheus/api/v1/query?query=good");
    assert_eq!(answer["data"]["result"][0]["value"][1], "1");
    let garbage = tools.send("/prometheus/api/v1/write", "application/x-protobuf", vec![0xff; 100]);
    assert_eq!(garbage.status, StatusCode::BAD_REQUEST, "{}", garbage.body);
    let json = tools.send("/prometheus/api/v1/write", "application/json", b"{}".to_vec());
    assert_eq!(json.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[test]
fn open_telemetry_is_taken_and_scripts_write_json() {
    let tools = Tools::new();
    let body = json!({"resourceMetrics": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
        "scopeMetrics": [{"metrics": [{"name": "orders", "unit": "1", "sum": {"isMonotonic": true, "aggregationTemporality": 2,
        "dataPoints": [{"timeUnixNano": (NOW_S * 1_000_000_000).to_string(), "asInt": "42"}]}}]}]}]});
    let answer = tools.send("/otlp/v1/metrics", "application/json", body.to_string().into_bytes());
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let (_, answer) = tools.get("/prometheus/api/v1/query?query=orders_total%7Bjob%3D%22shop%22%7D");
    assert_eq!(answer["data"]["result"][0]["value"][1], "42", "{answer}");
    let written = tools.door.house.call(
        &tools.door.house.admin(),
        "monitor.metrics.write",
        json!({"samples": [{"metric": "backup_size_bytes", "labels": {"host": "db-01"}, "value": 7.5}]}),
    );
    assert_eq!((written["stored"].as_i64(), written["refused"].as_i64()), (Some(1), Some(0)));
    let asked = tools.door.house.call(
        &tools.door.house.admin(),
        "monitor.metrics.query",
        json!({"query": "backup_size_bytes * 2"}),
    );
    assert_eq!((asked["kind"].as_str(), asked["series"][0]["points"][0][1].as_str()), (Some("vector"), Some("15")));
}

#[test]
fn strangers_get_nothing_and_people_only_what_their_grants_reach() {
    let tools = Tools::filled();
    let path = "/prometheus/api/v1/query?query=count(%7B__name__%3D~%22.%2B%22%7D)";
    let ask = |authorization: Option<String>| {
        let mut request = Request::get(path).header("host", "localhost");
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        tools.door.send(request.body(Body::empty()).unwrap())
    };
    assert_eq!(ask(None).status, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(Some("Bearer wrong".into())).status, StatusCode::UNAUTHORIZED);
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("grafana:{}", tools.token));
    assert!(ask(Some(format!("Basic {basic}"))).body.contains("\"3\""), "a token is taken as the password too");
    let os = kernel::Actor::os("root");
    let of = |who: &str| {
        let made = tools.door.house.call(&os, "people.token.create", json!({"for": who, "name": "test"}));
        format!("Bearer {}", made["token"].as_str().unwrap())
    };
    let technician = ask(Some(of("a-technician")));
    assert!(technician.body.contains(r#""result":[]"#), "pushed series belong to no team: {}", technician.body);
    assert_eq!(ask(Some(of("a-requester"))).status, StatusCode::FORBIDDEN);
    let mut body = Encoder::new(Version::V1);
    body.series([("__name__", "x")], [(NOW_S * 1_000, 1.0)]);
    let request = Request::post("/prometheus/api/v1/write").header("host", "localhost");
    let request = request.header("authorization", of("a-technician")).header("content-type", "application/x-protobuf");
    let answer = tools.door.send(request.body(Body::from(body.finish().unwrap())).unwrap());
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.body);
    let put = Request::put(path).header("host", "localhost").header("authorization", of("ada"));
    assert_eq!(tools.door.send(put.body(Body::empty()).unwrap()).status, StatusCode::METHOD_NOT_ALLOWED);
}

#[test]
fn every_address_turns_strangers_and_those_without_a_grant_away_before_it_reads_their_body() {
    let tools = Tools::new();
    let registry = tools.door.house.world.kernel.registry();
    let os = kernel::Actor::os("root");
    let made = tools.door.house.call(&os, "people.token.create", json!({"for": "a-requester", "name": "test"}));
    let requester = format!("Bearer {}", made["token"].as_str().unwrap());
    let mut asked = 0;
    // Where the address itself is the key there is nobody to turn away: heartbeats. That this server runs is no secret.
    let open: Vec<&str> = registry.endpoints().filter(|one| one.grant.is_empty()).map(|one| one.path).collect();
    let known = ["/prometheus/-/healthy", "/prometheus/-/ready", "/heartbeat/{secret}", "/heartbeat/{secret}/{signal}"];
    assert_eq!(open, known);
    for endpoint in registry.endpoints().filter(|one| !one.grant.is_empty()) {
        let path = endpoint.path.replace("{name}", "job");
        for method in endpoint.methods {
            let send = |authorization: &str| {
                let request = Request::builder().method(method.as_str()).uri(&path).header("host", "localhost");
                let request = request.header("authorization", authorization);
                // A body that never ends: it is not waited for.
                let body = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
                tools.door.send(request.body(body).unwrap()).status
            };
            assert_eq!(send(""), StatusCode::UNAUTHORIZED, "{path}");
            assert_eq!(send(&requester), StatusCode::FORBIDDEN, "{path}");
            asked += 1;
        }
    }
    assert!(asked >= 10, "{asked}");
}

#[test]
fn a_long_backfill_of_one_series_is_taken_whole_and_a_dry_run_stores_nothing() {
    let tools = Tools::new();
    let samples: Vec<(i64, f64)> = (0..70_000).map(|n| (NOW_S - 70_000 * 10 + n * 10, n as f64)).collect();
    let answer = tools.write(&[(&[("__name__", "long")], &samples)]);
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::NO_CONTENT, ""));
    let (_, counted) =
        tools.get(&format!("/prometheus/api/v1/query?query=count_over_time(long%5B10d%5D)&time={NOW_S}"));
    assert_eq!(counted["data"]["result"][0]["value"][1], "70000", "{counted}");
    let request = Request::post("/api/v1/monitor/metrics")
        .header("host", "localhost")
        .header("authorization", format!("Bearer {}", tools.token))
        .header("content-type", "application/json")
        .header("mainstay-dry-run", "1");
    let body = json!({"samples": [{"metric": "dry", "value": 1}]}).to_string();
    assert_eq!(tools.door.send(request.body(Body::from(body)).unwrap()).status, StatusCode::OK);
    assert_eq!(tools.get("/prometheus/api/v1/query?query=dry").1["data"]["result"], json!([]));
}

#[test]
fn grafana_lists_rules_and_alerts_as_prometheus_gives_them() {
    let tools = Tools::new();
    let text = "groups:\n- name: web\n  interval: 10s\n  rules:\n  - record: up:sum\n    expr: sum(up)\n  - alert: Down\n    expr: up==0\n    labels: {severity: page}\n    annotations: {summary: '{{ $labels.instance }} is down'}\n";
    let input = json!({"name": "web.yml", "text": text}).to_string().into_bytes();
    assert_eq!(tools.send("/api/v1/monitor/rule-files", "application/json", input).status, StatusCode::OK);
    assert_eq!(
        tools.write(&[(&[("__name__", "up"), ("instance", "a:1")], &[(NOW_S, 0.0)])]).status,
        StatusCode::NO_CONTENT
    );
    let world = &tools.door.house.world;
    world.clock.advance(1);
    monitor::evaluate_rules(&world.kernel).unwrap();
    world.clock.advance(15 * kernel::time::SECOND);
    monitor::evaluate_rules(&world.kernel).unwrap();
    let (_, said) = tools.get("/prometheus/api/v1/rules");
    let group = &said["data"]["groups"][0];
    assert_eq!((&group["name"], &group["file"], &group["interval"]), (&json!("web"), &json!("web.yml"), &json!(10)));
    let (record, alert) = (&group["rules"][0], &group["rules"][1]);
    assert_eq!(
        (&record["type"], &record["health"], &record["query"]),
        (&json!("recording"), &json!("ok"), &json!("sum(up)"))
    );
    assert_eq!(
        (&alert["state"], &alert["query"], &alert["duration"]),
        (&json!("firing"), &json!("up == 0"), &json!(0))
    );
    assert_eq!(alert["annotations"]["summary"], "{{ $labels.instance }} is down");
    let labels = json!({"alertname": "Down", "instance": "a:1", "severity": "page"});
    assert_eq!((&alert["alerts"][0]["labels"], &alert["alerts"][0]["value"]), (&labels, &json!("0e+00")));
    let (_, said) = tools.get("/prometheus/api/v1/alerts");
    assert_eq!(said["data"]["alerts"][0]["annotations"], json!({"summary": "a:1 is down"}));
    assert_eq!(said["data"]["alerts"][0]["state"], "firing");
    let count = |query: &str| {
        let (_, said) = tools.get(&format!("/prometheus/api/v1/rules?{query}"));
        said["data"]["groups"]
            .as_array()
            .unwrap()
            .iter()
            .map(|group| group["rules"].as_array().unwrap().len())
            .sum::<usize>()
    };
    let counts = ["type=alert", "type=record", "rule_name%5B%5D=Down", "file%5B%5D=other.yml", "rule_group%5B%5D=web"];
    assert_eq!(counts.map(count), [1, 1, 1, 0, 2]);
    assert_eq!(tools.get("/prometheus/api/v1/rules?type=x").0, StatusCode::BAD_REQUEST);
}

#[test]
fn what_is_not_there_or_not_allowed_is_said_as_prometheus_says_it() {
    let tools = Tools::filled();
    for path in ["/prometheus/api/v1/targets/metadata", "/prometheus/federate?match[]=up", "/prometheus/graph"] {
        let (status, answer) = tools.get(path);
        assert_eq!((status, &answer["status"]), (StatusCode::NOT_FOUND, &json!("error")), "{path}: {answer}");
        assert_eq!(answer["errorType"], "not_found");
    }
    let (status, answer) = tools.get("/prometheus/api/v1/query_exemplars?query=up");
    assert_eq!((status, &answer), (StatusCode::OK, &json!({"status": "success", "data": []})));
    let (status, answer) = tools.get("/prometheus/api/v1/status/tsdb");
    assert!(status == StatusCode::OK && answer["data"]["headStats"]["numSeries"].as_i64() >= Some(3), "{answer}");
    let (_, answer) = tools.get("/prometheus/api/v1/status/runtimeinfo");
    assert_eq!(answer["data"]["storageRetention"], "14d or 10GiB");
    let (_, answer) = tools.get("/prometheus/api/v1/status/flags");
    assert_eq!(answer["data"]["web.enable-remote-write-receiver"], "true");

    let stranger = |path: &str| {
        let request = Request::get(path).header("host", "localhost");
        tools.door.send(request.body(Body::empty()).unwrap())
    };
    let refused = stranger("/prometheus/api/v1/query?query=up");
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let words: Value = serde_json::from_str(&refused.body).unwrap();
    assert_eq!((&words["status"], &words["errorType"]), (&json!("error"), &json!("unauthorized")));
    for path in ["/prometheus/-/healthy", "/prometheus/-/ready"] {
        assert_eq!(stranger(path).status, StatusCode::OK, "{path}");
    }
}

#[test]
fn the_metrics_of_agents_have_a_type_and_words_for_query_builders() {
    let tools = Tools::filled();
    let load: Pushed<'_> = (&[("__name__", "node_load1")], &[(NOW_S, 1.0)]);
    assert_eq!(tools.write(&[load]).status, StatusCode::NO_CONTENT);
    let (_, answer) = tools.get("/prometheus/api/v1/metadata?metric=node_load1");
    let said = &answer["data"]["node_load1"][0];
    assert_eq!((&said["type"], &said["help"]), (&json!("gauge"), &json!("Load average of one minute.")));
    let (_, all) = tools.get("/prometheus/api/v1/metadata");
    assert!(all["data"]["node_load1"].is_array() && all["data"]["requests_total"].is_null(), "{all}");
    let (_, none) = tools.get("/prometheus/api/v1/metadata?metric=node_load5");
    assert_eq!(none["data"], json!({}));
}
