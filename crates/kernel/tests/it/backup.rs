//! Backups: from either engine to either engine and back, proven, held afterwards, refused when damaged or newer.

use std::path::Path;

use kernel::backup::{Into, restore, verify};
use kernel::db::{Migration, Options, Source};
use kernel::world::World;
use kernel::*;
use serde_json::json;

use crate::notes;

fn filled() -> (World, Actor) {
    let world = World::new(vec![notes::domain()]).unwrap();
    let boss = Actor::os("boss");
    for text in ["first printer", "second", "gone"] {
        world.call(&boss, "notes.note.write", json!({ "text": text })).unwrap();
    }
    let last = world.answer(&boss, "notes.note.write", json!({"text": "last"})).unwrap().audit;
    world.call(&boss, "kernel.audit.undo", json!({"id": last})).unwrap();
    let blob = world.kernel.put_blob(&[7; 600_000]).unwrap();
    world.kernel.write_as(boss.clone(), "notes.keep", move |cx| cx.keep_blob(&blob, &Ref::new("note", 1))).unwrap();
    world.call(&boss, "kernel.notification.set-password", json!({"password": "hunter2"})).unwrap();
    world.settle().unwrap();
    (world, boss)
}

fn migrations() -> Vec<(&'static str, &'static [Migration])> {
    vec![("kernel", kernel::domain().migrations), ("notes", notes::domain().migrations)]
}

fn backed_up(world: &World, to: &Path, folders: &[&str]) -> Result<kernel::backup::Contents> {
    kernel::backup::write(&world.kernel.db, world.kernel.data(), world.kernel.now(), to, folders)
}

fn bring_back(file: &Path, source: &Source, data: &Path) -> Result<kernel::backup::Contents> {
    let migrations = migrations();
    restore(file, &Into { source, data, migrations: &migrations, version: "0.1.0", now: kernel::world::START })
}

fn opened(source: Source, data: &Path) -> World {
    World::open(vec![notes::domain()], Options::default(), source, data.to_owned(), Clock::fake(kernel::world::START))
        .unwrap()
}

#[test]
fn a_backup_goes_from_engine_to_engine_and_back_with_nothing_lost() {
    let (world, boss) = filled();
    let folder = tempfile::tempdir().unwrap();
    let first = folder.path().join("first.backup");
    let contents = backed_up(&world, &first, &["blobs"]).unwrap();
    assert_eq!((contents.rows["notes_notes"], contents.files), (3, 1));
    let mut sources = vec![Source::Sqlite(folder.path().join("a.db"))];
    if let Ok(url) = std::env::var("MAINSTAY_TEST_POSTGRES") {
        sources.insert(0, Source::Postgres(url, format!("mainstay_restore_{}", std::process::id())));
    }
    let mut file = first;
    for (round, source) in sources.into_iter().enumerate() {
        let data = folder.path().join(format!("data{round}"));
        std::fs::create_dir_all(&data).unwrap();
        std::fs::copy(world.folder().join("key"), data.join("key")).unwrap();
        let restored = bring_back(&file, &source, &data).unwrap();
        assert_eq!(restored.rows["notes_notes"], 3);
        assert!(bring_back(&file, &source, &data).unwrap_err().message.contains("holds data already"));
        let copy = opened(source, &data);
        assert!(copy.kernel.held());
        assert_eq!(copy.kernel.read_as(&boss, |cx| kernel::meta::epoch(cx.tx)).unwrap(), 2 + round as i64);
        let notes = |world: &World| world.call(&boss, "notes.note.list", json!({})).unwrap();
        assert_eq!(notes(&copy), notes(&world));
        let found = copy.call(&boss, "kernel.search.find", json!({"text": "print"})).unwrap();
        assert_eq!(found["items"][0]["ref"], "note:1");
        assert_eq!(
            copy.kernel
                .blob(&copy.kernel.read_as(&boss, |cx| cx.blobs_of(&Ref::new("note", 1))).unwrap()[0].hash)
                .unwrap()
                .len(),
            600_000
        );
        assert_eq!(copy.kernel.read_as(&boss, |cx| cx.secret("kernel.smtp.password")).unwrap().unwrap(), b"hunter2");
        file = folder.path().join(format!("again{round}.backup"));
        let again = backed_up(&copy, &file, &["blobs"]).unwrap();
        assert_eq!(again.rows, restored.rows, "a restored database is the same again");
        let number = copy.call(&boss, "notes.note.write", json!({"text": "new"})).unwrap()["id"].clone();
        assert_eq!(number, 5, "numbers are never given twice");
        copy.kernel.release_held(Actor::os("root")).unwrap();
        copy.settle().unwrap();
        assert_eq!(
            copy.kernel.db.read(|tx| tx.one("SELECT copies FROM notes_notes WHERE id = 5", &[])?.int(0)).unwrap(),
            1
        );
    }
}

