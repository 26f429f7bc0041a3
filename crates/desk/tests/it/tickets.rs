//! The life of a ticket.

use kernel::time::DAY;
use kernel::{Change, ErrorKind};
use serde_json::json;

use crate::town::Town;

#[test]
fn a_ticket_lives_from_opening_to_closing_and_every_step_is_told() {
    let town = Town::new();
    let id = town.open(&town.rita, json!({ "summary": "VPN drops", "detail": "Since Monday", "source": "portal" }));
    let shown = town.show(&town.sam, id);
    assert_eq!(shown["status"], "new");
    assert_eq!(shown["team"]["name"], "Service desk");
    assert_eq!(shown["requester"]["name"], "Rita Asks");

    assert_eq!(town.done(&town.sam, "desk.ticket.assign", json!({ "id": id, "me": true }))["status"], "in_progress");
    town.done(&town.sam, "desk.ticket.note", json!({ "id": id, "text": "It is the old client" }));
    town.done(&town.sam, "desk.ticket.reply", json!({ "id": id, "text": "Please update the client" }));
    assert_eq!(
        town.done(&town.sam, "desk.ticket.resolve", json!({ "id": id, "how": "Updated the client" }))["status"],
        "resolved"
    );

    assert_eq!(
        town.done(&town.rita, "desk.ticket.reply", json!({ "id": id, "text": "It drops again" }))["status"],
        "in_progress"
    );
    town.done(&town.sam, "desk.ticket.resolve", json!({ "id": id, "how": "Replaced the token" }));
    assert_eq!(town.done(&town.rita, "desk.ticket.reopen", json!({ "id": id, "why": "No" }))["status"], "in_progress");
    town.done(&town.sam, "desk.ticket.resolve", json!({ "id": id, "how": "Really done" }));
    town.world.pass(8 * DAY).unwrap();
    assert_eq!(town.show(&town.rita, id)["status"], "closed");
    let refused = town.call(&town.rita, "desk.ticket.reply", json!({ "id": id, "text": "Hello?" })).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);

    let told = town.world.kernel.read_as(&town.admin, |cx| cx.timeline(&desk::ticket::subject(id), None, 50)).unwrap();
    let names: Vec<&str> = told.iter().rev().map(|event| event.name.strip_prefix("desk.ticket.").unwrap()).collect();
    assert_eq!(
        names,
        ["opened", "assigned", "noted", "replied", "resolved", "replied", "resolved", "reopened", "resolved", "closed"]
    );
}

#[test]
fn waiting_needs_a_reason_and_a_date_and_ends_on_it() {
    let town = Town::new();
    let id = town.open(&town.sam, json!({ "summary": "New screen", "team": town.desk }));
    let now = town.world.kernel.now();
    let wait = |reason: &str, until: kernel::Time| {
        town.call(&town.sam, "desk.ticket.wait", json!({ "id": id, "reason": reason, "until": until }))
    };
    assert_eq!(wait("", now.plus(DAY)).unwrap_err().field.as_deref(), Some("reason"));
    assert_eq!(wait("Ordered", now).unwrap_err().field.as_deref(), Some("until"));
    wait("Ordered", now.plus(DAY)).unwrap();
    wait("Delayed", now.plus(3 * DAY)).unwrap();
    town.world.pass(2 * DAY).unwrap();
    assert_eq!(town.show(&town.sam, id)["wait_reason"], "Delayed", "the first date no longer counts");
    town.world.pass(DAY).unwrap();
    let shown = town.show(&town.sam, id);
    assert_eq!((shown["status"].as_str(), shown["wait_reason"].as_str()), (Some("new"), None));
}

