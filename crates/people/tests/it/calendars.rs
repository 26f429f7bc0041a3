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
    let revoke =
        |user: i64| calendars.office.call(&calendars.office.actor(user), "people.feed.revoke", json!({ "id": id }));
    assert_eq!(revoke(calendars.office.admin).unwrap_err().kind, ErrorKind::NotFound, "it is not theirs");
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
