//! New versions of the agent's program: imported as they were signed, rolled out in stages, stopped by their figures; and
//! agents of every age, each told only what it understands.

use agent_proto::*;
use kernel::time::{MINUTE, SECOND};
use kernel::world::World;
use kernel::{Domain, ErrorKind};
use serde_json::{Value, json};

use crate::machine::*;

/// Puts a signed release into the folder that releases are imported from.
pub(crate) fn signed(world: &World, name: &str, version: &str, program: &[u8]) -> Release {
    let folder = world.folder().join("releases");
    std::fs::create_dir_all(&folder).unwrap();
    let sha256 = kernel::text::sha256_hex(program);
    let mut sum = [0; 32];
    for (byte, pair) in sum.iter_mut().zip(sha256.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    }
    let target = "x86_64-unknown-linux-gnu".to_owned();
    let size_bytes = program.len() as u64;
    let release = Release { version: version.into(), target, size_bytes, sha256: sum, downgrade: false };
    std::fs::write(folder.join(name), program).unwrap();
    sign(world, name, release.clone(), 3);
    release
}

/// Signs what lies in that folder.
pub(crate) fn sign(world: &World, name: &str, release: Release, seed: u8) {
    let text = sign_release(release, &SigningKey::from_seed(&[seed; 32]).unwrap()).to_string();
    std::fs::write(world.folder().join("releases").join(format!("{name}.release")), text).unwrap();
}

/// So long that what runs a release is known to go on.
pub(crate) fn settle(world: &World) {
    world.clock.advance(11 * MINUTE);
    pass(world);
}

pub(crate) fn import(world: &World, name: &str) -> kernel::Result<Value> {
    world.call(&admin(), "fleet.release.import", json!({ "name": name }))
}

pub(crate) fn start(world: &World, input: Value) -> kernel::Result<Value> {
    world.call(&admin(), "fleet.rollout.start", input)
}

pub(crate) fn shown(world: &World, id: i64) -> Value {
    world.call(&admin(), "fleet.rollout.show", json!({ "id": id })).unwrap()
}

/// One round of what happens by itself.
pub(crate) fn pass(world: &World) {
    world.clock.advance(5 * SECOND);
    fleet::sweep(&world.kernel).unwrap();
}

pub(crate) fn offered(connection: &Connection) -> Option<Offer> {
    connection.pushed().into_iter().find_map(|message| match message {
        FromServer::Update(offer) => Some(*offer),
        _ => None,
    })
}

pub(crate) fn report(connection: &mut Connection, seq: u64, release: &Release, state: UpdateState) {
    let reason = if state == UpdateState::Done { String::new() } else { "why".to_owned() };
    let answers = connection.durable(seq, Durable::Update(UpdateReport { sha256: release.sha256, state, reason }));
    assert!(matches!(answers.as_slice(), [FromServer::Ack { .. }]), "{answers:?}");
}

pub(crate) fn fetch(connection: &mut Connection, sha256: [u8; 32], offset: u64) -> Vec<u8> {
    match connection.answers(FromAgent::Fetch { sha256, offset }).as_slice() {
        [FromServer::Part { bytes, .. }] => bytes.clone(),
        other => panic!("{other:?}"),
    }
}

/// Machines that greeted as agents of today do.
pub(crate) fn able(world: &World, count: usize) -> Vec<(Machine, Connection)> {
    let machine = |number: usize| {
        let machine = enrolled(world, &format!("able-{number}"));
        let (connection, _) = machine.connect_ably(&world.kernel, "1.0.0");
        (machine, connection)
    };
    (0..count).map(machine).collect()
}

pub(crate) fn number(world: &World, hostname: &str) -> i64 {
    let found = agents(world, json!({ "limit": 200 }));
    found.iter().find(|agent| agent["hostname"] == hostname).unwrap()["id"].as_i64().unwrap()
}