#[test]
fn a_ticket_that_an_undo_lets_wait_again_comes_back_on_its_date_or_at_once_when_it_is_over() {
    let town = Town::new();
    let wait = |id: i64, days: i64| {
        let until = town.world.kernel.now().plus(days * DAY);
        let input = json!({ "id": id, "reason": format!("{days} days"), "until": until });
        town.world.answer(&town.sam, "desk.ticket.wait", input).unwrap().audit
    };
    let undo = |audit: Option<i64>| town.done(&town.sam, "kernel.audit.undo", json!({ "id": audit }));
    let status = |id: i64| town.show(&town.sam, id)["status"].as_str().unwrap().to_owned();
    let open = || town.open(&town.sam, json!({ "summary": "New screen", "team": town.desk }));

    let (resolved, longer, later) = (open(), open(), open());
    wait(resolved, 1);
    let done = json!({ "id": resolved, "how": "It came" });
    let done = town.world.answer(&town.sam, "desk.ticket.resolve", done).unwrap().audit;
    wait(longer, 1);
    let delayed = wait(longer, 9);
    wait(later, 4);
    let taken = json!({ "id": later, "status": "in_progress" });
    let taken = town.world.answer(&town.sam, "desk.ticket.update", taken).unwrap().audit;

    town.world.pass(2 * DAY).unwrap();
    for audit in [done, delayed, taken] {
        undo(audit);
    }
    assert_eq!([status(resolved), status(later)], ["waiting", "waiting"]);
    town.world.settle().unwrap();
    assert_eq!([status(resolved), status(longer), status(later)], ["new", "new", "waiting"]);
    town.world.pass(2 * DAY).unwrap();
    assert_eq!(status(later), "new");
}

#[test]
fn a_change_against_an_older_version_is_a_conflict_that_names_who_changed_what() {
    let town = Town::new();
    let id = town.open(&town.admin, json!({ "summary": "Printer", "team": town.desk }));
    let version = town.show(&town.sam, id)["version"].as_i64().unwrap();
    town.done(&town.admin, "desk.ticket.update", json!({ "id": id, "priority": "high", "expected_version": version }));
    for (operation, input) in [
        ("desk.ticket.update", json!({ "id": id, "priority": "low", "expected_version": version })),
        ("desk.ticket.assign", json!({ "id": id, "me": true, "expected_version": version })),
        ("desk.ticket.resolve", json!({ "id": id, "how": "Done", "expected_version": version })),
        ("desk.ticket.reply", json!({ "id": id, "text": "Hi", "expected_version": version })),
    ] {
        let error = town.call(&town.sam, operation, input).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict, "{operation}");
        assert!(error.message.contains("Ada Admin changed priority"), "{operation}: {}", error.message);
    }
    assert_eq!(town.show(&town.sam, id)["priority"], "high");
}

#[test]
fn an_undo_of_what_somebody_changed_since_is_a_conflict_that_names_them_and_changes_nothing() {
    let town = Town::new();
    let id = town.open(&town.admin, json!({ "summary": "Printer", "team": town.desk }));
    let update = |who, input| town.world.answer(who, "desk.ticket.update", input).unwrap().audit;
    let mine = update(&town.sam, json!({ "id": id, "summary": "Printer on floor 2", "priority": "high" }));
    let theirs = update(&town.admin, json!({ "id": id, "priority": "urgent" }));
    let error = town.call(&town.sam, "kernel.audit.undo", json!({ "id": mine })).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.message.starts_with("Ada Admin changed priority of ticket:"), "{}", error.message);
    assert!(error.message.contains("by hand"), "{}", error.message);
    let shown = town.show(&town.sam, id);
    assert_eq!(
        (shown["summary"].as_str(), shown["priority"].as_str()),
        (Some("Printer on floor 2"), Some("urgent")),
        "nothing of it is put back"
    );
    town.done(&town.admin, "kernel.audit.undo", json!({ "id": theirs }));
    assert_eq!(town.show(&town.sam, id)["priority"], "high");
}

#[test]
fn an_undo_of_what_never_was_something_else_is_a_conflict_that_names_the_field() {
    let town = Town::new();
    let answer =
        town.world.answer(&town.sam, "desk.ticket.open", json!({ "summary": "Printer", "team": town.desk })).unwrap();
    let error = town.call(&town.sam, "kernel.audit.undo", json!({ "id": answer.audit })).unwrap_err();
    assert_eq!((error.kind, error.cause.as_deref()), (ErrorKind::Conflict, None), "{error}");
    assert!(error.message.contains("had no value before, so it cannot be put back"), "{}", error.message);
}

