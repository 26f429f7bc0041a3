//! Background threads that panic begin again, and the writer outlives a panic of its own.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};

use kernel::db::{Options, Priority};
use kernel::registry::Service;
use kernel::world::World;
use kernel::*;

use crate::notes;

type Tell = Mutex<Sender<u32>>;

static BEGUN: AtomicU32 = AtomicU32::new(0);

fn faulty(kernel: Handle) {
    let begun = BEGUN.fetch_add(1, Ordering::SeqCst);
    kernel.get::<Tell>().unwrap().lock().unwrap().send(begun).unwrap();
    assert!(begun > 0, "the first time it panics");
}

#[test]
fn background_work_that_panics_is_named_and_begins_again() {
    let services = vec![Service { name: "tests.faulty", run: faulty }];
    let world = World::new(vec![Domain { services, ..notes::domain() }]).unwrap();
    let (tell, told) = channel::<u32>();
    world.kernel.put::<Tell>(Arc::new(Mutex::new(tell)));
    world.kernel.start().unwrap();
    assert_eq!(told.recv().unwrap(), 0);
    while world.kernel.down() != ["tests.faulty"] {
        std::thread::yield_now();
    }
    assert_eq!(told.recv().unwrap(), 1);
    while !world.kernel.down().is_empty() {
        std::thread::yield_now();
    }
}

#[test]
fn a_panic_of_the_writer_itself_ends_one_commit_and_not_the_writer() {
    let armed = Arc::new(AtomicBool::new(false));
    let seen = armed.clone();
    let fault: db::FaultHook = Arc::new(move |point| {
        assert!(point != "before-commit" || !seen.swap(false, Ordering::SeqCst), "on purpose");
    });
    let world = World::with(vec![notes::domain()], Options { fault: Some(fault), ..Options::default() }).unwrap();
    let write = |text: &'static str| {
        world.kernel.db.write("test.write", Priority::Interactive, move |tx| {
            tx.execute("INSERT INTO notes_notes (text, version, copies) VALUES (?1, 1, 0)", &[text.into()])
        })
    };
    armed.store(true, Ordering::SeqCst);
    assert!(write("lost").is_err());
    for _ in 0..4 {
        write("kept").unwrap();
    }
    let texts = world.kernel.db.read(|tx| tx.query("SELECT text FROM notes_notes ORDER BY id", &[])).unwrap();
    assert!(texts.len() == 4 && texts.iter().all(|row| row.str(0).unwrap() == "kept"));
}
