//! The link: who is let in, what order is kept, when an agent counts as away.

use agent_proto::*;
use kernel::time::{MINUTE, SECOND};
use serde_json::json;

use crate::machine::*;

#[test]
fn who_is_not_enrolled_or_does_not_prove_it_is_refused() {
    let world = world();
    let known = enrolled(&world, "web-01");
    let stranger = Machine::new("stranger");
    let mut connection = dial(&world.kernel);
    let message = stranger.prove_message(&connection);
    assert_eq!(connection.refusal(message), RefusalCode::UnknownKey);
    let (mut one, other) = (dial(&world.kernel), dial(&world.kernel));
    let replayed = known.prove_message(&other);
    assert_eq!(one.refusal(replayed), RefusalCode::BadProof);
}

#[test]
fn messages_out_of_order_end_the_connection() {
    let world = world();
    let machine = enrolled(&world, "web-02");
    let mut early = dial(&world.kernel);
    assert_eq!(early.refusal(machine.hello()), RefusalCode::Protocol);
    let (mut open, _) = machine.connect(&world.kernel);
    assert_eq!(open.refusal(machine.hello()), RefusalCode::Protocol);
    let (mut open, _) = machine.connect(&world.kernel);
    let event = Durable::CheckResults { results: Vec::new() };
    assert_eq!(open.refusal(FromAgent::Durable { lane: Lane::Results, seq: 0, event }), RefusalCode::Protocol);
}

#[test]
fn hostile_bytes_and_frames_through_a_relay_end_the_connection_with_a_word() {
    let world = world();
    let machine = enrolled(&world, "web-03");
    for bytes in [&b""[..], b"GET / HTTP/1.1", b"MS\x01\x00", b"MS\x63\x00\x00", &[0xff; 4096]] {
        let (mut connection, _) = machine.connect(&world.kernel);
        let reply = connection.session.receive(bytes).unwrap();
        assert!(reply.close && matches!(said(&reply.frames[0]), FromServer::Refused(_)), "{bytes:?}");
    }
    let (mut connection, _) = machine.connect(&world.kernel);
    let event = Durable::CheckResults { results: Vec::new() };
    let message = FromAgent::Durable { lane: Lane::Results, seq: 1, event };
    let relayed = encode(&Frame { to: None, via: Some([1; 16]), message }).unwrap();
    assert!(connection.session.receive(&relayed).unwrap().close);
    machine.connect(&world.kernel);
}

#[test]
fn mutated_frames_never_break_the_session() {
    let world = world();
    let machine = enrolled(&world, "web-04");
    let result = JobResult {
        job_id: [7; 16],
        state: JobState::Done,
        reason: String::new(),
        exit_code: Some(0),
        started_us: 1,
        finished_us: 2,
        output: "x".repeat(400),
        output_dropped_bytes: 0,
    };
    let event = Durable::JobResult(result);
    let good = encode(&Frame::direct(FromAgent::Durable { lane: Lane::Results, seq: 1, event })).unwrap();
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let (mut connection, _) = machine.connect(&world.kernel);
    for _ in 0..300 {
        let mut bytes = good.clone();
        for _ in 0..3 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let at = usize::try_from(seed).unwrap() % bytes.len();
            bytes[at] = (seed >> 32) as u8;
        }
        if connection.session.receive(&bytes).unwrap().close {
            connection = machine.connect(&world.kernel).0;
        }
    }
    assert_eq!(agents(&world, json!({}))[0]["state"], "active");
}

#[test]
fn connected_and_away_are_told_once_and_only_when_they_are_true() {
    let world = world();
    let machine = enrolled(&world, "web-05");
    let names = || events(&world, "agent", 1);
    for _ in 0..5 {
        let (connection, _) = machine.connect(&world.kernel);
        drop(connection);
        world.clock.advance(20 * SECOND);
        fleet::sweep(&world.kernel).unwrap();
    }
    assert_eq!(count(&names(), "fleet.agent.connected"), 1, "a storm of restarts is quiet");
    assert_eq!(count(&names(), "fleet.agent.disconnected"), 0);
    world.clock.advance(MINUTE);
    fleet::sweep(&world.kernel).unwrap();
    fleet::sweep(&world.kernel).unwrap();
    assert_eq!(count(&names(), "fleet.agent.disconnected"), 1);
    let (_connection, _) = machine.connect(&world.kernel);
    assert_eq!(count(&names(), "fleet.agent.connected"), 2);
    assert_eq!(agents(&world, json!({}))[0]["connected"], true);
}

