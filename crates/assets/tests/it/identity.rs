//! Known again: signs of identity in the database.

use crate::store_room::Room;
use assets::{Evidence, Identified};
use kernel::Result;
use serde_json::json;

fn evidence(serial: &str) -> Evidence {
    Evidence {
        serial: Some(serial.into()),
        machine_id: Some(format!("machine-{serial}")),
        hostname: "srv".into(),
        ..Evidence::default()
    }
}

fn identify(room: &Room, evidence: Evidence) -> Identified {
    room.world.kernel.write_as(room.os(), "test.identify", move |cx| assets::identify(cx, &evidence)).unwrap()
}

fn record(room: &Room, asset: i64, evidence: Evidence) -> Result<()> {
    room.world.kernel.write_as(room.os(), "test.record", move |cx| assets::record_evidence(cx, asset, &evidence))
}

#[test]
fn a_machine_that_was_recorded_is_known_again_and_found_by_its_serial_number() {
    let room = Room::new();
    let id = room.add("srv-01", json!({}));
    assert_eq!(identify(&room, evidence("FDO2541A0KQ")), Identified::New);
    record(&room, id, evidence("FDO2541A0KQ")).unwrap();
    record(&room, id, evidence("FDO2541A0KQ")).unwrap();
    assert!(matches!(identify(&room, evidence("fdo2541a0kq")), Identified::Same { asset, .. } if asset == id));
    assert_eq!(identify(&room, evidence("OTHER12345")), Identified::New);
    let listed = room.call(&room.os(), "assets.thing.list", json!({ "filter": "FDO2541A0KQ" })).unwrap();
    assert_eq!(listed["items"][0]["id"], id);
    let hits = room.world.kernel.read_as(&room.os(), |cx| cx.search("fdo2541", &[], 5)).unwrap();
    assert_eq!(hits.len(), 1);
}

#[test]
fn signs_of_two_things_are_a_conflict() {
    let room = Room::new();
    for name in ["one", "two"] {
        let id = room.add(name, json!({}));
        record(&room, id, evidence("FDO2541A0KQ")).unwrap();
    }
    assert!(
        matches!(identify(&room, evidence("FDO2541A0KQ")), Identified::Conflict { assets, .. } if assets.len() == 2)
    );
}
