//! What happens to a release after it was imported, and after a machine has it: signed again, taken out, gone with its
//! machine, waiting for a job's end.

use agent_proto::*;
use kernel::ErrorKind;
use kernel::time::MINUTE;
use kernel::world::World;
use serde_json::{Value, json};

use crate::jobs::queue;
use crate::machine::*;
use crate::updates::*;

/// A rollout of 1.1.0 to one machine and then to the others; the first one has it.
fn begun(world: &World, machines: &mut [(Machine, Connection)]) -> (i64, Release) {
    let release = signed(world, "agent", "1.1.0", b"program");
    let imported = import(world, "agent").unwrap();
    let input = json!({ "release": imported["id"], "first": [number(world, "able-0")], "percents": [100] });
    let id = start(world, input).unwrap()["id"].as_i64().unwrap();
    pass(world);
    assert!(offered(&machines[0].1).is_some());
    machines[0].1 = machines[0].0.connect_ably(&world.kernel, "1.1.0").0;
    report(&mut machines[0].1, 1, &release, UpdateState::Done);
    (id, release)
}

fn part(world: &World, id: i64, hostname: &str) -> Value {
    let parts = world.call(&admin(), "fleet.rollout-agent.list", json!({ "id": id })).unwrap();
    parts["items"].as_array().unwrap().iter().find(|one| one["hostname"] == hostname).unwrap().clone()
}

#[test]
fn lesson_15_a_machine_that_takes_the_version_out_again_counts_and_nobody_else_had_it_meanwhile() {
    let world = world();
    let mut machines = able(&world, 3);
    let (id, release) = begun(&world, &mut machines);
    for _ in 0..20 {
        pass(&world);
    }
    assert!(offered(&machines[1].1).is_none(), "it runs for two minutes: that says nothing yet");
    report(&mut machines[0].1, 2, &release, UpdateState::RolledBack);
    assert_eq!(part(&world, id, "able-0")["state"], "rolled_back");
    pass(&world);
    assert_eq!(shown(&world, id)["state"], "stopped");
    settle(&world);
    assert!(offered(&machines[1].1).is_none());
    world.settle().unwrap();
    let names = events(&world, "agent", number(&world, "able-0"));
    assert_eq!(count(&names, "fleet.agent.not-updated"), 1, "{names:?}");
}

#[test]
fn lesson_15_a_machine_that_goes_away_soon_after_it_has_the_version_stops_the_rollout_until_it_is_back() {
    let world = world();
    let mut machines = able(&world, 3);
    let (id, _) = begun(&world, &mut machines);
    world.clock.advance(5 * MINUTE);
    let (first, connection) = machines.remove(0);
    drop(connection);
    world.clock.advance(2 * MINUTE);
    pass(&world);
    world.clock.advance(6 * MINUTE);
    pass(&world);
    assert_eq!(shown(&world, id)["state"], "running", "it may only start anew");
    assert!(offered(&machines[0].1).is_none(), "but nobody gets it meanwhile");
    settle(&world);
    assert_eq!(part(&world, id, "able-0")["state"], "missing");
    assert_eq!(shown(&world, id)["state"], "stopped");
    let (_connection, _) = first.connect_ably(&world.kernel, "1.1.0");
    world.call(&admin(), "fleet.rollout.resume", json!({ "id": id })).unwrap();
    pass(&world);
    assert_eq!(part(&world, id, "able-0")["state"], "done", "it is there, and runs it");
    settle(&world);
    pass(&world);
    assert!(offered(&machines[0].1).is_some());
    assert_eq!(shown(&world, id)["state"], "running");
}

#[test]
fn lesson_15_a_machine_that_goes_away_later_is_switched_off_and_the_stage_waits_for_one_that_is_there() {
    let world = world();
    let mut machines = able(&world, 2);
    let (id, _) = begun(&world, &mut machines);
    world.call(&admin(), "fleet.rollout.pause", json!({ "id": id })).unwrap();
    world.clock.advance(60 * MINUTE);
    let (first, connection) = machines.remove(0);
    drop(connection);
    world.clock.advance(2 * MINUTE);
    world.call(&admin(), "fleet.rollout.resume", json!({ "id": id })).unwrap();
    for _ in 0..3 {
        settle(&world);
    }
    assert_eq!(
        (&shown(&world, id)["state"], &part(&world, id, "able-0")["state"]),
        (&json!("running"), &json!("done"))
    );
    assert!(offered(&machines[0].1).is_none(), "nobody who runs it is connected");
    let (_connection, _) = first.connect_ably(&world.kernel, "1.1.0");
    pass(&world);
    pass(&world);
    assert!(offered(&machines[0].1).is_some());
}

