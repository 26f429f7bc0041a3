//! Sign-in and sessions.

use crate::office::{Office, PASSWORD};
use kernel::time::{DAY, HOUR, MINUTE, SECOND};
use kernel::{ErrorKind, Proof};
use serde_json::json;

#[test]
fn each_sign_in_is_a_new_session_and_its_token_is_not_stored() {
    let office = Office::new();
    let one = office.sign_in("ADA ", PASSWORD).unwrap();
    let two = office.sign_in("ada", PASSWORD).unwrap();
    let (one, two) = (one["token"].as_str().unwrap(), two["token"].as_str().unwrap());
    assert_ne!(one, two);
    let signed = office.session(one).unwrap();
    assert_eq!((signed.user, signed.zone.as_str()), (office.admin, "Europe/Berlin"));
    assert_eq!(signed.actor.proof, Proof::At(office.world.kernel.now()));
    assert_ne!(signed.csrf, office.session(two).unwrap().csrf);
    let stored = office.world.kernel.db.read(|tx| tx.query("SELECT token_hash FROM people_sessions", &[])).unwrap();
    assert!(stored.iter().all(|row| row.str(0).unwrap() != one));
    assert!(office.session("guess").is_none());
}

#[test]
fn an_unknown_login_and_a_wrong_password_are_refused_with_the_same_words() {
    let office = Office::new();
    let unknown = office.sign_in("nobody", PASSWORD).unwrap_err();
    let wrong = office.sign_in("ada", "wrong horse battery").unwrap_err();
    assert_eq!((unknown.kind, unknown.message), (wrong.kind, wrong.message));
    let user = office.user("new");
    let input = json!({ "login": "empty", "name": "No password" });
    office.call(&office.admin(), "people.user.create", input).unwrap();
    assert!(office.sign_in("empty", "").is_err());
    office.call(&office.admin(), "people.user.disable", json!({ "id": user, "reason": "left" })).unwrap();
    assert!(office.sign_in("new", PASSWORD).is_err());
}

#[test]
fn after_five_wrong_passwords_each_try_waits_longer_and_a_right_one_clears_the_count() {
    let office = Office::new();
    for _ in 0..6 {
        assert_eq!(office.sign_in("ada", "wrong").unwrap_err().kind, ErrorKind::Invalid);
    }
    assert_eq!(office.sign_in("ada", PASSWORD).unwrap_err().kind, ErrorKind::OverLimit);
    office.world.clock.advance(SECOND);
    assert_eq!(office.sign_in("ada", "wrong").unwrap_err().kind, ErrorKind::Invalid);
    office.world.clock.advance(SECOND);
    assert_eq!(office.sign_in("ada", PASSWORD).unwrap_err().kind, ErrorKind::OverLimit);
    office.world.clock.advance(SECOND);
    office.sign_in("ada", PASSWORD).unwrap();
    for _ in 0..5 {
        assert_eq!(office.sign_in("ada", "wrong").unwrap_err().kind, ErrorKind::Invalid);
    }
    office.sign_in("ada", PASSWORD).unwrap();
}

#[test]
fn what_a_stranger_tries_elsewhere_keeps_nobody_out_and_stops_no_proof() {
    let office = Office::new();
    let try_from = |source: &str, password: &str| {
        let input = json!({ "login": "ada", "password": password, "source": source });
        office.call(&kernel::Actor::nobody(), "people.session.sign-in", input)
    };
    let token = try_from("192.0.2.7", PASSWORD).unwrap()["token"].as_str().unwrap().to_owned();
    for number in 0..22 {
        try_from(&format!("203.0.113.{number}"), "wrong").unwrap_err();
    }
    assert_eq!(
        try_from("198.51.100.1", PASSWORD).unwrap_err().kind,
        ErrorKind::OverLimit,
        "a network never seen waits"
    );
    try_from("192.0.2.7", PASSWORD).unwrap();
    let session = office.session(&token).unwrap().session.unwrap();
    let prove = json!({ "session": session, "password": PASSWORD });
    office.call(&office.admin(), "people.session.prove", prove).unwrap();
}

#[test]
fn proofs_are_counted_for_each_session_and_only_for_ones_own() {
    let office = Office::new();
    let session = || {
        let token = office.sign_in("ada", PASSWORD).unwrap()["token"].as_str().unwrap().to_owned();
        office.session(&token).unwrap().session.unwrap()
    };
    let (one, two) = (session(), session());
    let prove = |session: i64, password: &str| {
        office.call(&office.admin(), "people.session.prove", json!({ "session": session, "password": password }))
    };
    for _ in 0..6 {
        assert_eq!(prove(one, "wrong").unwrap_err().kind, ErrorKind::Invalid);
    }
    assert_eq!(prove(one, PASSWORD).unwrap_err().kind, ErrorKind::OverLimit);
    prove(two, PASSWORD).unwrap();
    office.sign_in("ada", PASSWORD).unwrap();
    assert_eq!(prove(two + 100, PASSWORD).unwrap_err().kind, ErrorKind::NotFound);
}

