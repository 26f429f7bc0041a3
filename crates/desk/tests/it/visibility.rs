//! Who sees which ticket, and who reads the notes.

use kernel::{Actor, ErrorKind, Scope};
use serde_json::json;

use crate::town::{Town, actor};

/// Tickets in every position to an actor, in the order: desk's, network's, Rita's own, owned by Exa, followed by Omar.
fn spread(town: &Town) -> [i64; 5] {
    let desk = town.open(&town.admin, json!({ "summary": "At the desk", "team": town.desk }));
    let network =
        town.open(&town.admin, json!({ "summary": "At the network", "team": town.network, "place": town.office }));
    let ritas = town.open(&town.rita, json!({ "summary": "Rita's" }));
    let exas = town.open(&town.admin, json!({ "summary": "For outside", "team": town.network }));
    town.done(&town.admin, "desk.ticket.assign", json!({ "id": exas, "owner": town.exa.user() }));
    let omars = town
        .open(&town.admin, json!({ "summary": "Followed", "team": town.network, "participants": [town.omar.user()] }));
    [desk, network, ritas, exas, omars]
}

#[test]
fn each_role_sees_its_own_part_in_list_show_count_search_and_links() {
    let town = Town::new();
    let all = spread(&town);
    let [desk, network, ritas, exas, omars] = all;
    let here = actor(90, "Pat Place", "technician", &Scope::Places(vec![town.office]), &[]);
    let auditor = actor(91, "Aud Itor", "auditor", &Scope::Everything, &[]);
    let cases: &[(&Actor, Vec<i64>)] = &[
        (&town.admin, all.to_vec()),
        (&auditor, all.to_vec()),
        (&town.sam, vec![desk, ritas]),
        (&town.nia, vec![network, exas, omars]),
        (&town.rita, vec![ritas]),
        (&town.omar, vec![omars]),
        (&town.exa, vec![exas]),
        (&here, vec![network]),
    ];
    for (who, expected) in cases {
        let mut seen = town.list(who, "");
        seen.sort_unstable();
        assert_eq!(&seen, expected, "{} lists", who.name);
        let counts = town.done(who, "desk.ticket.count", json!({}));
        assert_eq!(counts["items"][3]["count"], expected.len(), "{} counts", who.name);
        for id in all {
            let shown = town.call(who, "desk.ticket.show", json!({ "id": id }));
            assert_eq!(shown.is_ok(), expected.contains(&id), "{} shows {id}", who.name);
            let kind = shown.err().map(|error| error.kind);
            assert!(matches!(kind, None | Some(ErrorKind::NotFound)), "{kind:?}");
            let resolved = town.world.kernel.read_as(who, |cx| cx.resolve(&[desk::ticket::subject(id)])).unwrap();
            assert_eq!(resolved.len() == 1, expected.contains(&id), "{} resolves {id}", who.name);
        }
    }
    assert_eq!(town.list(&town.nia, "followed"), [omars]);
    assert_eq!(town.list(&town.sam, "followed"), [] as [i64; 0]);
}

#[test]
fn notes_are_read_by_those_who_work_on_it_and_by_no_requester() {
    let town = Town::new();
    let id = town.open(&town.rita, json!({ "summary": "Salary list is public" }));
    town.done(&town.sam, "desk.ticket.note", json!({ "id": id, "text": "secret suspicion" }));
    town.done(&town.sam, "desk.ticket.reply", json!({ "id": id, "text": "We look into it" }));
    for (who, sees) in [(&town.sam, true), (&town.admin, true), (&town.rita, false)] {
        let shown = town.show(who, id);
        assert_eq!(shown.to_string().contains("secret suspicion"), sees, "{}", who.name);
        assert!(shown.to_string().contains("We look into it"));
    }
    assert_eq!(town.list(&town.rita, "suspicion"), [] as [i64; 0]);
    let refused = town.call(&town.rita, "desk.ticket.note", json!({ "id": id, "text": "x" })).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Denied);
}

#[test]
fn a_technician_of_another_team_gets_not_found_for_every_change() {
    let town = Town::new();
    let id = town.open(&town.rita, json!({ "summary": "Mine" }));
    let inputs = [
        ("reply", json!({ "id": id, "text": "x" })),
        ("note", json!({ "id": id, "text": "x" })),
        ("assign", json!({ "id": id, "me": true })),
        ("update", json!({ "id": id, "priority": "low" })),
        ("resolve", json!({ "id": id, "how": "x" })),
        ("reopen", json!({ "id": id })),
        ("wait", json!({ "id": id, "reason": "x", "until": "2026-03-20T00:00:00Z" })),
        ("link", json!({ "id": id, "to": "ticket:1" })),
        ("unlink", json!({ "id": id, "to": "ticket:1" })),
    ];
    for (verb, input) in inputs {
        let error = town.call(&town.nia, &format!("desk.ticket.{verb}"), input).unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound, "{verb}");
    }
}

#[test]
fn whoever_asks_does_not_choose_for_the_desk() {
    let town = Town::new();
    for (field, value) in [
        ("priority", json!("urgent")),
        ("team", json!(town.network)),
        ("place", json!(town.office)),
        ("requester", json!(town.omar.user())),
        ("participants", json!([town.omar.user()])),
        ("external_key", json!("x")),
        ("kind", json!("task")),
        ("source", json!("alert")),
    ] {
        let error = town.call(&town.rita, "desk.ticket.open", json!({ "summary": "x", field: value })).unwrap_err();
        assert_eq!(error.field.as_deref(), Some(field));
    }
    assert!(
        town.call(&town.rita, "desk.ticket.open", json!({ "summary": "x", "requester": town.rita.user() })).is_ok()
    );
}

#[test]
fn a_view_is_its_owners_until_it_is_shared() {
    let town = Town::new();
    let saved = town.done(&town.sam, "desk.view.save", json!({ "name": "Printers", "filter": "is:open printer" }));
    let id = saved["id"].clone();
    assert_eq!(town.done(&town.nia, "desk.view.list", json!({}))["items"], json!([]));
    let hidden = town.call(&town.nia, "desk.ticket.list", json!({ "view": id.to_string() })).unwrap_err();
    assert_eq!(hidden.kind, ErrorKind::NotFound);
    town.done(
        &town.sam,
        "desk.view.save",
        json!({ "id": id, "name": "Printers", "filter": "is:open printer", "shared": true }),
    );
    assert_eq!(town.done(&town.nia, "desk.view.list", json!({}))["items"][0]["name"], "Printers");
    let refused = town.call(&town.nia, "desk.view.remove", json!({ "id": id })).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    town.done(&town.sam, "desk.view.remove", json!({ "id": id }));
    assert_eq!(town.done(&town.sam, "desk.view.list", json!({}))["items"], json!([]));
}
