//! Every page is made from the real tables, for an administrator and for somebody who holds nothing.

use crate::office::Office;
use kernel::{Actor, ErrorKind};
use serde_json::json;
use web::PageCx;

/// What a page shows for an actor.
pub(crate) fn render(office: &Office, actor: &Actor, path: &str, id: i64) -> Result<String, kernel::Error> {
    let page = people::domain().pages.into_iter().find(|page| page.path == path).unwrap();
    office.world.kernel.read_as(actor, |cx| {
        let mut page_cx = PageCx {
            cx,
            path: [("id".to_owned(), id.to_string())].into(),
            query: Vec::new(),
            here: path.to_owned(),
            origin: "http://127.0.0.1:7300".to_owned(),
            csrf: "token".to_owned(),
            zone: jiff::tz::TimeZone::UTC,
            all_panels: &[],
            later: web::Later::default(),
        };
        (page.render)(&mut page_cx).map(|content| content.body.into_string())
    })
}

#[test]
fn every_page_opens_for_an_administrator_and_none_but_their_own_for_a_stranger() {
    let office = Office::new();
    let (admin, stranger) = (office.admin(), office.user("stranger"));
    office.sign_in("ada", crate::office::PASSWORD).unwrap();
    office.call(&admin, "people.token.create", json!({ "name": "script" })).unwrap();
    let team = office.world.kernel.db.read(people::default_team).unwrap().unwrap();
    let rota = json!({ "name": "Infrastructure", "slug": "infrastructure", "time_zone": "Europe/Oslo", "rotations": [
        { "kind": "weekly", "start": "2026-03-02T08:00", "participants": ["ada"] }
    ] });
    let rota = office.call(&admin, "people.rota.create", rota).unwrap()["id"].as_i64().unwrap();
    let stranger = office.actor(stranger);
    for page in people::domain().pages {
        let id = match page.path {
            path if path.contains("teams") => team,
            path if path.contains("rotas") => rota,
            _ => office.admin,
        };
        let body = render(&office, &admin, page.path, id).unwrap_or_else(|error| panic!("{}: {error}", page.path));
        assert!(body.contains("<h1"), "{}", page.path);
        let refused = render(&office, &stranger, page.path, id);
        match page.path {
            "/me" => assert!(refused.unwrap().contains("User stranger")),
            // The server refuses this form by its grant; it holds nothing of the tables but names of places.
            "/people/new" => {}
            path => assert_eq!(refused.unwrap_err().kind, ErrorKind::Denied, "{path}"),
        }
    }
}

#[test]
fn a_page_of_what_is_not_there_is_not_found() {
    let office = Office::new();
    for path in ["/people/{id}", "/people/teams/{id}", "/people/rotas/{id}", "/people/rotas/{id}/edit"] {
        assert_eq!(render(&office, &office.admin(), path, 999).unwrap_err().kind, ErrorKind::NotFound);
    }
}

#[test]
fn the_form_of_rotations_shows_what_was_typed_before_anything_is_kept() {
    let office = Office::new();
    let admin = office.admin();
    let rota = json!({ "name": "Infra", "slug": "infra", "time_zone": "Europe/Oslo" });
    let rota = office.call(&admin, "people.rota.create", rota).unwrap()["id"].as_i64().unwrap();
    let asked = |query: &[(&str, &str)]| {
        let page = people::domain().pages.into_iter().find(|page| page.path == "/people/rotas/{id}/edit").unwrap();
        office.world.kernel.read_as(&admin, |cx| {
            let mut page_cx = PageCx {
                cx,
                path: [("id".to_owned(), rota.to_string())].into(),
                query: query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
                here: String::new(),
                origin: "http://127.0.0.1:7300".to_owned(),
                csrf: "token".to_owned(),
                zone: jiff::tz::TimeZone::UTC,
                all_panels: &[],
                later: web::Later::default(),
            };
            (page.render)(&mut page_cx).map(|content| content.body.into_string())
        })
    };
    let typed =
        [("time_zone", "Europe/Oslo"), ("kind.0", "weekly"), ("start.0", "2026-03-02T08:00"), ("people.0", "ada")];
    let shown = asked(&typed).unwrap();
    assert!(shown.contains("Ada Admin, Mon 2 Mar, 08:00") && shown.contains("Save what the preview shows"), "{shown}");
    let saved = shown.split("name=\"rotations\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let saved: serde_json::Value = serde_json::from_str(&saved.replace("&quot;", "\"")).unwrap();
    office.call(&admin, "people.rota.update", json!({ "id": rota, "rotations": saved })).unwrap();
    assert!(asked(&[]).unwrap().contains("This is how the rota is now."));
    let wrong = asked(&[&typed[..3], &[("people.0", "nobody-of-that-name")]].concat()).unwrap();
    assert!(wrong.contains("Rotation 1, participants: Nobody is called") && !wrong.contains("Save what"), "{wrong}");
}
