//! Rotas as they are kept: who is on call now, overrides, gaps, people who leave, undo and races.

use crate::office::Office;
use kernel::time::{DAY, HOUR};
use kernel::{Actor, ErrorKind};
use serde_json::{Value, json};

/// An office with a rota of weeks in Oslo: `ada` and `grace` take turns from Monday 2 March 2026 at 08:00 there.
pub(crate) struct Rotas {
    pub(crate) office: Office,
    pub(crate) grace: i64,
    pub(crate) rota: i64,
}

pub(crate) fn rotas() -> Rotas {
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
    pub(crate) fn call(&self, operation: &str, input: Value) -> kernel::Result<Value> {
        self.office.call(&self.office.admin(), operation, input)
    }

    pub(crate) fn as_user(&self, user: i64, operation: &str, input: Value) -> kernel::Result<Value> {
        self.office.call(&self.office.actor(user), operation, input)
    }

    pub(crate) fn now(&self) -> Value {
        self.call("people.rota.now", json!({ "id": self.rota })).unwrap()["items"][0].clone()
    }

    pub(crate) fn instead(&self, from: &str, to: &str, add: &[&str], remove: &[&str]) -> Value {
        let input =
            json!({ "id": self.rota, "from": from, "to": to, "add": add, "remove": remove, "why": "for the test" });
        self.call("people.rota.override", input).unwrap()
    }

    pub(crate) fn needs(&self) -> Vec<String> {
        let admin = self.office.admin();
        let needs = self.office.world.kernel.read_as(&admin, |cx| cx.attention(50)).unwrap();
        needs.into_iter().filter(|need| need.subject.kind == "rota").map(|need| need.title).collect()
    }
}

pub(crate) fn names(who: &Value) -> Vec<&str> {
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
