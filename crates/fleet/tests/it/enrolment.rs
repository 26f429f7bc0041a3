//! Tokens let machines in as often and as long as they say.

use agent_proto::{FromServer, RefusalCode};
use kernel::world::World;
use kernel::{Actor, ErrorKind, time};
use serde_json::json;

use crate::machine::*;

#[test]
fn a_machine_with_a_token_becomes_an_asset_with_an_active_agent() {
    let world = world();
    let machine = enrolled(&world, "web-01");
    let agents = agents(&world, json!({}));
    assert_eq!(agents.len(), 1);
    assert_eq!((agents[0]["state"].as_str(), agents[0]["hostname"].as_str()), (Some("active"), Some("web-01")));
    assert_ne!(machine.agent_id, [0; 16]);
    let names = events(&world, "asset", 1);
    assert!(names.contains(&"fleet.agent.enrolled".to_owned()), "{names:?}");
}

#[test]
fn a_token_is_for_as_many_machines_as_it_says_and_until_its_end() {
    let world = world();
    let two = token(&world, json!({ "name": "two", "uses": 2, "expires_s": 600, "auto_approve": true }));
    Machine::new("a").enrol(&world.kernel, &two);
    Machine::new("b").enrol(&world.kernel, &two);
    let refused = |token: &agent_proto::EnrolmentToken| {
        let (machine, mut connection) = (Machine::new("c"), dial(&world.kernel));
        let message = machine.enrol_message(&connection, token);
        connection.refusal(message)
    };
    assert_eq!(refused(&two), RefusalCode::WrongToken, "used up");
    let late = token(&world, json!({ "name": "late", "expires_s": 600 }));
    world.clock.advance(601 * time::SECOND);
    assert_eq!(refused(&late), RefusalCode::WrongToken, "expired");
    let revoked = token(&world, json!({ "name": "revoked" }));
    world.call(&admin(), "fleet.token.revoke", json!({ "id": 3 })).unwrap();
    assert_eq!(refused(&revoked), RefusalCode::WrongToken, "revoked");
    let forged = agent_proto::EnrolmentToken { secret: [1; 16], ..revoked };
    assert_eq!(refused(&forged), RefusalCode::WrongToken, "forged");
    assert_eq!(agents(&world, json!({})).len(), 2);
}

#[test]
fn the_text_of_a_token_is_stored_nowhere_and_is_no_argument_of_the_command() {
    let world = world();
    let made = world.call(&admin(), "fleet.token.create", json!({ "name": "secret" })).unwrap();
    let text = made["token"].as_str().unwrap().to_owned();
    let command = made["command"].as_str().unwrap();
    assert!(command.starts_with(&format!("MAINSTAY_AGENT_TOKEN={text} mainstay-agent enrol wss://")), "{command}");
    assert_eq!(command.matches(&text).count(), 1, "never an argument, which others on the machine can read");
    let listed = world.call(&admin(), "fleet.token.list", json!({})).unwrap().to_string();
    assert!(!listed.contains(&text[..20]), "{listed}");
    let audit: Vec<String> = world
        .kernel
        .db
        .read(|tx| tx.query("SELECT detail FROM kernel_audit_details", &[])?.iter().map(|row| row.text(0)).collect())
        .unwrap();
    assert!(audit.iter().all(|detail| !detail.contains(&text[..20])));
}

#[test]
fn a_pending_machine_waits_until_a_person_approves_it() {
    let world = world();
    let token = token(&world, json!({ "name": "careful" }));
    let mut machine = Machine::new("web-02");
    assert!(machine.enrol(&world.kernel, &token));
    let mut connection = dial(&world.kernel);
    let message = machine.prove_message(&connection);
    assert_eq!(connection.refusal(message), RefusalCode::Pending);
    world.call(&admin(), "fleet.agent.approve", json!({ "id": 1 })).unwrap();
    machine.connect(&world.kernel);
    let again = world.call(&admin(), "fleet.agent.approve", json!({ "id": 1 })).unwrap_err();
    assert_eq!(again.kind, ErrorKind::Conflict);
    let needs = world.kernel.read_as(&admin(), |cx| cx.attention(10)).unwrap();
    assert!(needs.iter().all(|need| need.word != "Approve"), "{needs:?}");
}

