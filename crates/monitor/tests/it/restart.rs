//! A server that starts again goes on where it stood.

use agent_proto::CheckState;
use kernel::db::{Options, Source};
use kernel::time::SECOND;
use kernel::{Actor, Clock, Handle, Kernel, KernelSettings};
use serde_json::json;

use crate::house::{domains, message, new_asset, result};

pub(crate) fn open(folder: &std::path::Path, clock: &Clock, name: &str) -> Handle {
    let source = match std::env::var("MAINSTAY_TEST_POSTGRES") {
        Ok(url) if !url.is_empty() => Source::Postgres(url, name.to_owned()),
        _ => Source::Sqlite(folder.join("mainstay.db")),
    };
    let mut all = vec![kernel::domain()];
    all.extend(domains());
    Kernel::open(KernelSettings {
        source,
        options: Options { readers: 2, writers: 2, ..Options::default() },
        data: folder.to_owned(),
        key_file: folder.join("key"),
        clock: clock.clone(),
        domains: all,
    })
    .unwrap()
}

pub(crate) fn call(kernel: &Handle, operation: &str, input: serde_json::Value) -> serde_json::Value {
    let actor = std::sync::Arc::new(Actor::os("ada"));
    kernel.dispatch(kernel::Call::new(actor, operation, input, kernel::Via::Cli)).unwrap().output
}

#[test]
fn alerts_windows_and_series_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::fake(kernel::world::START);
    let name = format!("mainstay_monitor_restart_{}", std::process::id());
    let report = |kernel: &Handle, asset: i64, check: i64, state: CheckState| {
        clock.advance(10 * SECOND);
        monitor::tick(kernel).unwrap();
        message(kernel, "check_results", asset, &vec![result(kernel, check, state)]).unwrap();
    };
    let state = |kernel: &Handle, check: i64| {
        call(kernel, "monitor.check.show", json!({"id": check}))["check"]["state"].as_str().unwrap().to_owned()
    };
    let end = |kernel: Handle| {
        clock.advance(SECOND);
        monitor::tick(&kernel).unwrap();
        monitor::upkeep(&kernel).unwrap();
        kernel.shut_down();
    };
    let (asset, check, last) = {
        let kernel = open(folder.path(), &clock, &name);
        let asset = new_asset(&kernel, "web-01");
        let input = json!({"asset": asset, "kind": "process", "process": "nginx"});
        let check = call(&kernel, "monitor.check.create", input)["id"].as_i64().unwrap();
        report(&kernel, asset, check, CheckState::Ok);
        report(&kernel, asset, check, CheckState::Fail);
        assert_eq!(state(&kernel, check), "pending");
        let last = result(&kernel, check, CheckState::Fail);
        end(kernel);
        (asset, check, last)
    };
    {
        let kernel = open(folder.path(), &clock, &name);
        assert_eq!(state(&kernel, check), "pending");
        message(&kernel, "check_results", asset, &vec![last]).unwrap();
        assert_eq!(state(&kernel, check), "pending", "the unacknowledged result came again");
        report(&kernel, asset, check, CheckState::Fail);
        assert_eq!(state(&kernel, check), "firing", "the bad result before the restart counts");
        end(kernel);
    }
    {
        let kernel = open(folder.path(), &clock, &name);
        monitor::tick(&kernel).unwrap();
        assert_eq!(state(&kernel, check), "firing");
        pass(&kernel, &clock, 13);
        report(&kernel, asset, check, CheckState::Ok);
        report(&kernel, asset, check, CheckState::Ok);
        pass(&kernel, &clock, 13);
        let groups = call(&kernel, "monitor.group.list", json!({}));
        assert_eq!((groups["count"].as_i64(), groups["items"][0]["state"].as_str()), (Some(1), Some("recovered")));
        let input = json!({"asset": asset, "metric": ["mainstay_check_up"]});
        let points = call(&kernel, "monitor.series.read", input)["series"][0]["points"].clone();
        let values: Vec<f64> = points.as_array().unwrap().iter().filter_map(|point| point[1].as_f64()).collect();
        assert_eq!(values, [1.0, 0.0, 0.0, 1.0, 1.0]);
        end(kernel);
    }
}

