//! Roles: what they let people do, who may give them, and what keeps the last administrator.

use crate::office::Office;
use kernel::time::DAY;
use kernel::{ErrorKind, Ident};
use serde_json::json;

#[test]
fn a_role_counts_where_it_was_given_until_it_ends_or_is_taken_back() {
    let office = Office::new();
    let sam = office.user("sam");
    let organisation = office.world.kernel.db.read(people::organisation).unwrap().unwrap();
    let place = json!({ "name": "Head office", "kind": "site", "parent": organisation });
    let head = office.call(&office.admin(), "people.place.create", place).unwrap()["id"].as_i64().unwrap();
    let room = json!({ "name": "Room B2", "kind": "room", "parent": head });
    let room = office.call(&office.admin(), "people.place.create", room).unwrap()["id"].as_i64().unwrap();
    office.give(sam, "technician", json!({ "scope": "place", "scope_place": head, "days": 3 }));
    let now = office.world.kernel.now();
    let reach = office.actor(sam).reach("assets.thing.list", now).unwrap();
    assert_eq!((reach.everything, reach.places), (false, vec![head, room]));
    assert!(office.actor(sam).reach("people.user.list", now).unwrap().everything, "names are looked up everywhere");
    office.world.clock.advance(3 * DAY);
    assert!(office.actor(sam).grants.is_empty());
    let grant = office.give(sam, "watcher", json!({}));
    assert!(!office.actor(sam).grants.is_empty());
    office.call(&office.admin(), "people.grant.revoke", json!({ "id": grant, "reason": "moved" })).unwrap();
    assert!(office.actor(sam).grants.is_empty());
    let all = office.call(&office.admin(), "people.grant.list", json!({ "user": sam, "all": true })).unwrap();
    assert_eq!(all["items"].as_array().unwrap().len(), 2, "what ended stays in the history");
    assert_eq!(all["items"][0]["revoke_reason"], "moved");
}

#[test]
fn a_role_of_a_team_counts_for_its_members() {
    let office = Office::new();
    let sam = office.user("sam");
    let team =
        office.call(&office.admin(), "people.team.create", json!({ "name": "Network", "slug": "network" })).unwrap();
    let team = team["id"].as_i64().unwrap();
    let grant =
        json!({ "team": team, "role": "technician", "scope": "team", "scope_team": team, "reason": "their work" });
    office.call(&office.admin(), "people.grant.give", grant).unwrap();
    assert!(office.actor(sam).grants.is_empty());
    office.call(&office.admin(), "people.team.add-member", json!({ "id": team, "user": sam })).unwrap();
    let actor = office.actor(sam);
    assert_eq!(actor.teams, [team]);
    assert_eq!(actor.reach("desk.ticket.open", office.world.kernel.now()).unwrap().teams, [team]);
    office.call(&office.admin(), "people.team.remove-member", json!({ "id": team, "user": sam })).unwrap();
    assert!(office.actor(sam).grants.is_empty());
}

#[test]
fn nobody_gives_more_than_they_hold() {
    let office = Office::new();
    let (boss, sam) = (office.user("boss"), office.user("sam"));
    let team = office.world.kernel.db.read(people::default_team).unwrap().unwrap();
    let other = office.world.kernel.db.read(|tx| people::team_by_slug(tx, "infrastructure")).unwrap().unwrap().id;
    office.give(boss, "administrator", json!({ "scope": "team", "scope_team": team, "days": 30 }));
    office.give(boss, "watcher", json!({}));
    let give = |input: serde_json::Value| office.call(&office.actor(boss), "people.grant.give", input);
    let scoped = |team: i64, role: &str| json!({ "user": sam, "role": role, "scope": "team", "scope_team": team, "reason": "x" });
    for (what, input) in [
        ("everywhere", json!({ "user": sam, "role": "administrator", "reason": "x" })),
        ("another team", scoped(other, "administrator")),
        ("without an end", scoped(team, "administrator")),
        ("lookups everywhere without an end are in the role", scoped(team, "technician")),
    ] {
        let error = give(input).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict, "{what}: {error}");
    }
    let mut ending = scoped(team, "administrator");
    ending["days"] = json!(10);
    give(ending).unwrap();
    let plain = office.actor(sam);
    assert!(plain.reach("people.grant.give", office.world.kernel.now()).is_some());
    assert_eq!(
        office.call(&office.actor(office.user("none")), "people.grant.give", scoped(team, "watcher")).unwrap_err().kind,
        ErrorKind::Denied
    );
}

