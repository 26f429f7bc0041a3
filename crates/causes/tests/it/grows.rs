//! Trouble that shows late or grows: it stays one group, and what was said before counts.

use causes::{Look, Observation, Symptom, What};

use crate::house::House;

/// Another look at a thing than its usual one finds something wrong, or finds it well.
fn also(house: &mut House, name: &str, key: u64, what: What, bad: bool) {
    let look = Look { key, what, ..house.look(house.id(name)) };
    house.see(Observation::Seen { look: look.clone(), good: !bad, at_ms: house.now });
    if bad {
        let since_ms = house.now;
        house.see(Observation::Fired(Symptom { look, what, since_ms, evidence: what.words().to_owned() }));
    }
}

fn names(start: &str, many: usize) -> Vec<String> {
    (0..many).map(|n| format!("{start}-{n}")).collect()
}

fn house<'n>(fixed: &[(&'n str, &'n str)], many: (&'n [String], &'n str), relations: &[(&str, &str)]) -> House {
    let mut things = fixed.to_vec();
    things.extend(many.0.iter().map(|name| (name.as_str(), many.1)));
    let of = |name: &'n String| relations.iter().map(move |(kind, to)| (name.as_str(), *kind, *to));
    let mut all: Vec<(&str, &str, &str)> = many.0.iter().flat_map(of).collect();
    if fixed.iter().any(|(name, _)| *name == "ups") {
        all.push(("ups", "powered_by", "mains"));
    }
    House::new(&things, &all)
}

#[test]
fn what_needs_a_lost_thing_and_stops_a_quarter_of_an_hour_later_belongs_to_its_group() {
    let servers = names("srv", 9);
    let fixed = [("core", "switch"), ("cooler", "cooling")];
    let mut house = house(&fixed, (&servers, "server"), &[("connected_to", "core"), ("depends_on", "cooler")]);
    house.fire("cooler", What::Unreachable);
    for n in [3, 5, 6] {
        house.pass(14 * 60);
        house.fire(&format!("srv-{n}"), What::Unreachable);
    }
    house.pass(60);
    assert_eq!((house.causes(), house.pages()), (vec!["cooler".to_owned()], 1));
}

#[test]
fn a_thing_that_is_slow_and_then_gone_is_one_group_and_one_page() {
    let machines = names("vm", 6);
    let fixed = [("san", "storage"), ("other", "storage")];
    let mut house = house(&fixed, (&machines, "virtual_machine"), &[("stores_on", "san")]);
    house.mute();
    also(&mut house, "san", 9_001, What::Slow, true);
    (0..900).for_each(|_| drop(house.pass_mute()));
    house.fire("san", What::Unreachable);
    for name in &machines {
        house.fire(name, What::Unreachable);
    }
    (0..60).for_each(|_| drop(house.pass_mute()));
    assert_eq!((house.causes(), house.pages()), (vec!["san".to_owned()], 1));
}

#[test]
fn a_battery_that_ends_follows_from_the_mains_that_failed_before() {
    let machines = names("srv", 6);
    let fixed = [("mains", "mains"), ("ups", "ups"), ("far", "server"), ("away", "server")];
    let mut house = house(&fixed, (&machines, "server"), &[("powered_by", "ups")]);
    house.mute();
    also(&mut house, "ups", 9_001, What::PowerLost, true);
    (0..720).for_each(|_| drop(house.pass_mute()));
    house.fire("ups", What::Unreachable);
    for name in &machines {
        house.fire(name, What::Unreachable);
    }
    for second in 0..60 {
        if second % 10 == 0 {
            for name in ["far", "away"] {
                let look = house.look(house.id(name));
                house.see(Observation::Seen { look, good: true, at_ms: house.now });
            }
        }
        house.pass_mute();
    }
    assert_eq!((house.causes(), house.pages()), (vec!["mains".to_owned()], 1));
}

#[test]
fn data_that_stays_away_behind_a_changed_firewall_is_the_change_while_all_answers() {
    let machines = names("srv", 6);
    let play = |changed: bool| {
        let mut house =
            house(&[("fw", "firewall"), ("other", "server")], (&machines, "server"), &[("connected_to", "fw")]);
        house.pass(60);
        house.mute();
        if changed {
            house.change("fw", "egress", "its rules were changed");
        }
        for (key, name) in (9_000..).zip(&machines) {
            also(&mut house, name, key, What::NoData, true);
        }
        for second in 0..60 {
            if second % 5 == 0 {
                for name in machines.iter().map(String::as_str).chain(["fw", "other"]) {
                    let look = house.look(house.id(name));
                    house.see(Observation::Seen { look, good: true, at_ms: house.now });
                }
            }
            house.pass_mute();
        }
        house.causes()
    };
    assert_eq!(play(true), ["change egress"]);
    assert_eq!(play(false), ["undetermined"], "nobody changed it: the firewall alone explains nothing");
}
