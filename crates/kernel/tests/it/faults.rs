//! A full disk, a full queue, panics and endless statements: a clear answer, and nothing lost.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;

use kernel::db::{Db, Options, Priority, Source};
use kernel::world::{START, World};
use kernel::*;
use serde_json::json;

use crate::notes;

fn open(folder: &Path, page_count_max: Option<u32>) -> Handle {
    Kernel::open(KernelSettings {
        source: Source::Sqlite(folder.join("mainstay.db")),
        options: Options { page_count_max, readers: 2, ..Options::default() },
        data: folder.to_owned(),
        key_file: folder.join("key"),
        clock: Clock::fake(START),
        domains: vec![kernel::domain(), notes::domain()],
    })
    .unwrap()
}

fn write(kernel: &Handle, text: &str) -> Result<()> {
    let call = Call::new(Arc::new(Actor::os("writer")), "notes.note.write", json!({ "text": text }), Via::Rest);
    kernel.dispatch(call).map(|_| ())
}

fn texts(kernel: &Handle) -> Vec<String> {
    let read = |tx: &mut kernel::db::Tx<'_>| {
        tx.query("SELECT text FROM notes_notes ORDER BY id", &[])?.iter().map(|row| row.text(0)).collect()
    };
    kernel.db.read(read).unwrap()
}

fn count(kernel: &Handle, sql: &'static str) -> i64 {
    kernel.db.read(|tx| tx.one(sql, &[])?.int(0)).unwrap()
}

#[test]
fn a_full_disk_keeps_what_was_acknowledged_tells_the_others_and_recovers_when_there_is_space() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path(), None).shut_down();
    let pages = u32::try_from(std::fs::metadata(folder.path().join("mainstay.db")).unwrap().len() / 4096).unwrap();
    let kernel = open(folder.path(), Some(pages + 60));
    let writers: Vec<_> = (0..6)
        .map(|writer| {
            let kernel = kernel.clone();
            std::thread::spawn(move || {
                let (mut kept, mut refused) = (Vec::new(), 0);
                for n in 0..2_000 {
                    let text = format!("{writer}-{n} {}", "x".repeat(150));
                    match write(&kernel, &text) {
                        Ok(()) => kept.push(text),
                        Err(error) => {
                            assert_eq!(error.kind, ErrorKind::Unavailable, "{error} {:?}", error.cause);
                            assert!(error.message.contains("disk is full"), "{error}");
                            assert!(!texts(&kernel).contains(&text), "a refused write was kept");
                            refused += 1;
                        }
                    }
                    if refused > 3 {
                        break;
                    }
                }
                assert!(refused > 3, "the disk never got full");
                kept
            })
        })
        .collect();
    let mut kept: Vec<String> = writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
    kept.sort();
    assert!(!kept.is_empty());
    let check = |kernel: &Handle| {
        let mut found = texts(kernel);
        found.sort();
        assert_eq!(found, kept);
        assert_eq!(
            count(kernel, "SELECT COUNT(*) FROM kernel_audit WHERE operation = 'notes.note.write'"),
            kept.len() as i64
        );
        assert_eq!(
            count(kernel, "SELECT COUNT(*) FROM kernel_events WHERE name = 'notes.note.written'"),
            kept.len() as i64
        );
    };
    check(&kernel);
    kernel.shut_down();
    drop(kernel);
    let kernel = open(folder.path(), None);
    check(&kernel);
    write(&kernel, "there is space again").unwrap();
    kernel.settle().unwrap();
    assert_eq!(count(&kernel, "SELECT COUNT(*) FROM notes_notes WHERE copies = 1"), kept.len() as i64 + 1);
    kernel.shut_down();
}

#[test]
fn a_full_queue_refuses_at_once_and_what_waited_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { write_queue_max: 2, ..Options::default() };
    let db = Db::open(&Source::Sqlite(folder.path().join("a.db")), &options).unwrap();
    let (go, wait) = channel::<()>();
    let (started, running) = channel::<()>();
    let first = {
        let db = db.clone();
        std::thread::spawn(move || {
            db.write("test.block", Priority::Interactive, move |_| {
                started.send(()).unwrap();
                wait.recv().unwrap();
                Ok(())
            })
        })
    };
    running.recv().unwrap();
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let db = db.clone();
            std::thread::spawn(move || db.write("test.wait", Priority::Background, |_| Ok(())))
        })
        .collect();
    while db.queue_len() < 2 {
        std::thread::yield_now();
    }
    assert_eq!(db.write("test.late", Priority::Interactive, |_| Ok(())).unwrap_err().kind, ErrorKind::Unavailable);
    go.send(()).unwrap();
    first.join().unwrap().unwrap();
    for one in waiting {
        one.join().unwrap().unwrap();
    }
}

#[test]
fn a_panicking_write_is_an_internal_error_of_its_caller_alone() {
    let world = World::new(vec![notes::domain()]).unwrap();
    let error = world
        .kernel
        .db
        .write("test.panic", Priority::Interactive, |tx| -> Result<()> {
            tx.execute("INSERT INTO notes_notes (text, version, copies) VALUES ('half', 1, 0)", &[])?;
            panic!("on purpose")
        })
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Internal);
    write(&world.kernel, "whole").unwrap();
    assert_eq!(texts(&world.kernel), ["whole"]);
}

const ENDLESS: &str = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT COUNT(*) FROM n";

#[test]
fn an_endless_read_and_an_endless_write_are_stopped_and_the_next_ones_run() {
    let world = World::with(vec![notes::domain()], Options { read_ms_max: 200, ..Options::default() }).unwrap();
    let db = &world.kernel.db;
    for _ in 0..3 {
        let error = db.read(|tx| tx.query(ENDLESS, &[])).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable, "{error} {:?}", error.cause);
        assert!(error.message.contains("took too long"), "{error}");
    }
    let error = db.write("test.endless", Priority::Interactive, |tx| tx.query(ENDLESS, &[])).unwrap_err();
    assert!(error.message.contains("took too long"), "{error}");
    write(&world.kernel, "after").unwrap();
    assert_eq!(texts(&world.kernel), ["after"]);
}

#[test]
fn a_failing_write_in_a_group_takes_nobody_with_it() {
    let world = World::new(vec![notes::domain()]).unwrap();
    let threads: Vec<_> = (0..8)
        .map(|n| {
            let kernel = world.kernel.clone();
            std::thread::spawn(move || {
                for m in 0..20 {
                    let text = if m % 3 == 0 { String::new() } else { format!("{n}-{m}") };
                    assert_eq!(write(&kernel, &text).is_ok(), m % 3 != 0);
                    let broken = kernel.db.write("test.broken", Priority::Interactive, |tx| {
                        tx.execute("INSERT INTO notes_notes (text, version, copies) VALUES ('broken', 1, 0)", &[])?;
                        tx.execute("INSERT INTO notes_notes (text, version, copies) VALUES (NULL, 1, 0)", &[])
                    });
                    assert_eq!(broken.unwrap_err().kind, ErrorKind::Conflict);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(texts(&world.kernel).len(), 8 * 13);
    assert!(!texts(&world.kernel).contains(&"broken".to_owned()));
}
