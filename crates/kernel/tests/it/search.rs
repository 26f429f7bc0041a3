//! Full text: what is found, by whom, and that no text becomes syntax.

use kernel::world::World;
use kernel::*;
use serde_json::json;

use crate::notes;

fn world() -> (World, Actor) {
    let world = World::new(vec![notes::domain()]).unwrap();
    let actor = Actor::service("tester", &["notes.*"]);
    for text in ["Printer jams on floor 2", "Printer offline", "Mail is slow", "Åse's laptop \"OR\" NEAR(x)"] {
        world.call(&actor, "notes.note.write", json!({ "text": text })).unwrap();
    }
    (world, actor)
}

fn found(world: &World, actor: &Actor, text: &str) -> Vec<i64> {
    let output = world.call(actor, "kernel.search.find", json!({ "text": text })).unwrap();
    output["items"].as_array().unwrap().iter().map(|item| item["ref"].as_str().unwrap()[5..].parse().unwrap()).collect()
}

#[test]
fn every_word_must_be_there_the_last_as_a_beginning_and_the_newest_comes_first() {
    let (world, actor) = world();
    assert_eq!(found(&world, &actor, "printer"), [2, 1]);
    assert_eq!(found(&world, &actor, "PRINTER ja"), [1]);
    assert_eq!(found(&world, &actor, "print offline"), [] as [i64; 0]);
    assert_eq!(found(&world, &actor, "floor 2 printer"), [1]);
    assert_eq!(found(&world, &actor, "note:3"), [3]);
    assert_eq!(found(&world, &actor, "p"), [] as [i64; 0], "one letter is a word and no beginning");
    assert_eq!(found(&world, &actor, "pr"), [2, 1]);
    assert_eq!(found(&world, &actor, "  "), [] as [i64; 0]);
}

#[test]
fn query_syntax_is_only_text() {
    let (world, actor) = world();
    for text in [
        "\"",
        "a AND",
        "words : x",
        "NEAR(",
        "-x",
        "'; DROP TABLE kernel_search",
        "x:*",
        "( | & ! )",
        "\\",
        "🙂",
        "\u{202e}",
    ] {
        found(&world, &actor, text);
    }
    assert_eq!(found(&world, &actor, "mail OR printer"), [] as [i64; 0]);
    assert_eq!(found(&world, &actor, "\"or\" near(x)"), [4]);
    assert_eq!(found(&world, &actor, "note0all"), [] as [i64; 0]);
}

#[test]
fn a_change_is_found_by_its_new_words_only() {
    let (world, actor) = world();
    world.call(&actor, "notes.note.change", json!({"id": 1, "text": "Scanner jams"})).unwrap();
    assert_eq!(found(&world, &actor, "printer"), [2]);
    assert_eq!(found(&world, &actor, "scan"), [1]);
}

#[test]
fn who_reaches_one_team_finds_only_its_notes() {
    let (world, _) = world();
    let mut actor = Actor { ident: Ident::User(5), ..Actor::service("member", &[]) };
    assert_eq!(found(&world, &actor, "printer"), [] as [i64; 0]);
    let team = "Printer offline".len() as i64;
    actor.grants.push(Grant { pattern: "*.list".into(), scope: Scope::Teams(vec![team]), expires_at: None });
    assert_eq!(found(&world, &actor, "printer"), [2]);
    assert_eq!(
        world.call(&Actor::nobody(), "kernel.search.find", json!({"text": "printer"})).unwrap_err().kind,
        ErrorKind::SignIn
    );
}
