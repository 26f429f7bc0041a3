//! Rotas as they are kept: who may change them, who is on call now, overrides, gaps, people who leave, undo and races.

use crate::office::Office;
use kernel::time::{DAY, HOUR};
use kernel::{Actor, ErrorKind};
use serde_json::{Value, json};

/// An office with a rota of weeks in Oslo: `ada` and `grace` take turns from Monday 2 March 2026 at 08:00 there.
struct Rotas {
    office: Office,
    grace: i64,
    rota: i64,
}

fn rotas() -> Rotas {
    let office = Office::new();
    let grace = office.user("grace");
    let rota = json!({
        "name": "Infrastructure", "slug": "infrastructure", "time_zone": "Europe/Oslo", "about": "Servers at night",
        "rotations": [{ "kind": "weekly", "length": 1, "start": "2026-03-02T08:00", "participants": ["ada", "User grace (grace)"] }],
    });
    let rota = office.call(&office.admin(), "people.rota.create", rota).unwrap()["id"].as_i64().unwrap();
    Rotas { office, grace, rota }
}

impl Rotas {
    fn call(&self, operation: &str, input: Value) -> kernel::Result<Value> {
        self.office.call(&self.office.admin(), operation, input)
    }

    fn as_user(&self, user: i64, operation: &str, input: Value) -> kernel::Result<Value> {
        self.office.call(&self.office.actor(user), operation, input)
    }

    fn now(&self) -> Value {
        self.call("people.rota.now", json!({ "id": self.rota })).unwrap()["items"][0].clone()
    }

    fn instead(&self, from: &str, to: &str, add: &[&str], remove: &[&str]) -> Value {
        let input =
            json!({ "id": self.rota, "from": from, "to": to, "add": add, "remove": remove, "why": "for the test" });
        self.call("people.rota.override", input).unwrap()
    }

    fn needs(&self) -> Vec<String> {
        let admin = self.office.admin();
        let needs = self.office.world.kernel.read_as(&admin, |cx| cx.attention(50)).unwrap();
        needs.into_iter().filter(|need| need.subject.kind == "rota").map(|need| need.title).collect()
    }
}

fn names(who: &Value) -> Vec<&str> {
    who.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

#[test]
fn who_is_on_call_now_is_what_the_rotation_says_until_the_next_hand_off() {
    let rotas = rotas();
    let now = rotas.now();
    assert_eq!(names(&now["who"]), ["Ada Admin"]);
    assert_eq!(names(&now["next"]), ["User grace"]);
    assert_eq!(now["until"], "2026-03-09T07:00:00Z");
    rotas.office.world.clock.advance(7 * DAY);
    assert_eq!(names(&rotas.now()["who"]), ["User grace"]);
    let routed =
        rotas.office.world.kernel.db.read(|tx| people::rota::on_call(tx, rotas.rota, rotas.office.world.kernel.now()));
    let routed = routed.unwrap().unwrap();
    assert_eq!(routed.who.iter().map(|one| one.user).collect::<Vec<_>>(), [rotas.grace]);
    let missing = rotas.office.world.kernel.db.read(|tx| people::rota::on_call(tx, 999, kernel::world::START)).unwrap();
    assert!(missing.is_none());
    let number = rotas.office.world.kernel.db.read(|tx| people::rota::by_slug(tx, "infrastructure")).unwrap();
    assert_eq!(number, Some(rotas.rota));
    let listed = rotas.call("people.rota.list", json!({})).unwrap();
    assert_eq!(names(&listed["items"][0]["now"]["who"]), ["User grace"]);
}

#[test]
fn a_stored_rota_and_a_preview_of_it_say_the_same() {
    let rotas = rotas();
    rotas.instead("2026-03-27T20:00", "2026-03-29T12:00", &["user:1"], &["grace"]);
    let span = json!({ "id": rotas.rota, "from": "2026-03-20T00:00", "to": "2026-04-20T00:00" });
    let stored = rotas.call("people.rota.shifts", span).unwrap();
    let preview = rotas
        .call(
            "people.rota.preview",
            json!({
                "time_zone": "Europe/Oslo", "from": "2026-03-20T00:00", "to": "2026-04-20T00:00",
                "rotations": [{ "kind": "weekly", "length": 1, "start": "2026-03-02T08:00", "participants": ["Ada Admin", "User grace"] }],
                "overrides": [{ "from": "2026-03-27T20:00", "to": "2026-03-29T12:00", "add": ["Ada Admin"], "remove": ["User grace"] }],
            }),
        )
        .unwrap();
    let brief = |one: &Value, who: Vec<&str>| json!([one["from"], one["to"], who]);
    let stored: Vec<Value> =
        stored["items"].as_array().unwrap().iter().map(|one| brief(one, names(&one["who"]))).collect();
    let text =
        |one: &Value| one["who"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
    let previewed: Vec<Value> = preview
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let who: Vec<String> = text(one);
            brief(one, who.iter().map(String::as_str).collect())
        })
        .collect();
    assert_eq!(stored, previewed);
    assert!(stored.len() > 5, "{stored:?}");
    assert_eq!(preview[0].as_object().unwrap().keys().collect::<Vec<_>>(), ["from", "to", "who"]);
}

