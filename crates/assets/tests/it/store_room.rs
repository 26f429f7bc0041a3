//! A small organisation with things in it, for tests.

use kernel::world::World;
use kernel::{Actor, Grant, Ident, Proof, Result, Scope};
use serde_json::{Value, json};

pub(crate) struct Room {
    pub(crate) world: World,
    pub(crate) site: i64,
    pub(crate) team: i64,
    pub(crate) user: i64,
}

impl Room {
    pub(crate) fn new() -> Self {
        let world = World::new(vec![people::domain().kernel, assets::domain().kernel]).unwrap();
        let os = Actor::os("root");
        let id = |operation: &str, input: Value| world.call(&os, operation, input).unwrap()["id"].as_i64().unwrap();
        let root = id("people.place.create", json!({ "name": "Harbour Works", "kind": "client" }));
        let site = id("people.place.create", json!({ "name": "Head office", "kind": "site", "parent": root }));
        let team = id("people.team.create", json!({ "name": "Infrastructure", "slug": "infrastructure" }));
        let user = id("people.user.create", json!({ "login": "sam", "name": "Sam Reyes" }));
        Self { world, site, team, user }
    }

    pub(crate) fn os(&self) -> Actor {
        Actor::os("root")
    }

    /// Sam, who holds everything of assets in one scope.
    pub(crate) fn sam(&self, scope: Scope) -> Actor {
        let grants = vec![Grant { pattern: "assets.*".into(), scope, expires_at: None }];
        Actor {
            grants,
            proof: Proof::Standing,
            ident: Ident::User(self.user),
            name: "Sam Reyes".into(),
            ..Actor::nobody()
        }
    }

    /// Sam with a built-in role for everything.
    pub(crate) fn role(&self, name: &str) -> Actor {
        let parts = people::roles::role(name).unwrap().every_part();
        let grant = |pattern: &str| Grant { pattern: pattern.into(), scope: Scope::Everything, expires_at: None };
        Actor { grants: parts.map(|part| grant(part.pattern)).collect(), ..self.sam(Scope::Everything) }
    }

    pub(crate) fn call(&self, actor: &Actor, operation: &str, input: Value) -> Result<Value> {
        self.world.call(actor, operation, input)
    }

    pub(crate) fn add(&self, name: &str, more: Value) -> i64 {
        let mut input = json!({ "name": name, "kind": "server" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.call(&self.os(), "assets.thing.create", input).unwrap()["id"].as_i64().unwrap()
    }

    pub(crate) fn titles(&self, asset: i64) -> Vec<String> {
        let shown = self.call(&self.os(), "assets.thing.timeline", json!({ "id": asset })).unwrap();
        shown["items"].as_array().unwrap().iter().map(|one| one["title"].as_str().unwrap().to_owned()).collect()
    }
}
