//! Series: stamped by the server, limited, read back.

use agent_proto::{Durable, FromAgent, Gap, Lane, Samples, SeriesName};
use kernel::{Actor, Grant, Ident, Proof, Scope};
use serde_json::json;

use crate::house::{House, message};

fn name(metric: &str, labels: &[(&str, &str)]) -> SeriesName {
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    SeriesName { name: metric.into(), labels }
}

fn register(house: &House, asset: i64, names: Vec<(u32, SeriesName)>) {
    message(house.kernel(), "series", asset, &FromAgent::Series { register: names }).unwrap();
}

fn sample(house: &House, asset: i64, values: &[(u32, f64)]) {
    house.wait(15);
    let samples = Samples { at_ms: house.kernel().now().millis(), values: values.to_vec() };
    message(house.kernel(), "samples", asset, &samples).unwrap();
}

#[test]
fn an_agent_speaks_only_for_itself() {
    let house = House::new();
    let (web, victim) = (house.asset("web-01"), house.asset("victim"));
    let id = victim.to_string();
    register(
        &house,
        web,
        vec![
            (1, name("node_load1", &[("asset", &id), ("check", "1"), ("device", "x")])),
            (2, name("mainstay_check_up", &[("check", "1")])),
        ],
    );
    sample(&house, web, &[(1, 0.5), (2, 1.0), (99, 3.0)]);
    let read = |asset: i64| {
        house.call("monitor.series.read", json!({"asset": asset, "metric": ["node_load1", "mainstay_check_up"]}))
    };
    assert_eq!(read(victim)["series"], json!([]));
    let series = read(web)["series"].clone();
    assert_eq!(series.as_array().unwrap().len(), 1);
    assert_eq!(series[0]["labels"], json!({"asset": web.to_string(), "device": "x"}));
}

#[test]
fn refused_series_are_named_where_people_look_and_the_rest_is_kept() {
    let house = House::new();
    let web = house.asset("web-01");
    let long = "v".repeat(2_000);
    register(&house, web, vec![(1, name("node_load1", &[])), (2, name("bad", &[("path", &long)]))]);
    assert_eq!(house.needs(), ["Series of web-01 are refused"]);
    sample(&house, web, &[(1, 0.5), (2, 1.0)]);
    let read = house.call("monitor.series.read", json!({"asset": web, "metric": ["node_load1"]}));
    assert_eq!(read["series"][0]["points"].as_array().unwrap().len(), 1);
    house.connected(web, true);
    assert!(house.needs().is_empty(), "a new connection is a new chance");
}

#[test]
fn figures_hold_rates_sums_marks_and_gaps() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    register(
        &house,
        web,
        vec![
            (1, name("node_cpu_seconds_total", &[("cpu", "all"), ("mode", "idle")])),
            (2, name("node_cpu_seconds_total", &[("cpu", "all"), ("mode", "user")])),
            (3, name("node_network_receive_bytes_total", &[("device", "eth0")])),
            (4, name("node_network_receive_bytes_total", &[("device", "lo")])),
            (5, name("node_memory_MemTotal_bytes", &[])),
            (6, name("node_memory_MemAvailable_bytes", &[])),
            (7, name("node_load1", &[])),
        ],
    );
    sample(&house, web, &[(1, 0.0), (2, 0.0), (3, 0.0), (4, 0.0), (5, 100.0), (6, 40.0), (7, 1.5)]);
    sample(&house, web, &[(1, 9.0), (2, 3.0), (3, 1_500.0), (4, 9e9), (5, 100.0), (6, 40.0), (7, 1.5)]);
    house.report(web, check, "bbgg");
    let gap = Gap {
        lane: Lane::Metrics,
        from_ms: house.kernel().now().millis() - 5_000,
        to_ms: house.kernel().now().millis() - 1_000,
        dropped: 3,
        why: "the disk was full".into(),
    };
    for _ in 0..2 {
        message(house.kernel(), "gap", web, &Durable::Gap(gap.clone())).unwrap();
    }
    let chart = |panel: &str| house.call("monitor.chart.read", json!({"asset": web, "panel": panel}));
    let last = |panel: &str, line: usize| {
        chart(panel)["series"][line]["points"].as_array().unwrap().last().unwrap()[1].as_f64()
    };
    assert!(last("cpu", 0).is_some_and(|busy| (busy - 25.0).abs() < 0.001));
    assert_eq!(last("network", 0), Some(800.0), "loopback is not the network");
    assert_eq!(last("memory", 0), Some(60.0));
    assert_eq!(last("load", 0), Some(1.5));
    let load = chart("load");
    let titles = |part: &str| -> Vec<String> {
        load[part].as_array().unwrap().iter().map(|one| one["title"].as_str().unwrap().to_owned()).collect()
    };
    let alerts: Vec<String> = titles("marks").into_iter().filter(|title| title.contains("Web server runs")).collect();
    assert_eq!(alerts, ["Alert: Web server runs", "Recovered: Web server runs"]);
    assert_eq!(
        titles("bands"),
        ["Alert: Web server runs", "Nothing was kept: the disk was full"],
        "an alert is a period, and the same gap is one"
    );
    assert_eq!(chart("disk")["series"], json!([]));
    assert_eq!(
        house
            .refused("monitor.chart.read", json!({"asset": web, "panel": "cpu", "from": 10, "to": 5}))
            .field
            .as_deref(),
        Some("to")
    );
}