fn identified(world: &World, machine: &Machine) -> assets::Identified {
    let hints = &machine.hints;
    let evidence = assets::Evidence {
        agent_key: None,
        machine_id: hints.machine_id.clone(),
        dmi_uuid: hints.dmi_uuid.clone(),
        serial: hints.serial.clone(),
        macs: hints.macs.clone(),
        hostname: hints.hostname.clone(),
    };
    world.kernel.read_as(&admin(), |cx| assets::identify(cx, &evidence)).unwrap()
}

#[test]
fn a_machine_leaves_its_signs_on_a_thing_only_once_it_is_let_in() {
    let world = world();
    let careful = token(&world, json!({ "name": "careful" }));
    let mut machine = Machine::new("web-12");
    machine.hints.serial = Some("SN-4711-12".into());
    machine.hints.macs = vec!["3c:ec:ef:12:34:56".into()];
    assert!(machine.enrol(&world.kernel, &careful));
    assert_eq!(identified(&world, &machine), assets::Identified::New, "who only waits has left nothing");
    let found = |text: &str| {
        let found = world.call(&admin(), "kernel.search.find", json!({ "text": text, "kinds": ["asset"] })).unwrap();
        found["items"].as_array().unwrap().len()
    };
    assert_eq!((found("3c:ec:ef:12:34:56"), found("SN-4711-12")), (0, 0));
    world.call(&admin(), "fleet.agent.approve", json!({ "id": 1 })).unwrap();
    assert!(matches!(identified(&world, &machine), assets::Identified::Same { asset: 1, .. }));
    assert_eq!((found("3c:ec:ef:12:34:56"), found("SN-4711-12")), (1, 1));
    let at_once = enrolled(&world, "web-13");
    assert!(matches!(identified(&world, &at_once), assets::Identified::Same { asset: 2, .. }));
}

#[test]
fn a_waiting_machine_that_enrols_again_stays_one_thing() {
    let world = world();
    let careful = token(&world, json!({ "name": "careful", "uses": 2 }));
    assert!(Machine::new("web-14").enrol(&world.kernel, &careful));
    assert!(Machine::new("web-14").enrol(&world.kernel, &careful), "with a new key, as after its folder was removed");
    let on: Vec<_> = agents(&world, json!({})).iter().map(|agent| agent["asset"].clone()).collect();
    assert_eq!(on, [json!("asset:1"), json!("asset:1")]);
}

#[test]
fn an_agent_whose_answer_was_lost_gets_it_again_without_using_the_token_twice() {
    let world = world();
    let token = token(&world, json!({ "name": "once", "auto_approve": true }));
    let mut machine = Machine::new("web-03");
    machine.enrol(&world.kernel, &token);
    let first = machine.agent_id;
    machine.enrol(&world.kernel, &token);
    assert_eq!(machine.agent_id, first);
    assert_eq!(agents(&world, json!({})).len(), 1);
}

#[test]
fn a_second_agent_of_a_known_machine_waits_and_takes_the_place_of_the_first() {
    let world = world();
    let first = enrolled(&world, "web-04");
    let token = token(&world, json!({ "name": "again", "auto_approve": true }));
    let mut second = Machine::new("web-04");
    assert!(second.enrol(&world.kernel, &token), "an auto-approving token does not replace a known machine's agent");
    world.call(&admin(), "fleet.agent.approve", json!({ "id": 2 })).unwrap();
    let listed = agents(&world, json!({}));
    assert_eq!((listed.len(), listed[0]["asset"].as_str()), (1, Some("asset:1")));
    let mut connection = dial(&world.kernel);
    let message = first.prove_message(&connection);
    assert_eq!(connection.refusal(message), RefusalCode::Revoked);
    second.connect(&world.kernel);
}

