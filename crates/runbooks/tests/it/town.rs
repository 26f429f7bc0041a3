//! A town: checks, an agent whose jobs wait until a test answers them, and events of other domains told by hand.

use std::sync::Arc;

use kernel::db::Migration;
use kernel::world::World;
use kernel::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

macro_rules! told {
    ($($type:ident $name:literal),*) => {
        $(
            #[derive(Serialize)]
            struct $type { #[serde(flatten)] fields: Value }
            impl Event for $type {
                const NAME: &'static str = $name;
                fn subjects(&self) -> Vec<Ref> { Vec::new() }
                fn title(&self) -> String { $name.into() }
                fn sample() -> Self { Self { fields: json!({}) } }
            }
        )*
        fn tell(cx: &mut Cx, name: &str, fields: Value) -> Result<()> {
            match name { $($name => cx.emit(&$type { fields }),)* other => Err(Error::internal("told", other)) }
        }
    };
}
told! {
    JobFinished "fleet.job.finished", StopOrdered "fleet.stop.ordered", Opened "monitor.group.opened",
    Changed "monitor.group.changed", Recovered "monitor.group.recovered", Reopened "monitor.group.reopened"
}

/// Tell an event of another domain.
#[derive(Deserialize, Serialize, JsonSchema)]
struct Tell {
    name: String,
    fields: Value,
}

impl Operation for Tell {
    const NAME: &'static str = "town.event.tell";
    const ROUTE: Route = post("/town/events");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = ();
    fn run(&self, cx: &mut Cx) -> Result<()> {
        tell(cx, &self.name, self.fields.clone())
    }
}

/// Queue a job.
#[derive(Deserialize, Serialize, JsonSchema)]
struct QueueJob {
    asset: i64,
    action: Value,
    class: Option<String>,
    timeout_s: Option<i64>,
    expires_s: Option<i64>,
    cause: Option<Ref>,
    run: Option<Ref>,
}

impl Operation for QueueJob {
    const NAME: &'static str = "fleet.job.queue";
    const ROUTE: Route = post("/fleet/jobs");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Dangerous;
    type Output = Value;
    fn run(&self, cx: &mut Cx) -> Result<Value> {
        if self.asset == 2 {
            return Err(Error::conflict("The agent of this machine is quarantined."));
        }
        let id = cx.tx.insert(
            "INSERT INTO town_jobs (asset, action, run, state) VALUES (?1, ?2, ?3, 'queued') RETURNING id",
            &[self.asset.into(), (&self.action).into(), self.run.as_ref().map(ToString::to_string).into()],
        )?;
        Ok(json!({ "job": format!("agent_job:{id}"), "id": id, "job_id": "00" }))
    }
}

/// Cancel a job.
#[derive(Deserialize, Serialize, JsonSchema)]
struct CancelJob {
    id: i64,
}

impl Operation for CancelJob {
    const NAME: &'static str = "fleet.job.cancel";
    const ROUTE: Route = post("/fleet/jobs/{id}/cancel");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = ();
    fn run(&self, cx: &mut Cx) -> Result<()> {
        cx.tx.execute("UPDATE town_jobs SET state = 'cancelled' WHERE id = ?1", &[self.id.into()])?;
        Ok(())
    }
}

/// Show a check: the check N is about the asset N and failed when the world began; the check 99 is gone.
#[derive(Deserialize, Serialize, JsonSchema)]
struct ShowCheck {
    id: i64,
}

impl Operation for ShowCheck {
    const NAME: &'static str = "monitor.check.show";
    const ROUTE: Route = get("/monitor/checks/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Value;
    fn run(&self, _: &mut Cx) -> Result<Value> {
        if self.id == 99 {
            return Err(Error::not_found("check:99"));
        }
        Ok(json!({ "check": { "id": self.id, "asset": self.id, "fired_at": kernel::world::START } }))
    }
}

/// Show whether all runs are stopped.
#[derive(Deserialize, Serialize, JsonSchema)]
struct ShowStop {}

impl Operation for ShowStop {
    const NAME: &'static str = "fleet.stop.show";
    const ROUTE: Route = get("/fleet/stop");
    const ACCESS: Access = Access::SignedIn;
    const EFFECT: Effect = Effect::Read;
    type Output = Value;
    fn run(&self, cx: &mut Cx) -> Result<Value> {
        let by = cx.tx.first("SELECT ordered_by FROM town_stops LIMIT 1", &[])?.map(|row| row.text(0)).transpose()?;
        Ok(json!({ "stopped": by.is_some(), "epoch": 1, "by": by }))
    }
}

/// Write a note.
#[derive(Deserialize, Serialize, JsonSchema)]
struct WriteNote {
    text: String,
    cause: Option<Ref>,
}

impl Operation for WriteNote {
    const NAME: &'static str = "desk.note.write";
    const ROUTE: Route = post("/desk/notes");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = i64;
    fn run(&self, cx: &mut Cx) -> Result<i64> {
        if self.text == "not now" {
            return Err(Error::unavailable("The desk is busy."));
        }
        let text = format!("{} {:?} by {}", self.text, self.cause.as_ref().map(ToString::to_string), cx.actor.name);
        cx.tx.insert("INSERT INTO town_notes (text) VALUES (?1) RETURNING id", &[text.into()])
    }
}

/// Show a ticket: its team has the number of the ticket.
#[derive(Deserialize, Serialize, JsonSchema)]
struct ShowTicket {
    id: i64,
}

impl Operation for ShowTicket {
    const NAME: &'static str = "desk.ticket.show";
    const ROUTE: Route = get("/desk/tickets/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Value;
    fn run(&self, _: &mut Cx) -> Result<Value> {
        Ok(json!({ "id": self.id, "team": { "id": self.id, "name": "A team" } }))
    }
}

fn checks(cx: &mut Cx, ids: &[i64]) -> Result<Vec<Resolved>> {
    if !cx.may("town.event.tell") {
        return Ok(Vec::new());
    }
    Ok(ids
        .iter()
        .filter(|id| **id < 100)
        .map(|id| Resolved { id: *id, title: "check".into(), href: "/".into() })
        .collect())
}

fn town() -> Domain {
    Domain {
        name: "town",
        migrations: &[Migration {
            number: 1,
            name: "town",
            sql: "CREATE TABLE town_jobs (id {id}, asset {int} NOT NULL, action {text} NOT NULL, run {text}, state {text} NOT NULL) {strict};\n\
                  CREATE TABLE town_notes (id {id}, text {text} NOT NULL) {strict};\n\
                  CREATE TABLE town_stops (id {id}, ordered_by {text} NOT NULL) {strict};",
        }],
        operations: vec![
            Entry::of::<Tell>(),
            Entry::of::<QueueJob>(),
            Entry::of::<CancelJob>(),
            Entry::of::<ShowCheck>(),
            Entry::of::<ShowStop>(),
            Entry::of::<WriteNote>(),
            Entry::of::<ShowTicket>(),
        ],
        nouns: vec![
            Noun { kind: "check", list: "town.event.tell", resolve: checks, set: None },
            Noun { kind: "alert_group", list: "town.event.tell", resolve: checks, set: None },
        ],
        ..Domain::default()
    }
}

fn domains() -> Vec<Domain> {
    vec![people::domain().kernel, assets::domain().kernel, town(), runbooks::domain().kernel]
}

pub(crate) struct Town {
    pub(crate) world: World,
}

pub(crate) const BOOK: &str = "
name: restart-web
title: Restart the web server
target: machine
inputs:
  machine: { type: asset }
  unit: { type: text, default: web.service }
steps:
  - name: free
    command: { argv: [/bin/free, {input: unit}] }
    undo: { command: { argv: [/bin/unfree] } }
  - name: start
    check: { tcp: { host: localhost, port: 80 } }
    service: { unit: { input: unit }, verb: start }
    verify: { probe: { tcp: { host: localhost, port: 80 } } }
    undo: { service: { unit: { input: unit }, verb: stop } }
";

pub(crate) fn admin() -> Actor {
    Actor::os("root")
}

/// A person with grants of their own; the town knows nobody, so the kernel gives them nothing by number.
pub(crate) fn person(id: i64, patterns: &[&str]) -> Actor {
    let grants = patterns.iter().map(|pattern| Grant::everywhere(pattern)).collect();
    Actor { ident: Ident::User(id), name: format!("Person {id}"), grants, proof: Proof::Standing, ..Actor::nobody() }
}

impl Town {
    pub(crate) fn new() -> Self {
        let town = Self { world: World::new(domains()).unwrap() };
        for name in ["web-01", "web-02", "web-03"] {
            let new = move |cx: &mut Cx| {
                assets::create(cx, assets::NewAsset { name: name.into(), kind: "server".into(), ..Default::default() })
            };
            town.world.kernel.write_as(admin(), "town.build", new).unwrap();
        }
        town.world.settle().unwrap();
        town
    }

    /// The server ends without a word and starts again on the same data.
    pub(crate) fn restart(self) -> Self {
        let world = self.world;
        let (folder, clock) = (world.folder().to_owned(), world.clock.clone());
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let moved = folder.with_file_name(format!("{name}.again"));
        std::fs::rename(&folder, &moved).unwrap();
        drop(world);
        let source = match std::env::var("MAINSTAY_TEST_POSTGRES") {
            Ok(url) if !url.is_empty() => {
                kernel::db::Source::Postgres(url, name.split(".again").next().unwrap_or(&name).to_owned())
            }
            _ => kernel::db::Source::Sqlite(moved.join("mainstay.db")),
        };
        Self { world: World::open(domains(), kernel::db::Options::default(), source, moved, clock).unwrap() }
    }

    /// Somebody whom the house knows, with a role for one team, and that team.
    pub(crate) fn hired(&self, role: &str) -> (Actor, i64) {
        let hire = json!({ "login": "sam", "name": "Sam Reyes", "email": "sam@northwind.example", "password": "correct horse battery staple" });
        let user = self.call("people.user.create", hire)["id"].as_i64().unwrap();
        let team =
            self.call("people.team.create", json!({ "name": "Web team", "slug": "web-team" }))["id"].as_i64().unwrap();
        let grant = json!({ "role": role, "user": user, "scope": "team", "scope_team": team, "reason": "test" });
        self.call("people.grant.give", grant);
        (self.known(user), team)
    }

    /// Somebody as the house knows them now.
    pub(crate) fn known(&self, user: i64) -> Actor {
        let kernel = &self.world.kernel;
        kernel.db.read(|tx| kernel.actor(tx, &Ident::User(user))).unwrap()
    }

    /// Gives a machine to a team.
    pub(crate) fn owned(&self, asset: i64, team: i64) {
        self.call("assets.thing.update", json!({ "id": asset, "team": team }));
    }

    /// Changes the town's own tables, or the house's, by hand.
    pub(crate) fn sql(&self, sql: &'static str) -> u64 {
        let work = move |tx: &mut kernel::db::Tx<'_>| tx.execute(sql, &[]);
        self.world.kernel.db.write("town.sql", kernel::db::Priority::Interactive, work).unwrap()
    }

    pub(crate) fn call(&self, operation: &str, input: Value) -> Value {
        let output = self.world.call(&admin(), operation, input).unwrap();
        self.world.settle().unwrap();
        output
    }

    pub(crate) fn refused(&self, actor: &Actor, operation: &str, input: Value) -> Error {
        self.world.call(actor, operation, input).unwrap_err()
    }

    pub(crate) fn tell(&self, name: &str, fields: Value) {
        self.call("town.event.tell", json!({ "name": name, "fields": fields }));
    }

    /// Saves and approves a runbook; answers its number and version.
    pub(crate) fn approved(&self, yaml: &str) -> (i64, String) {
        let saved = self.call("runbooks.runbook.save", json!({ "yaml": yaml }));
        let (id, version) = (saved["id"].as_i64().unwrap(), saved["version"].as_str().unwrap().to_owned());
        self.call("runbooks.runbook.approve", json!({ "id": id, "version": version }));
        (id, version)
    }

    pub(crate) fn start(&self, runbook: i64) -> i64 {
        self.call("runbooks.run.start", json!({ "runbook": runbook, "asset": 1 }))["id"].as_i64().unwrap()
    }

    pub(crate) fn open_group(&self, group: i64, asset: i64) {
        let fields = json!({ "group": format!("alert_group:{group}"), "check": "check:3", "checks": ["check:3"],
            "asset": format!("asset:{asset}"), "team": null, "severity": "critical", "title": "Web is down", "evidence": [], "changed_before": [] });
        self.tell("monitor.group.opened", fields);
    }

    /// Jobs that wait, as (number, action).
    pub(crate) fn jobs(&self) -> Vec<(i64, Value)> {
        self.world
            .kernel
            .db
            .read(|tx| {
                let rows = tx.query("SELECT id, action FROM town_jobs WHERE state = 'queued' ORDER BY id", &[])?;
                rows.iter().map(|row| Ok((row.int(0)?, row.json(1)?))).collect()
            })
            .unwrap()
    }

    /// Every action that was ever queued, in a few letters.
    pub(crate) fn history(&self) -> Vec<String> {
        let rows = self.world.kernel.db.read(|tx| {
            let rows = tx.query("SELECT action FROM town_jobs ORDER BY id", &[])?;
            rows.iter().map(|row| row.json::<Value>(0)).collect::<Result<Vec<_>>>()
        });
        rows.unwrap().iter().map(letters).collect()
    }

    pub(crate) fn finished(&self, run: i64, job: i64, state: &str) -> Value {
        json!({ "job": format!("agent_job:{job}"), "asset": "asset:1", "run": format!("run:{run}"), "state": state, "reason": "",
            "exit_code": if state == "failed" { json!(1) } else { json!(0) }, "output_tail": format!("output of {job}"), "started_us": 1, "finished_us": 2 })
    }

    /// Answers the job that waits.
    pub(crate) fn answer(&self, run: i64, state: &str) -> String {
        let waiting = self.jobs();
        assert_eq!(waiting.len(), 1, "one job waits: {waiting:?}");
        let (id, action) = &waiting[0];
        let (id, done) = (*id, letters(action));
        self.world
            .kernel
            .db
            .write("town.answer", kernel::db::Priority::Interactive, move |tx| {
                tx.execute("UPDATE town_jobs SET state = 'over' WHERE id = ?1", &[id.into()])
            })
            .unwrap();
        self.tell("fleet.job.finished", self.finished(run, id, state));
        done
    }

    pub(crate) fn answers(&self, run: i64, states: &[&str]) {
        for state in states {
            self.answer(run, state);
        }
    }

    pub(crate) fn run(&self, id: i64) -> Value {
        self.world.call(&admin(), "runbooks.run.show", json!({ "id": id })).unwrap()
    }

    pub(crate) fn runs(&self) -> Vec<Value> {
        let mut all =
            self.world.call(&admin(), "runbooks.run.list", json!({})).unwrap()["items"].as_array().unwrap().clone();
        all.reverse();
        all
    }

    pub(crate) fn events(&self, run: i64) -> Vec<String> {
        let found = self.world.kernel.read_as(&admin(), |cx| cx.timeline(&Ref::new("run", run), None, 100)).unwrap();
        found.into_iter().rev().map(|event| event.name.replace("runbooks.run.", "")).collect()
    }

    pub(crate) fn payload(&self, run: i64, name: &str) -> Value {
        let found = self.world.kernel.read_as(&admin(), |cx| cx.timeline(&Ref::new("run", run), None, 100)).unwrap();
        found.into_iter().find(|event| event.name == name).unwrap().payload
    }

    pub(crate) fn notes(&self) -> Vec<String> {
        let read = |tx: &mut kernel::db::Tx<'_>| {
            tx.query("SELECT text FROM town_notes ORDER BY id", &[])?
                .iter()
                .map(|row| row.text(0))
                .collect::<Result<Vec<_>>>()
        };
        self.world.kernel.db.read(read).unwrap()
    }

    pub(crate) fn needs(&self) -> Vec<String> {
        let needs = self.world.kernel.read_as(&admin(), |cx| cx.attention(50)).unwrap();
        needs.into_iter().map(|need| format!("{} {}", need.word, need.subject)).collect()
    }
}

fn letters(action: &Value) -> String {
    let (kind, fields) = action.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "Command" => fields["argv"][0].as_str().unwrap().replace("/bin/", ""),
        "Service" => fields["verb"].as_str().unwrap().to_lowercase(),
        "Probe" => "look".into(),
        "WaitFor" => "wait".into(),
        other => other.to_lowercase(),
    }
}

pub(crate) fn kernel_call(actor: Actor, operation: &str, input: Value) -> Call {
    Call { confirmed: true, ..Call::new(Arc::new(actor), operation, input, Via::Rest) }
}