#[test]
fn the_figure_of_a_check_shows_how_long_it_took_its_alert_and_its_silence() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    house.report(web, check, "ggbb");
    house.call(
        "monitor.silence.create",
        json!({"check": check, "asset": web, "reason": "Disks are changed", "minutes": 30}),
    );
    house.wait(60);
    let figure = house.call("monitor.chart.check", json!({"id": check}));
    let titles = |part: &str| -> Vec<&str> {
        figure[part].as_array().unwrap().iter().filter_map(|one| one["title"].as_str()).collect()
    };
    assert_eq!(figure["series"][0]["name"], "Took");
    assert_eq!(titles("bands"), ["Alert: Web server runs", "Silence: Disks are changed"]);
    assert!(titles("marks").contains(&"Alert: Web server runs"));
    assert_eq!(figure["bands"][0]["to"], figure["to"], "the alert is still out");
    assert_eq!(
        house.refused("monitor.chart.check", json!({"id": check, "minutes": 0})).field.as_deref(),
        Some("minutes")
    );
    assert!(house.refused("monitor.chart.check", json!({"id": 999})).message.contains("999"));
}

#[test]
fn samples_that_are_left_out_are_told_and_leave_a_mark_on_the_charts() {
    let house = House::new();
    let web = house.asset("web-01");
    register(&house, web, vec![(1, name("node_load1", &[]))]);
    let ahead = |seconds: i64| {
        house.wait(seconds);
        let at_ms = house.kernel().now().millis() + 20 * 60_000;
        message(house.kernel(), "samples", web, &Samples { at_ms, values: vec![(1, 1.5)] }).unwrap();
    };
    let bands = || house.call("monitor.chart.read", json!({"asset": web, "panel": "load"}))["bands"].clone();
    sample(&house, web, &[(1, 0.5)]);
    assert!(house.needs().is_empty() && bands() == json!([]));
    ahead(1);
    assert_eq!(house.needs(), ["Samples of web-01 are refused"]);
    let why = house.kernel().read_as(&house.admin, |cx| cx.attention(10)).unwrap()[0].why.clone();
    assert!(why.contains("the clock of the machine is more than ten minutes ahead"), "{why}");
    assert_eq!(bands().as_array().unwrap().len(), 1);
    for _ in 0..10 {
        ahead(10);
    }
    assert_eq!(bands().as_array().unwrap().len(), 2, "one mark a minute");
    house.connected(web, true);
    assert!(house.needs().is_empty(), "a new connection is a new chance");
    sample(&house, web, &[(1, 0.5), (7, 1.0)]);
    assert_eq!(house.needs(), ["Samples of web-01 are refused"], "nobody said what 7 measures");
}

#[test]
fn what_is_sent_again_because_it_was_not_acknowledged_is_no_loss() {
    let house = House::new();
    let web = house.asset("web-01");
    register(&house, web, vec![(1, name("node_load1", &[]))]);
    let first = house.kernel().now().millis();
    sample(&house, web, &[(1, 0.5)]);
    sample(&house, web, &[(1, 0.6)]);
    for at_ms in [first + 15_000, first + 30_000] {
        message(house.kernel(), "samples", web, &Samples { at_ms, values: vec![(1, 0.5)] }).unwrap();
    }
    assert!(house.needs().is_empty());
}

#[test]
fn the_figure_of_the_processor_is_the_share_of_all_processors() {
    let house = House::new();
    let web = house.asset("web-01");
    let names = (0..40_u32).map(|n| {
        let (cpu, mode) = ((n / 2).to_string(), if n % 2 == 0 { "idle" } else { "user" });
        (n, name("node_cpu_seconds_total", &[("cpu", &cpu), ("mode", mode)]))
    });
    register(&house, web, names.collect());
    for passed in [0.0, 15.0] {
        // Five of twenty processors are busy.
        let busy = |n: u32| if (n / 2 < 5) == (n % 2 == 1) { passed } else { 0.0 };
        sample(&house, web, &(0..40).map(|n| (n, busy(n))).collect::<Vec<_>>());
    }
    let chart = house.call("monitor.chart.read", json!({"asset": web, "panel": "cpu"}));
    let busy = chart["series"][0]["points"][0][1].as_f64().unwrap();
    assert!((busy - 25.0).abs() < 0.001, "{chart}");
}

#[test]
fn a_question_counts_the_series_of_the_assets_that_the_asker_may_see() {
    let house = House::new();
    let (web, other) = (house.asset("web-01"), house.asset("other"));
    let team = house.call("people.team.create", json!({"name": "Web", "slug": "web"}))["id"].as_i64().unwrap();
    house.call("assets.thing.update", json!({"id": web, "team": team}));
    for (asset, load) in [(web, 0.5), (other, 2.5)] {
        register(&house, asset, vec![(1, name("node_load1", &[]))]);
        sample(&house, asset, &[(1, load)]);
    }
    let of_team = Actor {
        ident: Ident::User(77),
        name: "Wanda".into(),
        grants: vec![Grant { pattern: "monitor.*".into(), scope: Scope::Teams(vec![team]), expires_at: None }],
        teams: vec![team],
        proof: Proof::None,
        patterns: Vec::new(),
    };
    let ask = |actor: &Actor, query: &str| {
        let answer = house.world.call(actor, "monitor.metrics.query", json!({"query": query})).unwrap();
        answer["series"].as_array().unwrap().iter().map(|one| one["points"][0][1].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ask(&Actor::os("root"), "sum(node_load1)"), [r#""3""#]);
    assert_eq!(ask(&of_team, "sum(node_load1)"), [r#""0.5""#]);
    assert!(ask(&of_team, &format!("node_load1{{asset=\"{other}\"}}")).is_empty());
    let figure =
        house.world.call(&of_team, "monitor.metrics.chart", json!({"query": "node_load1", "minutes": 5})).unwrap();
    assert_eq!(figure["series"].as_array().unwrap().len(), 1);
    assert_eq!(figure["series"][0]["name"], format!("node_load1 asset={web}"));
}
