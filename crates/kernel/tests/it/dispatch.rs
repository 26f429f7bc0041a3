//! The one door: permission, input, differences, retries, conflicts, delivery.

use std::sync::Arc;

use kernel::world::World;
use kernel::*;
use serde_json::json;

use crate::notes;

fn world() -> (World, Actor) {
    (World::new(vec![notes::domain()]).unwrap(), Actor::service("tester", &["notes.*"]))
}

fn ints(world: &World, sql: &'static str) -> Vec<i64> {
    world.kernel.db.read(|tx| tx.query(sql, &[])?.iter().map(|row| row.int(0)).collect()).unwrap()
}

#[test]
fn a_write_is_kept_audited_and_delivered_once() {
    let (world, actor) = world();
    let output = world.call(&actor, "notes.note.write", json!({"text": "hello", "password": "hunter2"})).unwrap();
    assert_eq!(output["text"], "hello");
    world.settle().unwrap();
    world.settle().unwrap();
    assert_eq!(ints(&world, "SELECT copies FROM notes_notes"), [1]);
    assert_eq!(ints(&world, "SELECT counted FROM notes_notes"), [1]);
    assert_eq!(ints(&world, "SELECT position FROM kernel_events"), [1]);
    let detail = world.kernel.db.read(|tx| tx.one("SELECT detail FROM kernel_audit_details", &[])?.text(0)).unwrap();
    assert!(!detail.contains("hunter2"), "{detail}");
    let timeline = world.kernel.read_as(&actor, |cx| cx.timeline(&Ref::new("note", 1), None, 10)).unwrap();
    assert_eq!(timeline.len(), 1);
    assert_eq!(timeline[0].title, "Note written: hello");
}

#[test]
fn who_has_no_grant_is_refused_and_one_row_a_minute_says_so() {
    let (world, _) = world();
    let stranger = Actor { ident: Ident::User(7), name: "Stranger".into(), ..Actor::nobody() };
    for _ in 0..3 {
        assert_eq!(world.call(&stranger, "notes.note.list", json!({})).unwrap_err().kind, ErrorKind::Denied);
    }
    assert_eq!(world.call(&Actor::nobody(), "notes.note.list", json!({})).unwrap_err().kind, ErrorKind::SignIn);
    assert_eq!(ints(&world, "SELECT COUNT(*) FROM kernel_audit WHERE outcome = 'refused' AND actor = 'user:7'"), [1]);
}

#[test]
fn input_errors_name_the_field() {
    let (world, actor) = world();
    let check = |input, field: &str| {
        let error = world.call(&actor, "notes.note.write", input).unwrap_err();
        assert_eq!(
            (error.kind == ErrorKind::Invalid || error.kind == ErrorKind::OverLimit, error.field.as_deref()),
            (true, Some(field)),
            "{error}"
        );
    };
    check(json!({}), "text");
    check(json!({"text": 5}), "text");
    check(json!({"text": "a", "colour": 1}), "colour");
    check(json!({"text": ""}), "text");
    check(json!({"text": "x".repeat(1_000_000)}), "text");
    check(json!([]), "input");
    assert_eq!(ints(&world, "SELECT COUNT(*) FROM notes_notes"), [0]);
}

#[test]
fn a_dry_run_answers_the_difference_and_keeps_nothing() {
    let (world, actor) = world();
    let call = Call {
        dry_run: true,
        ..Call::new(Arc::new(actor.clone()), "notes.note.write", json!({"text": "a"}), Via::Rest)
    };
    let answer = world.kernel.dispatch(call).unwrap();
    assert_eq!(answer.changes.len(), 1);
    assert_eq!(answer.changes[0].new, json!("a"));
    assert_eq!(ints(&world, "SELECT COUNT(*) FROM notes_notes"), [0]);
    assert_eq!(ints(&world, "SELECT COUNT(*) FROM kernel_audit"), [0]);
}

#[test]
fn the_same_key_answers_the_first_result_and_another_call_under_it_is_refused() {
    let (world, actor) = world();
    let call = |text: &str| Call {
        idempotency_key: Some("k".into()),
        ..Call::new(Arc::new(actor.clone()), "notes.note.write", json!({ "text": text }), Via::Rest)
    };
    let first = world.kernel.dispatch(call("a")).unwrap();
    let second = world.kernel.dispatch(call("a")).unwrap();
    assert_eq!((first.output, second.replayed), (second.output, true));
    assert_eq!(world.kernel.dispatch(call("b")).unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(ints(&world, "SELECT COUNT(*) FROM notes_notes"), [1]);
}

#[test]
fn a_stale_change_is_refused_naming_who_changed_what() {
    let (world, actor) = world();
    world.call(&actor, "notes.note.write", json!({"text": "a"})).unwrap();
    world.call(&actor, "notes.note.change", json!({"id": 1, "text": "b", "expected_version": 1})).unwrap();
    let error =
        world.call(&actor, "notes.note.change", json!({"id": 1, "text": "c", "expected_version": 1})).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.message.contains("tester changed text"), "{error}");
}

