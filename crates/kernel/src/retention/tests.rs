//! Clean-up at size: what it reads, what it leaves, how much it does at once.

use super::*;
use crate::approvals::ApprovalDecided;
use crate::audit;
use crate::cx::Cx;
use crate::event::{Event as _, Reaction};
use crate::limits;
use crate::permission::Actor;
use crate::reference::Ref;
use crate::registry::Domain;
use crate::time::HOUR;
use crate::world::World;

const FAR: Time = Time(i64::MAX);

fn world() -> World {
    let reaction =
        Reaction { name: "tests.reaction", events: &[ApprovalDecided::NAME], grants: &[], run: |_, _| Ok(()) };
    World::new(vec![Domain { name: "tests", reactions: vec![reaction], ..Domain::default() }]).unwrap()
}

fn tell(world: &World, events: i64) {
    let emit = move |cx: &mut Cx| {
        (1..=events).try_for_each(|approval| cx.emit(&ApprovalDecided { approval, ..ApprovalDecided::sample() }))
    };
    world.kernel.write_as(Actor::os("boss"), "tests.tell", emit).unwrap();
}

fn step(world: &World, step: fn(&mut Tx<'_>, Time) -> Result<u64>) -> u64 {
    world.kernel.db.write("tests.clean", Priority::Background, move |tx| step(tx, FAR)).unwrap()
}

fn count(world: &World, sql: &'static str) -> i64 {
    world.kernel.db.read(|tx| tx.one(sql, &[])?.int(0)).unwrap()
}

fn run(world: &World, sql: &'static str) -> u64 {
    world.kernel.db.write("tests.run", Priority::Background, move |tx| tx.execute(sql, &[])).unwrap()
}

#[test]
fn no_step_looks_through_a_whole_table_or_sorts_one() {
    let world = world();
    for sql in store::OF_LARGE_TABLES {
        let Some(plan) = world.plan(sql).unwrap() else { return };
        // The walk over events stops at its limit.
        assert!(
            !plan.is_empty() && plan.iter().all(|step| step.starts_with("SEARCH ") || step == "SCAN kernel_events"),
            "{plan:?}"
        );
    }
}

#[test]
fn old_events_go_in_steps_with_all_that_names_them() {
    let world = world();
    for _ in 0..3 {
        tell(&world, 200);
    }
    world.settle().unwrap();
    assert_eq!(step(&world, store::events), limits::CLEAN_EVENTS as u64);
    assert_eq!(count(&world, "SELECT COUNT(*) FROM kernel_event_subjects"), 2 * (600 - limits::CLEAN_EVENTS));
    assert_eq!(step(&world, store::events), 200);
    assert_eq!(step(&world, store::events), 0);
    assert_eq!(count(&world, "SELECT COUNT(*) FROM kernel_event_subjects"), 0);
}

#[test]
fn an_event_stays_while_a_subscriber_has_not_read_it_whatever_its_number() {
    let world = world();
    tell(&world, 2);
    world.settle().unwrap();
    // As on PostgreSQL, where what was written first may be numbered second.
    run(&world, "UPDATE kernel_events SET position = 3 - position");
    run(&world, "UPDATE kernel_subscriptions SET position = 1 WHERE name = 'tests.reaction'");
    while step(&world, store::events) > 0 {}
    assert_eq!(count(&world, "SELECT COUNT(*) FROM kernel_events WHERE position = 2"), 1);
    world.settle().unwrap();
    while step(&world, store::events) > 0 {}
    assert_eq!(count(&world, "SELECT COUNT(*) FROM kernel_events"), 0);
}

#[test]
fn audit_goes_in_steps_and_verifies_after_each() {
    let world = world();
    let change = |cx: &mut Cx| (1..1_500).try_for_each(|id| cx.changed(&Ref::new("tests", id), "field", 0, id));
    world.kernel.write_as(Actor::os("boss"), "tests.change", change).unwrap();
    world.pass(HOUR).unwrap();
    tell(&world, 1);
    world.pass(HOUR).unwrap();
    let mut steps = 0;
    while step(&world, store::audit) > 0 {
        steps += 1;
        let verified = world.kernel.db.read(|tx| audit::seal::verify(tx, 0)).unwrap();
        assert!(verified.ok, "after step {steps}: {:?}", verified.problems);
        if steps == 1 {
            assert_eq!(count(&world, "SELECT COUNT(*) FROM kernel_audit_subjects"), 1_498 - limits::CLEAN_ROWS);
        }
    }
    assert!(steps > 2, "{steps}");
    assert_eq!(count(&world, "SELECT COUNT(*) FROM kernel_audit_subjects"), 0);
}

#[test]
fn approvals_go_with_the_audit_except_those_that_wait() {
    let world = world();
    let ask = |cx: &mut Cx| {
        let new = |id: i64, expires_at| crate::NewApproval {
            subject: Ref::new("tests", id),
            title: "Do it".into(),
            detail: String::new(),
            plan_hash: "p".into(),
            requires: String::new(),
            team: None,
            requested_by: None,
            expires_at,
        };
        cx.request_approval(&new(1, None))?;
        cx.request_approval(&new(2, Some(FAR)))
    };
    world.kernel.write_as(Actor::os("boss"), "tests.ask", ask).unwrap();
    world.pass(2 * DAY).unwrap();
    assert_eq!(count(&world, "SELECT COUNT(*) FROM kernel_approvals WHERE state = 'pending'"), 1);
    world.pass(2_600 * DAY).unwrap();
    assert_eq!(count(&world, "SELECT COUNT(*) FROM kernel_approvals"), 1);
    assert_eq!(count(&world, "SELECT COUNT(*) FROM kernel_approvals WHERE state = 'pending'"), 1);
}