#[test]
fn lesson_15_a_release_goes_to_the_named_machine_first_then_to_shares_and_each_fetches_it_in_parts() {
    let world = world();
    let mut machines = able(&world, 4);
    let program: Vec<u8> = (0..300_000_u32).map(|n| n as u8).collect();
    let release = signed(&world, "agent-1.1.0", "1.1.0", &program);
    let imported = import(&world, "agent-1.1.0").unwrap();
    assert!(import(&world, "agent-1.1.0").unwrap_err().message.contains("imported already, as version 1.1.0"));
    let first = number(&world, "able-2");
    let input = json!({ "release": imported["id"], "first": [first], "percents": [50, 100], "parallel": 1 });
    let rollout = start(&world, input.clone()).unwrap();
    let id = rollout["id"].as_i64().unwrap();
    let sizes: Vec<i64> =
        rollout["stages"].as_array().unwrap().iter().map(|one| one["agents"].as_i64().unwrap()).collect();
    assert_eq!(sizes, [1, 2, 1], "a machine that was named, half of the rest, the rest");
    assert!(start(&world, input).unwrap_err().message.contains("is not over"));

    pass(&world);
    let got: Vec<bool> = machines.iter().map(|(_, connection)| offered(connection).is_some()).collect();
    assert_eq!(got, [false, false, true, false]);
    let (_, named) = &mut machines[2];
    let mut whole = Vec::new();
    while whole.len() < program.len() {
        let part = fetch(named, release.sha256, whole.len() as u64);
        assert!(!part.is_empty() && part.len() <= limits::PART_BYTES_MAX);
        whole.extend(part);
    }
    assert_eq!(whole, program);
    assert!(fetch(named, release.sha256, u64::MAX).is_empty(), "behind its end there is nothing");
    assert!(fetch(named, [7; 32], 0).is_empty(), "only what it was offered");
    let (_, other) = &mut machines[0];
    assert!(fetch(other, release.sha256, 0).is_empty(), "only who it was offered to");

    report(&mut machines[2].1, 1, &release, UpdateState::Trying);
    let (_, again) = machines[2].0.connect_ably(&world.kernel, "1.1.0");
    assert!(again.iter().any(|message| matches!(message, FromServer::Update(_))), "a greeting brings the offer again");
    let (mut named, _) = machines[2].0.connect_ably(&world.kernel, "1.1.0");
    report(&mut named, 2, &release, UpdateState::Done);
    let mut seen = 1;
    for _ in 0..20 {
        settle(&world);
        for (_, connection) in &mut machines {
            if connection.is_cut() {
                continue;
            }
            if let Some(offer) = offered(connection) {
                assert_eq!(offer.signed.release, release);
                assert!(verify_release(&offer.signed), "as it was signed");
                report(connection, 1, &release, UpdateState::Done);
                seen += 1;
            }
        }
    }
    assert_eq!((seen, &shown(&world, id)["state"]), (4, &json!("done")));
    world.settle().unwrap();
    let names = events(&world, "agent", first);
    assert_eq!(count(&names, "fleet.agent.updated"), 1, "{names:?}");
    let versions = world.call(&admin(), "fleet.version.list", json!({})).unwrap();
    assert_eq!(versions["items"][0]["target"], "x86_64-unknown-linux-gnu");
}

#[test]
fn lesson_15_a_stage_that_goes_wrong_stops_the_rollout_until_somebody_lets_it_go_on() {
    let world = world();
    let mut machines = able(&world, 3);
    let release = signed(&world, "agent", "1.1.0", b"program");
    let imported = import(&world, "agent").unwrap();
    let first = [number(&world, "able-0"), number(&world, "able-1")];
    let input = json!({ "release": imported["id"], "first": first, "percents": [100], "stop_percent": 50 });
    let id = start(&world, input).unwrap()["id"].as_i64().unwrap();
    pass(&world);
    assert!(offered(&machines[2].1).is_none(), "it is not its turn");
    report(&mut machines[0].1, 1, &release, UpdateState::Done);
    report(&mut machines[1].1, 1, &release, UpdateState::RolledBack);
    report(&mut machines[1].1, 2, &release, UpdateState::Refused);
    let back = json!({ "id": id, "state": "rolled_back" });
    let back = world.call(&admin(), "fleet.rollout-agent.list", back).unwrap();
    assert_eq!(back["items"][0]["hostname"], "able-1", "the first end counts");
    pass(&world);
    let stopped = shown(&world, id);
    assert_eq!(stopped["state"], "stopped");
    assert!(stopped["reason"].as_str().unwrap().contains("1 of 2 machines"), "{stopped}");
    world.settle().unwrap();
    let names = events(&world, "agent", first[1]);
    assert_eq!(count(&names, "fleet.agent.not-updated"), 1, "{names:?}");
    pass(&world);
    assert!(offered(&machines[2].1).is_none(), "nobody gets it any more");
    let resume = |percent: i64| {
        world.call(&admin(), "fleet.rollout.resume", json!({ "id": id, "stop_percent": percent })).unwrap()
    };
    resume(50);
    pass(&world);
    assert_eq!(shown(&world, id)["state"], "stopped", "what went wrong before still counts");
    resume(60);
    settle(&world);
    pass(&world);
    assert!(offered(&machines[2].1).is_some());
    world.clock.advance(61 * MINUTE);
    pass(&world);
    let parts = world.call(&admin(), "fleet.rollout-agent.list", json!({ "id": id, "state": "missing" })).unwrap();
    assert_eq!(parts["items"][0]["hostname"], "able-2", "it did not come back");
    assert_eq!(shown(&world, id)["state"], "stopped");
    world.call(&admin(), "fleet.rollout.end", json!({ "id": id })).unwrap();
    assert!(fetch(&mut machines[2].1, release.sha256, 0).is_empty(), "what was ended is not handed out");
    assert_eq!(world.call(&admin(), "fleet.rollout.pause", json!({ "id": id })).unwrap_err().kind, ErrorKind::Conflict);
}