#[test]
fn joining_a_team_with_a_bigger_role_needs_that_role() {
    let office = Office::new();
    let (lead, sam) = (office.user("lead"), office.user("sam"));
    let team = office.world.kernel.db.read(people::default_team).unwrap().unwrap();
    let grant = json!({ "team": team, "role": "administrator", "reason": "all of us" });
    office.call(&office.admin(), "people.grant.give", grant).unwrap();
    office.give(lead, "lead", json!({ "scope": "team", "scope_team": team }));
    let input = json!({ "id": team, "user": sam });
    let error = office.call(&office.actor(lead), "people.team.add-member", input.clone()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    office.call(&office.admin(), "people.team.add-member", input).unwrap();
}

#[test]
fn the_last_administrator_stays() {
    let office = Office::new();
    let grants = office.call(&office.admin(), "people.grant.list", json!({ "user": office.admin })).unwrap();
    let own = grants["items"][0]["id"].clone();
    let revoke = json!({ "id": own, "reason": "enough" });
    assert_eq!(
        office.call(&office.admin(), "people.grant.revoke", revoke.clone()).unwrap_err().kind,
        ErrorKind::Conflict
    );
    let os = kernel::Actor::os("root");
    let disable = json!({ "id": office.admin, "reason": "enough" });
    assert_eq!(office.call(&os, "people.user.disable", disable.clone()).unwrap_err().kind, ErrorKind::Conflict);
    let second = office.user("second");
    office.give(second, "administrator", json!({ "days": 5 }));
    assert!(office.call(&os, "people.user.disable", disable.clone()).is_err(), "one that ends does not count");
    office.give(second, "administrator", json!({}));
    office.call(&os, "people.user.disable", disable).unwrap();
    let gone = office.world.kernel.db.read(|tx| office.world.kernel.actor(tx, &Ident::User(office.admin))).unwrap();
    assert_eq!(gone.ident, Ident::Nobody);
}

#[test]
fn the_last_administrator_through_a_team_stays_in_it() {
    let office = Office::new();
    let team = office.world.kernel.db.read(people::default_team).unwrap().unwrap();
    let grant = json!({ "team": team, "role": "administrator", "reason": "all of us" });
    office.call(&office.admin(), "people.grant.give", grant).unwrap();
    let own = office.call(&office.admin(), "people.grant.list", json!({})).unwrap();
    let direct = own["items"].as_array().unwrap().iter().find(|one| !one["user"].is_null()).unwrap()["id"].clone();
    office.call(&office.admin(), "people.grant.revoke", json!({ "id": direct, "reason": "through the team" })).unwrap();
    let leave = json!({ "id": team, "user": office.admin });
    assert_eq!(office.call(&office.admin(), "people.team.remove-member", leave).unwrap_err().kind, ErrorKind::Conflict);
}

#[test]
fn what_one_may_not_see_is_not_there() {
    let office = Office::new();
    let (sam, kim) = (office.user("sam"), office.user("kim"));
    let team = office.world.kernel.db.read(people::default_team).unwrap().unwrap();
    office.call(&office.admin(), "people.team.add-member", json!({ "id": team, "user": kim })).unwrap();
    office.give(sam, "administrator", json!({ "scope": "team", "scope_team": team }));
    let actor = office.actor(sam);
    let listed = office.call(&actor, "people.user.list", json!({})).unwrap();
    let logins: Vec<_> =
        listed["items"].as_array().unwrap().iter().map(|user| user["login"].as_str().unwrap()).collect();
    assert_eq!(logins, ["ada", "kim", "sam"]);
    assert_eq!(listed["count"], 3);
    let stranger = office.user("stranger");
    assert_eq!(
        office.call(&actor, "people.user.show", json!({ "id": stranger })).unwrap_err().kind,
        ErrorKind::NotFound
    );
    let update = json!({ "id": stranger, "name": "X" });
    assert_eq!(office.call(&actor, "people.user.update", update).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(
        office.call(&office.actor(stranger), "people.user.list", json!({})).unwrap_err().kind,
        ErrorKind::Denied
    );
}

#[test]
fn roles_and_teams_are_given_to_people_one_may_see_and_errors_name_nobody_else() {
    let office = Office::new();
    let (sam, kim, stranger) = (office.user("sam"), office.user("kim"), office.user("stranger"));
    let team = office.world.kernel.db.read(people::default_team).unwrap().unwrap();
    office.call(&office.admin(), "people.team.add-member", json!({ "id": team, "user": kim })).unwrap();
    office.give(sam, "administrator", json!({ "scope": "team", "scope_team": team }));
    let actor = office.actor(sam);
    let give = |user: i64| json!({ "user": user, "role": "administrator", "scope": "team", "scope_team": team, "reason": "x" });
    for disabled in [false, true] {
        if disabled {
            let input = json!({ "id": stranger, "reason": "left" });
            office.call(&office.admin(), "people.user.disable", input).unwrap();
        }
        for (operation, input) in
            [("people.grant.give", give(stranger)), ("people.team.add-member", json!({ "id": team, "user": stranger }))]
        {
            let error = office.call(&actor, operation, input).unwrap_err();
            assert_eq!(error.kind, ErrorKind::NotFound, "{operation}: {error}");
            assert!(!error.message.contains("User stranger"), "{operation}: {error}");
        }
    }
    office.call(&actor, "people.grant.give", give(kim)).unwrap();
    office.call(&actor, "people.team.add-member", json!({ "id": team, "user": sam, "lead": true })).unwrap();
}
