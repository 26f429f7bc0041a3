//! What is to reach agents reaches them, whatever fails on the way: each by itself, again, and nothing twice.

use agent_proto::*;
use kernel::db::{Migration, Priority, Tx};
use kernel::registry::{AgentFeed, AgentFrom, AgentMessage};
use kernel::time::{MINUTE, SECOND};
use kernel::world::World;
use kernel::{Cx, Domain, Error, Handle, Result};
use serde_json::{Value, json};

use crate::machine::*;

fn fault(tx: &mut Tx<'_>, what: &str) -> Result<()> {
    match tx.first("SELECT what FROM town_faults WHERE what = ?1", &[what.into()])? {
        Some(_) => Err(Error::unavailable("The database is busy. Try again.").passing()),
        None => Ok(()),
    }
}

fn feed(cx: &mut Cx, asset: i64) -> Result<Option<Vec<u8>>> {
    fault(cx.tx, &format!("feed {asset}"))?;
    let text = cx.tx.first("SELECT text FROM town_feeds", &[])?.map(|row| row.text(0)).transpose()?;
    text.map(|section| encode(&Frame::direct(FromServer::FactsResend { section })))
        .transpose()
        .map_err(|error| Error::internal("feed", error))
}

fn results(kernel: &Handle, _: &AgentFrom, _: &dyn std::any::Any) -> Result<()> {
    kernel.db.read(|tx| fault(tx, "results"))?;
    // As the database answers what takes too long, now and the next time.
    kernel.db.read(|tx| fault(tx, "endless results")).map_err(|_| Error::unavailable("It took too long."))
}

fn town() -> Domain {
    Domain {
        name: "town",
        migrations: &[Migration {
            number: 1,
            name: "town",
            sql: "CREATE TABLE town_faults (id {id}, what {text} NOT NULL) {strict};\n\
                  CREATE TABLE town_feeds (id {id}, text {text} NOT NULL) {strict};",
        }],
        feeds: vec![AgentFeed { kind: "town", make: feed }],
        messages: vec![AgentMessage { kind: "check_results", handle: results }],
        ..Domain::default()
    }
}

fn house() -> World {
    World::new(vec![people::domain().kernel, assets::domain().kernel, fleet::domain().kernel, town()]).unwrap()
}

fn sql(world: &World, sql: &'static str) {
    world.kernel.db.write("town.sql", Priority::Interactive, move |tx| tx.execute(sql, &[])).unwrap();
}

fn restart_of(asset: i64) -> Value {
    json!({ "asset": asset, "action": { "Service": { "unit": "nginx.service", "verb": "Restart" } } })
}

fn queue(world: &World, asset: i64) -> i64 {
    world.call(&admin(), "fleet.job.queue", restart_of(asset)).unwrap()["id"].as_i64().unwrap()
}

fn state(world: &World, job: i64) -> String {
    let shown = world.call(&admin(), "fleet.job.show", json!({ "id": job })).unwrap();
    shown["state"].as_str().unwrap().to_owned()
}

fn count_of(world: &World, state: &str) -> i64 {
    world.call(&admin(), "fleet.job.list", json!({ "state": state })).unwrap()["count"].as_i64().unwrap()
}

/// Frames as letters: J a job, S an order to stop, F a feed.
fn letters(frames: &[FromServer]) -> String {
    let letter = |frame: &FromServer| match frame {
        FromServer::Job(_) => 'J',
        FromServer::Stop(_) => 'S',
        FromServer::FactsResend { .. } => 'F',
        _ => '?',
    };
    frames.iter().map(letter).collect()
}

#[test]
fn what_fails_for_one_machine_keeps_nothing_from_the_others_and_is_done_again() {
    let world = house();
    let (one, two) = (enrolled(&world, "web-01"), enrolled(&world, "web-02"));
    let ((first, _), (second, _)) = (one.connect(&world.kernel), two.connect(&world.kernel));
    sql(&world, "INSERT INTO town_faults (what) VALUES ('feed 1')");
    queue(&world, 1);
    queue(&world, 2);
    assert!(fleet::round(&world.kernel).is_err());
    assert_eq!((letters(&first.pushed()), letters(&second.pushed())), (String::new(), "J".to_owned()));
    sql(&world, "DELETE FROM town_faults");
    fleet::round(&world.kernel).unwrap();
    assert_eq!((letters(&first.pushed()), letters(&second.pushed())), ("J".to_owned(), String::new()));
}

