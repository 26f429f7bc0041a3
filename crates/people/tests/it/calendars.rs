//! Calendars of rotas: addresses that show shifts to whoever has them, and events of other calendars as overrides.

use crate::office::Office;
use kernel::ErrorKind;
use kernel::time::DAY;
use serde_json::{Value, json};

struct Calendars {
    office: Office,
    grace: i64,
    rota: i64,
}

fn calendars() -> Calendars {
    let office = Office::new();
    let grace = office.user("grace");
    office.give(grace, "technician", json!({}));
    let mail = json!({ "id": grace, "email": "Grace@Example.org" });
    office.call(&office.admin(), "people.user.update", mail).unwrap();
    let rota = json!({
        "name": "Infra; nights", "slug": "infra", "time_zone": "Europe/Oslo",
        "rotations": [{ "kind": "weekly", "start": "2026-03-02T08:00", "participants": ["ada", "grace"] }],
    });
    let rota = office.call(&office.admin(), "people.rota.create", rota).unwrap()["id"].as_i64().unwrap();
    Calendars { office, grace, rota }
}

impl Calendars {
    fn feed(&self, user: i64, rota: Option<i64>) -> (i64, String) {
        let made = self.office.call(&self.office.actor(user), "people.feed.create", json!({ "rota": rota })).unwrap();
        let path = made["feed"].as_str().unwrap();
        let secret = path.strip_prefix("/calendar/").and_then(|rest| rest.strip_suffix(".ics")).unwrap();
        (made["id"].as_i64().unwrap(), secret.to_owned())
    }

    fn text(&self, secret: &str) -> Option<String> {
        let kernel = &self.office.world.kernel;
        kernel.db.read(|tx| people::rota::feed::calendar(tx, secret, kernel.now())).unwrap()
    }

    fn import(&self, more: Value) -> Value {
        let mut input = json!({ "id": self.rota });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.office.call(&self.office.admin(), "people.rota.import", input).unwrap()
    }

