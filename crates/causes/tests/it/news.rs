//! Trouble that is new, though a group of the same thing is open: people hear of it.

use causes::{Look, Observation, Symptom, What};

use crate::house::House;

/// Another look at a thing than its usual one finds something wrong.
fn also(house: &mut House, name: &str, key: u64, what: What, vantage: Option<&str>) {
    let vantage = vantage.map(|name| house.id(name));
    let look = Look { key, what, vantage, ..house.look(house.id(name)) };
    house.see(Observation::Seen { look: look.clone(), good: false, at_ms: house.now });
    let since_ms = house.now;
    house.see(Observation::Fired(Symptom { look, what, since_ms, evidence: what.words().to_owned() }));
}

fn wait(house: &mut House, seconds: i64) {
    (0..seconds).for_each(|_| drop(house.pass_mute()));
}

/// A box with six machines on it over a relation, which nothing answers of.
fn house(kind: &str, relation: &str, machine: &str) -> House {
    let names: Vec<String> = (0..6).map(|n| format!("vm-{n}")).collect();
    let mut things = vec![("box", kind), ("far", kind)];
    things.extend(names.iter().map(|name| (name.as_str(), machine)));
    let relations: Vec<(&str, &str, &str)> = names.iter().map(|name| (name.as_str(), relation, "box")).collect();
    let mut house = House::new(&things, &relations);
    house.mute();
    house
}

/// How often people were told when all machines fail in one way, so long after the box began to fail in another.
fn pages(old: What, minutes: i64, own: Option<What>, new: What) -> usize {
    let mut house = house("hypervisor", "runs_on", "virtual_machine");
    also(&mut house, "box", 9_001, old, None);
    wait(&mut house, minutes * 60);
    if let Some(own) = own {
        also(&mut house, "box", 9_002, own, None);
    }
    for n in 0..6 {
        also(&mut house, &format!("vm-{n}"), 9_100 + n, new, None);
    }
    wait(&mut house, 60);
    house.pages()
}

#[test]
fn machines_that_get_slow_on_a_box_with_old_trouble_of_another_sort_are_told() {
    assert_eq!(pages(What::CertInvalid, 150, None, What::Slow), 2);
    assert_eq!(pages(What::Degraded, 150, None, What::Slow), 2, "long after it is news");
    assert_eq!(pages(What::Degraded, 60, None, What::Slow), 1, "what is degraded gets slow");
}

#[test]
fn a_box_that_stops_long_after_it_was_degraded_is_told_again() {
    assert_eq!(pages(What::Degraded, 150, Some(What::Down), What::Down), 2);
    assert_eq!(pages(What::Degraded, 60, Some(What::Down), What::Down), 1, "one trouble that grew");
}

#[test]
fn a_single_machine_that_stops_long_after_its_disk_was_full_is_told_again() {
    let pages = |minutes: i64| {
        let mut house = house("hypervisor", "runs_on", "virtual_machine");
        also(&mut house, "far", 9_001, What::DiskFull, None);
        wait(&mut house, minutes * 60);
        also(&mut house, "far", 9_002, What::Down, None);
        wait(&mut house, 60);
        house.pages()
    };
    assert_eq!((pages(150), pages(30)), (2, 1));
}

#[test]
fn what_stops_while_somebody_is_blind_to_it_is_told() {
    let names: Vec<String> = (0..12).map(|n| format!("shop-{n}")).collect();
    let mut things = vec![("probe", "server"), ("eye", "server")];
    things.extend(names.iter().map(|name| (name.as_str(), "router")));
    let mut house = House::new(&things, &[]);
    house.pass(60);
    house.mute();
    let seen = |house: &mut House, except: &str| {
        for name in names.iter().filter(|name| *name != except) {
            let look = house.look(house.id(name));
            house.see(Observation::Seen { look, good: true, at_ms: house.now });
        }
    };
    for (key, name) in (9_000..).zip(&names) {
        also(&mut house, name, key, What::Unreachable, Some("probe"));
    }
    for _ in 0..60 {
        seen(&mut house, "");
        wait(&mut house, 10);
    }
    assert_eq!((house.causes(), house.pages()), (vec!["monitor".to_owned()], 1));
    house.fire("shop-3", What::Unreachable);
    for _ in 0..6 {
        seen(&mut house, "shop-3");
        wait(&mut house, 10);
    }
    assert_eq!(house.pages(), 2, "{:?}", house.causes());
}