#[test]
fn an_order_to_stop_that_could_not_be_read_is_sent_in_the_next_round() {
    let world = house();
    let machine = enrolled(&world, "web-01");
    let (connection, _) = machine.connect(&world.kernel);
    world.call(&admin(), "fleet.stop.all", json!({})).unwrap();
    sql(&world, "ALTER TABLE fleet_stops RENAME TO fleet_stops_gone");
    assert!(fleet::round(&world.kernel).is_err());
    sql(&world, "ALTER TABLE fleet_stops_gone RENAME TO fleet_stops");
    assert!(connection.pushed().is_empty());
    fleet::round(&world.kernel).unwrap();
    assert_eq!(letters(&connection.pushed()), "S");
    fleet::round(&world.kernel).unwrap();
    assert!(connection.pushed().is_empty(), "and once only");
}

#[test]
fn a_feed_counts_as_sent_only_when_it_was_sent() {
    let world = house();
    let machine = enrolled(&world, "web-01");
    let (connection, _) = machine.connect(&world.kernel);
    sql(&world, "INSERT INTO town_feeds (text) VALUES ('new')");
    queue(&world, 1);
    sql(&world, "ALTER TABLE fleet_jobs RENAME TO fleet_jobs_gone");
    assert!(fleet::round(&world.kernel).is_err());
    sql(&world, "ALTER TABLE fleet_jobs_gone RENAME TO fleet_jobs");
    fleet::round(&world.kernel).unwrap();
    assert_eq!(letters(&connection.pushed()), "FJ");
}

#[test]
fn a_job_that_cannot_be_sent_ends_with_a_reason_and_stands_in_nobodys_way() {
    let world = house();
    let machine = enrolled(&world, "web-01");
    let (damaged, sound) = (queue(&world, 1), queue(&world, 1));
    sql(&world, "UPDATE fleet_jobs SET plan_hash = 'x' WHERE id = 1");
    let (_connection, frames) = machine.connect(&world.kernel);
    assert_eq!(letters(&frames), "J");
    assert_eq!((state(&world, damaged).as_str(), state(&world, sound).as_str()), ("refused", "sent"));
}

#[test]
fn an_agent_that_greets_while_it_is_told_to_be_away_is_not() {
    let world = house();
    let machine = enrolled(&world, "web-01");
    drop(machine.connect(&world.kernel));
    world.clock.advance(61 * SECOND);
    // The greeting is written; the connection is not entered yet.
    let now = world.clock.now();
    let greet = move |tx: &mut Tx<'_>| tx.execute("UPDATE fleet_agents SET last_seen = ?1", &[now.into()]);
    world.kernel.db.write("town.greet", Priority::Interactive, greet).unwrap();
    fleet::sweep(&world.kernel).unwrap();
    let told = || count(&events(&world, "agent", 1), "fleet.agent.disconnected");
    assert_eq!((told(), agents(&world, json!({ "online": true })).len()), (0, 1));
    // Nothing came of the greeting after all.
    world.clock.advance(MINUTE);
    fleet::sweep(&world.kernel).unwrap();
    assert_eq!((told(), agents(&world, json!({ "online": true })).len()), (1, 0));
}

#[test]
fn while_the_database_is_away_what_an_agent_says_waits_as_long_as_it_takes() {
    let world = house();
    let machine = enrolled(&world, "web-01");
    let message = || {
        let event = Durable::CheckResults { results: Vec::new() };
        FromAgent::Durable { lane: Lane::Results, seq: 1, event }
    };
    sql(&world, "INSERT INTO town_faults (what) VALUES ('results')");
    for _ in 0..12 {
        let (mut connection, _) = machine.connect(&world.kernel);
        assert_eq!(connection.refusal(message()), RefusalCode::Busy);
    }
    sql(&world, "DELETE FROM town_faults");
    let (mut connection, _) = machine.connect(&world.kernel);
    assert_eq!(connection.answers(message()), [FromServer::Ack { lane: Lane::Results, seq: 1 }]);
    assert_eq!(count(&events(&world, "agent", 1), "fleet.agent.refused"), 0);
}

