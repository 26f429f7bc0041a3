//! A town to test in: two teams, some people with the built-in roles, things, and a stand-in for what tells of alerts and runs.

use kernel::world::World;
use kernel::{
    Access, Actor, Cx, Domain, Effect, Entry, Event, EventEntry, Grant, Ident, Noun, Operation, Proof, Ref, Result,
    Route, Scope, post,
};
use people::roles::Extent;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::store;

pub(crate) struct Town {
    pub(crate) world: World,
    pub(crate) desk: i64,
    pub(crate) network: i64,
    pub(crate) office: i64,
    pub(crate) asset: i64,
    pub(crate) admin: Actor,
    /// A technician of the service desk.
    pub(crate) sam: Actor,
    /// A technician of the network team.
    pub(crate) nia: Actor,
    /// Two who ask.
    pub(crate) rita: Actor,
    pub(crate) omar: Actor,
    /// Somebody from outside.
    pub(crate) exa: Actor,
}

/// An actor with a built-in role.
pub(crate) fn actor(id: i64, name: &str, role: &str, scope: &Scope, teams: &[i64]) -> Actor {
    let grants = people::roles::role(role).unwrap().every_part().map(|part| Grant {
        pattern: part.pattern.into(),
        scope: match part.extent {
            Extent::Given => scope.clone(),
            Extent::Everything => Scope::Everything,
            Extent::Own => Scope::Own,
        },
        expires_at: None,
    });
    Actor {
        ident: Ident::User(id),
        name: name.into(),
        grants: grants.collect(),
        teams: teams.to_vec(),
        proof: Proof::Standing,
        ..Actor::nobody()
    }
}

impl Town {
    pub(crate) fn new() -> Self {
        let domains = vec![people::domain().kernel, assets::domain().kernel, desk::domain().kernel, teller()];
        let world = World::new(domains).unwrap();
        let (ids, teams, office, asset) = world
            .kernel
            .write_as(Actor::service("town", &["*"]), "town.build", |cx| {
                let mut ids = Vec::new();
                for (login, name) in [
                    ("ada", "Ada Admin"),
                    ("sam", "Sam Reyes"),
                    ("nia", "Nia Net"),
                    ("rita", "Rita Asks"),
                    ("omar", "Omar Asks"),
                    ("exa", "Exa Outside"),
                ] {
                    ids.push(store::person(cx.tx, login, name)?);
                }
                let teams =
                    [store::team(cx.tx, "service-desk", "Service desk")?, store::team(cx.tx, "network", "Network")?];
                let office = store::place(cx.tx, "Head office")?;
                let new = assets::NewAsset {
                    name: "sw-core-01".into(),
                    kind: assets::KINDS.first().map(|kind| kind.0.into()).unwrap(),
                    team: Some(teams[1]),
                    ..assets::NewAsset::default()
                };
                let asset = assets::create(cx, new)?;
                Ok((ids, teams, office, asset))
            })
            .unwrap();
        let [desk, network] = teams;
        let of = |team: i64| Scope::Teams(vec![team]);
        Self {
            desk,
            network,
            office,
            asset,
            admin: actor(ids[0], "Ada Admin", "administrator", &Scope::Everything, &[]),
            sam: actor(ids[1], "Sam Reyes", "technician", &of(desk), &[desk]),
            nia: actor(ids[2], "Nia Net", "technician", &of(network), &[network]),
            rita: actor(ids[3], "Rita Asks", "requester", &Scope::Own, &[]),
            omar: actor(ids[4], "Omar Asks", "requester", &Scope::Own, &[]),
            exa: actor(ids[5], "Exa Outside", "external", &Scope::Own, &[]),
            world,
        }
    }

    pub(crate) fn call(&self, who: &Actor, operation: &str, input: Value) -> Result<Value> {
        self.world.call(who, operation, input)
    }

    pub(crate) fn done(&self, who: &Actor, operation: &str, input: Value) -> Value {
        self.call(who, operation, input).unwrap_or_else(|error| panic!("{operation}: {error} {:?}", error.cause))
    }

    /// Opens a ticket and answers its number.
    pub(crate) fn open(&self, who: &Actor, input: Value) -> i64 {
        self.done(who, "desk.ticket.open", input)["id"].as_i64().unwrap()
    }

    pub(crate) fn show(&self, who: &Actor, id: i64) -> Value {
        self.done(who, "desk.ticket.show", json!({ "id": id }))
    }

    pub(crate) fn list(&self, who: &Actor, filter: &str) -> Vec<i64> {
        let page = self.done(who, "desk.ticket.list", json!({ "filter": filter }));
        page["items"].as_array().unwrap().iter().map(|one| one["id"].as_i64().unwrap()).collect()
    }

    /// Tells an event of another domain and lets everybody react.
    pub(crate) fn tell(&self, name: &str, payload: Value) {
        self.done(&Actor::os("test"), "teller.event.tell", json!({ "name": name, "payload": payload }));
        self.world.settle().unwrap();
    }

    /// The only ticket of a group of alerts.
    pub(crate) fn incident(&self) -> Value {
        let all = self.list(&self.admin, "kind:incident");
        assert_eq!(all.len(), 1, "{all:?}");
        self.show(&self.admin, all[0])
    }
}

/// Tells an event as another domain would.
#[derive(Deserialize, Serialize, JsonSchema)]
struct Tell {
    name: String,
    payload: Value,
}

macro_rules! told {
    ($($event:ident $name:literal),*) => {
        $(
            struct $event(Value);
            impl Serialize for $event {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                    self.0.serialize(serializer)
                }
            }
            impl Event for $event {
                const NAME: &'static str = $name;
                fn subjects(&self) -> Vec<Ref> {
                    match self.0.get("subjects") {
                        Some(told) => serde_json::from_value(told.clone()).unwrap(),
                        None => vec![Ref::new("alert_group", 9)],
                    }
                }
                fn title(&self) -> String {
                    $name.into()
                }
                fn sample() -> Self {
                    Self(json!({ "group": "alert_group:9", "into": "alert_group:10", "run": "run:1" }))
                }
            }
        )*

        impl Operation for Tell {
            const NAME: &'static str = "teller.event.tell";
            const ROUTE: Route = post("/teller");
            const ACCESS: Access = Access::Grant;
            const EFFECT: Effect = Effect::Write;
            type Output = ();

            fn run(&self, cx: &mut Cx) -> Result<()> {
                match self.name.as_str() {
                    $($name => cx.emit(&$event(self.payload.clone())),)*
                    other => panic!("unknown event {other}"),
                }
            }
        }

        fn teller() -> Domain {
            // Runs are for those who hold everything here.
            let run = Noun { kind: "run", list: Tell::NAME, resolve: |_, _| Ok(Vec::new()), set: None };
            Domain {
                name: "teller",
                operations: vec![Entry::of::<Tell>()],
                events: vec![$(EventEntry::of::<$event>()),*],
                nouns: vec![run],
                ..Domain::default()
            }
        }
    };
}

told!(
    Opened "monitor.group.opened", Changed "monitor.group.changed", Recovered "monitor.group.recovered", Reopened "monitor.group.reopened",
    Merged "monitor.group.merged",
    Started "runbooks.run.started", Finished "runbooks.run.finished", Failed "runbooks.run.failed", Stopped "runbooks.run.stopped"
);