#[test]
fn lesson_15_the_same_program_is_signed_again_as_a_downgrade_or_with_another_key_and_a_withdrawn_one_comes_back() {
    let world = world();
    let release = signed(&world, "agent", "1.1.0", b"program");
    let first = import(&world, "agent").unwrap()["id"].clone();
    assert_eq!(import(&world, "agent").unwrap_err().kind, ErrorKind::Conflict);
    sign(&world, "agent", Release { downgrade: true, ..release.clone() }, 3);
    let back = import(&world, "agent").unwrap();
    assert_eq!((&back["downgrade"], back["id"] == first), (&json!(true), false));
    sign(&world, "agent", release.clone(), 5);
    assert_ne!(import(&world, "agent").unwrap()["public_key"], back["public_key"]);

    sign(&world, "agent", release.clone(), 3);
    for id in [&first, &back["id"]] {
        world.call(&admin(), "fleet.release.withdraw", json!({ "id": id })).unwrap();
    }
    let again = import(&world, "agent").unwrap();
    assert_eq!((&again["id"], &again["withdrawn"]), (&first, &json!(false)));
    // An agent of 1.5.0 is taken back to it, by the release that says so.
    sign(&world, "agent", Release { downgrade: true, ..release.clone() }, 3);
    let back = import(&world, "agent").unwrap();
    let machine = enrolled(&world, "able-0");
    let (mut connection, _) = machine.connect_ably(&world.kernel, "1.5.0");
    assert!(start(&world, json!({ "release": first })).unwrap_err().message.contains("No active agent"));
    start(&world, json!({ "release": back["id"] })).unwrap();
    settle(&world);
    settle(&world);
    assert!(offered(&connection).unwrap().signed.release.downgrade);
    assert_eq!(fetch(&mut connection, release.sha256, 0), b"program");
}

#[test]
fn lesson_15_machines_that_are_newer_than_the_release_have_no_part_in_its_rollout() {
    let world = world();
    let old = able(&world, 1);
    let new = enrolled(&world, "tester");
    let (tester, _) = new.connect_ably(&world.kernel, "1.5.0-rc.1");
    signed(&world, "agent", "1.1.0", b"program");
    let id = import(&world, "agent").unwrap()["id"].clone();
    let named = start(&world, json!({ "release": id, "first": [number(&world, "tester")] })).unwrap_err();
    assert_eq!(named.field.as_deref(), Some("first"));
    assert!(named.message.contains("has version 1.5.0-rc.1, which 1.1.0 cannot replace"), "{named}");
    let rollout = start(&world, json!({ "release": id, "percents": [100] })).unwrap();
    assert_eq!(rollout["agents"], 1);
    pass(&world);
    pass(&world);
    assert!(offered(&old[0].1).is_some() && offered(&tester).is_none());
}

#[test]
fn lesson_15_an_offer_that_waits_for_a_job_is_renewed_and_its_machine_is_lost_only_when_it_is_away() {
    let world = world();
    let mut machines = able(&world, 1);
    let release = signed(&world, "agent", "1.1.0", b"program");
    let imported = import(&world, "agent").unwrap();
    let id = start(&world, json!({ "release": imported["id"], "percents": [100] })).unwrap()["id"].as_i64().unwrap();
    pass(&world);
    pass(&world);
    assert!(offered(&machines[0].1).is_some());
    report(&mut machines[0].1, 1, &release, UpdateState::Trying);
    let mut renewed = 0;
    for _ in 0..10 {
        settle(&world);
        renewed += usize::from(offered(&machines[0].1).is_some());
    }
    assert_eq!(renewed, 5, "every other time");
    assert_eq!(part(&world, id, "able-0")["state"], "trying");
    // What was paused for hours is offered at once when it goes on.
    world.call(&admin(), "fleet.rollout.pause", json!({ "id": id })).unwrap();
    world.clock.advance(180 * MINUTE);
    pass(&world);
    assert!(offered(&machines[0].1).is_none(), "so the agent drops it");
    world.call(&admin(), "fleet.rollout.resume", json!({ "id": id })).unwrap();
    pass(&world);
    assert!(offered(&machines[0].1).is_some());
    machines.clear();
    for _ in 0..7 {
        settle(&world);
    }
    assert_eq!(part(&world, id, "able-0")["state"], "missing");
}

