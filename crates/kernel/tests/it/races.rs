//! Two hands at the same thing at the same time, on whichever engine runs: one of them wins, nothing happens twice.

use std::sync::{Arc, Barrier};

use kernel::db::Priority;
use kernel::world::World;
use kernel::*;
use serde_json::{Value, json};

use crate::notes;

fn world() -> World {
    World::new(vec![notes::domain()]).unwrap()
}

/// Runs `work` on several threads at once and answers what each got.
fn together<T: Send + 'static>(world: &World, hands: usize, work: fn(&Handle, usize) -> T) -> Vec<T> {
    let barrier = Arc::new(Barrier::new(hands));
    let threads: Vec<_> = (0..hands)
        .map(|hand| {
            let (kernel, barrier) = (world.kernel.clone(), barrier.clone());
            std::thread::spawn(move || {
                barrier.wait();
                work(&kernel, hand)
            })
        })
        .collect();
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

fn call(kernel: &Handle, actor: &str, operation: &str, input: Value) -> Result<Value> {
    let call = Call::new(Arc::new(Actor::os(actor)), operation, input, Via::Rest);
    kernel.dispatch(call).map(|answer| answer.output)
}

fn ints(world: &World, sql: &'static str) -> Vec<i64> {
    world.kernel.db.read(|tx| tx.query(sql, &[])?.iter().map(|row| row.int(0)).collect()).unwrap()
}

fn one_wins<T: std::fmt::Debug>(outcomes: &[Result<T>]) {
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    for error in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert_eq!(error.kind, ErrorKind::Conflict, "{error} {:?}", error.cause);
    }
}

#[test]
fn of_changes_to_the_same_version_one_wins() {
    let world = world();
    call(&world.kernel, "a", "notes.note.write", json!({"text": "start"})).unwrap();
    one_wins(&together(&world, 6, |kernel, hand| {
        let input = json!({"id": 1, "text": format!("hand {hand}"), "expected_version": 1});
        call(kernel, "a", "notes.note.change", input)
    }));
    assert_eq!(ints(&world, "SELECT version FROM notes_notes"), [2]);
}

#[test]
fn the_same_key_from_many_hands_does_it_once_and_answers_all_alike() {
    let world = world();
    let answers = together(&world, 6, |kernel, _| {
        let call = Call {
            idempotency_key: Some("same".into()),
            ..Call::new(Arc::new(Actor::os("a")), "notes.note.write", json!({"text": "once"}), Via::Rest)
        };
        kernel.dispatch(call).unwrap().output
    });
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(ints(&world, "SELECT COUNT(*) FROM notes_notes"), [1]);
}

#[test]
fn of_takers_of_a_unique_name_one_wins() {
    let world = world();
    one_wins(&together(&world, 6, |kernel, hand| {
        let hand = i64::try_from(hand).unwrap();
        kernel.db.write("test.take", Priority::Interactive, move |tx| {
            if tx.first("SELECT owner FROM notes_names WHERE name = 'best'", &[])?.is_some() {
                return Err(Error::conflict("It is taken."));
            }
            tx.execute("INSERT INTO notes_names (name, owner) VALUES ('best', ?1)", &[hand.into()])
        })
    }));
    assert_eq!(ints(&world, "SELECT COUNT(*) FROM notes_names"), [1]);
}

#[test]
fn workers_and_relays_side_by_side_do_everything_once_and_number_without_gap() {
    let world = world();
    let outcomes = together(&world, 6, |kernel, hand| {
        for n in 0..15 {
            call(kernel, "a", "notes.note.write", json!({"text": format!("{hand}-{n}")})).unwrap();
            if hand % 2 == 0 {
                kernel.settle().unwrap();
            }
        }
        kernel.settle()
    });
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    world.settle().unwrap();
    assert_eq!(ints(&world, "SELECT COUNT(*) FROM notes_notes WHERE copies = 1 AND counted = 1"), [90]);
    let positions = ints(&world, "SELECT position FROM kernel_events ORDER BY position");
    assert_eq!(positions, (1..=positions.len() as i64).collect::<Vec<_>>());
    assert_eq!(ints(&world, "SELECT COUNT(*) FROM kernel_dead_letters"), [0]);
}

#[test]
fn an_approval_is_decided_once() {
    let world = world();
    let new = NewApproval {
        subject: Ref::new("note", 1),
        title: "Do it".into(),
        detail: String::new(),
        plan_hash: "p".into(),
        requires: String::new(),
        team: None,
        requested_by: None,
        expires_at: None,
    };
    world.kernel.write_as(Actor::os("asker"), "notes.ask", move |cx| cx.request_approval(&new)).unwrap();
    one_wins(&together(&world, 6, |kernel, hand| {
        let input = json!({"id": 1, "approved": hand % 2 == 0, "plan_hash": "p"});
        call(kernel, &format!("boss{hand}"), "kernel.approval.decide", input)
    }));
    assert_eq!(ints(&world, "SELECT COUNT(*) FROM kernel_events WHERE name = 'kernel.approval.decided'"), [1]);
}

#[test]
fn schedules_looked_at_by_many_queue_one_job_each() {
    let world = world();
    let queued: usize = together(&world, 6, |kernel, _| kernel.run_schedules().unwrap()).into_iter().sum();
    assert_eq!(queued, kernel::domain().schedules.len());
}