    fn who(&self, from: &str, to: &str) -> Vec<String> {
        let span = json!({ "id": self.rota, "from": from, "to": to });
        let shifts = self.office.call(&self.office.admin(), "people.rota.shifts", span).unwrap();
        let name = |shift: &Value| {
            shift["who"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["name"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
                .join("+")
        };
        shifts["items"].as_array().unwrap().iter().map(name).collect()
    }
}

fn uids(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("UID:")).map(str::trim_end).collect()
}

#[test]
fn whoever_has_the_address_reads_my_shifts_until_it_is_revoked() {
    let calendars = calendars();
    let (id, secret) = calendars.feed(calendars.grace, None);
    let text = calendars.text(&secret).unwrap();
    assert!(
        text.contains("SUMMARY:On call: Infra\\; nights\r\n") && text.contains("DTSTART:20260309T070000Z\r\n"),
        "{text}"
    );
    assert!(!text.contains("DTSTART:20260302T070000Z"), "the first week is somebody else's");
    let before = uids(&text).len();
    calendars.office.world.clock.advance(DAY);
    let later = calendars.text(&secret).unwrap();
    assert_eq!(uids(&text), uids(&later)[..before].to_vec(), "an event keeps its name");
    assert!(calendars.text("guess").is_none() && calendars.text("").is_none());
    let listed =
        calendars.office.call(&calendars.office.actor(calendars.grace), "people.feed.list", json!({})).unwrap();
    assert!(!listed.to_string().contains(&secret), "the address is not shown again");
    let sam = calendars.office.user("sam");
    calendars.office.give(sam, "technician", json!({}));
    let list = |user: i64| {
        let input = json!({ "user": calendars.grace });
        calendars.office.call(&calendars.office.actor(user), "people.feed.list", input)
    };
    assert_eq!(list(sam).unwrap_err().kind, ErrorKind::Denied);
    assert_eq!(list(calendars.office.admin).unwrap()["items"][0]["id"], id);
    let revoke =
        |user: i64| calendars.office.call(&calendars.office.actor(user), "people.feed.revoke", json!({ "id": id }));
    assert_eq!(revoke(sam).unwrap_err().kind, ErrorKind::NotFound, "it is not theirs");
    revoke(calendars.grace).unwrap();
    assert!(calendars.text(&secret).is_none());
    assert_eq!(revoke(calendars.grace).unwrap_err().kind, ErrorKind::NotFound);
}

#[test]
fn the_address_of_a_rota_shows_everybody_and_ends_with_the_rights_of_who_made_it() {
    let calendars = calendars();
    let (_, secret) = calendars.feed(calendars.grace, Some(calendars.rota));
    let text = calendars.text(&secret).unwrap();
    let unfolded = text.replace("\r\n ", "");
    assert!(
        unfolded.contains("SUMMARY:Ada Admin on call: Infra") && unfolded.contains("SUMMARY:User grace on call: Infra"),
        "{text}"
    );
    let admin = calendars.office.admin();
    let away =
        json!({ "id": calendars.rota, "from": "2026-03-10T08:00", "to": "2026-03-11T08:00", "remove": ["grace"] });
    calendars.office.call(&admin, "people.rota.override", away).unwrap();
    let gap = calendars.text(&secret).unwrap();
    assert!(gap.contains("SUMMARY:Nobody on call: Infra\\; nights"), "{gap}");
    calendars.office.call(&admin, "people.user.disable", json!({ "id": calendars.grace, "reason": "left" })).unwrap();
    assert!(calendars.text(&secret).is_none(), "who left reads nothing");
    let (_, secret) = calendars.feed(calendars.office.admin, Some(calendars.rota));
    assert!(calendars.text(&secret).is_some());
    calendars.office.call(&admin, "people.rota.delete", json!({ "id": calendars.rota })).unwrap();
    assert!(calendars.text(&secret).is_none());
}

#[test]
fn a_calendar_of_a_rota_is_for_those_who_may_see_it() {
    let calendars = calendars();
    let sam = calendars.office.user("sam");
    let make = |rota: Value| {
        calendars.office.call(&calendars.office.actor(sam), "people.feed.create", json!({ "rota": rota }))
    };
    assert_eq!(make(json!(calendars.rota)).unwrap_err().kind, ErrorKind::Denied);
    make(Value::Null).unwrap();
    for _ in 0..19 {
        make(Value::Null).unwrap();
    }
    assert_eq!(make(Value::Null).unwrap_err().kind, ErrorKind::OverLimit);
}

const SHIFTS: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n\
    BEGIN:VEVENT\r\nUID:one\r\nDTSTART;TZID=Europe/Oslo:20260310T080000\r\nDTEND;TZID=Europe/Oslo:20260311T080000\r\nSUMMARY:On call\r\nATTENDEE:mailto:grace@example.org\r\nEND:VEVENT\r\n\
    BEGIN:VEVENT\r\nUID:two\r\nDTSTART:20260303T080000\r\nDURATION:PT4H\r\nRRULE:FREQ=DAILY;COUNT=2\r\nSUMMARY:grace on duty\r\nEND:VEVENT\r\n\
    BEGIN:VEVENT\r\nUID:three\r\nDTSTART:20260305T080000\r\nDURATION:PT4H\r\nSUMMARY:Somebody\r\nEND:VEVENT\r\n\
    BEGIN:VEVENT\r\nUID:past\r\nDTSTART:20200305T080000\r\nDURATION:PT4H\r\nSUMMARY:grace\r\nEND:VEVENT\r\n\
    END:VCALENDAR\r\n";

#[test]
fn shifts_of_another_calendar_replace_who_would_be_on_call() {
    let calendars = calendars();
    let done = calendars.import(json!({ "calendar": SHIFTS }));
    assert_eq!(done["added"].as_array().unwrap().len(), 3, "{done}");
    assert_eq!(done["left_out"], json!([{ "what": "Somebody", "why": "It does not say whom it is about." }]));
    assert_eq!(calendars.who("2026-03-03T08:00", "2026-03-03T12:00"), ["User grace"]);
    assert_eq!(calendars.who("2026-03-04T08:00", "2026-03-04T12:00"), ["User grace"]);
    let again = calendars.import(json!({ "calendar": SHIFTS }));
    assert_eq!((again["added"].as_array().unwrap().len(), again["unchanged"].as_i64()), (0, Some(3)));
    let moved = SHIFTS
        .replace("20260310T080000", "20260310T200000")
        .replace("UID:one\r\nDTSTART", "UID:one\r\nX-A:1\r\nDTSTART");
    let moved = calendars.import(json!({ "calendar": moved }));
    assert_eq!(moved["added"].as_array().unwrap().len(), 1, "an event that begins at another time is another: {moved}");
    let longer = SHIFTS.replace("PT4H\r\nRRULE", "PT6H\r\nRRULE");
    let longer = calendars.import(json!({ "calendar": longer }));
    assert_eq!((longer["replaced"].as_i64(), longer["unchanged"].as_i64()), (Some(2), Some(1)), "{longer}");
    assert_eq!(calendars.who("2026-03-03T12:00", "2026-03-03T14:00"), ["User grace"]);
}

#[test]
fn an_absence_takes_somebody_off_and_leaves_a_gap() {
    let calendars = calendars();
    let done = calendars.import(json!({ "calendar": SHIFTS, "meaning": "absence", "person": "ada" }));
    assert_eq!(done["added"].as_array().unwrap().len(), 4, "{done}");
    assert_eq!(calendars.who("2026-03-03T08:00", "2026-03-03T12:00"), [""]);
    assert_eq!(calendars.who("2026-03-10T08:00", "2026-03-11T08:00"), ["User grace"], "she was not on call then");
}

#[test]
fn what_is_no_calendar_is_refused_and_a_technician_takes_only_what_is_about_themselves() {
    let calendars = calendars();
    let import = |user: i64, more: Value| {
        let mut input = json!({ "id": calendars.rota });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        calendars.office.call(&calendars.office.actor(user), "people.rota.import", input)
    };
    let admin = calendars.office.admin;
    assert_eq!(import(admin, json!({ "calendar": "hello" })).unwrap_err().field.as_deref(), Some("calendar"));
    let huge = "x".repeat(600 * 1024);
    assert_eq!(import(admin, json!({ "calendar": huge })).unwrap_err().kind, ErrorKind::OverLimit);
    assert_eq!(
        import(admin, json!({ "calendar": SHIFTS, "person": "nobody-of-that-name" })).unwrap_err().field.as_deref(),
        Some("person")
    );
    let grace = calendars.grace;
    assert_eq!(
        import(grace, json!({ "calendar": SHIFTS })).unwrap_err().kind,
        ErrorKind::Denied,
        "shifts replace others"
    );
    assert_eq!(
        import(grace, json!({ "calendar": SHIFTS, "meaning": "absence", "person": "ada" })).unwrap_err().kind,
        ErrorKind::Denied
    );
    import(grace, json!({ "calendar": SHIFTS, "meaning": "absence", "person": "grace" })).unwrap();
}

fn actor_without_proof(calendars: &Calendars, proof: kernel::Proof) -> kernel::Actor {
    kernel::Actor { proof, ..calendars.office.actor(calendars.grace) }
}

#[test]
fn an_address_is_made_with_a_fresh_proof_or_a_token_and_dies_with_the_account_for_good() {
    let calendars = calendars();
    let old = kernel::Proof::At(calendars.office.world.kernel.now().plus(-DAY));
    let make = |actor: &kernel::Actor| calendars.office.call(actor, "people.feed.create", json!({}));
    let error = make(&actor_without_proof(&calendars, old)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unconfirmed, "{}", error.message);
    let narrow =
        kernel::Actor { patterns: vec!["*.list".into()], ..actor_without_proof(&calendars, kernel::Proof::None) };
    assert_eq!(make(&narrow).unwrap_err().kind, ErrorKind::Denied, "what a token is not for stays refused");
    for proof in [kernel::Proof::None, kernel::Proof::Standing] {
        let made = make(&actor_without_proof(&calendars, proof)).unwrap();
        assert!(made["feed"].as_str().unwrap().starts_with("/calendar/"), "a token of the person makes one");
    }
    let (_, secret) = calendars.feed(calendars.grace, None);
    let admin = calendars.office.admin();
    calendars.office.call(&admin, "people.user.disable", json!({ "id": calendars.grace, "reason": "left" })).unwrap();
    assert!(calendars.text(&secret).is_none());
    calendars.office.call(&admin, "people.user.enable", json!({ "id": calendars.grace })).unwrap();
    assert!(calendars.text(&secret).is_none(), "it stays dead when they come back");
    let (id, secret) = calendars.feed(calendars.grace, None);
    assert!(calendars.text(&secret).is_some());
    calendars.office.call(&admin, "people.feed.revoke", json!({ "id": id })).unwrap();
    assert!(calendars.text(&secret).is_none(), "an administrator can revoke it");
}

#[test]
fn the_command_line_on_the_server_makes_the_address_of_a_person_it_names() {
    let calendars = calendars();
    let os = kernel::Actor::os("root");
    let make = |actor: &kernel::Actor, input: Value| calendars.office.call(actor, "people.feed.create", input);
    let error = make(&os, json!({ "rota": calendars.rota })).unwrap_err();
    assert_eq!((error.field.as_deref(), error.message.contains("Say whose")), (Some("user"), true), "{error}");
    let made = make(&os, json!({ "rota": calendars.rota, "user": calendars.grace })).unwrap();
    let secret = made["feed"].as_str().unwrap().trim_start_matches("/calendar/").trim_end_matches(".ics").to_owned();
    assert!(calendars.text(&secret).unwrap().contains("on call: Infra"));
    let blind = calendars.office.user("blind");
    let error = make(&os, json!({ "rota": calendars.rota, "user": blind })).unwrap_err();
    assert!(error.message.contains("may not see the rota"), "{error}");
    let grace = calendars.office.actor(calendars.grace);
    let other = make(&grace, json!({ "user": calendars.office.admin })).unwrap_err();
    assert!(matches!(other.kind, ErrorKind::Denied | ErrorKind::NotFound), "{other}");
}

#[test]
fn a_gap_that_runs_keeps_its_name_in_the_calendar() {
    let calendars = calendars();
    let admin = calendars.office.admin();
    let away = json!({ "id": calendars.rota, "from": "2026-03-03T08:00", "to": "2026-05-30T08:00", "remove": ["*"] });
    calendars.office.call(&admin, "people.rota.override", away).unwrap();
    let (_, secret) = calendars.feed(calendars.grace, Some(calendars.rota));
    calendars.office.world.clock.advance(40 * DAY);
    let name = || {
        let text = calendars.text(&secret).unwrap();
        uids(&text).into_iter().find(|uid| uid.contains("-nobody@")).unwrap().to_owned()
    };
    let first = name();
    calendars.office.world.clock.advance(DAY);
    assert_eq!(name(), first);
    assert!(first.starts_with("since-nobody@"), "{first}");
}

fn event(uid: &str, day: &str, more: &str) -> String {
    format!("BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTART:{day}T080000\r\n{more}\r\nEND:VEVENT\r\n")
}

fn calendar(events: &[String]) -> String {
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{}END:VCALENDAR\r\n", events.concat())
}

#[test]
fn two_whose_shifts_meet_are_on_call_together() {
    let calendars = calendars();
    let events = [
        event("one", "20260310", "DURATION:PT8H\r\nSUMMARY:ada"),
        event("two", "20260310", "DURATION:PT4H\r\nSUMMARY:grace"),
    ];
    let done = calendars.import(json!({ "calendar": calendar(&events) }));
    assert_eq!(done["added"].as_array().unwrap().len(), 2, "{done}");
    assert_eq!(calendars.who("2026-03-10T08:00", "2026-03-10T16:00"), ["Ada Admin+User grace", "Ada Admin"]);
    let input = json!({ "id": calendars.rota, "from": "2026-03-10T09:00", "to": "2026-03-10T10:00", "remove": ["*"], "add": ["grace"] });
    calendars.office.call(&calendars.office.admin(), "people.rota.override", input).unwrap();
    assert_eq!(calendars.who("2026-03-10T09:00", "2026-03-10T10:00"), ["User grace"], "later overrides count");
}

#[test]
fn absences_of_two_with_the_same_calendar_are_both_kept() {
    let calendars = calendars();
    let text = calendar(&[event("holiday", "20260310", "DURATION:PT8H\r\nSUMMARY:Easter")]);
    let import = |person: &str, meaning: &str| {
        calendars.import(json!({ "calendar": text, "meaning": meaning, "person": person }))
    };
    assert_eq!(import("ada", "absence")["replaced"], 0);
    let second = import("grace", "absence");
    assert_eq!((second["added"].as_array().unwrap().len(), second["replaced"].as_i64()), (1, Some(0)), "{second}");
    assert_eq!(import("ada", "absence")["unchanged"], 1);
    assert_eq!(import("ada", "shifts")["added"].as_array().unwrap().len(), 1, "another meaning is another override");
}

#[test]
fn an_event_that_is_cancelled_or_about_somebody_else_now_takes_back_what_came_of_it() {
    let calendars = calendars();
    let import = |more: &str| calendars.import(json!({ "calendar": calendar(&[event("one", "20260310", more)]) }));
    let count = || {
        let shown =
            calendars.office.call(&calendars.office.admin(), "people.rota.show", json!({ "id": calendars.rota }));
        shown.unwrap()["overrides"].as_array().unwrap().len()
    };
    import("DURATION:PT8H\r\nSUMMARY:ada");
    assert_eq!(calendars.who("2026-03-10T08:00", "2026-03-10T16:00"), ["Ada Admin"]);
    let other = import("DURATION:PT8H\r\nSUMMARY:grace");
    assert_eq!((other["added"].as_array().unwrap().len(), other["taken_back"].as_i64()), (1, Some(1)), "{other}");
    assert_eq!((count(), calendars.who("2026-03-10T08:00", "2026-03-10T16:00")), (1, vec!["User grace".to_owned()]));
    let cancelled = import("STATUS:CANCELLED");
    assert_eq!((cancelled["taken_back"].as_i64(), count()), (Some(1), 0), "{cancelled}");
    let again = import("STATUS:CANCELLED");
    assert_eq!(again["taken_back"], 0);
    assert!(again["left_out"][0]["why"].as_str().unwrap().contains("cancelled"), "{again}");
}

#[test]
fn what_came_of_a_calendar_is_shown_even_when_it_was_nothing() {
    let calendars = calendars();
    let nobody = calendar(&[event("one", "20260310", "DURATION:PT8H\r\nSUMMARY:Team lunch")]);
    let done = calendars.import(json!({ "calendar": nobody }));
    assert_eq!(
        (done["added"].as_array().unwrap().len(), done["left_out"][0]["what"].as_str()),
        (0, Some("Team lunch"))
    );
    let kernel = &calendars.office.world.kernel;
    let kept = || {
        let text = |tx: &mut kernel::db::Tx<'_>| tx.one("SELECT imported FROM people_rotas", &[])?.text(0);
        serde_json::from_str::<Value>(&kernel.db.read(text).unwrap()).unwrap()
    };
    assert_eq!((kept()["added"].as_i64(), kept()["left_out_count"].as_i64()), (Some(0), Some(1)), "{}", kept());
    calendars.import(json!({ "calendar": SHIFTS }));
    assert_eq!((kept()["added"].as_i64(), kept()["by"].as_str()), (Some(3), Some("Ada Admin")), "{}", kept());
}