#[test]
fn a_message_that_always_takes_too_long_is_given_up_and_told() {
    let world = house();
    let machine = enrolled(&world, "web-01");
    let message =
        || FromAgent::Durable { lane: Lane::Results, seq: 1, event: Durable::CheckResults { results: vec![] } };
    sql(&world, "INSERT INTO town_faults (what) VALUES ('endless results')");
    for _ in 0..4 {
        let (mut connection, _) = machine.connect(&world.kernel);
        assert_eq!(connection.refusal(message()), RefusalCode::Busy);
    }
    let (mut connection, _) = machine.connect(&world.kernel);
    assert_eq!(connection.answers(message()), [FromServer::Ack { lane: Lane::Results, seq: 1 }]);
    assert_eq!(count(&events(&world, "agent", 1), "fleet.agent.refused"), 1);
}

#[test]
fn who_was_away_while_runs_were_stopped_and_released_still_gets_the_order() {
    let world = house();
    let (busy, idle) = (enrolled(&world, "web-01"), enrolled(&world, "web-02"));
    queue(&world, 1);
    drop(busy.connect(&world.kernel));
    world.call(&admin(), "fleet.stop.all", json!({})).unwrap();
    world.call(&admin(), "fleet.stop.release", json!({})).unwrap();
    fleet::round(&world.kernel).unwrap();
    let (connection, frames) = busy.connect(&world.kernel);
    assert_eq!(letters(&frames), "SJ", "the job comes again with its old epoch, which the agent refuses");
    let FromServer::Stop(order) = &frames[0] else { panic!("{frames:?}") };
    assert_eq!(verify_stop(order, &busy.server_key).unwrap().stop_epoch, 1);
    assert_eq!(letters(&idle.connect(&world.kernel).1), "", "who has nothing of before needs none");
    queue(&world, 1);
    fleet::round(&world.kernel).unwrap();
    assert_eq!(letters(&connection.pushed()), "J");
    drop(connection);
    let (_connection, frames) = busy.connect(&world.kernel);
    assert!(!letters(&frames).contains('S'), "it would end what was queued after the release");
}

#[test]
fn an_order_that_was_released_at_once_reaches_those_who_are_at_work() {
    let world = house();
    let (busy, idle) = (enrolled(&world, "web-01"), enrolled(&world, "web-02"));
    let ((at_work, _), (resting, _)) = (busy.connect(&world.kernel), idle.connect(&world.kernel));
    queue(&world, 1);
    fleet::round(&world.kernel).unwrap();
    assert_eq!(letters(&at_work.pushed()), "J");
    world.call(&admin(), "fleet.stop.all", json!({})).unwrap();
    world.call(&admin(), "fleet.stop.release", json!({})).unwrap();
    fleet::round(&world.kernel).unwrap();
    assert_eq!((letters(&at_work.pushed()), letters(&resting.pushed())), ("S".to_owned(), String::new()));
}

#[test]
fn a_stop_ends_everything_queued_before_it_and_nothing_queued_after_its_release() {
    let world = house();
    enrolled(&world, "web-01");
    for _ in 0..230 {
        queue(&world, 1);
    }
    world.call(&admin(), "fleet.stop.all", json!({})).unwrap();
    world.call(&admin(), "fleet.stop.release", json!({})).unwrap();
    let later = queue(&world, 1);
    world.settle().unwrap();
    assert_eq!((count_of(&world, "stopped"), state(&world, later).as_str()), (230, "queued"));
}

#[test]
fn an_agent_that_is_let_in_no_more_leaves_no_job_waiting() {
    let world = house();
    enrolled(&world, "web-01");
    for _ in 0..230 {
        queue(&world, 1);
    }
    world.call(&admin(), "fleet.agent.revoke", json!({ "id": 1 })).unwrap();
    world.settle().unwrap();
    assert_eq!((count_of(&world, "queued"), count_of(&world, "cancelled")), (0, 230));
}