#[test]
fn lesson_15_while_it_is_paused_or_all_runs_are_stopped_no_machine_gets_an_offer() {
    let world = world();
    let machines = able(&world, 1);
    signed(&world, "agent", "1.1.0", b"program");
    let imported = import(&world, "agent").unwrap();
    let id = start(&world, json!({ "release": imported["id"] })).unwrap()["id"].as_i64().unwrap();
    world.call(&admin(), "fleet.rollout.pause", json!({ "id": id })).unwrap();
    for _ in 0..4 {
        pass(&world);
    }
    assert!(offered(&machines[0].1).is_none());
    world.call(&admin(), "fleet.rollout.resume", json!({ "id": id })).unwrap();
    world.call(&admin(), "fleet.stop.all", json!({})).unwrap();
    for _ in 0..4 {
        pass(&world);
    }
    assert!(offered(&machines[0].1).is_none());
    world.call(&admin(), "fleet.stop.release", json!({})).unwrap();
    for _ in 0..4 {
        pass(&world);
    }
    assert!(offered(&machines[0].1).is_some());
}

#[test]
fn lesson_15_what_is_not_whole_not_signed_or_for_nobody_is_refused() {
    let world = world();
    let old = enrolled(&world, "old");
    let _old = old.connect(&world.kernel);
    signed(&world, "agent", "1.1.0", b"program");
    let folder = world.folder().join("releases");
    std::fs::write(folder.join("agent"), "other bytes").unwrap();
    assert!(import(&world, "agent").unwrap_err().message.contains("not the program that was signed"));
    std::fs::write(folder.join("agent"), "program").unwrap();
    let text = std::fs::read_to_string(folder.join("agent.release")).unwrap();
    std::fs::write(folder.join("agent.release"), text.replace("1.1.0", "9.9.9")).unwrap();
    assert!(import(&world, "agent").unwrap_err().message.contains("signature does not hold"));
    assert!(import(&world, "../mainstay").unwrap_err().message.contains("without a path"));
    std::fs::write(folder.join("agent.release"), text).unwrap();
    let id = import(&world, "agent").unwrap()["id"].clone();
    let nobody = start(&world, json!({ "release": id })).unwrap_err();
    assert!(nobody.message.contains("No active agent"), "{nobody}");
    let named = start(&world, json!({ "release": id, "first": [number(&world, "old")] })).unwrap_err();
    assert_eq!(named.field.as_deref(), Some("first"), "{named}");
    world.call(&admin(), "fleet.release.withdraw", json!({ "id": id })).unwrap();
    assert!(start(&world, json!({ "release": id })).unwrap_err().message.contains("withdrawn"));
}

#[test]
fn lesson_15_a_report_about_what_was_not_offered_changes_nothing() {
    let world = world();
    let mut machines = able(&world, 1);
    let release = signed(&world, "agent", "1.1.0", b"program");
    let imported = import(&world, "agent").unwrap();
    let id = start(&world, json!({ "release": imported["id"] })).unwrap()["id"].as_i64().unwrap();
    report(&mut machines[0].1, 1, &release, UpdateState::Done);
    assert_eq!(shown(&world, id)["stages"][1]["waiting"], 1, "it has no offer yet");
    world.settle().unwrap();
    let names = events(&world, "agent", number(&world, "able-0"));
    assert_eq!(count(&names, "fleet.agent.refused"), 1, "{names:?}");
}

fn look(_: &mut kernel::Cx, _: i64) -> kernel::Result<Option<Vec<u8>>> {
    Ok(Some(encode(&Frame::direct(FromServer::Look { number: 1, checks: vec![4] })).unwrap()))
}

#[test]
fn lesson_15_an_agent_of_before_gets_no_message_that_it_does_not_know() {
    let asks = Domain {
        name: "asks",
        feeds: vec![kernel::registry::AgentFeed { kind: "look", make: look }],
        ..Domain::default()
    };
    let domains = vec![people::domain().kernel, assets::domain().kernel, fleet::domain().kernel, asks];
    let world = World::new(domains).unwrap();
    signed(&world, "agent", "1.1.0", b"program");
    let release = import(&world, "agent").unwrap()["id"].clone();
    let (today, before) = (enrolled(&world, "today"), enrolled(&world, "before"));
    let new = |answers: &[FromServer]| {
        answers
            .iter()
            .any(|one| matches!(one, FromServer::Look { .. } | FromServer::Update(_) | FromServer::Part { .. }))
    };
    let (connection, answers) = today.connect_ably(&world.kernel, "1.0.0");
    assert!(new(&answers), "{answers:?}");
    // The same machine was put back to a program of before: what it said of itself does not hold any more.
    let (older, answers) = before.connect_ably(&world.kernel, "1.0.0");
    assert!(new(&answers));
    drop(older);
    let (older, answers) = before.connect(&world.kernel);
    assert!(!new(&answers), "{answers:?}");
    start(&world, json!({ "release": release, "percents": [100] })).unwrap();
    for _ in 0..4 {
        pass(&world);
        fleet::round(&world.kernel).unwrap();
    }
    assert!(offered(&connection).is_some());
    assert!(!new(&older.pushed()));
}
