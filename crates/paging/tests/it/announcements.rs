//! What must be heard though a way out fails: announcements go by every way in turn, and stop when what they tell is over.

use kernel::time::SECOND;
use paging::dead_man::stuck::{self, Standing};
use serde_json::json;

use crate::house::{Catcher, House};

const STUCK: &str = "Alerts are not passed on";

/// An event waits longer than it may, and the loop looks: STUCK is queued.
fn events_stand_still(house: &House, known: &mut Standing) {
    let fields = json!({ "group": "alert_group:1", "severity": "critical", "title": "Fault", "evidence": [] });
    house.tell("monitor.group.opened", fields);
    house.world.clock.advance(90 * SECOND);
    stuck::tell(&house.world.kernel, known).unwrap();
}

/// What was to be said has not left yet.
fn waits(house: &House, subject: &'static str) {
    let put = move |tx: &mut kernel::db::Tx<'_>| {
        let sql = "UPDATE paging_messages SET state = 'waiting', send_at = ?1 WHERE subject = ?2";
        tx.execute(sql, &[i64::MAX.into(), subject.into()])
    };
    assert!(house.world.kernel.db.write("test.wait", kernel::db::Priority::Background, put).unwrap() > 0);
}

fn state_of(house: &House, subject: &str, to: &str) -> Option<String> {
    house.messages().into_iter().find(|(said, whom, _)| said == subject && whom == to).map(|(_, _, state)| state)
}

/// A house with two channels, where no events are passed on: the one that was proven by a test, with its number, refuses now.
fn proven_way_that_refuses() -> (House, Catcher, Catcher, i64) {
    let house = House::new();
    let (proven, other) = (Catcher::new(), Catcher::new());
    let id = house.channel("proven", &proven);
    house.channel("other", &other);
    house.call("paging.channel.test", json!({ "id": id }));
    house.pass(5);
    proven.answers(403);
    events_stand_still(&house, &mut Standing::default());
    (house, proven, other, id)
}

#[test]
fn that_alerts_are_not_passed_on_goes_over_the_next_way_when_the_first_refuses_it() {
    let (house, _proven, other, _) = proven_way_that_refuses();
    house.world.settle().unwrap();
    assert!(other.titles().contains(&STUCK.to_owned()), "{:?}", house.messages());
    assert_eq!(state_of(&house, STUCK, "proven").as_deref(), Some("failed"));
    let why = "people are told of none of it. ";
    assert!(other.got().iter().any(|(_, body)| body.contains(why)), "no time that is over when it is read");
}

#[test]
fn that_alerts_are_not_passed_on_leaves_a_way_that_fails_while_it_waits_there() {
    let (house, proven, other, id) = proven_way_that_refuses();
    waits(&house, STUCK);
    house.call("paging.channel.test", json!({ "id": id }));
    house.world.settle().unwrap();
    assert!(other.titles().contains(&STUCK.to_owned()), "{:?}", house.messages());
    assert_eq!(proven.tries(), 2, "it was not even tried there");
}

#[test]
fn that_alerts_are_not_passed_on_is_said_again_until_somebody_hears_it_and_stops_when_they_are() {
    let house = House::new();
    let only = Catcher::new();
    house.channel("only", &only);
    only.answers(403);
    let mut known = Standing::default();
    events_stand_still(&house, &mut known);
    let Standing::Stuck(since) = known else { panic!("{known:?}") };
    let still = |known: &mut Standing| {
        // The relay of the test does not rest: an event more stands for those that wait.
        events_stand_still(&house, known);
        house.pass(400);
    };
    still(&mut known);
    assert!(only.titles().is_empty());
    only.answers(200);
    still(&mut known);
    still(&mut known);
    assert_eq!(known, Standing::Stuck(since), "one standstill");
    let heard = only.titles().iter().filter(|title| *title == STUCK).count();
    assert_eq!(heard, 1, "{:?}", only.titles());
    stuck::tell(&house.world.kernel, &mut known).unwrap();
    assert_eq!(known, Standing::Flowing);
    let mut known = Standing::default();
    events_stand_still(&house, &mut known);
    house.world.settle().unwrap();
    waits(&house, STUCK);
    stuck::tell(&house.world.kernel, &mut known).unwrap();
    assert!(!house.messages().iter().any(|(said, _, state)| said == STUCK && state == "waiting"), "it is over");
}

