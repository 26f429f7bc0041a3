//! Live updates as a browser hears them: what a page shows, and nothing else.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use kernel::{Actor, Ref};
use serde_json::json;
use tower::ServiceExt as _;

use crate::http::Door;

/// How long a test waits for an event before it gives up: a bound, not a claim.
const PATIENCE: Duration = Duration::from_secs(60);

/// An open stream.
struct Ear<'a> {
    door: &'a Door,
    body: Body,
}

impl<'a> Ear<'a> {
    fn open(door: &'a Door, cookie: &str, refs: &str) -> Self {
        let path = format!("/_live?refs={}", refs.replace(' ', "%20"));
        let request = Request::get(path).header("host", "localhost").header("cookie", cookie);
        let request = request.body(Body::empty()).unwrap();
        let response = door.runtime.block_on(server::router(&door.app).oneshot(request)).unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        Self { door, body: response.into_body() }
    }

    /// The next event, as it is written.
    fn next(&mut self) -> String {
        let frame = async { tokio::time::timeout(PATIENCE, self.body.frame()).await };
        let frame = self.door.runtime.block_on(frame).unwrap().unwrap().unwrap();
        String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap()
    }
}

fn open(door: &Door, summary: &str) -> String {
    let input = json!({"kind": "request", "summary": summary});
    door.house.call(&Actor::os("root"), "desk.ticket.open", input)["id"].to_string()
}

fn note(door: &Door, ticket: &str) {
    let id: i64 = ticket.parse().unwrap();
    door.house.call(&Actor::os("root"), "desk.ticket.note", json!({"id": id, "text": "Looked at it."}));
}

#[test]
fn a_page_hears_of_what_it_shows_and_of_nothing_else() {
    let door = Door::new();
    let cookie = door.sign_in("ada");
    let (mine, other) = (open(&door, "Mine"), open(&door, "Another"));
    let mut ear = Ear::open(&door, &cookie, &format!("ticket:{mine} asset:7"));
    note(&door, &other);
    note(&door, &mine);
    let event = ear.next();
    assert!(event.starts_with("event: changed") && event.contains(&format!("\"ticket:{mine}\"")), "{event}");
    assert!(!event.contains(&format!("\"ticket:{other}\"")), "{event}");
}

#[test]
fn a_list_hears_of_every_thing_of_its_kind() {
    let door = Door::new();
    let cookie = door.sign_in("ada");
    let mut ear = Ear::open(&door, &cookie, "list:ticket");
    let ticket = open(&door, "New in the list");
    let event = ear.next();
    assert!(event.contains(&format!("\"ticket:{ticket}\"")) && event.contains("\"list:ticket\""), "{event}");
}

#[test]
fn a_page_that_changes_were_lost_for_is_told_so() {
    let door = Door::new();
    let cookie = door.sign_in("ada");
    let touch = |numbers: std::ops::Range<i64>| {
        let (actor, numbers) = (Actor::os("root"), numbers.clone());
        let kernel = &door.house.world.kernel;
        let work = move |cx: &mut kernel::Cx| {
            numbers.clone().for_each(|number| cx.touch(Ref::new("ticket", number)));
            Ok(())
        };
        kernel.write_as(actor, "test.touch", work).unwrap();
    };
    let mut many = Ear::open(&door, &cookie, "list:ticket");
    touch(1..700);
    assert!(many.next().starts_with("event: lagged"), "more changes than are told one by one");
    let mut slow = Ear::open(&door, &cookie, "ticket:1");
    for _ in 0..400 {
        touch(1..2);
    }
    assert!(slow.next().starts_with("event: lagged"), "more changes than wait for a slow reader");
}

#[test]
fn strangers_hear_nothing_and_nonsense_is_refused() {
    let door = Door::new();
    assert_eq!(door.get("/_live?refs=ticket:1", "").status, StatusCode::UNAUTHORIZED);
    let cookie = door.sign_in("ada");
    assert_eq!(door.get("/_live?refs=nonsense", &cookie).status, StatusCode::UNPROCESSABLE_ENTITY);
}
