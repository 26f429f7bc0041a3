//! A whole house to measure in: every domain on a database on disk, one organisation with teams, people of every role,
//! tickets and things.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use kernel::db::{Options, Source};
use kernel::{Actor, Call, Clock, Error, Handle, Ident, Kernel, KernelSettings, Proof, Result, Via};
use serde_json::{Value, json};
use server::Site;

/// The password of everybody in the house.
pub(crate) const PASSWORD: &str = "correct horse battery staple";
/// Teams besides the one of the setup: short name and name.
const TEAMS: &[(&str, &str)] = &[
    ("network", "Network"),
    ("workplace", "Workplace"),
    ("servers", "Servers"),
    ("erp", "Business applications"),
    ("security", "Security"),
];
/// Places.
const PLACES: &[&str] = &["Hamburg", "Oslo", "Gdansk", "Rotterdam"];
/// People who ask for help.
const REQUESTERS: usize = 150;
/// Tickets in one write, and things in one write: a write stays short.
const SLICE: u64 = 200;

/// An open house.
pub(crate) struct House {
    pub(crate) kernel: Handle,
    pub(crate) site: Option<Site>,
    /// Sign-in names by role.
    pub(crate) people: BTreeMap<String, i64>,
    pub(crate) teams: Vec<i64>,
}

impl House {
    /// Opens or makes a house in a data folder.
    pub(crate) fn open(data: &Path) -> Result<Self> {
        std::fs::create_dir_all(data).map_err(|error| crate::unusable(data, &error))?;
        let (domains, site) = mainstay::domains::split();
        let paths = mainstay::folder::Folder::new(data, None);
        let settings = KernelSettings {
            source: Source::Sqlite(paths.database()),
            options: Options::default(),
            data: data.to_owned(),
            key_file: paths.key_file,
            clock: Clock::System,
            domains,
        };
        let kernel = Kernel::open(settings)?;
        Ok(Self { kernel, site: Some(site), people: BTreeMap::new(), teams: Vec::new() })
    }

    /// Sets up the organisation with its teams, places and people, unless that was done before.
    pub(crate) fn furnish(mut self) -> Result<Self> {
        if let Some(secret) = people::setup::issue(&self.kernel)? {
            let input = json!({ "secret": secret, "organisation": "Northwind Marine", "name": "Ada Admin", "login": "ada", "email": "ada@northwind.example", "password": PASSWORD });
            self.call(&Actor::nobody(), "people.setup.complete", input)?;
            self.hire_everybody()?;
        }
        self.look_around()?;
        Ok(self)
    }

    fn hire_everybody(&self) -> Result<()> {
        let owner = Actor::os("bench");
        for (slug, name) in TEAMS {
            self.call(&owner, "people.team.create", json!({ "slug": slug, "name": name }))?;
        }
        let client = self.kernel.db.read(people::organisation)?;
        for name in PLACES {
            self.call(&owner, "people.place.create", json!({ "name": name, "kind": "site", "parent": client }))?;
        }
        let team = self.kernel.db.read(|tx| people::team_by_slug(tx, "network"))?.map(|team| team.id);
        for role in people::roles::ROLES.iter().filter(|role| role.name != people::roles::ADMINISTRATOR) {
            let login = login(role.name);
            let user = self.user(&owner, &login, &format!("A {}", role.title), Some(PASSWORD))?;
            let mut given = json!({ "role": role.name, "user": user, "scope": "everything", "reason": "measurement" });
            let narrow = match role.name {
                "technician" | "lead" => json!({ "scope": "team", "scope_team": team }),
                "requester" | "external" => json!({ "scope": "own" }),
                _ => json!({}),
            };
            if let (Value::Object(given), Value::Object(narrow)) = (&mut given, narrow) {
                given.extend(narrow);
            }
            self.call(&owner, "people.grant.give", given)?;
        }
        for number in 0..REQUESTERS {
            self.user(&owner, &format!("employee{number}"), &format!("Employee {number}"), None)?;
        }
        Ok(())
    }