#[test]
fn lesson_15_while_all_runs_are_stopped_nothing_is_fetched_and_afterwards_it_is_offered_again() {
    let world = world();
    let mut machines = able(&world, 1);
    let release = signed(&world, "agent", "1.1.0", b"program");
    let imported = import(&world, "agent").unwrap();
    start(&world, json!({ "release": imported["id"], "percents": [100] })).unwrap();
    pass(&world);
    pass(&world);
    assert!(offered(&machines[0].1).is_some());
    assert_eq!(fetch(&mut machines[0].1, release.sha256, 0), b"program");
    world.call(&admin(), "fleet.stop.all", json!({})).unwrap();
    assert!(fetch(&mut machines[0].1, release.sha256, 0).is_empty());
    let (mut connection, answers) = machines[0].0.connect_ably(&world.kernel, "1.0.0");
    assert!(!answers.iter().any(|one| matches!(one, FromServer::Update(_))), "{answers:?}");
    world.call(&admin(), "fleet.stop.release", json!({})).unwrap();
    pass(&world);
    assert!(offered(&connection).is_some());
    assert_eq!(fetch(&mut connection, release.sha256, 0), b"program");
}

#[test]
fn lesson_15_a_machine_that_is_never_idle_holds_up_nobody_says_what_it_is_busy_with_and_gets_its_turn_again() {
    let world = world();
    let mut machines = able(&world, 3);
    let release = signed(&world, "agent", "1.1.0", b"program");
    let imported = import(&world, "agent").unwrap();
    let first = [number(&world, "able-0"), number(&world, "able-1")];
    let input = json!({ "release": imported["id"], "first": first, "percents": [100] });
    let id = start(&world, input).unwrap()["id"].as_i64().unwrap();
    pass(&world);
    let busy = world.call(&admin(), "fleet.agent.show", json!({ "id": first[0] })).unwrap()["asset"].clone();
    let asset: i64 = busy.as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap();
    let long = json!({ "asset": asset, "action": { "Service": { "unit": "nginx.service", "verb": "Restart" } },
        "timeout_s": 20_000, "expires_s": 600, "run": "run:9" });
    let long = queue(&world, long);
    let job = &crate::jobs::signed(&machines[0].1.pushed())[0];
    let (machine, now) = (&machines[0].0, world.clock.now().0);
    let job = verify_job(job, &machine.server_key, &machine.agent_id, 0, now).unwrap().job_id;
    machines[0].1.durable(1, Durable::JobAccepted { job_id: job, at_us: now });
    report(&mut machines[0].1, 2, &release, UpdateState::Trying);
    report(&mut machines[1].1, 1, &release, UpdateState::Done);
    for _ in 0..10 {
        settle(&world);
    }
    assert!(offered(&machines[2].1).is_none(), "the stage waits for its machine");
    let waits = shown(&world, id)["waits_for"].clone();
    assert_eq!((&waits["hostname"], &waits["busy_with"]["run"]), (&json!("able-0"), &json!("run:9")), "{waits}");
    assert_eq!(part(&world, id, "able-0")["busy_with"]["job"], json!(format!("agent_job:{long}")));
    let of = |state| shown(&world, id)["stages"][0][state].clone();
    assert_eq!((part(&world, id, "able-0")["state"].clone(), of("at_work")), (json!("trying"), json!(1)));

    settle(&world);
    pass(&world);
    assert_eq!((part(&world, id, "able-0")["state"].clone(), of("busy")), (json!("busy"), json!(1)));
    assert!(offered(&machines[2].1).is_some(), "but not for ever");
    report(&mut machines[2].1, 1, &release, UpdateState::Done);
    machines[0].1.pushed();
    for _ in 0..4 {
        settle(&world);
    }
    assert!(offered(&machines[0].1).is_none(), "its offer is not renewed, so the agent drops what it has");
    assert_eq!(shown(&world, id)["state"], "running", "it is waited for like one that is away");
    machines[0].1.durable(3, crate::jobs::result(job, JobState::Done));
    pass(&world);
    assert!(offered(&machines[0].1).is_some(), "it is idle");
    assert_eq!(part(&world, id, "able-0")["busy_with"], Value::Null);
    report(&mut machines[0].1, 4, &release, UpdateState::Done);
    settle(&world);
    pass(&world);
    assert_eq!(shown(&world, id)["state"], "done");
}
