//! Approvals: asked, decided by somebody else, held operations run once, time runs out.

use std::sync::Arc;

use kernel::world::World;
use kernel::*;
use serde_json::json;

use crate::notes;

fn world() -> World {
    World::new(vec![notes::domain()]).unwrap()
}

fn ask(world: &World, by: &Actor, plan: &str) -> i64 {
    let plan = plan.to_owned();
    world
        .kernel
        .write_as(by.clone(), "notes.ask", move |cx| {
            cx.request_approval(&NewApproval {
                subject: Ref::new("note", 7),
                title: "Do it".into(),
                detail: "All of it".into(),
                plan_hash: plan.clone(),
                requires: String::new(),
                team: None,
                requested_by: None,
                expires_at: None,
            })
        })
        .unwrap()
}

fn decide(world: &World, by: &Actor, id: i64, plan: &str, approved: bool) -> Result<serde_json::Value> {
    world.call(by, "kernel.approval.decide", json!({"id": id, "approved": approved, "plan_hash": plan}))
}

fn waiting(world: &World) -> usize {
    world.kernel.read_as(&Actor::os("boss"), |cx| cx.attention(10)).unwrap().len()
}

#[test]
fn somebody_else_decides_exactly_the_plan_they_saw_and_only_once() {
    let world = world();
    let (asker, boss) = (Actor::os("asker"), Actor::os("boss"));
    let id = ask(&world, &asker, "p1");
    assert_eq!(ask(&world, &asker, "p1"), id, "the same plan waits once");
    assert_eq!(waiting(&world), 1);
    assert!(decide(&world, &asker, id, "p1", true).unwrap_err().message.contains("somebody else"));
    assert!(decide(&world, &boss, id, "p0", true).unwrap_err().message.contains("not the one you were shown"));
    assert_eq!(decide(&world, &boss, id, "p1", true).unwrap()["state"], "approved");
    assert_eq!(decide(&world, &boss, id, "p1", false).unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(waiting(&world), 0);
    let told = world.kernel.read_as(&boss, |cx| cx.timeline(&Ref::new("note", 7), None, 10)).unwrap();
    assert_eq!(
        told.iter().map(|event| event.name.as_str()).collect::<Vec<_>>(),
        ["kernel.approval.decided", "kernel.approval.requested"]
    );
    assert_eq!(told[0].payload["by"], "os:boss");
}

#[test]
fn a_team_of_one_may_approve_itself_and_it_is_written_down() {
    let world = world();
    let asker = Actor::os("asker");
    let id = ask(&world, &asker, "p1");
    world
        .call(&asker, "kernel.setting.set", json!({"key": "kernel.approvals", "value": {"one_person_team": true}}))
        .unwrap();
    assert_eq!(world.call(&asker, "kernel.approval.show", json!({"id": id})).unwrap()["one_person_team"], true);
    assert_eq!(decide(&world, &asker, id, "p1", true).unwrap()["comment"], "[one-person team]");
}

#[test]
fn what_nobody_decides_expires_and_cannot_be_decided_then() {
    let world = world();
    let id = ask(&world, &Actor::os("asker"), "p1");
    world.clock.advance(time::DAY);
    assert!(decide(&world, &Actor::os("boss"), id, "p1", true).unwrap_err().message.contains("expired"));
    world.pass(time::MINUTE).unwrap();
    assert_eq!(world.call(&Actor::os("boss"), "kernel.approval.show", json!({"id": id})).unwrap()["state"], "expired");
    assert_eq!(waiting(&world), 0);
}

#[test]
fn who_asked_may_withdraw_and_a_stranger_sees_nothing() {
    let world = world();
    let id = ask(&world, &Actor::os("asker"), "p1");
    let stranger = Actor { ident: Ident::User(9), ..Actor::service("stranger", &[]) };
    assert_eq!(
        world.call(&stranger, "kernel.approval.cancel", json!({"id": id})).unwrap_err().kind,
        ErrorKind::NotFound
    );
    let member = Actor {
        grants: vec![Grant { pattern: "kernel.approval.*".into(), scope: Scope::Teams(vec![3]), expires_at: None }],
        ..stranger
    };
    assert_eq!(world.call(&member, "kernel.approval.show", json!({"id": id})).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(decide(&world, &member, id, "p1", true).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(world.call(&member, "kernel.approval.list", json!({})).unwrap()["items"], json!([]));
    assert_eq!(
        world.call(&Actor::os("asker"), "kernel.approval.cancel", json!({"id": id})).unwrap()["state"],
        "cancelled"
    );
}

#[test]
fn a_dangerous_operation_that_policy_names_is_held_and_runs_once_when_approved() {
    let world = world();
    let (asker, boss) = (Actor::os("asker"), Actor::os("boss"));
    world
        .call(&boss, "kernel.setting.set", json!({"key": "kernel.approvals", "value": {"required": ["notes.note.*"]}}))
        .unwrap();
    world.call(&asker, "notes.note.write", json!({"text": "a"})).unwrap();
    let error = world.call(&asker, "notes.note.burn", json!({})).unwrap_err();
    assert_eq!((error.kind, error.subject.clone()), (ErrorKind::Held, Some(Ref::new("approval", 1))));
    let held = world.call(&boss, "kernel.approval.show", json!({"id": 1})).unwrap();
    assert_eq!(held["operation"], "notes.note.burn");
    let dry = Call { dry_run: true, ..Call::new(Arc::new(asker.clone()), "notes.note.burn", json!({}), Via::Rest) };
    assert!(world.kernel.dispatch(dry).is_ok());
    assert_eq!(world.call(&asker, "notes.note.list", json!({})).unwrap().as_array().unwrap().len(), 1);
    decide(&world, &boss, 1, held["plan_hash"].as_str().unwrap(), true).unwrap();
    world.settle().unwrap();
    assert_eq!(world.call(&asker, "notes.note.list", json!({})).unwrap(), json!([]));
    assert_eq!(world.call(&boss, "kernel.approval.show", json!({"id": 1})).unwrap()["outcome"], "done");
    assert_eq!(world.call(&asker, "notes.note.burn", json!({})).unwrap_err().subject, Some(Ref::new("approval", 2)));
}

#[test]
fn settings_are_checked_versioned_and_put_back() {
    let world = world();
    let boss = Actor::os("boss");
    let set = |value, version| {
        world.call(
            &boss,
            "kernel.setting.set",
            json!({"key": "kernel.smtp", "value": value, "expected_version": version}),
        )
    };
    assert_eq!(set(json!({"port": "x"}), 0).unwrap_err().field.as_deref(), Some("value.port"));
    assert_eq!(set(json!({"colour": 3}), 0).unwrap_err().kind, ErrorKind::Invalid);
    assert_eq!(set(json!({"port": 25}), 0).unwrap()["version"], 1);
    assert!(set(json!({}), 0).unwrap_err().message.contains("boss changed kernel.smtp"));
    assert_eq!(world.call(&boss, "kernel.setting.reset", json!({"key": "kernel.smtp"})).unwrap()["value"]["port"], 0);
    assert_eq!(world.call(&boss, "kernel.setting.show", json!({"key": "no"})).unwrap_err().kind, ErrorKind::NotFound);
    assert!(!world.call(&boss, "kernel.setting.list", json!({})).unwrap()["items"].as_array().unwrap().is_empty());
}
