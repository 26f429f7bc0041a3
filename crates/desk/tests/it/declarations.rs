//! What holds for every declaration of the desk.

use std::path::Path;

use kernel::Actor;
use kernel::world::{check_schema, schema_text, try_every_operation};
use serde_json::json;

use crate::town::Town;

#[test]
fn the_schema_page_shows_the_tables_as_they_are() {
    let domains = vec![people::domain().kernel, assets::domain().kernel, desk::domain().kernel];
    let text = schema_text(domains, "desk").unwrap();
    check_schema(&Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.sql"), &text).unwrap();
}

#[test]
fn every_operation_refuses_nobody_and_strangers() {
    let town = Town::new();
    let wrong = try_every_operation(&town.world);
    let ours: Vec<&String> = wrong.iter().filter(|line| line.contains("desk.")).collect();
    assert_eq!(ours, [] as [&String; 0]);
}

#[test]
fn every_event_has_a_sample_that_every_reaction_takes() {
    let town = Town::new();
    let registry = town.world.kernel.registry();
    for entry in
        registry.domains().iter().filter(|one| one.name == "desk" || one.name == "teller").flat_map(|one| &one.events)
    {
        let sample = (entry.sample)().unwrap();
        assert!(!sample.title.is_empty() && !sample.subjects.is_empty(), "{}", entry.name);
        for reaction in registry.reactions().filter(|one| one.events.contains(&entry.name)) {
            let (run, event) = (reaction.run, sample.clone());
            let service = Actor::service(reaction.name, reaction.grants);
            town.world.kernel.write_as(service, reaction.name, move |cx| run(cx, &event)).unwrap();
        }
    }
}

#[test]
fn an_assignment_and_a_link_can_be_taken_back() {
    let town = Town::new();
    let id = town.open(&town.admin, json!({ "summary": "Printer", "team": town.desk }));
    let other = town.open(&town.admin, json!({ "summary": "Other", "team": town.desk }));
    for (operation, input) in [
        ("desk.ticket.assign", json!({ "id": id, "me": true })),
        ("desk.ticket.link", json!({ "id": id, "to": format!("ticket:{other}") })),
        ("desk.ticket.resolve", json!({ "id": id, "how": "By mistake" })),
    ] {
        let before = town.show(&town.sam, id);
        let audit = town.world.answer(&town.sam, operation, input).unwrap().audit;
        town.done(&town.sam, "kernel.audit.undo", json!({ "id": audit }));
        let after = town.show(&town.sam, id);
        for field in ["status", "owner", "team", "links", "resolved_at"] {
            assert_eq!(after[field], before[field], "{operation} {field}");
        }
    }
}

#[test]
fn a_dry_run_shows_the_difference_and_keeps_nothing() {
    let town = Town::new();
    let id = town.open(&town.admin, json!({ "summary": "Printer", "team": town.desk }));
    let input = json!({ "id": id, "priority": "urgent" });
    let call = kernel::Call {
        dry_run: true,
        ..kernel::Call::new(town.sam.clone().into(), "desk.ticket.update", input, kernel::Via::Page)
    };
    let answer = town.world.kernel.dispatch(call).unwrap();
    assert_eq!(answer.changes.len(), 1);
    assert_eq!((answer.changes[0].field.as_str(), &answer.changes[0].new), ("priority", &json!("urgent")));
    assert_eq!(town.show(&town.sam, id)["priority"], "normal");
}
