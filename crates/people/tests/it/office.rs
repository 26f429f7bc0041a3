//! A small office for tests: set up with an administrator, with people added as needed.

use kernel::world::World;
use kernel::{Actor, Ident, Result};
use serde_json::{Value, json};

pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) struct Office {
    pub(crate) world: World,
    pub(crate) admin: i64,
}

pub(crate) fn bare() -> World {
    World::new(vec![people::domain().kernel]).unwrap()
}

impl Office {
    /// An office whose setup is done: the administrator is `ada`.
    pub(crate) fn new() -> Self {
        let world = bare();
        let secret = people::setup::issue(&world.kernel).unwrap().unwrap();
        let input = json!({
            "secret": secret, "organisation": "Harbour Works", "name": "Ada Admin", "login": "ada", "email": "ada@example.org",
            "password": PASSWORD, "zone": "Europe/Berlin",
        });
        let made = world.call(&Actor::nobody(), "people.setup.complete", input).unwrap();
        let admin = made["user"].as_i64().unwrap();
        Self { world, admin }
    }

    pub(crate) fn actor(&self, user: i64) -> Actor {
        let mut actor = self.world.kernel.db.read(|tx| self.world.kernel.actor(tx, &Ident::User(user))).unwrap();
        actor.proof = kernel::Proof::At(self.world.kernel.now());
        actor
    }

    pub(crate) fn admin(&self) -> Actor {
        self.actor(self.admin)
    }

    /// A user who may sign in and holds nothing.
    pub(crate) fn user(&self, login: &str) -> i64 {
        let input = json!({ "login": login, "name": format!("User {login}"), "password": PASSWORD });
        self.call(&self.admin(), "people.user.create", input).unwrap()["id"].as_i64().unwrap()
    }

    pub(crate) fn give(&self, user: i64, role: &str, more: Value) -> i64 {
        let mut input = json!({ "user": user, "role": role, "reason": "for the test" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.call(&self.admin(), "people.grant.give", input).unwrap()["id"].as_i64().unwrap()
    }

    pub(crate) fn call(&self, actor: &Actor, operation: &str, input: Value) -> Result<Value> {
        self.world.call(actor, operation, input)
    }

    pub(crate) fn sign_in(&self, login: &str, password: &str) -> Result<Value> {
        let input = json!({ "login": login, "password": password, "origin": "192.0.2.7, test" });
        self.call(&Actor::nobody(), "people.session.sign-in", input)
    }

    pub(crate) fn session(&self, token: &str) -> Option<people::sessions::SignedIn> {
        let now = self.world.kernel.now();
        self.world.kernel.db.read(|tx| people::sessions::resolve(tx, token, now)).unwrap()
    }

    pub(crate) fn token(&self, token: &str) -> Option<people::sessions::SignedIn> {
        let now = self.world.kernel.now();
        self.world.kernel.db.read(|tx| people::tokens::resolve(tx, token, now)).unwrap()
    }
}