#[test]
fn a_new_key_comes_by_a_token_for_this_machine_only() {
    let world = world();
    let old = enrolled(&world, "web-05");
    let made = world.call(&admin(), "fleet.agent.rekey", json!({ "id": 1 })).unwrap();
    let token = made["token"].as_str().unwrap().parse().unwrap();
    let mut fresh = Machine::new("renamed-host");
    assert!(!fresh.enrol(&world.kernel, &token));
    let listed = agents(&world, json!({}));
    assert_eq!((listed.len(), listed[0]["asset"].as_str()), (1, Some("asset:1")));
    let mut connection = dial(&world.kernel);
    let message = old.prove_message(&connection);
    assert_eq!(connection.refusal(message), RefusalCode::Revoked);
}

#[test]
fn a_proof_of_another_connection_or_purpose_enrols_nobody() {
    let world = world();
    let token = token(&world, json!({ "name": "proof" }));
    let machine = Machine::new("web-06");
    let (mut one, other) = (dial(&world.kernel), dial(&world.kernel));
    let message = machine.enrol_message(&other, &token);
    assert_eq!(one.refusal(message), RefusalCode::BadProof);
    assert!(agents(&world, json!({})).is_empty());
}

#[test]
fn input_that_makes_no_token_is_refused_by_field() {
    let world = world();
    let refused = |input: serde_json::Value, field: &str| {
        let error = world.call(&admin(), "fleet.token.create", input).unwrap_err();
        assert_eq!(error.field.as_deref(), Some(field), "{error}");
    };
    refused(json!({ "name": "" }), "name");
    refused(json!({ "name": "a", "uses": 0 }), "uses");
    refused(json!({ "name": "a", "expires_s": 99_999_999 }), "expires_s");
    refused(json!({ "name": "a", "asset_kind": "toaster" }), "asset_kind");
    let stranger = Actor { ident: kernel::Ident::User(7), name: "Stranger".into(), ..Actor::nobody() };
    for operation in ["fleet.token.create", "fleet.token.list", "fleet.agent.list", "fleet.job.list"] {
        let error = world.call(&stranger, operation, json!({ "name": "a" })).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Denied, "{operation}");
    }
}

#[test]
fn the_answer_to_an_enrolment_ends_the_connection() {
    let world = world();
    let token = token(&world, json!({ "name": "ends" }));
    let (machine, mut connection) = (Machine::new("web-07"), dial(&world.kernel));
    let message = machine.enrol_message(&connection, &token);
    let reply = connection.say(message);
    assert!(reply.close && matches!(said(&reply.frames[0]), FromServer::Enrolled(_)));
    assert!(connection.say(machine.hello()).close);
}

#[test]
fn a_machine_that_says_it_is_a_known_thing_waits_for_a_person_whatever_its_token_says() {
    let world = world();
    drop(enrolled(&world, "web-01"));
    world.call(&admin(), "fleet.agent.revoke", json!({ "id": 1 })).unwrap();
    let token = token(&world, json!({ "name": "again", "auto_approve": true }));
    let mut copy = Machine::clone_of(&Machine::new("web-01"), &[9; 32], "web-01");
    assert!(copy.enrol(&world.kernel, &token), "it waits");
    let agents = agents(&world, json!({ "state": "pending" }));
    assert_eq!((agents.len(), agents[0]["asset"].as_str()), (1, Some("asset:1")));
    assert!(agents[0]["reason"].as_str().unwrap().contains("known already"), "{agents:?}");
}

#[test]
fn the_agents_of_a_retired_machine_are_revoked() {
    let world = world();
    let machine = enrolled(&world, "web-01");
    let (connection, _) = machine.connect(&world.kernel);
    let rekey = world.call(&admin(), "fleet.agent.rekey", json!({ "id": 1 })).unwrap();
    let rekey = rekey["token"].as_str().unwrap().parse::<agent_proto::EnrolmentToken>().unwrap();
    world.call(&admin(), "assets.thing.retire", json!({ "id": 1, "reason": "Sold" })).unwrap();
    world.settle().unwrap();
    fleet::round(&world.kernel).unwrap();
    assert!(connection.is_cut());
    assert_eq!(agents(&world, json!({ "state": "revoked" })).len(), 1);
    let (machine, mut connection) = (Machine::new("web-01"), dial(&world.kernel));
    let message = machine.enrol_message(&connection, &rekey);
    assert_eq!(connection.refusal(message), RefusalCode::WrongToken, "a token made for it before ends with it");
}
