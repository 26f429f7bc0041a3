//! A whole house for tests: every domain, one administrator, one person of every role.

use std::collections::BTreeMap;

use kernel::world::World;
use kernel::{Actor, Ident};
use serde_json::{Value, json};
use server::Site;

/// The password of everybody in the house.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

pub(crate) struct House {
    pub(crate) world: World,
    pub(crate) site: Option<Site>,
    /// The actor of one person per role, by the role's name.
    pub(crate) people: BTreeMap<String, Actor>,
}

impl House {
    pub(crate) fn new() -> Self {
        let (mut domains, site) = mainstay::domains::split();
        domains.remove(0);
        let world = World::new(domains).unwrap();
        let secret = people::setup::issue(&world.kernel).unwrap().unwrap();
        let input = json!({"secret": secret, "organisation": "Northwind Marine", "name": "Ada Admin", "login": "ada", "email": "ada@northwind.example", "password": PASSWORD});
        world.call(&Actor::nobody(), "people.setup.complete", input).unwrap();
        let mut house = Self { world, site: Some(site), people: BTreeMap::new() };
        let roles: Vec<&str> = people::roles::ROLES.iter().map(|role| role.name).collect();
        for role in roles {
            let actor = if role == "administrator" { house.actor(1) } else { house.hire(role) };
            house.people.insert(role.to_owned(), actor);
        }
        house.world.settle().unwrap();
        house
    }

    fn hire(&self, role: &str) -> Actor {
        let os = Actor::os("root");
        let input = json!({"login": format!("a-{role}"), "name": format!("A {role}"), "email": format!("{role}@northwind.example"), "password": PASSWORD});
        let user = self.world.call(&os, "people.user.create", input).unwrap()["id"].as_i64().unwrap();
        let team = self.world.kernel.db.read(people::default_team).unwrap();
        let mut grant = json!({"role": role, "user": user, "scope": "everything", "reason": "test"});
        match role {
            "technician" | "lead" => {
                grant["scope"] = json!("team");
                grant["scope_team"] = json!(team);
            }
            "requester" | "watcher" | "external" => grant["scope"] = json!("own"),
            _ => {}
        }
        self.call(&os, "people.grant.give", grant);
        self.actor(user)
    }

    pub(crate) fn actor(&self, user: i64) -> Actor {
        let kernel = &self.world.kernel;
        kernel.db.read(|tx| kernel.actor(tx, &Ident::User(user))).unwrap()
    }

    pub(crate) fn admin(&self) -> Actor {
        Actor { proof: kernel::Proof::Standing, ..self.actor(1) }
    }

    pub(crate) fn call(&self, actor: &Actor, operation: &str, input: Value) -> Value {
        self.world
            .call(actor, operation, input)
            .unwrap_or_else(|error| panic!("{operation}: {error} {:?}", error.cause))
    }
}
