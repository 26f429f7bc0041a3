//! The first run.

use crate::office::{Office, PASSWORD, bare};
use kernel::{Actor, ErrorKind};
use serde_json::json;

fn input(secret: &str) -> serde_json::Value {
    json!({ "secret": secret, "organisation": "Harbour Works", "name": "Ada", "login": "ada", "password": PASSWORD })
}

#[test]
fn the_setup_makes_the_organisation_its_teams_and_an_administrator_who_can_sign_in() {
    let office = Office::new();
    let admin = office.admin();
    let places = office.call(&admin, "people.place.list", json!({})).unwrap();
    assert_eq!(
        (places["items"][0]["name"].as_str(), places["items"][0]["kind"].as_str()),
        (Some("Harbour Works"), Some("client"))
    );
    let teams = office.call(&admin, "people.team.list", json!({})).unwrap();
    let slugs: Vec<_> = teams["items"].as_array().unwrap().iter().map(|team| team["slug"].as_str().unwrap()).collect();
    assert_eq!(slugs, ["infrastructure", "service-desk"]);
    assert_eq!(admin.teams.len(), 2);
    assert!(office.sign_in("ada", PASSWORD).is_ok());
    let desk = office
        .world
        .kernel
        .db
        .read(|tx| Ok((people::default_team(tx)?, people::team_by_slug(tx, "service-desk")?)))
        .unwrap();
    assert_eq!(desk.0, desk.1.map(|team| team.id));
}

#[test]
fn the_setup_secret_works_once_and_none_is_issued_while_there_is_an_administrator() {
    let world = bare();
    let old = people::setup::issue(&world.kernel).unwrap().unwrap();
    let secret = people::setup::issue(&world.kernel).unwrap().unwrap();
    for wrong in ["", "guess", old.as_str()] {
        let error = world.call(&Actor::nobody(), "people.setup.complete", input(wrong)).unwrap_err();
        assert_eq!(error.field.as_deref(), Some("secret"), "{wrong}");
    }
    world.call(&Actor::nobody(), "people.setup.complete", input(&secret)).unwrap();
    let again = world.call(&Actor::nobody(), "people.setup.complete", input(&secret)).unwrap_err();
    assert_eq!(again.kind, ErrorKind::Invalid);
    assert_eq!(people::setup::issue(&world.kernel).unwrap(), None);
}

#[test]
fn a_setup_that_fails_does_not_use_up_its_secret() {
    let world = bare();
    let secret = people::setup::issue(&world.kernel).unwrap().unwrap();
    let short = json!({ "secret": secret, "organisation": "X", "name": "Ada", "login": "ada", "password": "short" });
    let error = world.call(&Actor::nobody(), "people.setup.complete", short).unwrap_err();
    assert_eq!(error.field.as_deref(), Some("password"));
    world.call(&Actor::nobody(), "people.setup.complete", input(&secret)).unwrap();
}