#[test]
fn an_override_counts_until_it_is_taken_back_and_both_can_be_undone() {
    let rotas = rotas();
    let made = rotas.instead("2026-03-02T09:00", "2026-03-02T12:00", &["grace"], &["ada"]);
    assert_eq!(names(&rotas.now()["who"]), ["User grace"]);
    let noun = rotas.office.world.kernel.registry().noun("rota").unwrap().set.unwrap();
    let (admin, rota, field) = (rotas.office.admin(), rotas.rota, format!("override {}", made["id"]));
    let undo = |admin: Actor, field: String, value: Value| {
        rotas.office.world.kernel.write_as(admin, "test.undo", move |cx| noun(cx, rota, &field, &value)).unwrap();
    };
    undo(admin.clone(), field.clone(), Value::Null);
    assert_eq!(names(&rotas.now()["who"]), ["Ada Admin"]);
    undo(admin, field, made.clone());
    assert_eq!(names(&rotas.now()["who"]), ["User grace"]);
    let shown = rotas.call("people.rota.show", json!({ "id": rotas.rota })).unwrap();
    let id = shown["overrides"][0]["id"].clone();
    let removed = rotas.call("people.rota.override-remove", json!({ "id": rotas.rota, "override_id": id })).unwrap();
    assert_eq!(removed["add"], made["add"]);
    let again = rotas.call("people.rota.override-remove", json!({ "id": rotas.rota, "override_id": id })).unwrap_err();
    assert_eq!(again.kind, ErrorKind::NotFound);
    assert_eq!(names(&rotas.now()["who"]), ["Ada Admin"]);
}

#[test]
fn a_change_of_rotations_counts_at_once_and_can_be_undone() {
    let rotas = rotas();
    let old = rotas.call("people.rota.show", json!({ "id": rotas.rota })).unwrap();
    assert_eq!(old["rotations"][0]["participants"], json!(["user:1", format!("user:{}", rotas.grace)]));
    let daily = json!([{ "kind": "daily", "start": "2026-03-01T08:00", "participants": ["ada", "grace"] }]);
    let update = |input: Value| rotas.call("people.rota.update", input);
    update(json!({ "id": rotas.rota, "rotations": daily, "expected_version": old["version"] })).unwrap();
    assert_eq!(names(&rotas.now()["who"]), ["User grace"]);
    let late = update(json!({ "id": rotas.rota, "name": "Late", "expected_version": old["version"] })).unwrap_err();
    assert_eq!(late.kind, ErrorKind::Conflict);
    let noun = rotas.office.world.kernel.registry().noun("rota").unwrap().set.unwrap();
    let (admin, rota, value) = (rotas.office.admin(), rotas.rota, old["rotations"].clone());
    let undo = move |cx: &mut kernel::Cx| noun(cx, rota, "rotations", &value);
    rotas.office.world.kernel.write_as(admin, "test.undo", undo).unwrap();
    assert_eq!(names(&rotas.now()["who"]), ["Ada Admin"]);
    let same = rotas.call("people.rota.show", json!({ "id": rotas.rota })).unwrap();
    let again = update(json!({ "id": rotas.rota, "rotations": same["rotations"] })).unwrap();
    assert_eq!(again["version"], same["version"], "what changes nothing is no change");
}

#[test]
fn who_left_is_a_gap_that_needs_somebody_until_it_is_mended() {
    let rotas = rotas();
    assert_eq!(rotas.needs(), [] as [String; 0]);
    let gaps = |planned: bool| {
        let all = rotas.call("people.rota.gaps", json!({ "id": rotas.rota, "weeks": 2 })).unwrap();
        let all = all["items"].as_array().unwrap().clone();
        all.into_iter().filter(|gap| gap["planned"] == planned).collect::<Vec<Value>>()
    };
    assert_eq!(gaps(false), [] as [Value; 0]);
    rotas.call("people.user.disable", json!({ "id": rotas.grace, "reason": "left" })).unwrap();
    let found = gaps(false);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (found[0]["from"].as_str(), found[0]["to"].as_str()),
        (Some("2026-03-09T08:00:00+01:00"), Some("2026-03-16T08:00:00+01:00"))
    );
    assert!(found[0]["why"].as_str().unwrap().contains("User grace, who can no longer sign in"), "{found:?}");
    assert_eq!(rotas.needs(), ["Nobody is on call in Infrastructure from 9 Mar 2026, 08:00"]);
    let refused = json!({ "id": rotas.rota, "from": "2026-03-09T08:00", "to": "2026-03-16T08:00", "add": [format!("user:{}", rotas.grace)] });
    assert_eq!(rotas.call("people.rota.override", refused).unwrap_err().field.as_deref(), Some("add"));
    let shown = rotas.call("people.rota.show", json!({ "id": rotas.rota })).unwrap();
    assert_eq!(shown["people"][1]["active"], false);
    rotas.call("people.rota.update", json!({ "id": rotas.rota, "name": "Infra" })).unwrap();
    let only = json!([{ "kind": "weekly", "start": "2026-03-02T08:00", "participants": ["ada"] }]);
    rotas.call("people.rota.update", json!({ "id": rotas.rota, "rotations": only })).unwrap();
    assert_eq!(rotas.needs(), [] as [String; 0]);
    rotas.call("people.user.enable", json!({ "id": rotas.grace })).unwrap();
    assert_eq!(rotas.needs(), [] as [String; 0]);
}

