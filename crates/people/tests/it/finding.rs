//! Finding people, teams, places and roles: filters in every alphabet, lists page by page, and what forms offer.

use crate::office::Office;
use kernel::db::Priority;
use kernel::time::DAY;
use kernel::{Actor, ErrorKind};
use serde_json::{Value, json};

fn names(list: &Value) -> Vec<String> {
    list["items"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

fn office() -> (Office, i64) {
    let office = Office::new();
    let root = office.world.kernel.db.read(people::organisation).unwrap().unwrap();
    (office, root)
}

fn place(office: &Office, parent: i64, name: &str) -> i64 {
    let input = json!({ "name": name, "kind": "site", "parent": parent });
    office.call(&office.admin(), "people.place.create", input).unwrap()["id"].as_i64().unwrap()
}

/// Somebody who administers one place and what is below it.
fn administrator_of(office: &Office, place: i64) -> Actor {
    let boss = office.user("boss");
    office.call(&office.admin(), "people.user.update", json!({ "id": boss, "place": place })).unwrap();
    office.give(boss, "administrator", json!({ "scope": "place", "scope_place": place }));
    office.actor(boss)
}

#[test]
fn names_are_found_whatever_the_case_of_their_letters() {
    let (office, root) = office();
    for (login, name) in [("ase", "Åse Ødegård"), ("nikos", "ΝΊΚΟΣ"), ("zoe", "ZOË Ünal")] {
        let input = json!({ "login": login, "name": name });
        office.call(&office.admin(), "people.user.create", input).unwrap();
    }
    let find =
        |filter: &str| names(&office.call(&office.admin(), "people.user.list", json!({ "filter": filter })).unwrap());
    for (filter, name) in [
        ("Åse", "Åse Ødegård"),
        ("åse", "Åse Ødegård"),
        ("ØDEGÅRD", "Åse Ødegård"),
        ("νίκος", "ΝΊΚΟΣ"),
        ("zoë", "ZOË Ünal"),
        ("ünal", "ZOË Ünal"),
        ("NIKOS", "ΝΊΚΟΣ"),
    ] {
        // A capital sigma has two small forms; folding letter by letter takes the usual one.
        let filter = filter.replace('ς', "σ");
        assert_eq!(find(&filter), [name], "{filter}");
    }
    let id =
        office.call(&office.admin(), "people.user.list", json!({ "filter": "ase" })).unwrap()["items"][0]["id"].clone();
    office.call(&office.admin(), "people.user.update", json!({ "id": id, "name": "Åsa" })).unwrap();
    assert_eq!((find("åsa"), find("åse")), (vec!["Åsa".to_owned()], Vec::new()));
    let site = place(&office, root, "Østre Å");
    for name in ["Østre Å", "østre å", "ØSTRE Å"] {
        assert_eq!(office.world.kernel.db.read(|tx| people::places_named(tx, name)).unwrap(), [site], "{name}");
    }
}

#[test]
fn what_an_earlier_version_wrote_is_folded_at_the_next_start() {
    let (office, root) = office();
    office.call(&office.admin(), "people.user.create", json!({ "login": "ase", "name": "Åse" })).unwrap();
    let site = place(&office, root, "Østre");
    let forget = |tx: &mut kernel::db::Tx<'_>| {
        tx.execute("UPDATE people_users SET folded = NULL", &[])?;
        tx.execute("UPDATE people_places SET folded = NULL", &[])
    };
    office.world.kernel.db.write("test", Priority::Interactive, forget).unwrap();
    let find = || names(&office.call(&office.admin(), "people.user.list", json!({ "filter": "åSE" })).unwrap());
    assert_eq!(find(), [] as [&str; 0]);
    people::domain().kernel.start.unwrap()(&office.world.kernel).unwrap();
    assert_eq!(find(), ["Åse"]);
    assert_eq!(office.world.kernel.db.read(|tx| people::places_named(tx, "østre")).unwrap(), [site]);
}

#[test]
fn a_role_that_ended_no_longer_finds_who_held_it() {
    let office = Office::new();
    let (sam, kim) = (office.user("sam"), office.user("kim"));
    let team = office.call(&office.admin(), "people.team.create", json!({ "name": "Night", "slug": "night" })).unwrap();
    office.call(&office.admin(), "people.team.add-member", json!({ "id": team["id"], "user": kim })).unwrap();
    office.give(sam, "auditor", json!({ "days": 2 }));
    let grant = json!({ "team": team["id"], "role": "auditor", "reason": "x", "days": 2 });
    office.call(&office.admin(), "people.grant.give", grant).unwrap();
    let find = |filter: &str| {
        let list = office.call(&office.admin(), "people.user.list", json!({ "filter": filter })).unwrap();
        (names(&list), list["count"].as_i64().unwrap())
    };
    assert_eq!(find("role:auditor"), (vec!["User kim".to_owned(), "User sam".to_owned()], 2));
    office.world.clock.advance(3 * DAY);
    assert_eq!(find("role:auditor"), (Vec::new(), 0));
}

#[test]
fn a_status_takes_every_value_of_a_list() {
    let office = Office::new();
    let sam = office.user("sam");
    office.call(&office.admin(), "people.user.disable", json!({ "id": sam, "reason": "left" })).unwrap();
    let find =
        |filter: &str| names(&office.call(&office.admin(), "people.user.list", json!({ "filter": filter })).unwrap());
    assert_eq!(find("status:active,disabled"), ["Ada Admin", "User sam"]);
    assert_eq!(find("status:disabled"), ["User sam"]);
    assert_eq!(find("-status:disabled"), ["Ada Admin"]);
    let wrong =
        office.call(&office.admin(), "people.user.list", json!({ "filter": "status:active,gone" })).unwrap_err();
    assert_eq!(wrong.kind, ErrorKind::Invalid);
}

#[test]
fn every_list_goes_on_where_its_page_ends() {
    let (office, root) = office();
    for number in 0..4 {
        place(&office, root, &format!("Site {number}"));
        office.give(office.user(&format!("user-{number}")), "watcher", json!({}));
        let team = json!({ "name": "Same name", "slug": format!("team-{number}") });
        office.call(&office.admin(), "people.team.create", team).unwrap();
    }
    for operation in ["people.grant.list", "people.team.list", "people.place.list"] {
        let page = |input: Value| office.call(&office.admin(), operation, input).unwrap();
        let ids = |list: &Value| -> Vec<i64> {
            list["items"].as_array().unwrap().iter().map(|one| one["id"].as_i64().unwrap()).collect()
        };
        let whole = page(json!({}));
        assert!(whole["next"].is_null(), "{operation}");
        let (mut gathered, mut cursor) = (Vec::new(), Value::Null);
        for _ in 0..10 {
            let part = page(json!({ "limit": 2, "cursor": cursor }));
            gathered.extend(ids(&part));
            cursor = part["next"].clone();
            if cursor.is_null() {
                break;
            }
        }
        assert_eq!(gathered, ids(&whole), "{operation}");
        assert!(gathered.len() >= 4, "{operation}");
    }
}

#[test]
fn a_scoped_reader_sees_the_roles_of_the_people_in_reach_and_no_others() {
    let (office, root) = office();
    let (bergen, oslo) = (place(&office, root, "Bergen"), place(&office, root, "Oslo"));
    let boss = administrator_of(&office, bergen);
    for (login, place) in [("in-bergen", bergen), ("in-oslo", oslo)] {
        let user = office.user(login);
        office.call(&office.admin(), "people.user.update", json!({ "id": user, "place": place })).unwrap();
        office.give(user, "watcher", json!({}));
    }
    let list = office.call(&boss, "people.grant.list", json!({})).unwrap();
    let holders: Vec<i64> = list["items"].as_array().unwrap().iter().map(|one| one["user"].as_i64().unwrap()).collect();
    let id = |login: &str| office.world.kernel.db.read(|tx| people::user_by_login(tx, login)).unwrap().unwrap();
    assert_eq!(holders, [id("in-bergen"), id("boss")]);
}

#[test]
fn who_administers_a_place_adds_and_moves_people_only_within_it() {
    let (office, root) = office();
    let (bergen, oslo) = (place(&office, root, "Bergen"), place(&office, root, "Oslo"));
    let boss = administrator_of(&office, bergen);
    let create = |login: &str, place: Value| {
        office.call(&boss, "people.user.create", json!({ "login": login, "name": login, "place": place }))
    };
    for place in [json!(oslo), json!(root), Value::Null, json!(999)] {
        assert_eq!(create("new", place.clone()).unwrap_err().field.as_deref(), Some("place"), "{place}");
    }
    let new = create("new", json!(bergen)).unwrap()["id"].clone();
    for place in [json!(oslo), Value::Null] {
        let update = json!({ "id": new, "place": place });
        assert_eq!(office.call(&boss, "people.user.update", update).unwrap_err().field.as_deref(), Some("place"));
    }
    let room = place(&office, bergen, "Annex");
    // What lies below is in reach as well, once the actor is looked up again.
    let boss = office.actor(boss.user().unwrap());
    office.call(&boss, "people.user.update", json!({ "id": new, "place": room })).unwrap();
    let team = office.call(&boss, "people.team.create", json!({ "name": "For all", "slug": "for-all" }));
    assert_eq!(team.unwrap_err().kind, ErrorKind::Denied);
}

#[test]
fn forms_offer_only_what_their_reader_may_see() {
    let (office, root) = office();
    let (bergen, oslo) = (place(&office, root, "Bergen"), place(&office, root, "Oslo"));
    let boss = administrator_of(&office, bergen);
    let stranger = office.user("stranger");
    office.call(&office.admin(), "people.user.update", json!({ "id": stranger, "place": oslo })).unwrap();
    office
        .world
        .kernel
        .read_as(&boss, |cx| {
            let places: Vec<i64> = people::place_choices(cx)?.into_iter().map(|(id, _)| id).collect();
            assert_eq!(places, [bergen]);
            assert_eq!(people::team_choices(cx)?, []);
            let drawn =
                maud::Render::render(&people::Persons::load(cx, &[])?.field("owner", "Owner", "Nobody", None)).0;
            assert!(drawn.contains("User boss") && !drawn.contains("User stranger"), "{drawn}");
            assert_eq!(people::typed_person(cx, "stranger").unwrap_err().kind, ErrorKind::Invalid);
            Ok(())
        })
        .unwrap();
}

#[test]
fn among_many_people_everybody_can_be_chosen_by_login_or_name() {
    let office = Office::new();
    let insert = |tx: &mut kernel::db::Tx<'_>| {
        for number in 0..people::PEOPLE_MAX + 5 {
            let (login, name) = (format!("p{number:03}"), format!("Person {number:03}"));
            tx.execute(
                "INSERT INTO people_users (login, name, email, password_hash, zone, locale, created_at, updated_at, version) \
                 VALUES (?1, ?2, '', '', 'UTC', 'en', 0, 0, 1)",
                &[login.into(), name.into()],
            )?;
        }
        tx.execute("UPDATE people_users SET login = '7' WHERE login = 'p100'", &[])?;
        tx.execute("UPDATE people_users SET name = 'Twin' WHERE login IN ('p000', 'p001')", &[])
    };
    office.world.kernel.db.write("test", Priority::Interactive, insert).unwrap();
    let last = office.world.kernel.db.read(|tx| people::user_by_login(tx, "p204")).unwrap().unwrap();
    office
        .world
        .kernel
        .read_as(&office.admin(), |cx| {
            let persons = people::Persons::load(cx, &[last])?;
            let drawn = maud::Render::render(&persons.field("owner", "Owner", "Nobody", Some(last))).0;
            assert!(drawn.contains("value=\"Person 204 (p204)\"") && drawn.contains("data-person"), "{drawn}");
            for text in ["p204", " P204 ", "Person 204", "Person 204 (p204)", &format!("user:{last}")] {
                assert_eq!(people::typed_person(cx, text)?, last, "{text}");
            }
            let numbered = people::user_by_login(cx.tx, "7")?.unwrap();
            assert_eq!(people::typed_person(cx, "7")?, numbered, "a number is a login, such as that of an employee");
            for text in ["Twin", "nobody at all", "Person 204 (p999)", "5"] {
                assert_eq!(people::typed_person(cx, text).unwrap_err().kind, ErrorKind::Invalid, "{text}");
            }
            Ok(())
        })
        .unwrap();
}