#[test]
fn held_jobs_wait_until_they_are_released() {
    let (world, boss) = filled();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("b.backup");
    world.call(&boss, "notes.note.write", json!({"text": "waiting"})).unwrap();
    backed_up(&world, &file, &[]).unwrap();
    let data = folder.path().join("data");
    let source = Source::Sqlite(folder.path().join("a.db"));
    bring_back(&file, &source, &data).unwrap();
    std::fs::copy(world.folder().join("key"), data.join("key")).unwrap();
    let copy = opened(source, &data);
    copy.settle().unwrap();
    let counted = || {
        copy.kernel.db.read(|tx| tx.one("SELECT counted FROM notes_notes WHERE text = 'waiting'", &[])?.int(0)).unwrap()
    };
    assert_eq!(counted(), 0);
    copy.kernel.release_held(Actor::os("root")).unwrap();
    copy.settle().unwrap();
    assert_eq!(counted(), 1);
}

#[test]
fn a_damaged_or_newer_backup_is_refused_and_nothing_is_restored() {
    let (world, _) = filled();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("b.backup");
    backed_up(&world, &file, &["blobs"]).unwrap();
    let good = std::fs::read(&file).unwrap();
    let bad = folder.path().join("bad.backup");
    for cut in [0, 1, good.len() / 2, good.len() - 1] {
        std::fs::write(&bad, &good[..cut]).unwrap();
        assert!(verify(&bad).is_err(), "cut at {cut}");
    }
    for place in (0..good.len()).step_by(good.len() / 40 + 1) {
        let mut damaged = good.clone();
        damaged[place] ^= 0x20;
        std::fs::write(&bad, &damaged).unwrap();
        let outcome = verify(&bad);
        assert!(outcome.is_err() || outcome.unwrap() == verify(&file).unwrap(), "byte {place}");
    }
    let source = Source::Sqlite(folder.path().join("a.db"));
    let kernel_only = [("kernel", kernel::domain().migrations)];
    let error = restore(
        &file,
        &Into {
            source: &source,
            data: folder.path(),
            migrations: &kernel_only,
            version: "0.0.9",
            now: kernel::world::START,
        },
    )
    .unwrap_err();
    assert!(error.message.contains("Mainstay 0.1.0") && error.message.contains("notes/1"), "{error}");
}

#[test]
fn data_of_a_newer_version_is_refused_with_the_version_named() {
    let folder = tempfile::tempdir().unwrap();
    let source = Source::Sqlite(folder.path().join("mainstay.db"));
    let open = |domains| {
        Kernel::open(KernelSettings {
            source: source.clone(),
            options: Options::default(),
            data: folder.path().to_owned(),
            key_file: folder.path().join("key"),
            clock: Clock::fake(kernel::world::START),
            domains,
        })
    };
    open(vec![kernel::domain(), notes::domain()]).unwrap().shut_down();
    let error = open(vec![kernel::domain()]).err().unwrap();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.message.contains("Mainstay 0.1.0") && error.message.contains("notes/1"), "{error}");
    open(vec![kernel::domain(), notes::domain()]).unwrap().shut_down();
}

#[test]
fn a_backup_is_taken_beside_the_server_that_owns_the_database() {
    if std::env::var("MAINSTAY_TEST_POSTGRES").is_ok() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = Source::Sqlite(folder.path().join("mainstay.db"));
    let world = opened(source.clone(), folder.path());
    let boss = Actor::os("boss");
    world.call(&boss, "notes.note.write", json!({ "text": "before" })).unwrap();
    let db = kernel::db::Db::observe(&source).unwrap();
    let refused =
        db.write("it.write", kernel::db::Priority::Interactive, |tx| tx.execute("DELETE FROM notes_notes", &[]));
    assert!(refused.is_err(), "an observer writes nothing");
    let file = folder.path().join("b.backup");
    let contents = kernel::backup::write(&db, folder.path(), kernel::world::START, &file, &["blobs"]).unwrap();
    world.call(&boss, "notes.note.write", json!({ "text": "after" })).unwrap();
    assert_eq!(contents.rows["notes_notes"], 1);
    assert!(kernel::db::Db::observe(&Source::Sqlite(folder.path().join("none.db"))).is_err());
}
