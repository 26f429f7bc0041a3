//! The demo company, Northwind Marine: people of every role, teams, places, things and two years of tickets, to look at
//! and to measure with. What is made goes through the operations, but for tickets, of which there are too many.

use std::sync::Arc;

use kernel::{Actor, Call, Error, Handle, Result, Via};
use serde_json::{Value, json};

/// Teams besides the one of the setup: short name and name.
const TEAMS: &[(&str, &str)] = &[
    ("network", "Network"),
    ("workplace", "Workplace"),
    ("servers", "Servers"),
    ("erp", "Business applications"),
    ("security", "Security"),
];
const PLACES: &[&str] = &["Hamburg", "Oslo", "Gdansk", "Rotterdam"];
const FIRST: &[&str] = &[
    "Anna", "Bjorn", "Carla", "Dmitri", "Elif", "Femke", "Goran", "Hanna", "Ingrid", "Jonas", "Kirsten", "Lars",
    "Mira", "Nils", "Olga", "Pieter", "Rosa", "Stefan", "Tilda", "Viktor",
];
const LAST: &[&str] = &[
    "Aas",
    "Brandt",
    "Czarnecki",
    "Dahl",
    "Ekberg",
    "Falk",
    "Groot",
    "Hansen",
    "Iversen",
    "Jansen",
    "Kowalska",
    "Lund",
    "Moen",
    "Nowak",
    "Olsen",
    "Petersen",
    "Rask",
    "Smit",
    "Thorsen",
    "Visser",
];
const KINDS: &[&str] = &["server", "workstation", "laptop", "printer", "switch"];
/// People who ask for help, things and tickets at scale 1.
const REQUESTERS: u64 = 150;
const THINGS: u64 = 250;
const TICKETS: u64 = 1_500;
/// Tickets in one write: a write stays short.
const SLICE: u64 = 200;

/// What was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// People who ask for help.
    pub people: u64,
    /// Things.
    pub things: u64,
    /// Tickets.
    pub tickets: u64,
}

/// Fills an open kernel.
pub struct Company<'a> {
    kernel: &'a Handle,
    password: &'a str,
}

impl<'a> Company<'a> {
    /// A company whose people of each role sign in with this password.
    pub fn new(kernel: &'a Handle, password: &'a str) -> Self {
        Self { kernel, password }
    }

    /// Everything, `scale` times as much as a company of 150 people has.
    ///
    /// # Errors
    /// The organisation was set up already: the demo company is no guest in somebody's records.
    pub fn load(&self, scale: u64) -> Result<Loaded> {
        let made = Loaded { people: REQUESTERS * scale, things: THINGS * scale, tickets: TICKETS * scale };
        if !self.set_up(made.people)? {
            return Err(Error::conflict(
                "There is an organisation in this data folder. The demo company goes into one of its own: name an empty one with --data.",
            ));
        }
        let things = self.things(made.things)?;
        self.tickets(0, made.tickets, true, &things, &|_| Ok(()))?;
        Ok(made)
    }

    /// The organisation with its teams, places and people; false when there is one.
    pub fn set_up(&self, requesters: u64) -> Result<bool> {
        let Some(secret) = people::setup::issue(self.kernel)? else { return Ok(false) };
        let ada = json!({ "secret": secret, "organisation": "Northwind Marine", "name": "Ada Lind", "login": "ada", "email": "ada@northwind.example", "password": self.password });
        call(self.kernel, &Actor::nobody(), "people.setup.complete", ada)?;
        for (slug, name) in TEAMS {
            self.call("people.team.create", json!({ "slug": slug, "name": name }))?;
        }
        let organisation = self.kernel.db.read(people::organisation)?;
        for name in PLACES {
            self.call("people.place.create", json!({ "name": name, "kind": "site", "parent": organisation }))?;
        }
        self.hire_roles()?;
        for number in 0..requesters {
            let (first, last) = (pick(FIRST, number), pick(LAST, number / FIRST.len() as u64 + number));
            self.hire(&format!("employee{number}"), &format!("{first} {last}"), None)?;
        }
        self.rota()?;
        Ok(true)
    }

    /// Who is called at night for the network, and by day, and whom after them.
    fn rota(&self) -> Result<()> {
        let team = self.kernel.db.read(|tx| people::team_by_slug(tx, "network"))?.map(|team| team.id);
        let rota = json!({
            "name": "Network", "slug": "network", "about": "Lines, switches and what hangs on them", "team": team, "time_zone": "Europe/Oslo",
            "rotations": [
                { "name": "Weeks", "kind": "weekly", "start": "2026-01-05T08:00", "participants": ["ada", login("lead"), login("technician")] },
                { "name": "Working hours", "kind": "daily", "start": "2026-01-05T08:00", "participants": [login("technician"), login("lead")],
                  "restrictions": [{ "days": ["mon-fri"], "from": "08:00", "to": "16:00" }] },
            ],
        });
        self.call("people.rota.create", rota)?;
        let lines = "0 rota:network\n10m rota:network, team:network";
        let policy =
            json!({ "name": "Network", "lines": lines, "repeats": 2, "repeat_after_s": 900, "again_after_s": 7200 });
        let policy = self.call("paging.policy.save", policy)?.get("id").cloned();
        let teams: Vec<i64> = team.into_iter().collect();
        self.call("paging.route.add", json!({ "name": "Network", "teams": teams, "policy": policy })).map(|_| ())
    }

