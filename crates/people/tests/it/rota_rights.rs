//! Who may change rotas and their shifts, and who only looks.

use crate::rotas::{names, rotas};
use kernel::ErrorKind;
use serde_json::{Value, json};

#[test]
fn a_technician_sees_every_rota_and_swaps_only_their_own_shifts() {
    let rotas = rotas();
    let sam = rotas.office.user("sam");
    rotas.office.give(rotas.grace, "technician", json!({}));
    rotas.office.give(sam, "requester", json!({ "scope": "own" }));
    let grace = rotas.grace;
    assert_eq!(names(&rotas.as_user(grace, "people.rota.now", json!({})).unwrap()["items"][0]["who"]), ["Ada Admin"]);
    let instead = |add: Value, remove: Value| json!({ "id": rotas.rota, "from": "2026-03-03T08:00", "to": "2026-03-04T08:00", "add": add, "remove": remove });
    let take = rotas.as_user(grace, "people.rota.override", instead(json!(["grace"]), json!(["ada"]))).unwrap();
    for (add, remove) in [
        (json!(["sam"]), json!(["ada"])),
        (json!(["grace"]), json!(["*"])),
        (json!(["grace", "sam"]), json!(["ada"])),
        (json!([]), json!(["ada"])),
        (json!([]), json!(["ada", "grace"])),
        (json!(["sam", "grace"]), json!([])),
        (json!(["grace", "sam"]), json!(["grace"])),
    ] {
        let error = rotas.as_user(grace, "people.rota.override", instead(add, remove)).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Denied, "{}", error.message);
    }
    let other = rotas.instead("2026-03-05T08:00", "2026-03-06T08:00", &["sam"], &["ada"]);
    let remove = |id: &Value| json!({ "id": rotas.rota, "override_id": id });
    assert_eq!(
        rotas.as_user(grace, "people.rota.override-remove", remove(&other["id"])).unwrap_err().kind,
        ErrorKind::Denied
    );
    rotas.as_user(grace, "people.rota.override-remove", remove(&take["id"])).unwrap();
    for (operation, input) in [
        ("people.rota.update", json!({ "id": rotas.rota, "name": "Mine" })),
        ("people.rota.delete", json!({ "id": rotas.rota })),
        ("people.rota.create", json!({ "name": "Mine", "slug": "mine" })),
    ] {
        assert_eq!(rotas.as_user(grace, operation, input).unwrap_err().kind, ErrorKind::Denied, "{operation}");
    }
    for operation in ["people.rota.list", "people.rota.now", "people.rota.gaps"] {
        assert_eq!(rotas.as_user(sam, operation, json!({})).unwrap_err().kind, ErrorKind::Denied, "{operation}");
    }
}

#[test]
fn a_lead_of_a_team_keeps_its_rotas_and_no_others() {
    let rotas = rotas();
    let team = rotas.office.world.kernel.db.read(people::default_team).unwrap().unwrap();
    let grace = rotas.grace;
    rotas.office.give(grace, "lead", json!({ "scope": "team", "scope_team": team }));
    let create = |team: Value, slug: &str| json!({ "name": "Desk", "slug": slug, "team": team, "time_zone": "UTC" });
    let made = rotas.as_user(grace, "people.rota.create", create(json!(team), "desk")).unwrap();
    assert_eq!(
        rotas.as_user(grace, "people.rota.create", create(json!(null), "other")).unwrap_err().field.as_deref(),
        Some("team")
    );
    assert_eq!(
        rotas.as_user(grace, "people.rota.create", create(json!(999), "other")).unwrap_err().field.as_deref(),
        Some("team")
    );
    rotas.as_user(grace, "people.rota.update", json!({ "id": made["id"], "about": "Days" })).unwrap();
    let stranger = rotas.as_user(grace, "people.rota.update", json!({ "id": rotas.rota, "about": "x" })).unwrap_err();
    assert_eq!(stranger.kind, ErrorKind::Denied);
    rotas.as_user(grace, "people.rota.delete", json!({ "id": made["id"] })).unwrap();
    assert_eq!(
        rotas.as_user(grace, "people.rota.show", json!({ "id": made["id"] })).unwrap_err().kind,
        ErrorKind::NotFound
    );
}

#[test]
fn a_technician_overrides_for_ninety_days_at_most_and_takes_back_only_what_they_made() {
    let rotas = rotas();
    let grace = rotas.grace;
    rotas.office.give(grace, "technician", json!({}));
    let take = |to: &str| json!({ "id": rotas.rota, "from": "2026-03-03T08:00:00+01:00", "to": to, "add": ["grace"], "remove": ["ada"] });
    let long = rotas.as_user(grace, "people.rota.override", take("2026-06-01T08:00:01+01:00")).unwrap_err();
    assert_eq!(long.kind, ErrorKind::Denied, "{}", long.message);
    let mine = rotas.as_user(grace, "people.rota.override", take("2026-06-01T08:00:00+01:00")).unwrap();
    let leads = rotas.instead("2026-03-05T08:00", "2026-03-06T08:00", &["grace"], &["ada"]);
    let remove = |id: &Value| json!({ "id": rotas.rota, "override_id": id });
    let refused = rotas.as_user(grace, "people.rota.override-remove", remove(&leads["id"])).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Denied, "{}", refused.message);
    rotas.as_user(grace, "people.rota.override-remove", remove(&mine["id"])).unwrap();
    let away = json!({ "id": rotas.rota, "from": "2026-03-09T08:00", "to": "2026-03-10T08:00", "remove": ["grace"] });
    rotas.as_user(grace, "people.rota.override", away).unwrap();
    let hand_over = json!({ "id": rotas.rota, "from": "2026-03-10T08:00", "to": "2026-03-11T08:00", "add": ["ada"], "remove": ["grace"] });
    rotas.as_user(grace, "people.rota.override", hand_over).unwrap();
}
