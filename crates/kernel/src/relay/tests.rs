//! Which failures of a reaction count, and for which event.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::approvals::ApprovalDecided;
use crate::cx::Cx;
use crate::error::{Error, Result};
use crate::event::{Event, Reaction, StoredEvent};
use crate::limits;
use crate::permission::Actor;
use crate::registry::Domain;
use crate::time::HOUR;
use crate::world::World;

fn world(run: fn(&mut Cx, &StoredEvent) -> Result<()>) -> World {
    let reaction = Reaction { name: "tests.reaction", events: &[ApprovalDecided::NAME], grants: &[], run };
    World::new(vec![Domain { name: "tests", reactions: vec![reaction], ..Domain::default() }]).unwrap()
}

/// Tells of `events` approvals at once and passes hours enough for every retry.
fn tell(world: &World, events: i64) {
    let emit = move |cx: &mut Cx| {
        (1..=events).try_for_each(|approval| cx.emit(&ApprovalDecided { approval, ..ApprovalDecided::sample() }))
    };
    world.kernel.write_as(Actor::os("boss"), "tests.tell", emit).unwrap();
    for _ in 0..30 {
        world.pass(HOUR).unwrap();
    }
}

fn dead_letters(world: &World) -> i64 {
    world.kernel.db.read(|tx| tx.one("SELECT COUNT(*) FROM kernel_dead_letters", &[])?.int(0)).unwrap()
}

fn nth(counter: &AtomicI64) -> i64 {
    counter.fetch_add(1, Ordering::SeqCst) + 1
}

#[test]
fn failures_of_one_event_are_not_counted_for_the_next() {
    static FIRST: AtomicI64 = AtomicI64::new(0);
    static SECOND: AtomicI64 = AtomicI64::new(0);
    fn run(_: &mut Cx, event: &StoredEvent) -> Result<()> {
        let (counter, failing) = match event.payload.get("approval").and_then(serde_json::Value::as_i64) {
            Some(1) => (&FIRST, limits::REACTION_TRIES - 1),
            _ => (&SECOND, 1),
        };
        if nth(counter) <= failing { Err(Error::internal("on-purpose", "a fault of the reaction")) } else { Ok(()) }
    }
    let world = world(run);
    tell(&world, 2);
    assert_eq!(dead_letters(&world), 0);
    assert_eq!((FIRST.load(Ordering::SeqCst), SECOND.load(Ordering::SeqCst)), (limits::REACTION_TRIES, 2));
}

#[test]
fn what_the_database_could_not_take_at_a_moment_never_buries_an_event() {
    static TRIES: AtomicI64 = AtomicI64::new(0);
    fn run(_: &mut Cx, _: &StoredEvent) -> Result<()> {
        if nth(&TRIES) <= 20 { Err(Error::unavailable("The queue is full.").passing()) } else { Ok(()) }
    }
    let world = world(run);
    tell(&world, 1);
    assert_eq!(dead_letters(&world), 0);
    assert_eq!(TRIES.load(Ordering::SeqCst), 21);
}

#[test]
fn what_is_unavailable_by_the_word_of_the_reaction_itself_is_given_up() {
    fn run(_: &mut Cx, _: &StoredEvent) -> Result<()> {
        Err(Error::unavailable("The other side is away."))
    }
    let world = world(run);
    tell(&world, 1);
    assert_eq!(dead_letters(&world), 1);
}