#[test]
fn an_announcement_is_tried_again_though_another_failure_found_a_way() {
    let house = House::new();
    let (refuses, slow) = (Catcher::new(), Catcher::new());
    refuses.answers(403);
    slow.answers(503);
    let refuses = house.channel("refuses", &refuses);
    let way = house.channel("slow", &slow);
    let key = |id: i64, name: &str| kernel::text::sha256_hex(format!("channel:{id}|{name}|0").as_bytes());
    let keys = [(key(refuses, "refuses"), refuses, "failed"), (key(way, "slow"), way, "waiting")];
    let rows = move |tx: &mut kernel::db::Tx<'_>| {
        for lane in ["mail".to_owned(), format!("channel:{refuses}")] {
            tx.execute(
                "INSERT INTO paging_lanes (lane, failing_since, failures, retry_at, answer, seen_at, tested_at, test_ok) \
                 VALUES (?1, 5, 1, 0, 'no', 0, 0, 0)",
                &[lane.into()],
            )?;
        }
        for (key, channel, state) in &keys {
            tx.execute(
                "INSERT INTO paging_messages (dedup, what, group_id, page_id, step, round, user_id, lane, address, label, contact, subject, \
                 lines, severity, state, attempts, answer, at, send_at, sent_at) VALUES (?1, 'failing', 0, 0, 0, 0, 0, ?2, 'x', \
                 'way', 0, 'Failing: mail', '[]', '', ?3, 0, '', 1, 1, 0)",
                &[format!("failing/mail/5/{key}").into(), format!("channel:{channel}").into(), (*state).into()],
            )?;
        }
        Ok(())
    };
    house.world.kernel.db.write("test.failing", kernel::db::Priority::Background, rows).unwrap();
    house.pass(5);
    assert!(slow.tries() > 0);
    let all = house.messages();
    let states: Vec<&str> =
        all.iter().filter(|(said, _, _)| said == "Failing: mail").map(|(_, _, state)| state.as_str()).collect();
    assert!(states.contains(&"waiting"), "it is tried again: {all:?}");
}

#[test]
fn what_waits_to_tell_of_a_failure_stops_when_it_is_over() {
    let house = House::new();
    let (chat, other) = (Catcher::new(), Catcher::new());
    house.channel("chat", &chat);
    let id = house.channel("other", &other);
    chat.answers(403);
    house.call("paging.channel.test", json!({ "id": id }));
    house.pass(5);
    other.answers(0);
    house.policy("0 channel:chat", json!({}));
    house.opened(1, json!({}));
    waits(&house, "Failing: chat");
    assert_eq!(state_of(&house, "Failing: chat", "other").as_deref(), Some("waiting"));
    chat.answers(200);
    house.opened(2, json!({}));
    assert!(chat.titles().contains(&"Alert: Fault 2".to_owned()));
    assert_eq!(state_of(&house, "Failing: chat", "other").as_deref(), Some("stopped"));
}

#[test]
fn a_failure_that_was_announced_in_vain_very_often_is_told_by_the_first_way_that_works() {
    let house = House::new();
    let chat = Catcher::new();
    let id = house.channel("chat", &chat);
    let rows = move |tx: &mut kernel::db::Tx<'_>| {
        tx.execute(
            "INSERT INTO paging_lanes (lane, failing_since, failures, retry_at, answer, seen_at, tested_at, test_ok) \
             VALUES ('mail', 5, 1, 0, 'no', 0, 0, 0)",
            &[],
        )?;
        for number in 0..150 {
            tx.execute(
                "INSERT INTO paging_messages (dedup, what, group_id, page_id, step, round, user_id, lane, address, label, contact, subject, \
                 lines, severity, state, attempts, answer, at, send_at, sent_at) VALUES (?1, 'failing', 0, 0, 0, 0, 0, 'webhook:x', 'x', \
                 'way', 0, 'Failing: mail', '[]', '', 'failed', 3, '', 1, 1, 0)",
                &[format!("failing/mail/5/{number}").into()],
            )?;
        }
        Ok(())
    };
    house.world.kernel.db.write("test.failing", kernel::db::Priority::Background, rows).unwrap();
    house.call("paging.channel.test", json!({ "id": id }));
    house.world.settle().unwrap();
    assert!(chat.titles().contains(&"Failing: mail".to_owned()), "{:?}", chat.titles());
    house.call("paging.channel.test", json!({ "id": id }));
    house.world.settle().unwrap();
    let told = chat.titles().iter().filter(|title| *title == "Failing: mail").count();
    assert_eq!(told, 1, "once somebody heard, nobody hears again");
}

#[test]
fn whoever_heard_that_alerts_are_not_passed_on_hears_when_they_are_again_also_after_a_restart() {
    for restarted in [false, true] {
        let house = House::new();
        let (chat, refuses) = (Catcher::new(), Catcher::new());
        house.channel("chat", &chat);
        house.channel("refuses", &refuses);
        refuses.answers(403);
        let mut known = Standing::default();
        events_stand_still(&house, &mut known);
        house.world.settle().unwrap();
        assert!(chat.titles().contains(&STUCK.to_owned()), "{:?}", chat.titles());
        refuses.answers(200);
        if restarted {
            known = Standing::default();
        }
        for _ in 0..2 {
            stuck::tell(&house.world.kernel, &mut known).unwrap();
            house.world.settle().unwrap();
            house.pass(20);
            known = if restarted { Standing::default() } else { known };
        }
        let again = |to: &Catcher| to.titles().iter().filter(|title| *title == "Alerts are passed on again").count();
        assert_eq!((again(&chat), again(&refuses)), (1, 0), "{restarted}: {:?}", chat.titles());
        let said = chat.got().into_iter().find(|(_, body)| body.contains("passed on again")).unwrap().1;
        assert_eq!(said.contains("They waited for"), !restarted, "nobody knows how long: {said}");
    }
}
