//! What a rota may not be, and a rota that is wrong all the same and stops no other.

use crate::rotas::rotas;
use kernel::time::DAY;
use serde_json::{Value, json};

#[test]
fn what_is_wrong_with_a_rota_is_refused_by_its_name() {
    let rotas = rotas();
    let create = |more: Value| {
        let mut all = json!({ "name": "X", "slug": "x", "time_zone": "UTC" });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        rotas.call("people.rota.create", all).unwrap_err()
    };
    let layer =
        |participants: Value| json!([{ "kind": "daily", "start": "2026-03-02T08:00", "participants": participants }]);
    for (more, field) in [
        (json!({ "slug": "infrastructure" }), "slug"),
        (json!({ "slug": "A b" }), "slug"),
        (json!({ "name": "" }), "name"),
        (json!({ "time_zone": "Mars/Base" }), "time_zone"),
        (json!({ "team": 999 }), "team"),
        (json!({ "rotations": layer(json!(["nobody-of-that-name"])) }), "rotations[0].participants[0]"),
        (json!({ "rotations": layer(json!(["ada", "user:999"])) }), "rotations"),
        (
            json!({ "rotations": [{ "kind": "daily", "length": 0, "start": "2026-03-02T08:00", "participants": ["ada"] }] }),
            "rotations[0].length",
        ),
        (
            json!({ "rotations": [{ "kind": "monthly", "start": "2026-03-02T08:00", "participants": ["ada"] }] }),
            "rotations[0].kind",
        ),
        (
            json!({ "rotations": [{ "kind": "daily", "start": "2026-03-02T08:00", "participants": ["ada"], "colour": "red" }] }),
            "rotations[0]",
        ),
        (json!({ "colour": "red" }), "colour"),
    ] {
        let error = create(more.clone());
        let found = error.field.as_deref().unwrap_or_default();
        assert!(found == field || found.starts_with(&format!("{field}.")), "{more}: {found}");
    }
    for (more, field) in [
        (json!({ "from": "2026-01-01T00:00", "to": "2026-01-02T00:00" }), "to"),
        (json!({ "to": "2026-03-01" }), "to"),
        (json!({ "add": [] }), "add"),
        (json!({ "add": ["nobody-of-that-name"] }), "add[0]"),
        (json!({ "why": "x".repeat(201) }), "why"),
    ] {
        let mut all = json!({ "id": rotas.rota, "from": "2026-03-03T08:00", "to": "2026-03-04T08:00", "add": ["ada"] });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let error = rotas.call("people.rota.override", all).unwrap_err();
        assert_eq!(error.field.as_deref(), Some(field), "{more}");
    }
    for (operation, input, field) in [
        ("people.rota.gaps", json!({ "weeks": 0 }), "weeks"),
        ("people.rota.mine", json!({ "weeks": 53 }), "weeks"),
        ("people.rota.now", json!({ "at": "9999-12-31T23:59:59Z" }), "at"),
        ("people.rota.shifts", json!({ "id": rotas.rota, "from": "2026-01-01", "to": "2028-01-01" }), "to"),
    ] {
        assert_eq!(rotas.call(operation, input).unwrap_err().field.as_deref(), Some(field), "{operation}");
    }
}

#[test]
fn a_rota_whose_zone_is_unknown_here_stops_nobody_and_no_other_rota() {
    let rotas = rotas();
    let other = json!({ "name": "Other", "slug": "other", "time_zone": "UTC", "rotations": [{ "kind": "daily", "start": "2026-03-01T08:00", "participants": ["ada", "grace"] }] });
    rotas.call("people.rota.create", other).unwrap();
    let kernel = &rotas.office.world.kernel;
    let lost = |tx: &mut kernel::db::Tx<'_>| {
        tx.execute("UPDATE people_rotas SET time_zone = 'Mars/Base' WHERE slug = 'infrastructure'", &[])
    };
    kernel.db.write("test.lost-zone", kernel::db::Priority::Interactive, lost).unwrap();
    let listed = rotas.call("people.rota.list", json!({})).unwrap();
    let names: Vec<&str> =
        listed["items"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Other"]);
    for operation in ["people.rota.now", "people.rota.gaps", "people.rota.mine"] {
        rotas.call(operation, json!({})).unwrap();
    }
    rotas.call("people.user.disable", json!({ "id": rotas.grace, "reason": "left" })).unwrap();
    assert_eq!(rotas.needs().len(), 1, "the other rota is looked at");
    rotas.office.world.pass(DAY).unwrap();
    rotas.call("people.rota.update", json!({ "id": rotas.rota, "time_zone": "Europe/Oslo" })).unwrap();
    assert_eq!(rotas.needs().len(), 2);
}

#[test]
fn a_span_that_costs_too_much_is_refused_and_so_is_a_rota_that_always_would() {
    let rotas = rotas();
    let hours: Vec<Value> =
        (0..24).map(|hour| json!({ "from": format!("{hour:02}:00"), "to": format!("{hour:02}:01") })).collect();
    let layer = json!({ "kind": "daily", "start": "2026-03-02T08:00", "participants": ["ada"], "restrictions": hours, "adds": true });
    let update = |layers: usize| json!({ "id": rotas.rota, "rotations": vec![layer.clone(); layers] });
    assert_eq!(rotas.call("people.rota.update", update(2)).unwrap_err().field.as_deref(), Some("rotations"));
    rotas.call("people.rota.update", update(1)).unwrap();
    let year = json!({ "id": rotas.rota, "from": "2026-03-02T00:00", "to": "2027-04-05T00:00" });
    assert!(rotas.call("people.rota.shifts", year).unwrap()["items"].as_array().unwrap().len() > 19_000);
    let gaps = rotas.call("people.rota.gaps", json!({ "weeks": 52 })).unwrap();
    assert_eq!((gaps["items"].as_array().unwrap().len(), gaps["more"].as_bool()), (500, Some(true)));
    rotas.instead("2026-12-01T08:00", "2026-12-02T08:00", &[], &["ada"]);
    let made = rotas.call("people.rota.gaps", json!({ "weeks": 52, "unplanned": true })).unwrap();
    assert_eq!(
        (made["items"].as_array().unwrap().len(), made["more"].as_bool()),
        (24, Some(false)),
        "{}",
        made["items"][0]
    );
}