#[test]
fn a_session_ends_when_it_is_idle_old_signed_out_or_its_user_is_disabled() {
    let office = Office::new();
    let sign_in = || office.sign_in("ada", PASSWORD).unwrap()["token"].as_str().unwrap().to_owned();
    let idle = sign_in();
    office.world.clock.advance(12 * HOUR - 1);
    assert!(office.session(&idle).is_some());
    office.world.clock.advance(1);
    assert!(office.session(&idle).is_none());

    let old = sign_in();
    let id = office.session(&old).unwrap().session.unwrap();
    for _ in 0..14 {
        office.world.clock.advance(11 * HOUR);
        let now = office.world.kernel.now();
        let seen = move |tx: &mut kernel::db::Tx<'_>| people::sessions::seen(tx, id, now);
        office.world.kernel.db.write("test", kernel::db::Priority::Interactive, seen).unwrap();
    }
    assert!(office.session(&old).is_some());
    office.world.clock.advance(14 * HOUR);
    assert!(office.session(&old).is_none(), "seven days are the end, however busy it was");

    let out = sign_in();
    let id = office.session(&out).unwrap().session.unwrap();
    office.call(&office.admin(), "people.session.sign-out", json!({ "session": id })).unwrap();
    assert!(office.session(&out).is_none());
}

#[test]
fn a_use_is_written_down_at_most_once_a_minute() {
    let office = Office::new();
    let token = office.sign_in("ada", PASSWORD).unwrap()["token"].as_str().unwrap().to_owned();
    assert!(!office.session(&token).unwrap().stale);
    office.world.clock.advance(MINUTE);
    assert!(office.session(&token).unwrap().stale);
}

#[test]
fn signing_out_everywhere_can_keep_the_session_one_is_in() {
    let office = Office::new();
    let tokens: Vec<String> =
        (0..3).map(|_| office.sign_in("ada", PASSWORD).unwrap()["token"].as_str().unwrap().to_owned()).collect();
    let keep = office.session(&tokens[1]).unwrap().session;
    let ended = office.call(&office.admin(), "people.session.sign-out-everywhere", json!({ "keep": keep })).unwrap();
    assert_eq!(ended["sessions"], 2);
    let alive: Vec<bool> = tokens.iter().map(|token| office.session(token).is_some()).collect();
    assert_eq!(alive, [false, true, false]);
}

#[test]
fn nobody_reaches_the_sessions_of_somebody_else_without_the_grant() {
    let office = Office::new();
    let sam = office.user("sam");
    let token = office.sign_in("ada", PASSWORD).unwrap()["token"].as_str().unwrap().to_owned();
    let session = office.session(&token).unwrap().session.unwrap();
    let actor = office.actor(sam);
    assert_eq!(
        office.call(&actor, "people.session.sign-out", json!({ "session": session })).unwrap_err().kind,
        ErrorKind::NotFound
    );
    let prove = json!({ "session": session, "password": PASSWORD });
    assert_eq!(office.call(&actor, "people.session.prove", prove).unwrap_err().kind, ErrorKind::NotFound);
    for operation in ["people.session.list", "people.session.sign-out-everywhere", "people.token.list"] {
        let error = office.call(&actor, operation, json!({ "user": office.admin })).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Denied, "{operation}");
    }
    assert!(office.session(&token).is_some());
}

#[test]
fn a_proof_is_renewed_with_the_password_only() {
    let office = Office::new();
    let token = office.sign_in("ada", PASSWORD).unwrap()["token"].as_str().unwrap().to_owned();
    let session = office.session(&token).unwrap().session.unwrap();
    office.world.clock.advance(HOUR);
    let prove = |password: &str| {
        office.call(&office.admin(), "people.session.prove", json!({ "session": session, "password": password }))
    };
    assert_eq!(prove("wrong").unwrap_err().field.as_deref(), Some("password"));
    assert_ne!(office.session(&token).unwrap().actor.proof, Proof::At(office.world.kernel.now()));
    prove(PASSWORD).unwrap();
    assert_eq!(office.session(&token).unwrap().actor.proof, Proof::At(office.world.kernel.now()));
}

#[test]
fn a_new_password_needs_the_current_one_and_ends_the_other_sessions() {
    let office = Office::new();
    let token = office.sign_in("ada", PASSWORD).unwrap()["token"].as_str().unwrap().to_owned();
    let change = |current: &str| {
        let input = json!({ "new_password": "another horse battery", "current_password": current });
        office.call(&office.admin(), "people.me.update", input)
    };
    assert_eq!(change("wrong").unwrap_err().field.as_deref(), Some("current_password"));
    assert!(office.session(&token).is_some());
    change(PASSWORD).unwrap();
    assert!(office.session(&token).is_none());
    assert!(office.sign_in("ada", PASSWORD).is_err());
    office.sign_in("ada", "another horse battery").unwrap();
}

#[test]
fn what_is_long_over_is_forgotten() {
    let office = Office::new();
    office.sign_in("ada", PASSWORD).unwrap();
    assert!(office.sign_in("ada", "wrong").is_err());
    office.world.pass(40 * DAY).unwrap();
    let count = |sql: &'static str| office.world.kernel.db.read(|tx| tx.one(sql, &[])?.int(0)).unwrap();
    assert_eq!(count("SELECT COUNT(*) FROM people_sessions"), 0);
    assert_eq!(count("SELECT COUNT(*) FROM people_attempts"), 0);
}

#[test]
fn signing_in_from_inside_another_change_is_refused_and_does_not_hang() {
    let office = Office::new();
    let input = json!({ "login": "ada", "password": PASSWORD });
    let done = office
        .world
        .kernel
        .write_as(office.admin(), "test.nested", move |cx| cx.call_named("people.session.sign-in", input.clone()));
    assert_eq!(done.unwrap_err().kind, ErrorKind::Internal);
    office.sign_in("ada", PASSWORD).unwrap();
}
