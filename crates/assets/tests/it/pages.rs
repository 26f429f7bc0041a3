//! Every page is made from the real tables, in few statements.

use crate::store_room::Room;
use agent_proto::facts::{Section, whole};
use kernel::{Actor, ErrorKind, Scope};
use serde_json::json;
use web::PageCx;

fn render(
    room: &Room,
    actor: &Actor,
    path: &str,
    id: i64,
    query: &[(&str, &str)],
) -> Result<(String, u64), kernel::Error> {
    let page = assets::domain().pages.into_iter().find(|page| page.path == path).unwrap();
    room.world.kernel.read_as(actor, |cx| {
        let mut page_cx = PageCx {
            cx,
            path: [("id".to_owned(), id.to_string())].into(),
            query: query.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            here: path.to_owned(),
            origin: "http://127.0.0.1:7300".to_owned(),
            csrf: "token".to_owned(),
            zone: jiff::tz::TimeZone::UTC,
            all_panels: &[],
            later: web::Later::default(),
        };
        let body = (page.render)(&mut page_cx)?.body.into_string();
        Ok((body, page_cx.cx.tx.statements()))
    })
}

fn with_facts(room: &Room) -> i64 {
    let id = room.add("srv-01", json!({ "place": room.site, "team": room.team, "owner": room.user }));
    let facts = |name: &str, pairs: &[(&str, &str)]| {
        let section: Section = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        whole(name, room.world.kernel.now().millis(), &section)
    };
    for message in [
        facts("os", &[("os.name", "\"Debian GNU/Linux 12\""), ("os.booted_at_s", "1772400000")]),
        facts("packages", &[("openssl", "\"3.0.2\"")]),
        facts("updates", &[("updates.count", "3"), ("updates.security_count", "1"), ("update.curl", "{}")]),
    ] {
        room.world
            .kernel
            .write_as(room.os(), "test.facts", move |cx| assets::store_facts(cx, id, "agent", &message))
            .unwrap();
    }
    id
}

#[test]
fn the_page_of_a_thing_shows_its_facts_and_history_in_every_tab() {
    let room = Room::new();
    let id = with_facts(&room);
    for (tab, wanted) in [
        ("", vec!["Debian GNU/Linux 12", "10 h 40 min", "3 pending, 1 for security", "Sam Reyes", "srv-01 was added"]),
        ("timeline", vec!["srv-01 was added as MS-00001"]),
        ("facts", vec!["booted at s", "System"]),
        ("software", vec!["openssl", "3.0.2", "Packages"]),
        ("nonsense", vec!["At a glance"]),
    ] {
        let (body, statements) = render(&room, &room.os(), "/assets/{id}", id, &[("tab", tab)]).unwrap();
        for text in wanted {
            assert!(body.contains(text), "{tab}: {text} in {body}");
        }
        assert!(statements <= 16, "{tab}: {statements} statements");
    }
}

#[test]
fn the_list_takes_few_statements_and_a_bad_filter_is_explained() {
    let room = Room::new();
    with_facts(&room);
    let (body, statements) = render(&room, &room.os(), "/assets", 0, &[]).unwrap();
    assert!(body.contains("srv-01") && body.contains("1 thing"), "{body}");
    assert!(statements <= 14, "{statements} statements");
    let (body, _) = render(&room, &room.os(), "/assets", 0, &[("q", "colour:red")]).unwrap();
    assert!(body.contains("At character 1:"));
    render(&room, &room.os(), "/assets/new", 0, &[]).unwrap();
}

#[test]
fn a_page_of_what_one_may_not_see_is_not_found() {
    let room = Room::new();
    let id = room.add("hidden", json!({}));
    let error = render(&room, &room.sam(Scope::Own), "/assets/{id}", id, &[]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
}

#[test]
fn who_may_not_retire_is_not_offered_it_for_many_at_once() {
    let room = Room::new();
    with_facts(&room);
    for (role, offered) in [("lead", true), ("technician", false)] {
        let (body, _) = render(&room, &room.role(role), "/assets", 0, &[]).unwrap();
        assert!(body.contains("value=\"in_repair\""), "{role}: {body}");
        assert_eq!(body.contains("value=\"retired\""), offered, "{role}");
    }
}