#[test]
fn an_override_that_leaves_nobody_needs_somebody_as_its_time_comes_near() {
    let rotas = rotas();
    rotas.instead("2026-04-20T08:00", "2026-04-21T08:00", &[], &["grace", "ada"]);
    assert_eq!(rotas.needs(), [] as [String; 0], "it is more than four weeks away");
    rotas.office.world.pass(30 * DAY).unwrap();
    assert_eq!(rotas.needs(), ["Nobody is on call in Infrastructure from 20 Apr 2026, 08:00"]);
    rotas.office.world.pass(20 * DAY).unwrap();
    assert_eq!(rotas.needs(), [] as [String; 0], "what is over needs nobody");
}

#[test]
fn hours_that_the_rotations_leave_open_are_gaps_as_planned() {
    let rotas = rotas();
    let office_hours = json!([{ "kind": "weekly", "start": "2026-03-02T00:00", "participants": ["ada"], "restrictions": [{ "days": ["mon-fri"], "from": "08:00", "to": "16:00" }] }]);
    rotas.call("people.rota.update", json!({ "id": rotas.rota, "rotations": office_hours })).unwrap();
    let gaps = rotas.call("people.rota.gaps", json!({ "weeks": 1 })).unwrap();
    let gaps = gaps["items"].as_array().unwrap();
    assert!(gaps.len() >= 5 && gaps.iter().all(|gap| gap["planned"] == true), "{gaps:?}");
    assert_eq!(rotas.needs(), [] as [String; 0]);
    rotas.office.world.clock.advance(9 * HOUR);
    let now = rotas.now();
    assert_eq!((names(&now["who"]).len(), now["gap"].as_str()), (0, Some("No rotation is in force.")));
    assert_eq!(now["until"], "2026-03-03T07:00:00Z");
}

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
fn two_who_change_a_rota_at_the_same_moment_do_not_overwrite_each_other() {
    let rotas = rotas();
    let admin = rotas.office.admin();
    let rename = |name: &str| {
        let input = json!({ "id": rotas.rota, "name": name, "expected_version": 1 });
        rotas.office.call(&admin, "people.rota.update", input).is_ok()
    };
    let done = std::thread::scope(|scope| {
        let one = scope.spawn(|| rename("One"));
        let two = scope.spawn(|| rename("Two"));
        [one.join().unwrap(), two.join().unwrap()]
    });
    assert_eq!(done.iter().filter(|done| **done).count(), 1, "{done:?}");
}

#[test]
fn my_shifts_are_those_of_every_rota_with_who_is_on_call_with_me() {
    let rotas = rotas();
    rotas.instead("2026-03-10T08:00", "2026-03-11T08:00", &["ada"], &[]);
    let mine = rotas.as_user(rotas.grace, "people.rota.mine", json!({ "weeks": 2 })).unwrap();
    assert_eq!(mine["items"].as_array().unwrap().len(), 1, "{mine}");
    assert_eq!(mine["items"][0]["from"], "2026-03-09T08:00:00+01:00");
    assert_eq!(mine["items"][0]["to"], "2026-03-16T08:00:00+01:00");
    assert_eq!(names(&mine["items"][0]["with"]), ["Ada Admin"]);
}

#[test]
fn overrides_are_forgotten_long_after_they_ended() {
    let rotas = rotas();
    rotas.instead("2026-03-03T08:00", "2026-03-04T08:00", &["grace"], &["ada"]);
    let past = || {
        let span = json!({ "id": rotas.rota, "from": "2026-03-03T08:00", "to": "2026-03-04T08:00" });
        rotas.call("people.rota.shifts", span).unwrap()["items"][0]["who"][0]["name"].clone()
    };
    rotas.office.world.pass(399 * DAY).unwrap();
    assert_eq!(past(), "User grace");
    rotas.office.world.pass(4 * DAY).unwrap();
    assert_eq!(past(), "Ada Admin");
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
