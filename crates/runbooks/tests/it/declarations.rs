//! What holds for every declaration of this crate.

use std::path::Path;

use kernel::world::{check_schema, schema_text, try_every_operation};

#[test]
fn the_schema_page_shows_the_tables_as_they_are() {
    let text =
        schema_text(vec![people::domain().kernel, assets::domain().kernel, runbooks::domain().kernel], "runbooks")
            .unwrap();
    check_schema(&Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.sql"), &text).unwrap();
}

#[test]
fn every_operation_refuses_nobody_strangers_and_who_does_not_confirm() {
    let world = crate::town::Town::new().world;
    let wrong = try_every_operation(&world);
    let ours: Vec<&String> = wrong.iter().filter(|line| line.contains("runbooks.")).collect();
    assert_eq!(ours, [] as [&String; 0]);
}

#[test]
fn every_event_has_a_sample_with_a_title_and_a_subject() {
    let world = crate::town::Town::new().world;
    let mut seen = 0;
    for entry in
        world.kernel.registry().domains().iter().filter(|one| one.name == "runbooks").flat_map(|one| &one.events)
    {
        let sample = (entry.sample)().unwrap();
        assert!(!sample.title.is_empty() && !sample.subjects.is_empty(), "{}", entry.name);
        seen += 1;
    }
    assert!(seen > 5, "{seen} events");
}
