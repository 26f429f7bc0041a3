//! What speaks against the candidate that explains most: it is heard from, it is fine, or nothing at all is seen.

use causes::{Cause, Observation, What};

use crate::house::House;

/// Why the first group has no cause, and what its candidates are.
fn judged(house: &House) -> (Option<String>, Vec<Cause>) {
    let cluster = house.engine.groups().remove(0).cluster.unwrap();
    (cluster.undetermined.clone(), cluster.candidates.iter().map(|one| one.cause.clone()).collect())
}

fn host(services: usize) -> House {
    let names: Vec<String> = (0..services).map(|n| format!("app-{n}")).collect();
    let mut things = vec![("box", "server")];
    things.extend(names.iter().map(|name| (name.as_str(), "service")));
    let relations: Vec<(&str, &str, &str)> = names.iter().map(|name| (name.as_str(), "runs_on", "box")).collect();
    House::new(&things, &relations)
}

/// Is a machine taken to be lost of which all services fail by its own word, when each further result of it comes so many
/// milliseconds after it was made?
fn taken_to_be_lost(late_ms: Option<i64>) -> bool {
    let mut house = host(4);
    house.mute();
    let of = house.id("box");
    let mut own = Vec::new();
    for n in 0..4 {
        let name = format!("app-{n}");
        let mut look = house.look(house.id(&name));
        (look.key, look.vantage) = (look.key + 1_000, Some(of));
        own.push(look.clone());
        house.see(Observation::Fired(causes::Symptom {
            look,
            what: What::Unreachable,
            since_ms: house.now,
            evidence: "the port is closed".into(),
        }));
    }
    let began = house.now;
    for _ in 0..24 {
        for look in &own {
            let at_ms = late_ms.map(|late| house.now - late).filter(|at| *at >= began);
            if let Some(at_ms) = at_ms {
                house.see(Observation::Seen { look: look.clone(), good: false, at_ms });
            }
        }
        (0..10).for_each(|_| drop(house.pass_mute()));
    }
    let clusters = house.engine.groups().into_iter().filter_map(|group| group.cluster);
    let lost = |cause: &Cause| matches!(cause, Cause::Thing { thing, state: What::Down | What::Unreachable, .. } if *thing == of);
    clusters.filter_map(|cluster| cluster.candidates.into_iter().next()).any(|first| lost(&first.cause))
}

#[test]
fn a_machine_whose_own_agent_is_heard_is_not_taken_to_be_down() {
    assert!(!taken_to_be_lost(Some(0)));
    assert!(!taken_to_be_lost(Some(20_000)), "over a slow link");
    assert!(taken_to_be_lost(None), "nothing is heard of it");
}

#[test]
fn a_machine_that_sends_what_it_kept_was_not_heard_when_it_was_made() {
    assert!(taken_to_be_lost(Some(90_000)));
}

#[test]
fn a_host_that_is_fine_with_most_of_what_runs_there_is_no_cause_unless_it_was_changed_just_before() {
    let play = |changed: bool| {
        let mut house = host(9);
        house.pass(60);
        if changed {
            house.change("box", "libc-update", "libc was updated");
        }
        house.pass(90);
        for n in 0..4 {
            house.fire(&format!("app-{n}"), What::Errors);
        }
        house.pass(300);
        let group = house.engine.groups().remove(0);
        let cluster = group.cluster.unwrap();
        (cluster.undetermined.is_some(), cluster.candidates.first().map(|one| one.cause.clone()))
    };
    assert!(play(false).0);
    let (undetermined, cause) = play(true);
    assert!(!undetermined && matches!(&cause, Some(Cause::Change { label }) if label == "libc-update"), "{cause:?}");
}

#[test]
fn a_change_of_one_thing_that_is_up_does_not_explain_a_few_of_many_that_are_lost() {
    let mut house = House::switches(40);
    house.change("sw-a", "firmware", "its firmware was changed");
    house.pass(120);
    for name in ["srv-3", "srv-17"] {
        house.fire(name, What::Unreachable);
    }
    house.pass(120);
    assert!(!house.causes().contains(&"change firmware".to_owned()), "{:?}", house.causes());
}

