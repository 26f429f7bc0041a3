//! Questions over roll-ups: what is older than samples are kept has no holes, and says which tier answered.

use agent_proto::{FromAgent, Samples, SeriesName};
use kernel::time::{DAY, HOUR, MINUTE};
use kernel::{Actor, Call, Clock, Handle, Kernel, KernelSettings, Time, Via};
use serde_json::{Value, json};

use crate::house::{domains, message, new_asset};

fn open(folder: &std::path::Path, clock: &Clock, name: &str) -> Handle {
    let source = match std::env::var("MAINSTAY_TEST_POSTGRES") {
        Ok(url) if !url.is_empty() => kernel::db::Source::Postgres(url, name.to_owned()),
        _ => kernel::db::Source::Sqlite(folder.join("mainstay.db")),
    };
    let mut all = vec![kernel::domain()];
    all.extend(domains());
    Kernel::open(KernelSettings {
        source,
        options: kernel::db::Options { readers: 2, writers: 2, ..Default::default() },
        data: folder.to_owned(),
        key_file: folder.join("key"),
        clock: clock.clone(),
        domains: all,
    })
    .unwrap()
}

fn call(kernel: &Handle, operation: &str, input: Value) -> Value {
    let call = Call::new(std::sync::Arc::new(Actor::os("ada")), operation, input, Via::Cli);
    kernel.dispatch(Call { confirmed: true, ..call }).unwrap_or_else(|error| panic!("{operation}: {error}")).output
}

/// A house that keeps samples for a day, where a counter rose by three and a gauge said one each minute for four days.
fn four_days(folder: &std::path::Path, clock: &Clock, name: &str) -> Handle {
    let kernel = open(folder, clock, name);
    call(&kernel, "kernel.setting.set", json!({"key": "monitor.series", "value": {"raw_days": 1}}));
    kernel.shut_down();
    drop(kernel);
    let kernel = open(folder, clock, name);
    let asset = new_asset(&kernel, "web-01");
    let register = ["work_total", "one"].iter().map(|name| SeriesName { name: (*name).into(), labels: Vec::new() });
    message(&kernel, "series", asset, &FromAgent::Series { register: (1..).zip(register).collect() }).unwrap();
    for minute in 1..=4 * 24 * 60_i64 {
        clock.advance(MINUTE);
        // The counter begins anew once.
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let counted = 3.0 * (minute - if minute > 2_000 { 2_000 } else { 0 }) as f64;
        let samples = Samples { at_ms: kernel.now().millis(), values: vec![(1, counted), (2, 1.0)] };
        message(&kernel, "samples", asset, &samples).unwrap();
        monitor::tick(&kernel).unwrap();
        monitor::upkeep(&kernel).unwrap();
    }
    for _ in 0..200 {
        monitor::upkeep(&kernel).unwrap();
    }
    kernel
}

#[test]
fn questions_beyond_the_samples_are_answered_by_roll_ups_without_holes() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::fake(kernel::world::START);
    let kernel = four_days(folder.path(), &clock, &format!("mainstay_monitor_tiers_{}", std::process::id()));
    let (begin, end) = (kernel::world::START, kernel.now());
    let ask = |query: &str, from: Time, step: &str| {
        let input = json!({"query": query, "from": from, "to": end, "step": step});
        call(&kernel, "monitor.metrics.query", input)
    };
    let values = |answer: &Value| -> Vec<f64> {
        let points = answer["series"][0]["points"].as_array().unwrap();
        points.iter().map(|point| point[1].as_str().unwrap().parse().unwrap()).collect()
    };
    let near = |found: &[f64], expected: f64, share: f64| {
        found.iter().all(|value| (value - expected).abs() <= expected * share)
    };
    let hours = ask("sum_over_time(one[1h])", begin.plus(HOUR), "1h");
    assert_eq!(values(&hours), vec![60.0; 96], "each minute once, over every seam");
    let told = hours["answered_by"].to_string();
    assert!(told.contains("values of") && told.contains("until"), "{told}");
    assert!(hours["infos"].to_string().contains("answered by values of"), "{}", hours["infos"]);
    let rate = ask("rate(work_total[1h])", begin.plus(2 * HOUR), "1h");
    assert_eq!(values(&rate).len(), 95);
    assert!(near(&values(&rate), 0.05, 0.06), "{:?}", values(&rate));
    let askew = ask("increase(work_total[30m])", begin.plus(2 * HOUR + 7 * MINUTE), "11m");
    assert!(near(&values(&askew), 90.0, 0.06) && values(&askew).len() == 513, "{:?}", values(&askew));
    let short = ask("rate(work_total[2m])", begin.plus(HOUR + 30_000_000), "2m");
    assert_eq!(values(&short).len(), 2_850, "windows shorter than a bucket have no holes");
    let plain = ask("one", begin.plus(HOUR), "7m");
    assert_eq!(values(&plain), vec![1.0; 815]);
    let fresh = ask("rate(work_total[5m])", end.plus(-2 * HOUR), "15s");
    assert_eq!(fresh["answered_by"], json!(["samples as they came"]));
    assert_eq!(fresh["infos"], json!([]), "nobody needs to be told");
    let chart = call(
        &kernel,
        "monitor.metrics.chart",
        json!({"query": "rate(work_total[1h])", "from": begin.millis(), "to": end.millis()}),
    );
    assert!(chart["notes"][0].as_str().unwrap().contains("values of"), "{}", chart["notes"]);
    assert_eq!(kernel.now().since(begin), 4 * DAY);
}
