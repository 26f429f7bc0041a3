//! Two at the same moment: what is checked first and written then must hold when somebody else does the same.

use crate::office::{Office, PASSWORD};
use serde_json::json;

#[test]
fn two_administrators_who_disable_each_other_leave_one() {
    let office = Office::new();
    let second = office.user("second");
    office.give(second, "administrator", json!({}));
    let (one, two) = (office.admin(), office.actor(second));
    let done = std::thread::scope(|scope| {
        let first = scope.spawn(|| office.call(&one, "people.user.disable", json!({ "id": second, "reason": "race" })));
        let other =
            scope.spawn(|| office.call(&two, "people.user.disable", json!({ "id": office.admin, "reason": "race" })));
        [first.join().unwrap().is_ok(), other.join().unwrap().is_ok()]
    });
    assert_eq!(done.iter().filter(|done| **done).count(), 1, "{done:?}");
}

#[test]
fn many_wrong_passwords_at_the_same_moment_are_all_counted() {
    let office = Office::new();
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| assert!(office.sign_in("ada", "wrong").is_err()));
        }
    });
    assert!(office.sign_in("ada", PASSWORD).is_err(), "six failures make the seventh try wait");
}

#[test]
fn the_setup_secret_is_used_by_one_of_two() {
    let world = crate::office::bare();
    let secret = people::setup::issue(&world.kernel).unwrap().unwrap();
    let complete = |login: &str| {
        let input = json!({ "secret": secret, "organisation": "X", "name": "N", "login": login, "password": PASSWORD });
        world.call(&kernel::Actor::nobody(), "people.setup.complete", input).is_ok()
    };
    let done = std::thread::scope(|scope| {
        let one = scope.spawn(|| complete("one"));
        let two = scope.spawn(|| complete("two"));
        [one.join().unwrap(), two.join().unwrap()]
    });
    assert_eq!(done.iter().filter(|done| **done).count(), 1);
}
