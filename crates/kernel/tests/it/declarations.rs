//! What holds for every declaration of the kernel.

use std::path::Path;

use kernel::world::{World, check_schema, schema_text, try_every_operation};
use kernel::*;

use crate::notes;

#[test]
fn every_operation_refuses_nobody_strangers_and_the_unconfirmed() {
    let world = World::new(vec![notes::domain()]).unwrap();
    assert_eq!(try_every_operation(&world), [] as [String; 0]);
}

#[test]
fn the_schema_page_shows_the_tables_as_they_are() {
    let text = schema_text(Vec::new(), "kernel").unwrap();
    check_schema(&Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.sql"), &text).unwrap();
}

#[test]
fn every_event_has_a_sample_that_every_reaction_takes() {
    let world = World::new(vec![notes::domain()]).unwrap();
    let registry = world.kernel.registry();
    for entry in registry.domains().iter().flat_map(|domain| &domain.events) {
        let sample = (entry.sample)().unwrap();
        assert!(!sample.title.is_empty() && !sample.subjects.is_empty(), "{}", entry.name);
        for reaction in registry.reactions().filter(|one| one.events.contains(&entry.name)) {
            let (run, event) = (reaction.run, sample.clone());
            world
                .kernel
                .write_as(Actor::service(reaction.name, reaction.grants), reaction.name, move |cx| run(cx, &event))
                .unwrap();
        }
    }
}

#[test]
fn every_operation_says_what_it_does_and_has_a_schema_without_references() {
    let world = World::new(Vec::new()).unwrap();
    for entry in world.kernel.registry().operations() {
        assert!(!entry.summary().is_empty(), "{}", entry.name);
        for schema in [entry.input_schema(), entry.output_schema()] {
            assert!(!schema.to_string().contains("$ref"), "{}", entry.name);
        }
    }
}
