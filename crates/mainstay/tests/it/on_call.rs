//! On call from outside: the preview by REST, forms that keep what was seen, and calendars by address.

use axum::http::{StatusCode, header};
use serde_json::{Value, json};

use crate::coming_back::Web;
use crate::http::Door;

fn rota(door: &Door) -> i64 {
    let rota = json!({
        "name": "Network", "slug": "network", "time_zone": "Europe/Oslo",
        "rotations": [{ "kind": "weekly", "start": "2026-03-02T08:00", "participants": ["ada", "a-technician"] }],
    });
    door.house.call(&door.house.admin(), "people.rota.create", rota)["id"].as_i64().unwrap()
}

#[test]
fn a_preview_takes_any_names_and_says_by_name_what_is_wrong() {
    let door = Door::new();
    let token = door.token();
    let asked = |more: Value| {
        let mut body = json!({
            "time_zone": "Europe/Oslo", "from": "2026-03-28T08:00", "to": "2026-03-30T08:00",
            "rotations": [{ "kind": "daily", "length": 1, "start": "2026-03-01T08:00", "participants": ["grace", "linus"], "restrictions": [] }],
            "overrides": [{ "from": "2026-03-29T12:00:00+02:00", "to": "2026-03-29T14:00:00+02:00", "add": ["edsger"], "remove": ["linus"] }],
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        door.api("POST", "/api/v1/people/rotas/preview", &token, &body, &[])
    };
    let answer = asked(json!({}));
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let found: Value = serde_json::from_str(&answer.body).unwrap();
    let expected = json!([
        { "from": "2026-03-28T08:00:00+01:00", "to": "2026-03-29T08:00:00+02:00", "who": ["linus"] },
        { "from": "2026-03-29T08:00:00+02:00", "to": "2026-03-30T08:00:00+02:00", "who": ["grace"] },
    ]);
    assert_eq!(found[0], expected[0]);
    assert_eq!(found.as_array().unwrap().len(), 4, "{found}");
    assert_eq!(found[2]["who"], json!(["edsger", "grace"]));
    let plain = asked(json!({ "overrides": [] }));
    assert_eq!(serde_json::from_str::<Value>(&plain.body).unwrap(), expected);
    for (more, field) in [
        (json!({ "time_zone": "Moon/Base" }), "time_zone"),
        (
            json!({ "rotations": [{ "kind": "daily", "length": "soon", "start": "2026-03-01", "participants": ["x"] }] }),
            "rotations[0].length",
        ),
        (
            json!({ "rotations": [{ "kind": "daily", "length": [], "start": "2026-03-01", "participants": ["x"] }] }),
            "rotations[0].length",
        ),
        (
            json!({ "rotations": [{ "kind": "yearly", "start": "2026-03-01", "participants": ["x"] }] }),
            "rotations[0].kind",
        ),
        (
            json!({ "rotations": [{ "kind": "daily", "start": "2026-03-01", "participants": "x" }] }),
            "rotations[0].participants",
        ),
        (json!({ "to": 5 }), "to"),
        (json!({ "until": "2026-03-30" }), "until"),
    ] {
        let answer = asked(more.clone());
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{more}");
        let error: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(error["error"]["field"], field, "{more}: {}", answer.body);
    }
    assert_eq!(
        door.api("POST", "/api/v1/people/rotas/preview", "mst_no", &json!({}), &[]).status,
        StatusCode::UNAUTHORIZED
    );
}

#[test]
fn a_form_shows_a_rota_before_it_is_kept_and_an_override_can_be_undone() {
    let door = Door::new();
    let rota = rota(&door);
    let (cookie, page) = (door.sign_in("ada"), format!("/people/rotas/{rota}"));
    let csrf = door.csrf(&cookie);
    let typed = "time_zone=Europe/Oslo&kind.0=daily&length.0=2&start.0=2026-03-02T08:00&people.0=a-technician%0Aada&hours.0=mon-fri+08:00-16:00";
    let shown = door.get(&format!("{page}/edit?{typed}"), &cookie);
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.body);
    assert!(
        shown.body.contains("A technician, Mon 2 Mar, 09:00") || shown.body.contains("A technician, Mon 2 Mar, 08:00"),
        "{}",
        shown.body
    );
    let hidden = |name: &str| {
        let mark = format!("name=\"{name}\" value=\"");
        shown
            .body
            .split(mark.as_str())
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .replace("&quot;", "%22")
            .replace(' ', "+")
    };
    let form = format!(
        "id={rota}&rotations={}&time_zone={}&expected_version={}&_back={page}&_csrf={csrf}",
        hidden("rotations"),
        "Europe/Oslo",
        hidden("expected_version")
    );
    let kept = door.post("/do/people.rota.update", &cookie, &form);
    assert_eq!(kept.status, StatusCode::SEE_OTHER, "{}", kept.body);
    let late = door.post("/do/people.rota.update", &cookie, &form);
    assert_eq!(late.status, StatusCode::CONFLICT, "somebody was faster");
    let instead = format!(
        "id={rota}&from=2026-03-03T08:00&to=2026-03-04T08:00&add=user:1&remove=*&why=Swap&_back={page}&_csrf={csrf}"
    );
    let made = door.post("/do/people.rota.override", &cookie, &instead);
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.body);
    let body = door.get(&page, &cookie).body;
    assert!(body.contains("Ada Admin instead of everybody else") && body.contains("mon-fri 08:00-16:00"), "{body}");
    let wrong = door.post("/do/people.rota.override", &cookie, &instead.replace("2026-03-04", "2026-03-02"));
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("later than from"), "{}", wrong.body);
}

