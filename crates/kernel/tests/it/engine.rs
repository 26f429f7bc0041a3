//! What an engine does by itself and the adapter must know of: transactions that cannot commit, connections that end,
//! bounded numbers of both connections and statements. The parts on PostgreSQL run where one is configured.

use std::collections::BTreeSet;
use std::sync::Arc;

use kernel::db::{Db, Options, Priority, Query, Source};
use kernel::world::World;
use kernel::*;

use crate::notes;

#[test]
fn what_is_answered_is_what_was_kept_also_when_a_closure_ignores_a_failed_statement() {
    let world = World::new(vec![notes::domain()]).unwrap();
    let outcome = world.kernel.db.write("test.ignore", Priority::Interactive, |tx| {
        tx.execute("INSERT INTO notes_notes (text, version, copies) VALUES ('a', 1, 0)", &[])?;
        let failed = tx.execute("INSERT INTO notes_notes (text, version, copies) VALUES (NULL, 1, 0)", &[]);
        assert!(failed.is_err());
        Ok(())
    });
    let kept = world.kernel.db.read(|tx| tx.one("SELECT COUNT(*) FROM notes_notes", &[])?.int(0)).unwrap();
    assert_eq!(outcome.is_ok(), kept == 1, "{kept} kept: {outcome:?}");
    if let Err(error) = outcome {
        assert_eq!(error.kind, ErrorKind::Conflict, "the first error says why: {error}");
    }
}

/// A database on the configured PostgreSQL with one writer and room for four read sessions.
fn postgres(name: &str) -> Option<Db> {
    let url = std::env::var("MAINSTAY_TEST_POSTGRES").ok().filter(|url| !url.is_empty())?;
    let schema = format!("mainstay_engine_{name}_{}", std::process::id());
    let options = Options { readers: 1, writers: 1, ..Options::default() };
    Some(Db::open(&Source::Postgres(url, schema), &options).unwrap())
}

const PID: &str = "SELECT pg_backend_pid()";

#[test]
fn reads_share_a_fixed_number_of_sessions() {
    let Some(db) = postgres("pool") else { return };
    let together = Arc::new(std::sync::Barrier::new(16));
    let threads: Vec<_> = (0..16)
        .map(|_| {
            let (db, together) = (db.clone(), together.clone());
            std::thread::spawn(move || {
                together.wait();
                (0..20).map(|_| db.read(|tx| tx.one(PID, &[])?.int(0)).unwrap()).collect::<BTreeSet<i64>>()
            })
        })
        .collect();
    let sessions: BTreeSet<i64> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    assert!(sessions.len() <= 4, "{} sessions", sessions.len());
}

#[test]
fn sessions_that_the_server_ended_are_replaced_without_a_failed_call() {
    let (Some(db), Some(other)) = (postgres("ended"), postgres("other")) else { return };
    let reader = db.read(|tx| tx.one(PID, &[])?.int(0)).unwrap();
    let writer = db.write("test.pid", Priority::Interactive, |tx| tx.one(PID, &[])?.int(0)).unwrap();
    for pid in [reader, writer] {
        let ended =
            other.read(|tx| tx.one("SELECT pg_terminate_backend(CAST(?1 AS INT), 5000)", &[pid.into()])?.bool(0));
        assert!(ended.unwrap());
    }
    assert_ne!(db.read(|tx| tx.one(PID, &[])?.int(0)).unwrap(), reader);
    assert_ne!(db.write("test.pid", Priority::Interactive, |tx| tx.one(PID, &[])?.int(0)).unwrap(), writer);
}

#[test]
fn a_session_keeps_a_bounded_number_of_statements() {
    let Some(db) = postgres("statements") else { return };
    let kept = db
        .write("test.shapes", Priority::Interactive, |tx| {
            for length in 1..800_i64 {
                let mut query = Query::new("SELECT CAST(COUNT(*) AS BIGINT) FROM pg_class WHERE relpages IN ");
                query.list(&(0..length).collect::<Vec<_>>());
                tx.run(&query)?;
            }
            tx.one("SELECT COUNT(*) FROM pg_prepared_statements", &[])?.int(0)
        })
        .unwrap();
    assert!(kept <= limits::STATEMENTS_MAX as i64 + 1, "{kept} statements");
}