#[test]
fn handing_over_takes_the_owner_away_and_absent_differs_from_null() {
    let town = Town::new();
    let id = town.open(&town.admin, json!({ "summary": "Switch", "team": town.desk, "place": town.office }));
    town.done(&town.admin, "desk.ticket.assign", json!({ "id": id, "owner": town.sam.user() }));
    let moved = town.done(&town.admin, "desk.ticket.assign", json!({ "id": id, "team": town.network }));
    assert_eq!((moved["owner"].as_i64(), moved["status"].as_str()), (None, Some("new")));
    town.done(&town.admin, "desk.ticket.update", json!({ "id": id, "summary": "Switch 2" }));
    assert_eq!(town.show(&town.admin, id)["place"]["name"], "Head office");
    town.done(&town.admin, "desk.ticket.update", json!({ "id": id, "place": null }));
    assert!(town.show(&town.admin, id)["place"].is_null());
    assert_eq!(Change::<i64>::default(), Change::Keep);
}

#[test]
fn the_same_external_key_opens_one_ticket() {
    let town = Town::new();
    let input = json!({ "summary": "From a program", "external_key": "erp-17" });
    let first = town.open(&town.admin, input.clone());
    assert_eq!(town.open(&town.admin, input), first);
    assert_eq!(town.list(&town.admin, ""), [first]);
}

#[test]
fn what_nobody_has_taken_needs_somebody_until_it_is_taken_or_done() {
    let town = Town::new();
    let needs = || {
        let all = town.world.kernel.read_as(&town.sam, |cx| cx.attention(50)).unwrap();
        all.into_iter().map(|need| (need.subject.id, need.word)).collect::<Vec<_>>()
    };
    let calm = town.open(&town.admin, json!({ "summary": "A chair", "team": town.desk }));
    assert_eq!(needs(), []);
    let hot = town.open(&town.admin, json!({ "summary": "Mail is down", "kind": "incident", "team": town.desk }));
    town.done(&town.admin, "desk.ticket.update", json!({ "id": calm, "priority": "urgent" }));
    assert_eq!(needs().len(), 2);
    town.done(&town.sam, "desk.ticket.assign", json!({ "id": hot, "me": true }));
    assert_eq!(needs(), [(calm, "Unassigned".to_owned())]);
    town.done(&town.sam, "desk.ticket.assign", json!({ "id": hot, "owner": null }));
    assert_eq!(needs().len(), 2);
    for id in [hot, calm] {
        town.done(&town.sam, "desk.ticket.resolve", json!({ "id": id, "how": "Done" }));
    }
    assert_eq!(needs(), []);
}

#[test]
fn tickets_point_at_each_other_and_no_longer() {
    let town = Town::new();
    let one = town.open(&town.sam, json!({ "summary": "One", "team": town.desk }));
    let two = town.open(&town.sam, json!({ "summary": "Two", "team": town.desk }));
    let link = json!({ "id": one, "to": format!("ticket:{two}"), "kind": "duplicate" });
    town.done(&town.sam, "desk.ticket.link", link.clone());
    town.done(&town.sam, "desk.ticket.link", link.clone());
    let links = town.show(&town.sam, one)["links"].clone();
    assert_eq!(links[0]["title"], "Two");
    assert_eq!(links.as_array().unwrap().len(), 1);
    town.done(&town.sam, "desk.ticket.unlink", link.clone());
    assert_eq!(town.call(&town.sam, "desk.ticket.unlink", link).unwrap_err().kind, ErrorKind::NotFound);
    let to_self = town.call(&town.sam, "desk.ticket.link", json!({ "id": one, "to": format!("ticket:{one}") }));
    assert_eq!(to_self.unwrap_err().field.as_deref(), Some("to"));
}
