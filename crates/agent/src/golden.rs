//! The folder as released versions wrote it: a version on trial works in the folder of the one before it, and after a
//! rollback the one before it works in that of the newer one.

use std::path::{Path, PathBuf};

use agent_proto::{Durable, FromAgent, Gap, Lane, decode};

use crate::identity::Enrolment;
use crate::register::Register;
use crate::ring::{Keep, Ring};

const RING_BYTES: u64 = 256 * 1024;

fn enrolment() -> Enrolment {
    Enrolment {
        agent_id: [1; 16],
        server_public_key: [2; 32],
        trust: vec![vec![3, 4]],
        servers: vec!["wss://mainstay.example.org:7301/agent".into()],
    }
}

fn event() -> Durable {
    Durable::Gap(Gap { lane: Lane::Metrics, from_ms: 1, to_ms: 2, dropped: 3, why: "a full disk".into() })
}

fn write(dir: &Path) {
    std::fs::create_dir_all(dir).unwrap();
    enrolment().save(dir).unwrap();
    let mut ring = Ring::open(&dir.join("ring"), RING_BYTES, 1_000).unwrap();
    ring.append(Lane::Results, 1_000, event(), Keep::Synced);
    drop(ring);
    let mut register = Register::open(dir, true);
    register.begin(10);
    register.put(&["node_disk"], &[("device", "sda")], 1.0);
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).unwrap();
        }
    }
}

/// Each version of the formats has a folder here, which is never changed.
#[test]
fn the_folder_that_an_older_version_left_is_read() {
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/folder-1");
    if std::env::var_os("GOLDEN_WRITE").is_some() && !golden.exists() {
        write(&golden);
    }
    let folder = tempfile::tempdir().unwrap();
    copy(&golden, folder.path());
    assert_eq!(Enrolment::load(folder.path()).unwrap(), Some(enrolment()));
    let mut ring = Ring::open(&folder.path().join("ring"), RING_BYTES, 2_000).unwrap();
    let frame = ring.next_unsent().unwrap();
    match decode::<FromAgent>(&frame).unwrap().message {
        FromAgent::Durable { lane: Lane::Results, event: kept, .. } => assert_eq!(kept, event()),
        other => panic!("{other:?}"),
    }
    assert!(ring.next_unsent().is_none(), "nothing of it is damaged");
    let mut register = Register::open(folder.path(), false);
    register.begin(10);
    register.put(&["node_load1"], &[], 1.0);
    register.put(&["node_disk"], &[("device", "sda")], 2.0);
    assert_eq!(register.values, [(2, 1.0), (1, 2.0)], "the series keeps its number");
}
