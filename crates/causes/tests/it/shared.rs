//! Things that need several others, where it is not written down that they need the one that fails.

use causes::{Decision, Observation, Symptom, What};

use crate::house::House;

/// Services that need a broker and a database, the last of them without it being known that they need the broker, and
/// others that need the database alone.
fn broker(unknown: usize) -> House {
    let users: Vec<String> = (0..8).map(|n| format!("user-{n}")).collect();
    let reports: Vec<String> = (0..6).map(|n| format!("report-{n}")).collect();
    let mut things = vec![("broker", "broker"), ("db", "database")];
    things.extend(users.iter().chain(&reports).map(|name| (name.as_str(), "service")));
    let mut relations: Vec<(&str, &str, &str)> =
        users.iter().chain(&reports).map(|name| (name.as_str(), "depends_on", "db")).collect();
    relations.extend(users.iter().take(8 - unknown).map(|name| (name.as_str(), "depends_on", "broker")));
    House::new(&things, &relations)
}

#[test]
fn what_a_healthy_thing_carries_beside_does_not_make_it_a_second_cause() {
    let mut house = broker(3);
    house.fire("broker", What::Down);
    for n in 0..8 {
        house.fire(&format!("user-{n}"), What::Errors);
        house.pass(1);
    }
    house.pass(60);
    assert_eq!((house.causes(), house.pages()), (vec!["broker".to_owned()], 1));
}

#[test]
fn a_straggler_whose_relation_is_not_known_is_not_told_by_itself() {
    let mut house = broker(1);
    house.fire("broker", What::Down);
    for n in 0..7 {
        house.fire(&format!("user-{n}"), What::Errors);
    }
    house.pass(40);
    house.fire("user-7", What::Errors);
    house.pass(60);
    assert_eq!((house.causes(), house.pages()), (vec!["broker".to_owned()], 1));
}

#[test]
fn one_that_fails_long_after_is_told_by_itself() {
    let mut house = broker(1);
    house.fire("broker", What::Down);
    for n in 0..7 {
        house.fire(&format!("user-{n}"), What::Errors);
    }
    house.pass(400);
    house.fire("user-7", What::Errors);
    house.pass(60);
    assert_eq!(house.pages(), 2);
}

#[test]
fn nothing_hangs_on_one_end_among_many() {
    let mut house = broker(3);
    house.fire("user-7", What::Errors);
    house.fire("broker", What::Down);
    for n in 0..7 {
        house.fire(&format!("user-{n}"), What::Errors);
    }
    house.pass(60);
    let first = house.engine.groups().into_iter().filter_map(|group| group.cluster?.candidates.into_iter().next());
    let first: Vec<(usize, usize)> = first.map(|one| (one.explained, one.symptoms)).collect();
    assert_eq!(first, [(6, 9)], "the broker and those that are known to need it");
}

#[test]
fn of_two_guesses_that_explain_the_same_the_one_without_healthy_users_is_told() {
    let callers: Vec<String> = (0..6).map(|n| format!("caller-{n}")).collect();
    let inner: Vec<String> = (0..9).map(|n| format!("inner-{n}")).collect();
    let mut things = vec![("nat", "gateway"), ("db", "database")];
    things.extend(callers.iter().chain(&inner).map(|name| (name.as_str(), "service")));
    let mut relations: Vec<(&str, &str, &str)> =
        callers.iter().chain(&inner).map(|name| (name.as_str(), "depends_on", "db")).collect();
    relations.extend(callers.iter().map(|name| (name.as_str(), "depends_on", "nat")));
    let mut house = House::new(&things, &relations);
    house.pass(20);
    for name in &callers {
        // Bad for an interval and more, as an alert that waits for a second bad result is.
        let look = house.look(house.id(name));
        house.fire(name, What::Errors);
        let since_ms = house.now - 15_000;
        house.see(Observation::Fired(Symptom { look, what: What::Errors, since_ms, evidence: "500".into() }));
    }
    house.pass(15);
    let told = house.decided.iter().find_map(|one| match one {
        Decision::Open { cluster, .. } => cluster.candidates.first()?.cause.thing(),
        _ => None,
    });
    assert_eq!((told, house.pages()), (Some(house.id("nat")), 1));
}