    fn user(&self, owner: &Actor, login: &str, name: &str, password: Option<&str>) -> Result<i64> {
        let mut input = json!({ "login": login, "name": name, "email": format!("{login}@northwind.example") });
        if let (Some(password), Value::Object(fields)) = (password, &mut input) {
            fields.insert("password".to_owned(), json!(password));
        }
        number(&self.call(owner, "people.user.create", input)?, "id")
    }

    fn look_around(&mut self) -> Result<()> {
        for role in people::roles::ROLES {
            let found = self.kernel.db.read(|tx| people::user_by_login(tx, &login(role.name)))?;
            self.people.extend(found.map(|user| (role.name.to_owned(), user)));
        }
        self.teams = self.kernel.db.read(people::team_options)?.into_iter().map(|(id, _)| id).collect();
        Ok(())
    }

    /// Writes tickets straight to the tables, the oldest first; `searchable` makes them findable by words.
    pub(crate) fn tickets(self, total: u64, searchable: bool) -> Result<Self> {
        self.tickets_about(total, searchable, Vec::new())
    }

    /// The same, some of them about these things.
    pub(crate) fn tickets_about(self, total: u64, searchable: bool, assets: Vec<i64>) -> Result<Self> {
        self.tickets_from(0, total, searchable, assets, |_| Ok(()))
    }

    /// The same from the ticket on where an earlier load ended; `told` hears after every write how many there are.
    pub(crate) fn tickets_from(
        self,
        mut from: u64,
        total: u64,
        searchable: bool,
        assets: Vec<i64>,
        told: impl Fn(u64) -> Result<()>,
    ) -> Result<Self> {
        let assets: Arc<[i64]> = assets.into();
        while from < total {
            let count = SLICE.min(total - from);
            let assets = assets.clone();
            self.kernel.write_as(Actor::os("bench"), "bench.load", move |cx| {
                let load = desk::demo::Load { count, from, total, seed: 7, assets: &assets, searchable };
                desk::demo::bulk(cx, &load).map(drop)
            })?;
            from += count;
            told(from)?;
        }
        Ok(self)
    }

    /// Adds things through the door; answers their numbers.
    pub(crate) fn things(&self, count: usize) -> Result<Vec<i64>> {
        let owner = Actor::os("bench");
        let kinds = ["server", "workstation", "laptop", "printer", "switch"];
        let mut made = Vec::new();
        for index in 0..count {
            let kind = kinds.get(index % kinds.len()).copied().unwrap_or("server");
            let team = self.teams.get(index % self.teams.len().max(1));
            let input =
                json!({ "name": format!("nw-{kind}-{index:03}").replace('_', "-"), "kind": kind, "team": team });
            made.push(number(&self.call(&owner, "assets.thing.create", input)?, "id")?);
        }
        Ok(made)
    }

    /// Calls an operation, confirmed.
    pub(crate) fn call(&self, actor: &Actor, operation: &str, input: Value) -> Result<Value> {
        let call = Call { confirmed: true, ..Call::new(Arc::new(actor.clone()), operation, input, Via::Rest) };
        let named = |mut error: Error| {
            error.message = format!("{operation}: {}", error.message);
            error
        };
        self.kernel.dispatch(call).map(|answer| answer.output).map_err(named)
    }

    /// The person of a role, as the doors know them.
    pub(crate) fn actor(&self, role: &str) -> Result<Actor> {
        let user = self.people.get(role).copied().ok_or_else(|| Error::internal("nobody-of-role", role))?;
        let actor = self.kernel.db.read(|tx| self.kernel.actor(tx, &Ident::User(user)))?;
        Ok(Actor { proof: Proof::Standing, ..actor })
    }

    /// Ends it in order.
    pub(crate) fn close(self) {
        self.kernel.shut_down();
    }
}

/// What the person of a role signs in with.
pub(crate) fn login(role: &str) -> String {
    if role == people::roles::ADMINISTRATOR { "ada".to_owned() } else { format!("a-{role}") }
}

/// A number of an answer.
pub(crate) fn number(answer: &Value, field: &str) -> Result<i64> {
    answer
        .get(field)
        .and_then(Value::as_i64)
        .ok_or_else(|| Error::internal("answer-without-number", format!("{field}: {answer}")))
}
