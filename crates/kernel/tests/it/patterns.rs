//! What a token's patterns leave of an actor: every operation is asked, also those that need no grant.

use kernel::world::World;
use kernel::*;
use serde_json::{Value, json};

use crate::notes;

fn limited(patterns: &[&str]) -> Actor {
    let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
    Actor { ident: Ident::User(7), ..Actor::os("seven") }.narrowed(&patterns)
}

fn inside(world: &World, actor: &Actor, operation: &'static str, input: Value) -> Option<ErrorKind> {
    let call = move |cx: &mut Cx| cx.call_named(operation, input.clone());
    world.kernel.write_as(actor.clone(), "notes.script", call).err().map(|error| error.kind)
}

#[test]
fn patterns_leave_out_operations_that_need_no_grant() {
    let world = World::new(vec![notes::domain()]).unwrap();
    let find = json!({ "text": "hello" });
    assert_eq!(inside(&world, &limited(&["notes.*"]), "kernel.search.find", find.clone()), Some(ErrorKind::Denied));
    assert_eq!(inside(&world, &limited(&["kernel.search.find"]), "kernel.search.find", find.clone()), None);
    assert_eq!(inside(&world, &limited(&[]), "kernel.search.find", find), None);
    assert_eq!(inside(&world, &limited(&["notes.*"]), "notes.note.write", json!({ "text": "hello" })), None);
    assert_eq!(
        inside(&world, &limited(&["*.list"]), "notes.note.write", json!({ "text": "x" })),
        Some(ErrorKind::Denied)
    );
}

#[test]
fn a_held_call_tells_the_approver_the_limits_it_will_run_under() {
    let world = World::new(vec![notes::domain()]).unwrap();
    let (whole, boss) = (limited(&[]), Actor::os("boss"));
    let policy = json!({ "key": "kernel.approvals", "value": { "required": ["notes.note.*"] } });
    world.call(&boss, "kernel.setting.set", policy).unwrap();
    for (asker, patterns, told) in
        [(limited(&["notes.note.burn"]), json!(["notes.note.burn"]), true), (whole, json!([]), false)]
    {
        let held = world.call(&asker, "notes.note.burn", json!({})).unwrap_err().subject.unwrap();
        let shown = world.call(&boss, "kernel.approval.show", json!({ "id": held.id })).unwrap();
        assert_eq!(shown["patterns"], patterns);
        assert_eq!(shown["detail"].as_str().unwrap().contains("token for notes.note.burn only"), told, "{shown}");
    }
}