#[test]
fn after_a_restart_of_the_server_an_agent_has_a_minute_to_come_back() {
    let world = world();
    let (here, gone) = (enrolled(&world, "here"), enrolled(&world, "gone"));
    let open = (here.connect(&world.kernel), gone.connect(&world.kernel));
    drop(open);
    let world = restart(world);
    let (_connection, _) = here.connect(&world.kernel);
    world.clock.advance(61 * SECOND);
    fleet::sweep(&world.kernel).unwrap();
    assert_eq!(count(&events(&world, "agent", 1), "fleet.agent.disconnected"), 0);
    assert_eq!(count(&events(&world, "agent", 2), "fleet.agent.disconnected"), 1);
}

#[test]
fn the_time_an_agent_was_seen_is_written_at_most_once_a_minute() {
    let world = world();
    let machine = enrolled(&world, "web-06");
    let (mut connection, _) = machine.connect(&world.kernel);
    let seen = || agents(&world, json!({}))[0]["last_seen"].as_str().unwrap().to_owned();
    let before = seen();
    world.clock.advance(30 * SECOND);
    connection.durable(1, Durable::CheckResults { results: Vec::new() });
    fleet::sweep(&world.kernel).unwrap();
    assert_eq!(seen(), before);
    world.clock.advance(31 * SECOND);
    connection.durable(2, Durable::CheckResults { results: Vec::new() });
    fleet::sweep(&world.kernel).unwrap();
    assert_ne!(seen(), before);
}

#[test]
fn a_facts_message_is_stored_under_the_asset_of_the_connection_and_acknowledged() {
    let world = world();
    let machine = enrolled(&world, "web-07");
    let (mut connection, _) = machine.connect(&world.kernel);
    let section = [("os.name".to_owned(), "\"Debian\"".to_owned())].into_iter().collect();
    let whole = facts::whole("os", 1_772_438_400_000, &section);
    let ack = FromServer::Ack { lane: Lane::Results, seq: 1 };
    assert_eq!(connection.durable(1, Durable::Facts(whole.clone())), std::slice::from_ref(&ack));
    assert_eq!(connection.durable(1, Durable::Facts(whole)), [ack], "what comes again is acknowledged again");
    let known = world.kernel.read_as(&admin(), |cx| assets::fact(cx.tx, 1, "os", "os.name")).unwrap();
    assert_eq!(known, Some(json!("Debian")));
    let broken = Facts {
        section: "cpu".into(),
        base_hash: [3; 32],
        hash: [4; 32],
        full: false,
        at_ms: 1,
        set: vec![],
        removed: vec![],
    };
    let answers = connection.durable(2, Durable::Facts(broken));
    let resend = FromServer::FactsResend { section: "cpu".into() };
    assert_eq!(answers, [resend, FromServer::Ack { lane: Lane::Results, seq: 2 }]);
}

#[test]
fn a_revoked_agent_is_cut_off_while_it_is_connected() {
    let world = world();
    let machine = enrolled(&world, "web-08");
    let (mut connection, _) = machine.connect(&world.kernel);
    world.call(&admin(), "fleet.agent.revoke", json!({ "id": 1, "reason": "sold" })).unwrap();
    fleet::round(&world.kernel).unwrap();
    assert!(matches!(connection.pushed().pop(), Some(FromServer::Refused(r)) if r.code == RefusalCode::Revoked));
    assert!(connection.is_cut());
    assert!(connection.say(FromAgent::Series { register: Vec::new() }).close);
}
