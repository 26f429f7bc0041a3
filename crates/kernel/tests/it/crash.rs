//! Death at every write: a child process aborts at the n-th fault point, for every n; what it had acknowledged is there
//! afterwards, nothing is half done, and events are delivered exactly once.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kernel::db::{FaultHook, Options, Source};
use kernel::world::{START, World};
use kernel::*;
use serde_json::json;

use crate::notes;

const FOLDER: &str = "MAINSTAY_TEST_CRASH_FOLDER";
const RUN: &str = "MAINSTAY_TEST_CRASH_RUN";
const POINT: &str = "MAINSTAY_TEST_CRASH_POINT";

/// The same engine as all other tests; every point gets a database of its own.
fn source(folder: &Path) -> Source {
    match std::env::var("MAINSTAY_TEST_POSTGRES") {
        Ok(url) if !url.is_empty() => {
            let point = folder.file_name().unwrap().to_string_lossy().into_owned();
            let run = std::env::var(RUN).unwrap_or_else(|_| std::process::id().to_string());
            Source::Postgres(url, format!("mainstay_crash_{run}_{point}"))
        }
        _ => Source::Sqlite(folder.join("mainstay.db")),
    }
}

fn open(folder: &Path, fault: Option<FaultHook>) -> Handle {
    Kernel::open(KernelSettings {
        source: source(folder),
        options: Options { fault, readers: 1, writers: 1, ..Options::default() },
        data: folder.to_owned(),
        key_file: folder.join("key"),
        clock: Clock::fake(START),
        domains: vec![kernel::domain(), notes::domain()],
    })
    .unwrap()
}

#[test]
fn script() {
    // Only the crash test, which runs this in a process of its own, sets the folder.
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let folder = PathBuf::from(folder);
    let last: u64 = std::env::var(POINT).unwrap().parse().unwrap();
    let passed = AtomicU64::new(0);
    let fault: FaultHook = Arc::new(move |_| {
        if passed.fetch_add(1, Ordering::SeqCst) + 1 == last {
            std::process::abort();
        }
    });
    let kernel = open(&folder, Some(fault));
    let actor = Arc::new(Actor::os("tester"));
    let mut acknowledged = std::fs::File::create(folder.join("acknowledged")).unwrap();
    for text in ["alpha", "beta"] {
        let call = Call::new(actor.clone(), "notes.note.write", json!({ "text": text }), Via::Rest);
        kernel.dispatch(call).unwrap();
        writeln!(acknowledged, "{text}").unwrap();
        acknowledged.sync_all().unwrap();
    }
    kernel.settle().unwrap();
    kernel.dispatch(Call::new(actor, "notes.note.change", json!({"id": 1, "text": "gamma"}), Via::Rest)).unwrap();
    writeln!(acknowledged, "gamma").unwrap();
    acknowledged.sync_all().unwrap();
    kernel.shut_down();
}

fn ints(world: &World, sql: &'static str) -> Vec<i64> {
    world.kernel.db.read(|tx| tx.query(sql, &[])?.iter().map(|row| row.int(0)).collect()).unwrap()
}

fn check(folder: &Path, point: u64) {
    let world =
        World::open(vec![notes::domain()], Options::default(), source(folder), folder.to_owned(), Clock::fake(START))
            .unwrap();
    world.settle().unwrap();
    world.pass(time::HOUR).unwrap();
    let acknowledged = std::fs::read_to_string(folder.join("acknowledged")).unwrap_or_default();
    let boss = Actor::os("boss");
    let listed = world.call(&boss, "notes.note.list", json!({})).unwrap();
    let texts: Vec<&str> = listed.as_array().unwrap().iter().map(|note| note["text"].as_str().unwrap()).collect();
    for text in acknowledged.lines() {
        let replaced = text == "alpha" && texts.contains(&"gamma");
        assert!(texts.contains(&text) || replaced, "point {point}: {text} was acknowledged and is lost");
        let found =
            world.call(&boss, "kernel.search.find", json!({ "text": if replaced { "gamma" } else { text } })).unwrap();
        assert_eq!(found["items"].as_array().unwrap().len(), 1, "point {point}: {text} cannot be found");
    }
    let notes = texts.len() as i64;
    for sql in [
        "SELECT COUNT(*) FROM kernel_audit WHERE operation = 'notes.note.write'",
        "SELECT COUNT(*) FROM kernel_events WHERE name = 'notes.note.written' AND position > 0",
        "SELECT COUNT(*) FROM kernel_search_documents",
        "SELECT COUNT(*) FROM notes_notes WHERE copies = 1",
        "SELECT COUNT(*) FROM notes_notes WHERE counted >= 1",
    ] {
        assert_eq!(ints(&world, sql), [notes], "point {point}: half done: {sql}");
    }
    let changed = i64::from(texts.contains(&"gamma"));
    assert_eq!(ints(&world, "SELECT COUNT(*) FROM kernel_audit WHERE operation = 'notes.note.change'"), [changed]);
    assert_eq!(ints(&world, "SELECT COUNT(*) FROM kernel_jobs"), [0], "point {point}");
    assert_eq!(world.call(&boss, "kernel.audit.verify", json!({})).unwrap()["ok"], true, "point {point}");
}

#[test]
fn death_at_any_write_loses_nothing_acknowledged_and_leaves_nothing_half_done() {
    let root = tempfile::tempdir().unwrap();
    let mut deaths = 0;
    for point in 1.. {
        let folder = root.path().join(point.to_string());
        std::fs::create_dir_all(&folder).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["crash::script", "--exact"])
            .env(FOLDER, &folder)
            .env(RUN, std::process::id().to_string())
            .env(POINT, point.to_string())
            .output()
            .unwrap();
        check(&folder, point);
        if child.status.success() {
            break;
        }
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(!said.contains("panicked") && !said.contains("FAILED"), "point {point}: {said}");
        deaths += 1;
    }
    assert!(deaths > 60, "only {deaths} fault points were passed");
}