    /// Somebody for each role but the administrator, who is there.
    fn hire_roles(&self) -> Result<()> {
        let team = self.kernel.db.read(|tx| people::team_by_slug(tx, "network"))?.map(|team| team.id);
        for role in people::roles::ROLES.iter().filter(|role| role.name != people::roles::ADMINISTRATOR) {
            let user = self.hire(&login(role.name), &format!("The {}", role.title), Some(self.password))?;
            let mut given =
                json!({ "role": role.name, "user": user, "scope": "everything", "reason": "The demo company" });
            let narrow = match role.name {
                "technician" | "lead" => json!({ "scope": "team", "scope_team": team }),
                "requester" | "external" => json!({ "scope": "own" }),
                _ => json!({}),
            };
            if let (Value::Object(given), Value::Object(narrow)) = (&mut given, narrow) {
                given.extend(narrow);
            }
            self.call("people.grant.give", given)?;
        }
        Ok(())
    }

    fn hire(&self, login: &str, name: &str, password: Option<&str>) -> Result<i64> {
        let mut input = json!({ "login": login, "name": name, "email": format!("{login}@northwind.example") });
        if let (Some(password), Value::Object(fields)) = (password, &mut input) {
            fields.insert("password".to_owned(), json!(password));
        }
        number(&self.call("people.user.create", input)?, "id")
    }

    /// Adds things; answers their numbers.
    pub fn things(&self, count: u64) -> Result<Vec<i64>> {
        let teams: Vec<i64> = self.kernel.db.read(people::team_options)?.into_iter().map(|(id, _)| id).collect();
        let mut made = Vec::new();
        for index in 0..count {
            let kind = pick(KINDS, index);
            let team = usize::try_from(index).ok().and_then(|index| teams.get(index % teams.len().max(1)));
            let input = json!({ "name": format!("nw-{kind}-{index:03}"), "kind": kind, "team": team });
            made.push(number(&self.call("assets.thing.create", input)?, "id")?);
        }
        Ok(made)
    }

    /// Writes tickets straight to the tables, the oldest first, from the one on where an earlier load ended; some are
    /// about the things. `searchable` makes them findable by words. `told` hears after every write how many there are.
    pub fn tickets(
        &self,
        mut from: u64,
        total: u64,
        searchable: bool,
        things: &[i64],
        told: &dyn Fn(u64) -> Result<()>,
    ) -> Result<()> {
        let things: Arc<[i64]> = things.into();
        while from < total {
            let (count, assets) = (SLICE.min(total - from), things.clone());
            self.kernel.write_as(Actor::os("demo"), "demo.load", move |cx| {
                let load = desk::demo::Load { count, from, total, seed: 7, assets: &assets, searchable };
                desk::demo::bulk(cx, &load).map(drop)
            })?;
            from += count;
            told(from)?;
        }
        Ok(())
    }

    fn call(&self, operation: &str, input: Value) -> Result<Value> {
        call(self.kernel, &Actor::os("demo"), operation, input)
    }
}

/// Calls an operation, confirmed; an error names it.
pub fn call(kernel: &Handle, actor: &Actor, operation: &str, input: Value) -> Result<Value> {
    let call = Call { confirmed: true, ..Call::new(Arc::new(actor.clone()), operation, input, Via::Rest) };
    let named = |mut error: Error| {
        error.message = format!("{operation}: {}", error.message);
        error
    };
    kernel.dispatch(call).map(|answer| answer.output).map_err(named)
}

/// What the person of a role signs in with.
pub fn login(role: &str) -> String {
    if role == people::roles::ADMINISTRATOR { "ada".to_owned() } else { format!("the-{role}") }
}

/// A number of an answer.
pub fn number(answer: &Value, field: &str) -> Result<i64> {
    let found = answer.get(field).and_then(Value::as_i64);
    found.ok_or_else(|| Error::internal("answer-without-number", format!("{field}: {answer}")))
}

fn pick<'a>(words: &[&'a str], number: u64) -> &'a str {
    let at = usize::try_from(number).unwrap_or(0).checked_rem(words.len()).unwrap_or(0);
    words.get(at).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use kernel::world::World;

    use super::*;

    #[test]
    fn the_company_is_loaded_once_and_never_into_somebody_elses_records() {
        let (mut domains, _) = crate::domains::split();
        domains.remove(0);
        let world = World::new(domains).unwrap();
        let company = Company::new(&world.kernel, "correct horse battery staple");
        assert!(company.set_up(3).unwrap());
        let things = company.things(6).unwrap();
        company.tickets(0, 450, true, &things, &|_| Ok(())).unwrap();
        let found = world.call(&Actor::os("ada"), "desk.ticket.list", json!({ "filter": "", "limit": 200 })).unwrap();
        assert_eq!(found["count"], 450);
        assert!(world.call(&Actor::os("ada"), "people.user.list", json!({ "filter": "the-technician" })).is_ok());
        let on_call = world.call(&Actor::os("ada"), "people.rota.now", json!({})).unwrap();
        assert_eq!(on_call["items"][0]["who"][0]["name"], "The Technician", "{on_call}");
        assert!(company.load(1).unwrap_err().message.contains("--data"));
    }
}
