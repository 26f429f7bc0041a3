//! A small house with assets and agents that speak.

use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use agent_proto::{CheckResult, CheckState};
use kernel::registry::AgentFrom;
use kernel::time::SECOND;
use kernel::world::World;
use kernel::{Actor, Domain, Event, Handle, Ref, Result, StoredEvent};
use serde::Serialize;
use serde_json::{Value, json};

/// So long it takes at most until what was found is grouped and told, or over, in seconds.
pub(crate) const SETTLE_S: i64 = 15;

pub(crate) struct House {
    pub(crate) world: World,
    pub(crate) admin: Actor,
    moved: AtomicI64,
    pub(crate) news: AtomicBool,
}

pub(crate) fn domains() -> Vec<Domain> {
    vec![people::domain().kernel, assets::domain().kernel, monitor::domain().kernel]
}

impl House {
    pub(crate) fn new() -> Self {
        Self {
            world: World::new(domains()).unwrap(),
            admin: Actor::os("ada"),
            moved: AtomicI64::new(0),
            news: AtomicBool::new(false),
        }
    }

    pub(crate) fn kernel(&self) -> &Handle {
        &self.world.kernel
    }

    pub(crate) fn call(&self, operation: &str, input: Value) -> Value {
        self.world
            .call(&self.admin, operation, input)
            .unwrap_or_else(|error| panic!("{operation}: {error} {:?}", error.cause))
    }

    pub(crate) fn refused(&self, operation: &str, input: Value) -> kernel::Error {
        self.world.call(&self.admin, operation, input).unwrap_err()
    }

    /// A new asset; its number.
    pub(crate) fn asset(&self, name: &str) -> i64 {
        new_asset(self.kernel(), name)
    }

    /// A new asset of a kind; its number.
    pub(crate) fn thing(&self, name: &str, kind: &str) -> i64 {
        let input = json!({"name": name, "kind": kind});
        self.call("assets.thing.create", input)["id"].as_i64().unwrap()
    }

    /// A check of a process on an asset; its number.
    pub(crate) fn check(&self, asset: i64, name: &str) -> i64 {
        let check = self
            .call("monitor.check.create", json!({"name": name, "asset": asset, "kind": "process", "process": "nginx"}));
        check["id"].as_i64().unwrap()
    }

    pub(crate) fn result(&self, check: i64, state: CheckState) -> CheckResult {
        result(self.kernel(), check, state)
    }

    /// An agent sends results now.
    pub(crate) fn send(&self, asset: i64, results: Vec<CheckResult>) -> Result<()> {
        self.news.store(true, Ordering::SeqCst);
        message(self.kernel(), "check_results", asset, &results)
    }

    /// Ten seconds pass, and the agent of an asset reports one result a check.
    pub(crate) fn report(&self, asset: i64, check: i64, states: &str) {
        for letter in states.chars() {
            self.wait(10);
            let state = match letter {
                'g' => CheckState::Ok,
                'b' => CheckState::Fail,
                _ => CheckState::Error,
            };
            self.send(asset, vec![self.result(check, state)]).unwrap();
        }
    }

    /// What was found is given the time in which it is looked at again, grouped and told, unless nothing came since.
    pub(crate) fn settle(&self) {
        if self.news.swap(false, Ordering::SeqCst) {
            self.wait(SETTLE_S);
        }
    }

    /// Seconds pass one by one, with the monitor looking at the clock.
    pub(crate) fn wait(&self, seconds: i64) {
        for _ in 0..seconds {
            self.world.clock.advance(SECOND);
            monitor::tick(self.kernel()).unwrap();
        }
        self.moved.fetch_add(seconds, Ordering::SeqCst);
        self.world.settle().unwrap();
    }

    pub(crate) fn show(&self, check: i64) -> Value {
        self.call("monitor.check.show", json!({"id": check}))
    }

    pub(crate) fn state(&self, check: i64) -> String {
        self.show(check)["check"]["state"].as_str().unwrap().to_owned()
    }

