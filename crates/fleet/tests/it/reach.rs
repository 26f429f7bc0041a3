//! Tokens and the order to stop are about every machine: a grant for some of them does not reach them.

use kernel::permission::{Grant, Scope};
use kernel::{Actor, ErrorKind, Ident, Proof};
use serde_json::json;

use crate::machine::*;

/// Somebody who may do everything, in one team.
fn small_administrator(team: i64) -> Actor {
    Actor {
        ident: Ident::User(7),
        name: "Small administrator".into(),
        grants: vec![Grant { pattern: "*".into(), scope: Scope::Teams(vec![team]), expires_at: None }],
        proof: Proof::Standing,
        ..Actor::nobody()
    }
}

#[test]
fn who_reaches_some_machines_neither_sees_tokens_nor_stops_or_releases_all() {
    let world = world();
    let small = small_administrator(1);
    let token = world.call(&admin(), "fleet.token.create", json!({ "name": "anywhere" })).unwrap()["id"].clone();
    for (operation, input) in [
        ("fleet.token.create", json!({ "name": "mine", "auto_approve": true })),
        ("fleet.token.list", json!({})),
        ("fleet.token.revoke", json!({ "id": token })),
        ("fleet.stop.all", json!({})),
        ("fleet.stop.release", json!({})),
        ("fleet.release.list", json!({})),
        ("fleet.release.import", json!({ "name": "not-there" })),
        ("fleet.rollout.list", json!({})),
        ("fleet.rollout.show", json!({ "id": 1 })),
    ] {
        assert_eq!(world.call(&small, operation, input).unwrap_err().kind, ErrorKind::Denied, "{operation}");
    }
}
