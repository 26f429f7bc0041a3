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
            csrf: "token".to_owned(),
            zone: jiff::tz::TimeZone::UTC,
            all_panels: &[],
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
    let stranger = office.actor(stranger);
    for page in people::domain().pages {
        let id = if page.path.contains("teams") { team } else { office.admin };
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
    for path in ["/people/{id}", "/people/teams/{id}"] {
        assert_eq!(render(&office, &office.admin(), path, 999).unwrap_err().kind, ErrorKind::NotFound);
    }
}
