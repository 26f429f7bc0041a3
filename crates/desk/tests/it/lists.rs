//! Lists: filters against a plain model, paging while rows change, and what a page costs.

use std::collections::BTreeSet;

use kernel::{Actor, Scope};
use serde_json::{Value, json};

use crate::town::{Town, actor};

/// Loads tickets for everybody in the town.
fn load(town: &Town, count: u64) {
    let asset = town.asset;
    let ids = town
        .world
        .kernel
        .write_as(Actor::service("test", &["*"]), "test.load", move |cx| {
            desk::demo::bulk(
                cx,
                &desk::demo::Load { count, from: 0, total: count, seed: 7, assets: &[asset], searchable: false },
            )
        })
        .unwrap();
    assert_eq!(ids.len() as u64, count);
}

/// Every row that an actor sees for a filter, page by page.
fn pages(town: &Town, who: &Actor, filter: &str, sort: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let page = town.done(
            who,
            "desk.ticket.list",
            json!({ "filter": filter, "cursor": cursor, "limit": 40, "sort": sort }),
        );
        rows.extend(page["items"].as_array().unwrap().clone());
        cursor = page["next"].clone();
        if cursor.is_null() {
            return rows;
        }
    }
}

fn ids(rows: &[Value]) -> Vec<i64> {
    rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

#[test]
fn every_filter_answers_what_a_plain_model_answers_for_every_reach() {
    let town = Town::new();
    load(&town, 600);
    let everything = pages(&town, &town.admin, "", "updated");
    assert_eq!(everything.len(), 600);
    let at_place = actor(town.nia.user().unwrap(), "Nia", "technician", &Scope::Places(vec![town.office]), &[]);
    let mut both = town.sam.clone();
    both.grants.extend(town.rita.grants.clone());
    let sam = town.sam.user().unwrap();
    let open = |row: &Value| matches!(row["status"].as_str().unwrap(), "new" | "in_progress" | "waiting");
    type Model<'a> = (&'a str, Box<dyn Fn(&Value) -> bool + 'a>);
    let models: Vec<Model<'_>> = vec![
        ("", Box::new(|_| true)),
        ("is:open", Box::new(open)),
        ("-is:open", Box::new(move |row| !open(row))),
        ("status:new,waiting", Box::new(|row| row["status"] == "new" || row["status"] == "waiting")),
        ("is:open owner:none", Box::new(move |row| open(row) && row["owner"].is_null())),
        ("owner:sam", Box::new(move |row| row["owner"] == sam)),
        ("-owner:sam", Box::new(move |row| row["owner"] != sam)),
        ("requester:sam is:open", Box::new(move |row| row["requester"] == sam && open(row))),
        ("priority:high,urgent", Box::new(|row| row["priority"] == "high" || row["priority"] == "urgent")),
        ("kind:task -priority:low", Box::new(|row| row["kind"] == "task" && row["priority"] != "low")),
        ("team:network is:open", Box::new(|row| row["team_name"] == "Network" && open(row))),
        (
            "-team:network status:closed kind:request",
            Box::new(|row| row["team_name"] != "Network" && row["status"] == "closed" && row["kind"] == "request"),
        ),
        ("asset:1 is:open", Box::new(move |row| !row["about"].is_null() && open(row))),
    ];
    for who in [&town.admin, &town.sam, &town.nia, &town.rita, &town.exa, &at_place, &both] {
        let sees: BTreeSet<i64> = ids(&pages(&town, who, "", "updated")).into_iter().collect();
        for (filter, model) in &models {
            if filter.contains("asset") && everything.iter().all(|row| row["about"].is_null()) {
                continue;
            }
            let expected: Vec<i64> = ids(&everything
                .iter()
                .filter(|row| model(row) && sees.contains(&row["id"].as_i64().unwrap()))
                .cloned()
                .collect::<Vec<_>>());
            let found = pages(&town, who, filter, "updated");
            assert_eq!(ids(&found), expected, "{} {filter}", who.name);
            let mut oldest = ids(&pages(&town, who, filter, "oldest"));
            oldest.reverse();
            assert_eq!(oldest, expected, "{} {filter}, oldest first", who.name);
            let first = town.done(who, "desk.ticket.list", json!({ "filter": filter, "limit": 1 }));
            assert_eq!(first["count"], expected.len(), "{} counts {filter}", who.name);
        }
    }
}

