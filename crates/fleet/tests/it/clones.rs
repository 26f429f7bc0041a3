//! One key, two machines: both are doubted. One machine that restarts is not.

use agent_proto::*;
use serde_json::json;

use crate::machine::*;

fn pair(world: &kernel::world::World) -> (Machine, Machine) {
    let (_, seed) = SigningKey::generate().unwrap();
    let token = token(world, json!({ "name": "pair", "auto_approve": true }));
    let mut original = Machine { key: SigningKey::from_seed(&seed).unwrap(), ..Machine::new("original") };
    original.enrol(&world.kernel, &token);
    let copy = Machine::clone_of(&original, &seed, "copy");
    (original, copy)
}

fn state(world: &kernel::world::World) -> String {
    agents(world, json!({}))[0]["state"].as_str().unwrap().to_owned()
}

#[test]
fn a_key_from_another_machine_is_quarantined_and_both_are_refused() {
    let world = world();
    let (original, copy) = pair(&world);
    original.connect(&world.kernel);
    let mut connection = dial(&world.kernel);
    let message = copy.prove_message(&connection);
    connection.answers(message);
    assert_eq!(connection.refusal(copy.hello()), RefusalCode::Quarantined);
    assert_eq!(state(&world), "quarantined");
    let mut connection = dial(&world.kernel);
    let message = original.prove_message(&connection);
    assert_eq!(connection.refusal(message), RefusalCode::Quarantined);
    assert_eq!(count(&events(&world, "asset", 1), "fleet.agent.quarantined"), 1);
    let needs = world.kernel.read_as(&admin(), |cx| cx.attention(10)).unwrap();
    assert!(needs.iter().any(|need| need.word == "Quarantine"), "{needs:?}");
}

#[test]
fn two_boots_that_speak_at_the_same_time_are_two_machines() {
    let world = world();
    let (original, copy) = pair(&world);
    // A cloned disk: the same machine id, so only the boots differ.
    let copy = Machine { hints: original.hints.clone(), ..copy };
    let (mut first, _) = original.connect(&world.kernel);
    let (second, _) = copy.connect(&world.kernel);
    assert_eq!(state(&world), "active", "a machine that restarted has left its old connection behind");
    let event = Durable::CheckResults { results: Vec::new() };
    assert_eq!(first.refusal(FromAgent::Durable { lane: Lane::Results, seq: 1, event }), RefusalCode::Quarantined);
    assert_eq!(state(&world), "quarantined");
    assert!(second.is_cut());
}

#[test]
fn two_machines_that_take_turns_are_found_by_a_boot_that_comes_back() {
    let world = world();
    let (original, copy) = pair(&world);
    let copy = Machine { hints: original.hints.clone(), ..copy };
    drop(original.connect(&world.kernel));
    drop(copy.connect(&world.kernel));
    let mut connection = dial(&world.kernel);
    let message = original.prove_message(&connection);
    connection.answers(message);
    assert_eq!(connection.refusal(original.hello()), RefusalCode::Quarantined);
    assert_eq!(state(&world), "quarantined");
}

#[test]
fn a_restart_a_new_mainboard_and_a_dropped_line_are_no_clones() {
    let world = world();
    let mut machine = enrolled(&world, "web-01");
    let (old, _) = machine.connect(&world.kernel);
    machine.boot_id = "after-restart".into();
    machine.hints.dmi_uuid = Some("new-mainboard".into());
    let (mut new, _) = machine.connect(&world.kernel);
    drop(old);
    let event = Durable::CheckResults { results: Vec::new() };
    assert_eq!(new.durable(1, event).len(), 1);
    let (mut again, _) = machine.connect(&world.kernel);
    assert!(new.is_cut(), "the same boot on a newer connection replaces the older one");
    assert!(new.say(FromAgent::Series { register: Vec::new() }).close);
    assert!(!again.say(FromAgent::Series { register: Vec::new() }).close);
    assert_eq!(state(&world), "active");
    assert_eq!(count(&events(&world, "agent", 1), "fleet.agent.rebooted"), 1);
}

#[test]
fn a_quarantined_agent_gets_no_jobs_until_it_has_a_new_key() {
    let world = world();
    let mut machine = enrolled(&world, "web-02");
    let (connection, _) = machine.connect(&world.kernel);
    world.call(&admin(), "fleet.agent.quarantine", json!({ "id": 1, "reason": "odd" })).unwrap();
    fleet::round(&world.kernel).unwrap();
    assert!(connection.is_cut());
    let job = json!({ "asset": 1, "action": { "Service": { "unit": "a.service", "verb": "Restart" } } });
    let error = world.call(&admin(), "fleet.job.queue", job.clone()).unwrap_err();
    assert!(error.message.contains("quarantined"), "{error}");
    let made = world.call(&admin(), "fleet.agent.rekey", json!({ "id": 1 })).unwrap();
    machine.key = SigningKey::generate().unwrap().0;
    machine.enrol(&world.kernel, &made["token"].as_str().unwrap().parse().unwrap());
    machine.connect(&world.kernel);
    world.call(&admin(), "fleet.job.queue", job).unwrap();
}