/// Seconds pass one by one, with the monitor looking at the clock.
pub(crate) fn pass(kernel: &Handle, clock: &Clock, seconds: i64) {
    for _ in 0..seconds {
        clock.advance(SECOND);
        monitor::tick(kernel).unwrap();
    }
}

#[test]
fn an_alert_that_waits_for_its_parent_is_told_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::fake(kernel::world::START);
    let name = format!("mainstay_monitor_waiting_{}", std::process::id());
    let groups = |kernel: &Handle| call(kernel, "monitor.group.list", json!({"state": "open"}))["count"].clone();
    {
        let kernel = open(folder.path(), &clock, &name);
        let (host, vm) = (new_asset(&kernel, "host-01"), new_asset(&kernel, "vm-01"));
        call(&kernel, "assets.relation.add", json!({"id": vm, "kind": "runs_on", "to": host}));
        let check = |asset: i64| {
            let input = json!({"asset": asset, "kind": "process", "process": "nginx"});
            call(&kernel, "monitor.check.create", input)["id"].as_i64().unwrap()
        };
        let (host_runs, service) = (check(host), check(vm));
        let say = |asset: i64, check: i64, state: CheckState| {
            clock.advance(SECOND);
            monitor::tick(&kernel).unwrap();
            message(&kernel, "check_results", asset, &vec![result(&kernel, check, state)]).unwrap();
        };
        say(host, host_runs, CheckState::Ok);
        say(vm, service, CheckState::Fail);
        say(vm, service, CheckState::Fail);
        assert_eq!(groups(&kernel), 0);
        kernel.shut_down();
    }
    let kernel = open(folder.path(), &clock, &name);
    pass(&kernel, &clock, 13);
    assert_eq!(groups(&kernel), 1);
    kernel.shut_down();
}

#[test]
fn what_comes_back_within_a_quarter_of_an_hour_is_the_same_group_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::fake(kernel::world::START);
    let name = format!("mainstay_monitor_back_{}", std::process::id());
    let groups =
        |kernel: &Handle, state: &str| call(kernel, "monitor.group.list", json!({ "state": state }))["items"].clone();
    let say = |kernel: &Handle, asset: i64, check: i64, state: CheckState| {
        pass(kernel, &clock, 10);
        message(kernel, "check_results", asset, &vec![result(kernel, check, state)]).unwrap();
    };
    let (asset, check, group) = {
        let kernel = open(folder.path(), &clock, &name);
        let asset = new_asset(&kernel, "web-01");
        let input = json!({"asset": asset, "kind": "process", "process": "nginx"});
        let check = call(&kernel, "monitor.check.create", input)["id"].as_i64().unwrap();
        [CheckState::Fail; 2].into_iter().for_each(|state| say(&kernel, asset, check, state));
        pass(&kernel, &clock, 20);
        let group = groups(&kernel, "open")[0]["id"].as_i64().unwrap();
        [CheckState::Ok; 2].into_iter().for_each(|state| say(&kernel, asset, check, state));
        pass(&kernel, &clock, 60);
        assert_eq!(groups(&kernel, "recovered")[0]["id"].as_i64(), Some(group));
        kernel.shut_down();
        (asset, check, group)
    };
    clock.advance(120 * SECOND);
    let kernel = open(folder.path(), &clock, &name);
    [CheckState::Fail; 2].into_iter().for_each(|state| say(&kernel, asset, check, state));
    pass(&kernel, &clock, 20);
    let open = groups(&kernel, "open");
    assert_eq!((open.as_array().unwrap().len(), open[0]["id"].as_i64()), (1, Some(group)), "{open}");
    assert_eq!(open[0]["reopened"], 1);
    kernel.shut_down();
}