#[test]
fn a_reach_of_teams_places_and_own_never_repeats_a_ticket() {
    let town = Town::new();
    load(&town, 400);
    let user = town.sam.user().unwrap();
    let mut who = actor(user, "All ways", "technician", &Scope::Teams(vec![town.desk]), &[town.desk]);
    who.grants.extend(actor(user, "", "technician", &Scope::Places(vec![town.office]), &[]).grants);
    who.grants.extend(town.rita.grants.clone());
    let rows = ids(&pages(&town, &who, "", "updated"));
    let unique: BTreeSet<i64> = rows.iter().copied().collect();
    assert_eq!(rows.len(), unique.len());
    let all = pages(&town, &town.admin, "", "updated");
    let sees = |row: &&Value| row["team"] == town.desk || row["requester"] == user || row["owner"] == user;
    let least = all.iter().filter(sees).count();
    assert!(unique.len() >= least, "{} of at least {least}", unique.len());
}

#[test]
fn paging_shows_every_unchanged_ticket_once_while_others_change() {
    let town = Town::new();
    load(&town, 300);
    let mut seen = Vec::new();
    let mut changed = BTreeSet::new();
    let mut cursor = Value::Null;
    loop {
        let page = town.done(&town.admin, "desk.ticket.list", json!({ "cursor": cursor, "limit": 20 }));
        let rows = ids(page["items"].as_array().unwrap());
        town.world.clock.advance(1_000);
        for id in rows.iter().take(2) {
            town.done(&town.admin, "desk.ticket.update", json!({ "id": id, "summary": format!("Changed {id}") }));
        }
        town.open(&town.admin, json!({ "summary": "New meanwhile" }));
        let far = 300 - i64::try_from(seen.len()).unwrap();
        if far > 60 && changed.insert(far) {
            town.done(
                &town.admin,
                "desk.ticket.update",
                json!({ "id": far, "summary": "Changed before it was reached" }),
            );
        }
        seen.extend(rows);
        cursor = page["next"].clone();
        if cursor.is_null() {
            break;
        }
    }
    let unique: BTreeSet<i64> = seen.iter().copied().collect();
    assert_eq!(unique.len(), seen.len(), "no ticket twice");
    let missing: Vec<i64> = (1..=300).filter(|id| !unique.contains(id) && !changed.contains(id)).collect();
    assert_eq!(missing, [] as [i64; 0]);
}

#[test]
fn a_page_of_any_filter_costs_at_most_twelve_statements() {
    let town = Town::new();
    load(&town, 500);
    town.done(&town.sam, "desk.view.save", json!({ "name": "Hot", "filter": "is:open priority:high,urgent" }));
    for who in [&town.admin, &town.sam] {
        for filter in [
            "",
            "is:open",
            "owner:me",
            "owner:none is:open",
            "team:network,service-desk priority:urgent",
            "kind:task",
            "asset:1",
            "requester:me",
            "printer",
        ] {
            let statements = town
                .world
                .kernel
                .read_as(who, |cx| {
                    let before = cx.tx.statements();
                    cx.call(&desk::ticket::list::ListTickets { filter: Some(filter.into()), ..Default::default() })?;
                    cx.call(&desk::ticket::count::CountTickets {})?;
                    Ok(cx.tx.statements() - before)
                })
                .unwrap();
            assert!(statements <= 12, "{statements} for {filter}");
        }
    }
}
