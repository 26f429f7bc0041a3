//! Tests of what failures count for, without the cost of passwords.

use kernel::time::DAY;
use kernel::world::{START, World};

use super::*;

fn world() -> World {
    World::new(vec![crate::domain().kernel]).unwrap()
}

/// A user who signed in from each of these networks before.
fn user(world: &World, login: &str, from: &'static [&'static str]) {
    let input = serde_json::json!({ "login": login, "name": login });
    let made = world.call(&kernel::Actor::os("root"), "people.user.create", input).unwrap();
    let id = made["id"].as_i64().unwrap();
    let note = move |tx: &mut Tx<'_>| from.iter().try_for_each(|source| store::note_source(tx, id, source, START));
    world.kernel.db.write("test", Priority::Interactive, note).unwrap();
}

/// A try that fails, or is refused.
fn fail(world: &World, login: &'static str, source: &str, now: Time) -> Result<Vec<Counter>> {
    let source = source.to_owned();
    world.kernel.db.write("test", Priority::Interactive, move |tx| {
        let counters = of_sign_in(tx, login, &source)?;
        count(tx, &counters, now)?;
        Ok(counters)
    })
}

fn failures(world: &World, subject: &'static str) -> i64 {
    world.kernel.db.read(|tx| Ok(store::get(tx, subject)?.map_or(0, |row| row.failures))).unwrap()
}

#[test]
fn delays_start_after_the_free_tries_double_and_stop_growing() {
    let seconds: Vec<i64> = [0, 5, 6, 7, 8, 11, 12, 60, i64::MAX].map(|n| delay(CLOSE, n) / SECOND).to_vec();
    assert_eq!(seconds, [0, 0, 1, 2, 4, 32, 60, 60, 60]);
    assert_eq!(delay(SOURCE, 20), 0);
    assert_eq!(delay(SOURCE, 200), 15 * MINUTE);
}

#[test]
fn a_stranger_who_keeps_trying_does_not_keep_the_owner_out() {
    let world = world();
    user(&world, "ada", &["192.0.2.7"]);
    let mut now = START;
    let mut refused = 0;
    for number in 0..300 {
        let source = format!("203.0.113.{}", number % 50);
        refused += i64::from(fail(&world, "ada", &source, now).is_err());
        assert!(number < 30 || refused > 0, "the login alone waits after many failures from many networks");
        now = now.plus(20 * SECOND);
        let owner = fail(&world, "ada", "192.0.2.7", now).unwrap();
        world.kernel.db.write("test", Priority::Interactive, move |tx| succeeded(tx, &owner)).unwrap();
    }
    assert!(refused > 200, "{refused}");
    assert_eq!(fail(&world, "ada", "198.51.100.1", now).unwrap_err().kind, kernel::ErrorKind::OverLimit);
}

#[test]
fn one_network_waits_for_the_login_it_tried_and_not_for_its_neighbours() {
    let world = world();
    for _ in 0..6 {
        fail(&world, "ada", "203.0.113.7", START).unwrap();
    }
    assert!(fail(&world, "ada", "203.0.113.7", START).is_err());
    assert!(fail(&world, "ada", "203.0.113.8", START).is_ok());
    assert!(fail(&world, "sam", "203.0.113.7", START).is_ok());
}

#[test]
fn an_address_with_many_failures_waits_whatever_login_it_tries() {
    let world = world();
    let logins: Vec<&'static str> = (0..21).map(|number| &*format!("guess-{number}").leak()).collect();
    for login in logins {
        fail(&world, login, "203.0.113.7", START).unwrap();
    }
    assert!(fail(&world, "another", "203.0.113.7", START).is_err());
    assert!(fail(&world, "another", "203.0.113.8", START).is_ok());
}

#[test]
fn what_is_refused_while_waiting_and_what_was_right_does_not_count() {
    let world = world();
    for _ in 0..6 {
        fail(&world, "ada", "203.0.113.7", START).unwrap();
    }
    for _ in 0..30 {
        fail(&world, "ada", "203.0.113.7", START).unwrap_err();
    }
    assert_eq!((failures(&world, "source:203.0.113.7"), failures(&world, "login:ada")), (6, 6));
    let right = fail(&world, "ada", "203.0.113.7", START.plus(SECOND)).unwrap();
    world.kernel.db.write("test", Priority::Interactive, move |tx| succeeded(tx, &right)).unwrap();
    assert_eq!((failures(&world, "source:203.0.113.7"), failures(&world, "login:ada")), (6, 6));
    assert_eq!(failures(&world, "pair:203.0.113.7 ada"), 0);
}

#[test]
fn unknown_logins_are_counted_like_known_ones() {
    let world = world();
    user(&world, "ada", &[]);
    let subjects = |login: &'static str| -> Vec<String> {
        let counters = fail(&world, login, "203.0.113.7", START).unwrap();
        counters.into_iter().map(|one| one.subject.replace(login, "LOGIN")).collect()
    };
    assert_eq!(subjects("ada"), subjects("nobody"));
}

#[test]
fn old_failures_and_sessions_are_forgotten_in_steps_by_their_index() {
    let world = world();
    for chunk in 0..5 {
        let put = move |tx: &mut Tx<'_>| {
            for number in 0..500 {
                let row = store::Failures { failures: 1, blocked_until: START };
                store::put(tx, &format!("login:{chunk} {number}"), &row, START)?;
            }
            Ok(())
        };
        world.kernel.db.write("test", Priority::Interactive, put).unwrap();
    }
    let step = || world.kernel.db.write("test", Priority::Background, |tx| store::sweep(tx, START.plus(1))).unwrap();
    assert_eq!([step(), step(), step(), step()], [1_000, 1_000, 500, 0]);
    fail(&world, "ada", "203.0.113.7", START).unwrap();
    world.pass(2 * DAY).unwrap();
    assert_eq!(failures(&world, "login:ada"), 0);
    for (sql, index) in [(store::SWEEP, "people_attempts_by_last"), (crate::sessions::store::SWEEP, "by_expiry")] {
        let Some(plan) = world.plan(sql).unwrap() else { return };
        assert!(plan.iter().any(|line| line.contains(index)), "{plan:?}");
    }
}