#[test]
fn who_sees_nothing_at_all_doubts_itself_before_the_one_switch_that_all_is_behind() {
    let names: Vec<String> = (0..20).map(|n| format!("srv-{n}")).collect();
    let mut things = vec![("core", "switch")];
    things.extend(names.iter().map(|name| (name.as_str(), "server")));
    let relations: Vec<(&str, &str, &str)> = names.iter().map(|name| (name.as_str(), "connected_to", "core")).collect();
    let play = |answers: Option<What>| {
        let mut house = House::new(&things, &relations);
        house.pass(60);
        house.fire("core", What::Unreachable);
        for (n, name) in names.iter().enumerate() {
            house.fire(name, answers.filter(|_| n == 0).unwrap_or(What::Unreachable));
        }
        house.pass(60);
        judged(&house)
    };
    let (undetermined, causes) = play(None);
    assert!(undetermined.is_none() && matches!(causes.first(), Some(Cause::Vantage { thing: None, .. })), "{causes:?}");
    let (_, causes) = play(Some(What::Errors));
    assert!(matches!(causes.first(), Some(Cause::Thing { .. })), "one that answers, though badly, is seen: {causes:?}");
}

#[test]
fn a_store_that_is_seen_slow_is_not_refuted_by_pages_that_come_whenever() {
    let machines: Vec<String> = (0..10).map(|n| format!("vm-{n}")).collect();
    let pages: Vec<String> = (0..31).map(|n| format!("web-{n}")).collect();
    let mut things = vec![("san", "storage")];
    things.extend(machines.iter().map(|name| (name.as_str(), "virtual_machine")));
    things.extend(pages.iter().map(|name| (name.as_str(), "service")));
    let all = machines.iter().chain(&pages);
    let relations: Vec<(&str, &str, &str)> = all.map(|name| (name.as_str(), "stores_on", "san")).collect();
    let mut house = House::new(&things, &relations);
    house.fire("san", What::Slow);
    machines.iter().for_each(|name| _ = house.fire(name, What::Slow));
    house.pass(900);
    assert_eq!((house.causes(), house.pages()), (vec!["san".to_owned()], 1));
    let (_, causes) = judged(&house);
    assert!(matches!(causes.first(), Some(Cause::Thing { state: What::Slow, .. })), "{causes:?}");
}

#[test]
fn what_is_looked_at_by_its_address_does_not_stop_for_want_of_names() {
    let things = [("ns", "dns"), ("app-1", "service"), ("app-2", "service"), ("app-3", "service"), ("db", "database")];
    let relations = ["app-1", "app-2", "app-3", "db"].map(|name| (name, "resolves_by", "ns"));
    let pages = |by_name: bool| {
        let mut house = House::new(&things, &relations);
        house.mute();
        house.fire("ns", What::Unreachable);
        ["app-1", "app-2", "app-3"].iter().for_each(|name| _ = house.fire(name, What::Errors));
        (0..120).for_each(|_| drop(house.pass_mute()));
        let (key, what) = (9_001, What::Down);
        let look = causes::Look { key, what, by_name, ..house.look(house.id("db")) };
        house.see(Observation::Seen { look: look.clone(), good: false, at_ms: house.now });
        let since_ms = house.now;
        house.see(Observation::Fired(causes::Symptom { look, what, since_ms, evidence: "no answer".into() }));
        (0..60).for_each(|_| drop(house.pass_mute()));
        house.pages()
    };
    assert_eq!((pages(true), pages(false)), (1, 2));
}

#[test]
fn what_was_not_looked_at_yet_does_not_keep_the_looker_from_doubting_itself() {
    let mut house = House::switches(120);
    for name in ["core", "sw-a", "sw-b", "other"] {
        house.fire(name, What::Unreachable);
    }
    for n in 0..70 {
        house.fire(&format!("srv-{n}"), What::Unreachable);
    }
    for _ in 0..14 {
        house.pass_mute();
    }
    assert_eq!((house.causes(), house.pages()), (vec!["monitor".to_owned()], 1));
}