    pub(crate) fn groups(&self, state: &str) -> Vec<Value> {
        self.settle();
        self.call("monitor.group.list", json!({"state": state}))["items"].as_array().unwrap().clone()
    }

    /// Events of one name about a thing, oldest first.
    pub(crate) fn events(&self, kind: &'static str, id: i64, name: &str) -> Vec<StoredEvent> {
        self.settle();
        let mut all = self.kernel().read_as(&self.admin, |cx| cx.timeline(&Ref::new(kind, id), None, 500)).unwrap();
        all.retain(|event| event.name == name);
        all.reverse();
        all
    }

    /// What people are to be told, in order: groups that opened, are back or whose silence ended, and the recovery of those.
    pub(crate) fn announced(&self) -> Vec<String> {
        let groups = ["open", "recovered", "merged"].iter().flat_map(|state| self.groups(state));
        let ids: Vec<i64> = groups.map(|group| group["id"].as_i64().unwrap()).collect();
        let mut told: Vec<(i64, String)> = Vec::new();
        for id in ids {
            for event in self.events("alert_group", id, "monitor.group.opened") {
                if event.payload["silenced"] == false {
                    told.push((event.id, format!("Alert: {}", event.payload["title"].as_str().unwrap())));
                }
            }
            for event in self.events("alert_group", id, "monitor.group.reopened") {
                if event.payload["silenced"] == false {
                    told.push((event.id, format!("Again: {}", event.payload["title"].as_str().unwrap())));
                }
            }
            for event in self.events("alert_group", id, "monitor.group.recovered") {
                if event.payload["announced"] == true {
                    told.push((event.id, format!("Recovered: {}", event.payload["title"].as_str().unwrap())));
                }
            }
        }
        told.sort();
        told.into_iter().map(|(_, line)| line).collect()
    }

    pub(crate) fn needs(&self) -> Vec<String> {
        let needs = self.kernel().read_as(&self.admin, |cx| cx.attention(100)).unwrap();
        needs.into_iter().map(|need| need.title).collect()
    }

    pub(crate) fn link(&self, from: i64, kind: &str, to: i64) {
        self.call("assets.relation.add", json!({"id": from, "kind": kind, "to": to}));
    }

    /// Fleet tells that an agent came or went.
    pub(crate) fn connected(&self, asset: i64, there: bool) {
        let actor = Actor::service("fleet", &["*"]);
        self.kernel()
            .write_as(actor, "test.fleet", move |cx| {
                if there {
                    cx.emit(&Connected { asset: Ref::new("asset", asset) })
                } else {
                    cx.emit(&Disconnected { asset: Ref::new("asset", asset) })
                }
            })
            .unwrap();
        self.world.settle().unwrap();
    }
}

impl House {
    /// A runbook tells of its work on an asset.
    pub(crate) fn repaired(&self, asset: i64) {
        let actor = Actor::service("runbooks", &["*"]);
        let emit = move |cx: &mut kernel::Cx| cx.emit(&Repaired { asset: Ref::new("asset", asset) });
        self.kernel().write_as(actor, "test.runbooks", emit).unwrap();
    }

    /// Makes a check one that is about no asset and that the server looks at itself.
    pub(crate) fn without_asset(&self, check: i64) {
        let put = move |cx: &mut kernel::Cx| {
            for table in [
                "monitor_checks SET vantage_id = NULL, asset_id = NULL WHERE id",
                "monitor_alerts SET asset_id = NULL WHERE check_id",
            ] {
                cx.tx.execute(&format!("UPDATE {table} = ?1"), &[check.into()])?;
            }
            cx.touch(Ref::new("check", check));
            Ok(())
        };
        self.kernel().write_as(self.admin.clone(), "test.check", put).unwrap();
    }

    /// Makes a window last until a ticket is done.
    pub(crate) fn until_ticket(&self, window: i64, ticket: i64) {
        let put = move |cx: &mut kernel::Cx| {
            let sql = "UPDATE monitor_windows SET until_ticket = ?1 WHERE id = ?2";
            cx.tx.execute(sql, &[ticket.into(), window.into()])
        };
        self.kernel().write_as(self.admin.clone(), "test.window", put).unwrap();
    }

