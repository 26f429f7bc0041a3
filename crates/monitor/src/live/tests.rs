//! What waits for whom.

use std::collections::BTreeSet;
use std::sync::mpsc;
use std::time::Duration;

use agent_proto::{CheckResult, CheckState};
use causes::{Look, Observation, Symptom, What};
use kernel::registry::AgentFrom;
use kernel::world::World;
use kernel::{Actor, Handle, Time};
use serde_json::json;

use super::{Monitor, check_results, lock};
use crate::store;

/// Longer than anything takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn intake_does_not_wait_for_a_judgement() {
    let world = World::new(vec![people::domain().kernel, assets::domain().kernel, crate::domain().kernel]).unwrap();
    let admin = Actor::os("ada");
    let call = |operation: &str, input| world.call(&admin, operation, input).unwrap();
    let asset = call("assets.thing.create", json!({"name": "web-01", "kind": "server"}))["id"].as_i64().unwrap();
    let other = call("assets.thing.create", json!({"name": "sw-01", "kind": "switch"}))["id"].as_i64().unwrap();
    let input = json!({"name": "Runs", "asset": asset, "kind": "process", "process": "nginx"});
    let check = call("monitor.check.create", input)["id"].as_i64().unwrap();
    super::tick(&world.kernel).unwrap();
    let monitor = world.kernel.get::<Monitor>().unwrap();
    let now = world.kernel.now();
    for key in 1_000..11_000 {
        monitor.causal.observe(Observation::Fired(symptom(key, now)), now);
    }
    // Whoever judges 10,000 symptoms holds this all the time.
    let judging = monitor.causal.judge();
    let (done, heard) = mpsc::channel();
    let kernel = world.kernel.clone();
    let thread = std::thread::spawn(move || {
        fails(&kernel, asset, check, 1);
        fails(&kernel, asset, check, 2);
        let monitor = kernel.get::<Monitor>().unwrap();
        let on = (asset, "connected_to", other);
        monitor.causal.relate(crate::causal::relation(on, String::new(), false).unwrap(), now);
        done.send(()).unwrap();
    });
    heard.recv_timeout(PATIENCE).expect("results are taken and the inventory is followed while it judges");
    assert_eq!(
        call("monitor.check.show", json!({"id": check}))["check"]["state"],
        "firing",
        "and all of it is on disk"
    );
    drop(judging);
    thread.join().unwrap();
    // What was told meanwhile was not lost.
    let mut judge = monitor.causal.judge();
    judge.turn(now.plus(kernel::time::SECOND), |_| false);
    assert!(judge.has(u64::try_from(check).unwrap()));
}

/// The agent of an asset says for the nth time that a check fails.
fn fails(kernel: &Handle, asset: i64, check: i64, nth: i64) {
    let now = kernel.now();
    let from = AgentFrom { asset, agent: asset, at: now };
    let result = CheckResult {
        check_id: check,
        generation: 1,
        at_ms: now.millis() + nth,
        state: CheckState::Fail,
        value: None,
        took_us: 1,
        evidence: "no process nginx runs".into(),
    };
    check_results(kernel, &from, &vec![result]).unwrap();
}

fn symptom(key: u64, now: Time) -> Symptom {
    let look = Look {
        key,
        thing: 1 << 48 | key,
        what: What::Down,
        vantage: None,
        interval_ms: 10_000,
        by_name: false,
        label: String::new(),
    };
    Symptom { look, what: What::Down, since_ms: now.millis(), evidence: "x".into() }
}

#[test]
fn what_is_made_loud_while_it_waits_for_the_database_is_told_when_it_is_written() {
    for read_before in [false, true] {
        let world = World::new(vec![people::domain().kernel, assets::domain().kernel, crate::domain().kernel]).unwrap();
        let call = |operation: &str, input| world.call(&Actor::os("ada"), operation, input).unwrap();
        let asset = call("assets.thing.create", json!({"name": "web-01", "kind": "server"}))["id"].as_i64().unwrap();
        let input = json!({"name": "Runs", "asset": asset, "kind": "process", "process": "nginx",
            "labels": {"severity": "none"}});
        let check = call("monitor.check.create", input)["id"].as_i64().unwrap();
        super::tick(&world.kernel).unwrap();
        let monitor = world.kernel.get::<Monitor>().unwrap();
        fails(&world.kernel, asset, check, 1);
        // The database is held.
        let held = lock(&monitor.flushing);
        let kernel = world.kernel.clone();
        let thread = std::thread::spawn(move || fails(&kernel, asset, check, 2));
        while lock(&monitor.outbox).len() == 0 {
            std::thread::yield_now();
        }
        call("monitor.check.update", json!({"id": check, "labels": {}}));
        if read_before {
            let found = world
                .kernel
                .db
                .read(|tx| Ok((store::checks::by_id(tx, &[check])?, store::alerts::machines(tx, &[check])?)));
            drop(held);
            thread.join().unwrap();
            monitor.merge(found.unwrap(), &BTreeSet::from([check]), world.kernel.now());
        } else {
            monitor.refresh(&world.kernel).unwrap();
            drop(held);
            thread.join().unwrap();
        }
        let mut judge = monitor.causal.judge();
        judge.turn(world.kernel.now().plus(kernel::time::SECOND), |_| false);
        assert!(judge.has(u64::try_from(check).unwrap()), "read before it was written: {read_before}");
    }
}

#[test]
fn own_rules_about_causes_count_from_the_next_judgement_on() {
    let world = World::new(vec![people::domain().kernel, assets::domain().kernel, crate::domain().kernel]).unwrap();
    let monitor = world.kernel.get::<Monitor>().unwrap();
    let size = || {
        super::tick(&world.kernel).unwrap();
        monitor.causal.judge().rules().size()
    };
    let call = |operation: &str, input| world.call(&Actor::os("ada"), operation, input).unwrap();
    let key = "monitor.cause-rules";
    let built_in = size();
    let own = "[fault.tape_worn]\nkinds = [\"nas\"]\ngives = \"down\"\nprior = 0.5\n";
    call("kernel.setting.set", json!({ "key": key, "value": { "rules": own } }));
    assert_eq!(size(), (built_in.0 + 1, built_in.1));
    call("kernel.setting.reset", json!({ "key": key }));
    assert_eq!(size(), built_in);
}
