//! The company of a storm: sites whose things all stand on one, a site that stays well, and who looks at them.

use std::path::Path;
use std::sync::Mutex;

use kernel::{Actor, Error, Result};
use serde_json::{Value, json};

use super::INTERVAL;
use super::lookers::Faults;
use crate::house::House;
use crate::process::Server;

/// Checks of one agent, those that stay well included; it may have 500.
const CHECKS_PER_AGENT: usize = 420;
/// Of so many checks that fail one stays well.
const ONE_WELL_OF: usize = 20;
/// Servers on one switch.
const SERVERS_PER_SWITCH: usize = 60;
/// Checks that are made at once.
const MADE_AT_ONCE: usize = 8;

/// A check that is to be.
struct Planned {
    asset: i64,
    /// It fails when the storm comes.
    fails: bool,
    fields: Value,
}

/// What was built.
pub(crate) struct Company {
    /// How many agents look.
    pub(crate) vantages: usize,
    /// What the agents hang on.
    core: i64,
    checks: Vec<Planned>,
    things: usize,
}

/// While it is built.
struct Builder {
    house: House,
    actor: Actor,
    /// Where what is added stands.
    place: Option<i64>,
    things: usize,
    checks: Vec<Planned>,
}

impl Company {
    /// Builds it in a data folder: `causes` sites with so many checks that will fail together, a site that stays well, and
    /// who is told.
    pub(crate) fn build(data: &Path, causes: usize, alerts: usize, receiver: &str) -> Result<Self> {
        let house = House::open(data)?.furnish()?;
        let mut builder = Builder { house, actor: Actor::os("bench"), place: None, things: 0, checks: Vec::new() };
        for cause in 0..causes {
            let share = alerts / causes + usize::from(cause < alerts % causes);
            builder.place(cause)?;
            let mains = if cause % 2 == 1 { Some(builder.thing(&format!("power-{cause}"), "power")?) } else { None };
            builder.site(cause, share, true, mains)?;
        }
        builder.place(causes)?;
        let core = builder.site(causes, (alerts / ONE_WELL_OF).max(1), false, None)?;
        builder.told(receiver)?;
        let Builder { house, things, checks, .. } = builder;
        house.close();
        Ok(Self { vantages: checks.len().div_ceil(CHECKS_PER_AGENT), core, checks, things })
    }

    /// How many things there are.
    pub(crate) fn size(&self) -> usize {
        self.things
    }

    /// Makes the checks, spread over the agents that are in; answers how many.
    pub(crate) fn look(&self, server: &Server, faults: &Faults) -> Result<usize> {
        let agents = server.client.get("/api/v1/fleet/agents?limit=200")?;
        let items = agents.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let vantages: Vec<i64> = items.iter().filter_map(|agent| number(agent.get("asset")?)).collect();
        if vantages.len() != self.vantages {
            return Err(Error::internal("agents-of-a-storm", &agents));
        }
        for vantage in &vantages {
            let related = json!({ "kind": "connected_to", "to": self.core });
            server.client.post(&format!("/api/v1/assets/{vantage}/relations"), &related)?;
        }
        let next = Mutex::new(self.checks.iter().zip(vantages.iter().cycle()));
        let make = || -> Result<()> {
            loop {
                let taken = next.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
                let Some((planned, vantage)) = taken else { return Ok(()) };
                let mut body = planned.fields.clone();
                if let Some(fields) = body.as_object_mut() {
                    fields.insert("asset".to_owned(), json!(planned.asset));
                    fields.insert("vantage".to_owned(), json!(vantage));
                    fields.insert("interval_s".to_owned(), json!(INTERVAL.as_secs()));
                }
                let made = server.client.post("/api/v1/monitor/checks", &body)?;
                let id = made.get("id").and_then(Value::as_i64).ok_or_else(|| Error::internal("check-made", &made))?;
                if planned.fails {
                    faults.mark(id);
                }
            }
        };
        std::thread::scope(|scope| {
            let makers: Vec<_> = (0..MADE_AT_ONCE).map(|_| scope.spawn(make)).collect();
            let broken = |_| Error::internal("check-maker", "it ended early");
            makers.into_iter().try_for_each(|maker| maker.join().map_err(broken)?)
        })?;
        Ok(self.checks.len())
    }
}