#[test]
fn a_calendar_is_read_by_its_address_alone_which_is_shown_once() {
    let door = Door::new();
    let rota = rota(&door);
    let cookie = door.sign_in("ada");
    let csrf = door.csrf(&cookie);
    let made = door.post("/do/people.feed.create", &cookie, &format!("rota={rota}&_back=/people/rotas&_csrf={csrf}"));
    assert!(made.status == StatusCode::OK && made.body.contains("Keep this now"), "{}", made.body);
    let path = made.body.split("/calendar/").nth(1).and_then(|rest| rest.split(".ics").next()).unwrap();
    let answer = door.get(&format!("/calendar/{path}.ics"), "");
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.headers[header::CONTENT_TYPE], "text/calendar; charset=utf-8");
    assert!(
        answer.body.starts_with("BEGIN:VCALENDAR\r\n") && answer.body.contains("DTSTART:20260302T070000Z\r\n"),
        "{}",
        answer.body
    );
    assert!(!door.get("/people/rotas", &cookie).body.contains(path));
    for wrong in ["/calendar/x.ics", "/calendar/.ics", "/calendar/%00"] {
        assert_eq!(door.get(wrong, "").status, StatusCode::NOT_FOUND, "{wrong}");
    }
    let revoked = door.post("/do/people.feed.revoke", &cookie, &format!("id=1&_back=/people/rotas&_csrf={csrf}"));
    assert_eq!(revoked.status, StatusCode::SEE_OTHER, "{}", revoked.body);
    assert_eq!(door.get(&format!("/calendar/{path}.ics"), "").status, StatusCode::NOT_FOUND);
}

#[test]
fn lesson_12_who_is_on_call_now_is_who_is_told() {
    let web = Web::new();
    let rota = json!({
        "name": "Network", "slug": "network", "time_zone": "UTC",
        "rotations": [{ "kind": "hourly", "start": "2026-03-02T08:00", "participants": ["ada", "a-technician"] }],
    });
    web.call("people.rota.create", rota);
    let policy = web.call("paging.policy.save", json!({ "name": "On duty", "lines": "0 rota:network" }))["id"].clone();
    web.call("paging.route.add", json!({ "name": "All", "policy": policy }));
    let mut all = Vec::new();
    for name in ["First", "Second", "Third"] {
        let check = web.check(name);
        let now = web.call("people.rota.now", json!({}));
        let who = now["items"][0]["who"][0]["name"].as_str().unwrap().to_owned();
        let preview = web.call("paging.route.preview", json!({ "severity": "critical" }));
        assert_eq!(preview["policies"][0]["steps"][0]["who"][0], format!("{who} by mail"));
        web.report(check, "gbbbb");
        let group = web.call("monitor.group.list", json!({ "state": "open" }))["items"][0]["id"].clone();
        let told = web.call("paging.message.list", json!({ "group": group }))["items"].clone();
        assert_eq!((&told[0]["to"], &told[1]), (&json!(format!("{who} by mail")), &Value::Null), "{name}");
        web.report(check, "gggggg");
        web.house.world.clock.advance(kernel::time::HOUR);
        all.push(who);
    }
    assert_eq!(all, ["Ada Admin", "A technician", "Ada Admin"], "it changes with the hour");
}

#[test]
fn a_link_that_acknowledges_needs_no_sign_in_and_a_forged_one_leads_nowhere() {
    let door = Door::new();
    for path in ["/acknowledge/1.1.1772438400.AAAA", "/acknowledge/x", "/acknowledge/%00"] {
        let shown = door.get(path, "");
        assert_eq!(shown.status, StatusCode::NOT_FOUND, "{path}");
        assert!(shown.body.contains("That did not work") && !shown.body.contains("Sign in"), "{}", shown.body);
        assert_eq!(door.post(path, "", "name=Ada").status, StatusCode::NOT_FOUND, "{path}");
    }
}