#[test]
fn a_dangerous_operation_needs_confirmation_and_a_fresh_proof() {
    let (world, actor) = world();
    let unconfirmed = Call::new(Arc::new(actor.clone()), "notes.note.burn", json!({}), Via::Rest);
    assert_eq!(world.kernel.dispatch(unconfirmed).unwrap_err().kind, ErrorKind::Unconfirmed);
    let old = Actor { proof: Proof::At(world.clock.now().plus(-6 * time::MINUTE)), ..actor.clone() };
    assert_eq!(world.call(&old, "notes.note.burn", json!({})).unwrap_err().kind, ErrorKind::Unconfirmed);
    assert!(world.call(&actor, "notes.note.burn", json!({})).is_ok());
}

#[test]
fn a_failing_reaction_is_retried_then_buried_and_the_rest_goes_on() {
    let (world, actor) = world();
    world.call(&actor, "notes.note.write", json!({"text": "poison"})).unwrap();
    world.call(&actor, "notes.note.write", json!({"text": "good"})).unwrap();
    for _ in 0..=limits::REACTION_TRIES {
        world.pass(time::HOUR).unwrap();
    }
    assert_eq!(ints(&world, "SELECT copies FROM notes_notes ORDER BY id"), [0, 1]);
    assert_eq!(ints(&world, "SELECT COUNT(*) FROM kernel_dead_letters"), [1]);
}

#[test]
fn a_reaction_that_comes_with_an_update_does_not_react_to_history() {
    let folder = tempfile::tempdir().unwrap();
    let open = |late: bool| {
        let mut notes = notes::domain();
        if late {
            let first = notes.reactions.remove(0);
            notes.reactions.push(Reaction { name: "notes.late-copier", ..first });
        }
        Kernel::open(KernelSettings {
            source: db::Source::Sqlite(folder.path().join("mainstay.db")),
            options: db::Options::default(),
            data: folder.path().to_owned(),
            key_file: folder.path().join("key"),
            clock: Clock::fake(kernel::world::START),
            domains: vec![kernel::domain(), notes],
        })
        .unwrap()
    };
    let write = |kernel: &Handle| {
        let call = Call::new(Arc::new(Actor::os("a")), "notes.note.write", json!({"text": "a"}), Via::Rest);
        kernel.dispatch(call).unwrap();
        kernel.settle().unwrap();
        kernel
            .db
            .read(|tx| {
                tx.query("SELECT copies FROM notes_notes ORDER BY id", &[])?
                    .iter()
                    .map(|row| row.int(0))
                    .collect::<Result<Vec<_>>>()
            })
            .unwrap()
    };
    let kernel = open(false);
    assert_eq!(write(&kernel), [1]);
    kernel.shut_down();
    drop(kernel);
    let kernel = open(true);
    assert_eq!(write(&kernel), [1, 1]);
    assert_eq!(kernel.db.read(|tx| tx.one("SELECT COUNT(*) FROM kernel_subscriptions", &[])?.int(0)).unwrap(), 2);
    kernel.shut_down();
}

#[test]
fn concurrent_writers_lose_nothing() {
    let (world, actor) = world();
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let (kernel, actor) = (world.kernel.clone(), Arc::new(actor.clone()));
            std::thread::spawn(move || {
                for n in 0..20 {
                    let input = json!({"text": format!("{thread}-{n}")});
                    kernel.dispatch(Call::new(actor.clone(), "notes.note.write", input, Via::Rest)).unwrap();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    world.settle().unwrap();
    assert_eq!(ints(&world, "SELECT COUNT(*) FROM notes_notes WHERE copies = 1 AND counted = 1"), [160]);
}

#[test]
fn what_is_kept_for_a_retry_shows_neither_the_input_nor_the_answer() {
    let (world, actor) = world();
    let call = || Call {
        idempotency_key: Some("k".into()),
        ..Call::new(
            Arc::new(actor.clone()),
            "notes.note.write",
            json!({ "text": "the answer holds this", "password": "hunter2" }),
            Via::Rest,
        )
    };
    let first = world.kernel.dispatch(call()).unwrap();
    let (digest, output) = world
        .kernel
        .db
        .read(|tx| {
            let row = tx.one("SELECT digest, output FROM kernel_idempotency", &[])?;
            Ok((row.text(0)?, row.text(1)?))
        })
        .unwrap();
    let guessed = text::sha256_hex(format!("notes.note.write\n{}", call().input).as_bytes());
    assert_ne!(digest, guessed, "a password could be found by trying");
    assert!(!output.contains("answer holds"), "{output}");
    assert_eq!(world.kernel.dispatch(call()).unwrap().output, first.output);
}