/// The number in a reference such as `asset:17`, or in the object of one.
fn number(reference: &Value) -> Option<i64> {
    reference.get("id").and_then(Value::as_i64).or_else(|| reference.as_str()?.rsplit(':').next()?.parse().ok())
}

impl Builder {
    fn call(&self, operation: &str, input: Value) -> Result<Value> {
        self.house.call(&self.actor, operation, input)
    }

    /// What is added from now on stands at this site.
    fn place(&mut self, number: usize) -> Result<()> {
        let made = self.call("people.place.create", json!({ "name": format!("Site {number}"), "kind": "client" }))?;
        self.place = Some(made.get("id").and_then(Value::as_i64).ok_or_else(|| Error::internal("place-made", &made))?);
        Ok(())
    }

    fn thing(&mut self, name: &str, kind: &str) -> Result<i64> {
        let made = self.call("assets.thing.create", json!({ "name": name, "kind": kind, "place": self.place }))?;
        self.things += 1;
        made.get("id").and_then(Value::as_i64).ok_or_else(|| Error::internal("thing-made", &made))
    }

    fn relate(&self, from: i64, kind: &str, to: i64) -> Result<()> {
        self.call("assets.relation.add", json!({ "id": from, "kind": kind, "to": to })).map(|_| ())
    }

    fn check(&mut self, asset: i64, fails: bool, fields: Value) {
        self.checks.push(Planned { asset, fails, fields });
    }

    /// Switches below one, and servers below those, with so many checks; answers the one.
    fn site(&mut self, number: usize, checks: usize, fails: bool, mains: Option<i64>) -> Result<i64> {
        let first = self.checks.len();
        let core = self.node(&format!("core-{number}"), "switch", None, mains)?;
        self.check(core, fails, json!({ "kind": "icmp", "host": format!("10.{number}.0.1") }));
        let (mut server, mut switch) = (0, core);
        while self.checks.len() - first < checks {
            if server % SERVERS_PER_SWITCH == 0 {
                let name = format!("sw-{number}-{}", server / SERVERS_PER_SWITCH);
                switch = self.node(&name, "switch", Some(core), mains)?;
                let host = format!("10.{number}.0.{}", 2 + server / SERVERS_PER_SWITCH);
                self.check(switch, fails, json!({ "kind": "icmp", "host": host }));
            }
            let asset = self.node(&format!("srv-{number}-{server}"), "server", Some(switch), mains)?;
            let host = format!("10.{number}.{}.{}", 1 + server / 250, 1 + server % 250);
            self.check(asset, fails, json!({ "kind": "icmp", "host": host }));
            self.check(asset, fails, json!({ "kind": "ssh", "host": host, "port": 22 }));
            self.check(asset, fails, json!({ "kind": "http", "url": format!("http://{host}/health") }));
            self.check(asset, fails, json!({ "kind": "tcp", "host": host, "port": 5_432 }));
            server += 1;
        }
        self.checks.truncate(first + checks);
        Ok(core)
    }

    fn node(&mut self, name: &str, kind: &str, on: Option<i64>, mains: Option<i64>) -> Result<i64> {
        let id = self.thing(name, kind)?;
        on.map_or(Ok(()), |other| self.relate(id, "connected_to", other))?;
        mains.map_or(Ok(()), |mains| self.relate(id, "powered_by", mains))?;
        Ok(id)
    }

    /// One policy that tells a chat at once.
    fn told(&self, receiver: &str) -> Result<()> {
        let set = |key: &str, value: Value| self.call("kernel.setting.set", json!({ "key": key, "value": value }));
        set("paging.sending", json!({ "allow_private": true, "test_hour": -1 }))?;
        let channel = json!({ "name": "receiver", "kind": "slack", "url": format!("http://{receiver}/") });
        self.call("paging.channel.save", channel)?;
        let policy = self.call("paging.policy.save", json!({ "name": "Receiver", "lines": "0 channel:receiver" }))?;
        let policy = policy.get("id").cloned().unwrap_or_default();
        set("paging.default", json!({ "policy": policy, "team": false }))?;
        Ok(())
    }
}
