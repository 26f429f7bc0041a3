//! What becomes a group, whom it is told to, and when it is over.

use causes::{Decision, What};

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
