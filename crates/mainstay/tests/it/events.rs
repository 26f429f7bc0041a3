//! Events: every sample reaches every subscriber that takes it, and names what it is about.

use kernel::{Actor, ErrorKind};

use crate::house::House;

#[test]
fn every_event_has_a_plain_title_and_a_subject() {
    let house = House::new();
    for event in house.world.kernel.registry().domains().iter().flat_map(|domain| &domain.events) {
        let sample = (event.sample)().unwrap();
        assert!(!sample.subjects.is_empty(), "{} names nothing", event.name);
        assert!(sample.title.len() > 5 && !sample.title.contains("{"), "{}: {}", event.name, sample.title);
        let parts = event.name.split('.').count();
        assert!(parts == 3, "{} is not domain.noun.happened", event.name);
    }
}

#[test]
fn names_of_operations_join_the_words_of_a_verb_with_dashes_as_commands_do() {
    let house = House::new();
    for domain in house.world.kernel.registry().domains() {
        for name in domain.operations.iter().map(|entry| entry.name) {
            let verb = name.split('.').nth(2).unwrap();
            assert!(verb.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{name}");
        }
    }
}

#[test]
fn every_subscriber_reads_the_sample_of_every_event_it_takes() {
    let house = House::new();
    let registry = house.world.kernel.registry();
    for reaction in registry.reactions() {
        for name in reaction.events.iter().filter(|name| **name != "*") {
            let event = registry.domains().iter().flat_map(|domain| &domain.events).find(|event| event.name == *name);
            let event = event.unwrap_or_else(|| panic!("{} takes {name}, which nobody sends", reaction.name));
            let sample = (event.sample)().unwrap();
            let actor = Actor::service(reaction.name, reaction.grants);
            let run = reaction.run;
            let done = house.world.kernel.write_as(actor, "test.reaction", move |cx| run(cx, &sample));
            // The sample's things do not exist here: not found is fine, a payload that cannot be read is not.
            if let Err(error) = done {
                assert_ne!(error.kind, ErrorKind::Internal, "{} on {name}: {error} {:?}", reaction.name, error.cause);
            }
        }
    }
}