    /// Damages the row of a check so that nothing about it can be written, or repairs it.
    pub(crate) fn damage(&self, check: i64, damaged: bool) {
        let put = move |cx: &mut kernel::Cx| {
            let sql = "UPDATE monitor_checks SET labels = ?1 WHERE id = ?2";
            cx.tx.execute(sql, &[if damaged { "?" } else { "{}" }.into(), check.into()])
        };
        self.kernel().write_as(self.admin.clone(), "test.damage", put).unwrap();
    }

    /// The history of a check takes no further row, so that no change of its state is written; or it does again.
    pub(crate) fn damage_alert(&self, check: i64, damaged: bool) {
        let put = move |cx: &mut kernel::Cx| {
            if !damaged {
                cx.tx.execute("DROP INDEX damaged", &[])?;
                return cx.tx.execute("DELETE FROM monitor_transitions WHERE evidence = 'damage'", &[]);
            }
            let only = "INSERT INTO monitor_transitions (check_id, at, from_state, to_state, fired, cleared, evidence) \
                        VALUES (?1, 0, 'ok', 'ok', 0, 0, 'damage') RETURNING id";
            let id = cx.tx.insert(only, &[check.into()])?;
            let index = format!(
                "CREATE UNIQUE INDEX damaged ON monitor_transitions (check_id) WHERE check_id = {check} AND id >= {id}"
            );
            cx.tx.execute(&index, &[])
        };
        self.kernel().write_as(self.admin.clone(), "test.damage", put).unwrap();
    }
}

pub(crate) fn new_asset(kernel: &Handle, name: &str) -> i64 {
    let name = name.to_owned();
    kernel
        .write_as(Actor::os("ada"), "test.asset", move |cx| {
            let new = assets::NewAsset { name: name.clone(), kind: "server".into(), ..assets::NewAsset::default() };
            assets::create(cx, new)
        })
        .unwrap()
}

pub(crate) fn result(kernel: &Handle, check: i64, state: CheckState) -> CheckResult {
    let evidence = match state {
        CheckState::Ok => "1 process nginx runs",
        CheckState::Fail => "no process nginx runs",
        CheckState::Error => "the list of processes could not be read",
    };
    CheckResult {
        check_id: check,
        generation: 1,
        at_ms: kernel.now().millis(),
        state,
        value: Some(1.0),
        took_us: 1_500,
        evidence: evidence.into(),
    }
}

/// Hands a message over as the gateway does.
pub(crate) fn message(kernel: &Handle, kind: &str, asset: i64, body: &dyn Any) -> Result<()> {
    let from = AgentFrom { asset, agent: asset, at: kernel.now() };
    kernel.registry().messages(kind).try_for_each(|handler| (handler.handle)(kernel, &from, body))
}

#[derive(Serialize)]
struct Connected {
    asset: Ref,
}

impl Event for Connected {
    const NAME: &'static str = "fleet.agent.connected";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.asset.clone()]
    }
    fn title(&self) -> String {
        "Agent connected".into()
    }
    fn sample() -> Self {
        Self { asset: Ref::new("asset", 1) }
    }
}

#[derive(Serialize)]
struct Repaired {
    asset: Ref,
}

impl Event for Repaired {
    const NAME: &'static str = "runbooks.run.finished";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.asset.clone()]
    }
    fn title(&self) -> String {
        "Repaired".into()
    }
    fn sample() -> Self {
        Self { asset: Ref::new("asset", 1) }
    }
}

#[derive(Serialize)]
struct Disconnected {
    asset: Ref,
}

impl Event for Disconnected {
    const NAME: &'static str = "fleet.agent.disconnected";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.asset.clone()]
    }
    fn title(&self) -> String {
        "Agent disconnected".into()
    }
    fn sample() -> Self {
        Self { asset: Ref::new("asset", 1) }
    }
}
