//! Tokens: how programs act as a user.

use crate::office::Office;
use kernel::time::DAY;
use kernel::{Actor, Cx, ErrorKind, Proof};
use serde_json::{Value, json};

fn make(office: &Office, actor: &Actor, input: Value) -> String {
    office.call(actor, "people.token.create", input).unwrap()["token"].as_str().unwrap().to_owned()
}

#[test]
fn a_token_acts_as_its_user_until_it_is_revoked() {
    let office = Office::new();
    let token = make(&office, &office.admin(), json!({ "name": "script" }));
    assert!(token.starts_with("mst_"));
    let signed = office.token(&token).unwrap();
    assert_eq!((signed.user, signed.actor.proof), (office.admin, Proof::None));
    let listed = office.call(&office.admin(), "people.token.list", json!({})).unwrap();
    assert!(!listed.to_string().contains(&token));
    let id = listed["items"][0]["id"].clone();
    office.call(&office.admin(), "people.token.revoke", json!({ "id": id })).unwrap();
    assert!(office.token(&token).is_none());
    assert!(office.token("mst_guess").is_none());
}

#[test]
fn a_token_ends_with_its_days_and_with_its_user() {
    let office = Office::new();
    let sam = office.user("sam");
    let short = make(&office, &office.actor(sam), json!({ "days": 2 }));
    let long = make(&office, &office.actor(sam), json!({}));
    office.world.clock.advance(2 * DAY);
    assert!(office.token(&short).is_none());
    assert!(office.token(&long).is_some());
    office.call(&office.admin(), "people.user.disable", json!({ "id": sam, "reason": "left" })).unwrap();
    assert!(office.token(&long).is_none());
}

#[test]
fn patterns_leave_a_token_less_than_its_user_holds_and_never_more() {
    let office = Office::new();
    let sam = office.user("sam");
    office.give(sam, "watcher", json!({}));
    let token = make(&office, &office.actor(sam), json!({ "patterns": ["desk.*", "people.user.create"] }));
    let actor = office.token(&token).unwrap().actor;
    let now = office.world.kernel.now();
    assert!(actor.reach("desk.ticket.list", now).is_some());
    assert!(actor.reach("assets.thing.list", now).is_none());
    assert!(actor.reach("people.user.create", now).is_none(), "sam does not hold it");
}

#[test]
fn patterns_leave_out_what_everybody_may_do_for_themselves() {
    let office = Office::new();
    let sam = office.user("sam");
    let tries = [
        ("people.me.update", json!({ "email": "elsewhere@example.org" })),
        ("people.session.sign-out-everywhere", json!({})),
        ("people.token.list", json!({})),
    ];
    for (patterns, refused) in [(json!(["desk.ticket.list"]), true), (json!(["people.*"]), false), (json!([]), false)] {
        let token = make(&office, &office.actor(sam), json!({ "patterns": patterns }));
        let actor = office.token(&token).unwrap().actor;
        for (operation, input) in tries.clone() {
            let call = move |cx: &mut Cx| cx.call_named(operation, input.clone());
            let kind = office.world.kernel.write_as(actor.clone(), "office.script", call).err().map(|error| error.kind);
            assert_eq!(kind, refused.then_some(ErrorKind::Denied), "{operation} under {patterns}");
        }
    }
}

#[test]
fn a_held_call_runs_no_further_than_the_token_it_came_with() {
    let office = Office::new();
    let (boss, set) = (Actor::os("boss"), "people.user.set-password");
    let policy = json!({ "key": "kernel.approvals", "value": { "required": [set] } });
    office.call(&boss, "kernel.setting.set", policy).unwrap();
    let sam = office.user("sam");
    office.give(sam, "watcher", json!({}));
    for (patterns, outcome) in [(json!([set]), "failed: You do not hold"), (json!([]), "done")] {
        let token = make(&office, &office.admin(), json!({ "patterns": patterns, "standing": true }));
        let actor = office.token(&token).unwrap().actor;
        let input = json!({ "id": sam, "password": "chosen by a script" });
        let held = office.call(&actor, set, input).unwrap_err().subject.unwrap().id;
        let plan = office.call(&boss, "kernel.approval.show", json!({ "id": held })).unwrap()["plan_hash"].clone();
        let decision = json!({ "id": held, "plan_hash": plan, "approved": true });
        office.call(&boss, "kernel.approval.decide", decision).unwrap();
        office.world.settle().unwrap();
        let shown = office.call(&boss, "kernel.approval.show", json!({ "id": held })).unwrap();
        assert!(shown["outcome"].as_str().unwrap().starts_with(outcome), "{shown}");
    }
}

#[test]
fn a_token_cannot_make_tokens() {
    let office = Office::new();
    for standing in [false, true] {
        let token = make(&office, &office.admin(), json!({ "patterns": ["people.*"], "standing": standing }));
        let actor = office.token(&token).unwrap().actor;
        let error = office.call(&actor, "people.token.create", json!({})).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict);
    }
}

#[test]
fn only_who_holds_as_much_makes_a_token_for_somebody_else() {
    let office = Office::new();
    let sam = office.user("sam");
    let input = json!({ "for": "ada" });
    assert_eq!(
        office.call(&office.actor(sam), "people.token.create", input.clone()).unwrap_err().kind,
        ErrorKind::Denied
    );
    let token = make(&office, &Actor::os("root"), input);
    assert_eq!(office.token(&token).unwrap().user, office.admin);
    let missing = office.call(&Actor::os("root"), "people.token.create", json!({ "for": "ghost" })).unwrap_err();
    assert_eq!(missing.kind, ErrorKind::NotFound);
    let nobody = office.call(&Actor::os("root"), "people.token.create", json!({})).unwrap_err();
    assert_eq!(nobody.field.as_deref(), Some("for"));
}

#[test]
fn a_small_administrator_cannot_act_for_a_bigger_one() {
    let office = Office::new();
    let organisation = office.world.kernel.db.read(people::organisation).unwrap().unwrap();
    let place = json!({ "name": "Branch", "kind": "site", "parent": organisation });
    let branch = office.call(&office.admin(), "people.place.create", place).unwrap()["id"].as_i64().unwrap();
    let small = office.user("small");
    office.give(small, "administrator", json!({ "scope": "place", "scope_place": branch }));
    office.call(&office.admin(), "people.user.update", json!({ "id": office.admin, "place": branch })).unwrap();
    let small = office.actor(small);
    office.call(&small, "people.user.show", json!({ "id": office.admin })).unwrap();
    for (operation, input) in [
        ("people.token.create", json!({ "for": "ada" })),
        ("people.user.set-password", json!({ "id": office.admin, "password": "taken over for good" })),
        ("people.user.disable", json!({ "id": office.admin, "reason": "coup" })),
    ] {
        let error = office.call(&small, operation, input).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict, "{operation}: {error}");
    }
}

#[test]
fn a_session_whose_proof_is_old_makes_no_token() {
    let office = Office::new();
    let sam = office.user("sam");
    let now = office.world.kernel.now();
    let old = Actor { proof: Proof::At(now.plus(-6 * kernel::time::MINUTE)), ..office.actor(sam) };
    let error = office.call(&old, "people.token.create", json!({})).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unconfirmed);
    let fresh = Actor { proof: Proof::At(now), ..office.actor(sam) };
    assert!(office.call(&fresh, "people.token.create", json!({})).is_ok());
}
