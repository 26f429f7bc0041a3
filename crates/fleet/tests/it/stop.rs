//! *Stop all runs* reaches every agent, ends what waits, and holds until it is released.

use agent_proto::*;
use kernel::ErrorKind;
use serde_json::json;

use crate::machine::*;

fn job() -> serde_json::Value {
    json!({ "asset": 1, "action": { "Service": { "unit": "nginx.service", "verb": "Restart" } } })
}

#[test]
fn a_stop_ends_waiting_jobs_and_reaches_connected_agents_signed() {
    let world = world();
    let machine = enrolled(&world, "web-01");
    let other = enrolled(&world, "web-02");
    let waiting = world.call(&admin(), "fleet.job.queue", job()).unwrap()["id"].as_i64().unwrap();
    let (connection, _) = other.connect(&world.kernel);
    world.call(&admin(), "fleet.stop.all", json!({ "reason": "wrong servers" })).unwrap();
    fleet::round(&world.kernel).unwrap();
    let pushed = connection.pushed();
    let Some(FromServer::Stop(order)) = pushed.first() else { panic!("{pushed:?}") };
    assert_eq!(verify_stop(order, &other.server_key).unwrap().stop_epoch, 1);
    let ended = world.call(&admin(), "fleet.job.show", json!({ "id": waiting })).unwrap();
    assert_eq!(ended["state"], "stopped");
    let refused = world.call(&admin(), "fleet.job.queue", job()).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    let (_, frames) = machine.connect(&world.kernel);
    assert!(
        matches!(frames.first(), Some(FromServer::Stop(_))),
        "who was away hears of it at its greeting: {frames:?}"
    );
    assert_eq!(count(&events(&world, "stop", 1), "fleet.stop.ordered"), 1);
}

#[test]
fn after_the_release_jobs_carry_the_new_epoch() {
    let world = world();
    let machine = enrolled(&world, "web-03");
    let (connection, _) = machine.connect(&world.kernel);
    world.call(&admin(), "fleet.stop.all", json!({})).unwrap();
    world.call(&admin(), "fleet.stop.release", json!({})).unwrap();
    assert_eq!(world.call(&admin(), "fleet.stop.release", json!({})).unwrap_err().kind, ErrorKind::Conflict);
    connection.pushed();
    world.call(&admin(), "fleet.job.queue", job()).unwrap();
    fleet::round(&world.kernel).unwrap();
    let pushed = connection.pushed();
    let Some(FromServer::Job(signed)) = pushed.last() else { panic!("{pushed:?}") };
    let now = world.clock.now().0;
    assert!(verify_job(signed, &machine.server_key, &machine.agent_id, 1, now).is_ok());
    let state = world.call(&admin(), "fleet.stop.show", json!({})).unwrap();
    assert_eq!((state["stopped"].as_bool(), state["epoch"].as_i64()), (Some(false), Some(1)));
}

#[test]
fn a_stop_ends_more_waiting_jobs_than_one_transaction_holds() {
    let world = world();
    enrolled(&world, "web-04");
    for _ in 0..230 {
        world.call(&admin(), "fleet.job.queue", job()).unwrap();
    }
    world.call(&admin(), "fleet.stop.all", json!({})).unwrap();
    world.settle().unwrap();
    let left = world.call(&admin(), "fleet.job.list", json!({ "state": "queued" })).unwrap();
    assert_eq!(left["count"], 0);
    let stopped = world.call(&admin(), "fleet.job.list", json!({ "state": "stopped" })).unwrap();
    assert_eq!(stopped["count"], 230);
}

#[test]
fn two_stops_at_the_same_time_are_two_epochs() {
    let world = world();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let kernel = world.kernel.clone();
            std::thread::spawn(move || {
                let actor = std::sync::Arc::new(admin());
                let call = kernel::Call::new(actor, "fleet.stop.all", json!({}), kernel::Via::Rest);
                kernel.dispatch(kernel::Call { confirmed: true, ..call }).unwrap().output["epoch"].as_i64().unwrap()
            })
        })
        .collect();
    let mut epochs: Vec<i64> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    epochs.sort_unstable();
    assert_eq!(epochs, [1, 2, 3, 4]);
}
