//! What becomes a group, whom it is told to, and when it is over.

use causes::{Decision, What};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::house::House;

#[test]
fn a_switch_with_three_hundred_servers_is_one_group_one_page_and_one_recovery() {
    let mut house = House::switches(300);
    house.fire("sw-a", What::Unreachable);
    for n in 0..300 {
        house.fire(&format!("srv-{n}"), What::Unreachable);
        if n % 30 == 0 {
            house.pass(2);
        }
    }
    house.pass(60);
    assert_eq!((house.causes(), house.pages()), (vec!["sw-a".to_owned()], 1));
    house.clear("sw-a");
    house.pass(20);
    for n in 0..300 {
        house.clear(&format!("srv-{n}"));
    }
    house.pass(120);
    assert_eq!((house.pages(), house.recoveries()), (1, vec![true]));
}

#[test]
fn a_cause_that_shows_late_keeps_the_group_of_its_first_symptom() {
    let mut house = House::switches(12);
    house.fire("srv-3", What::Unreachable);
    house.pass(20);
    assert_eq!((house.causes(), house.pages()), (vec!["srv-3".to_owned()], 1));
    for n in 0..12 {
        house.fire(&format!("srv-{n}"), What::Unreachable);
    }
    house.fire("sw-a", What::Unreachable);
    house.pass(20);
    assert_eq!((house.causes(), house.pages()), (vec!["sw-a".to_owned()], 1));
}

#[test]
fn what_was_over_before_the_page_is_not_told_at_all() {
    let mut house = House::switches(3);
    house.fire("srv-1", What::Unreachable);
    house.pass(1);
    house.clear("srv-1");
    house.pass(60);
    assert!(house.decided.iter().all(|one| matches!(one, Decision::Recheck { .. })), "{:?}", house.decided);
}

#[test]
fn two_causes_at_once_are_two_groups() {
    let mut house = House::switches(10);
    house.fire("sw-a", What::Unreachable);
    house.fire("other", What::DiskFull);
    for n in 0..10 {
        house.fire(&format!("srv-{n}"), What::Unreachable);
    }
    house.pass(30);
    assert_eq!((house.causes(), house.pages()), (vec!["sw-a".to_owned(), "other".to_owned()], 2));
}

#[test]
fn the_order_within_an_instant_does_not_matter() {
    let names = ["sw-a", "srv-0", "srv-1", "srv-2", "srv-3", "srv-4"];
    let told = |order: &[usize]| {
        let mut house = House::switches(5);
        for at in order {
            house.fire(names[*at], What::Unreachable);
        }
        house.pass(40);
        house.decided
    };
    assert_eq!(told(&[0, 1, 2, 3, 4, 5]), told(&[5, 3, 1, 0, 2, 4]));
}

#[test]
fn a_change_of_many_machines_is_one_cause() {
    let mut house = House::switches(20);
    for n in 0..6 {
        house.change(&format!("srv-{n}"), "patch-7", "openssl was updated");
    }
    house.pass(120);
    for n in 0..6 {
        house.fire(&format!("srv-{n}"), What::Errors);
    }
    house.pass(40);
    assert_eq!((house.causes(), house.pages()), (vec!["change patch-7".to_owned()], 1));
}

#[test]
fn an_ended_group_whose_cause_comes_back_is_open_again_without_a_page() {
    let mut house = House::switches(4);
    house.fire("srv-2", What::Unreachable);
    house.pass(30);
    house.clear("srv-2");
    house.pass(60);
    assert_eq!(house.recoveries(), [true]);
    house.fire("srv-2", What::Unreachable);
    house.pass(30);
    assert_eq!(house.pages(), 1);
    assert!(house.decided.iter().any(|one| matches!(one, Decision::Reopen { .. })));
}

#[test]
fn what_fails_only_the_second_time_belongs_to_the_same_group() {
    let mut house = House::switches(10);
    for name in ["sw-a", "srv-0"] {
        house.fire(name, What::Unreachable);
    }
    house.pass(30);
    for name in ["sw-a", "srv-0"] {
        house.clear(name);
    }
    house.pass(400);
    assert_eq!((house.pages(), house.recoveries()), (1, vec![true]));
    let key = house.fire("sw-a", What::Unreachable);
    let first = (0..10).map(|n| house.fire(&format!("srv-{n}"), What::Unreachable)).collect::<Vec<u64>>();
    house.pass(90);
    assert_eq!((house.pages(), house.causes()), (1, vec!["sw-a".to_owned()]), "{:?}", house.decided);
    let group = house.engine.group_of(key);
    assert!(group.is_some() && first.iter().all(|key| house.engine.group_of(*key) == group));
}

#[test]
fn what_failed_by_itself_meanwhile_stays_with_its_own_group_and_both_end() {
    let mut house = House::switches(6);
    let all = |house: &mut House, bad: bool| {
        for name in ["sw-a", "srv-0", "srv-1", "srv-2", "srv-3", "srv-4", "srv-5"] {
            if bad { _ = house.fire(name, What::Unreachable) } else { house.clear(name) }
        }
    };
    all(&mut house, true);
    house.pass(40);
    all(&mut house, false);
    house.pass(200);
    house.fire("srv-2", What::Unreachable);
    house.pass(60);
    all(&mut house, true);
    house.pass(60);
    all(&mut house, false);
    house.pass(700);
    assert!(house.engine.groups().is_empty(), "{:?}", house.causes());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn only_what_was_announced_is_announced_as_over(turns in vec((0_usize..8, any::<bool>(), 0_i64..40), 1..40)) {
        let mut house = House::switches(8);
        for (server, bad, seconds) in turns {
            let name = format!("srv-{server}");
            if bad { house.fire(&name, What::Unreachable); } else { house.clear(&name) }
            house.pass(seconds);
        }
        let mut open = std::collections::BTreeMap::<u64, i32>::new();
        for decision in &house.decided {
            match decision {
                Decision::Page { group } | Decision::Reopen { group, .. } => *open.entry(*group).or_default() = 1,
                Decision::Recover { group, announce: true } => prop_assert_eq!(open.insert(*group, 0), Some(1)),
                _ => {}
            }
        }
    }
}
