//! `mainstay demo tour`: binds a check and a runbook to the demo service, through the same operations a person would use,
//! and prints each as the command it is.

use std::path::Path;

use clap::ArgMatches;
use kernel::{Error, Ref, Registry, Result};
use serde_json::{Value, json};

use crate::cli::{self, say};
use crate::folder::Folder;
use crate::{demo_service, up};

/// Name of the tour's check.
const CHECK: &str = "Demo service answers";
/// Name of the tour's runbook.
const RUNBOOK: &str = "restart-demo-service";

/// The tour's runbook: the command is the one that `mainstay up` put into the local policy, word for word.
pub fn runbook() -> Result<String> {
    let (host, port) = address()?;
    let argv = up::tour_command()?
        .iter()
        .map(|word| serde_json::Value::from(word.as_str()).to_string())
        .collect::<Vec<_>>()
        .join(", ");
    Ok(format!(
        "name: {RUNBOOK}\n\
         title: Restart the demo service\n\
         description: Starts the demo service when it does not answer, and proves that it does.\n\
         inputs:\n\
         \x20 machine: {{type: asset, title: The machine it runs on}}\n\
         target: machine\n\
         steps:\n\
         \x20 - name: Start the service\n\
         \x20   check: {{tcp: {{host: {host}, port: {port}}}}}\n\
         \x20   command:\n\
         \x20     argv: [{argv}]\n\
         \x20     detach: true\n\
         \x20   verify:\n\
         \x20     probe: {{tcp: {{host: {host}, port: {port}}}}}\n\
         \x20     within_s: 10\n"
    ))
}

fn address() -> Result<(&'static str, i64)> {
    let (host, port) =
        demo_service::ADDRESS.split_once(':').ok_or_else(|| Error::internal("demo-address", demo_service::ADDRESS))?;
    Ok((host, port.parse().map_err(|error| Error::internal("demo-address", error))?))
}

/// Makes the check, the runbook and the binding on the machine whose agent lives in this data folder.
pub fn run(matches: &ArgMatches, registry: &Registry) -> Result<()> {
    let data = matches.get_one::<String>("data").map_or("mainstay-data", String::as_str);
    let home = Folder::new(Path::new(data), None).agent();
    let status = agent::status(&home).map_err(|error| Error::unavailable(error.to_string()))?;
    let call = |operation: &str, input: Value| cli::call(matches, registry, operation, input);
    let tour = Tour { call: &call, say: &say };
    let asset = tour.machine_of(&status.agent_id)?;
    tour.set_up(asset)?;
    say(&format!(
        "\nThe demo service on {} is watched now. Kill it and look at /assets/{asset} in the console.",
        demo_service::ADDRESS
    ));
    Ok(())
}

fn field(value: &Value, name: &str) -> Result<Value> {
    value.get(name).cloned().ok_or_else(|| Error::internal("tour-field-missing", format!("{name} in {value}")))
}

fn items(answer: &Value) -> impl Iterator<Item = &Value> {
    answer.get("items").and_then(Value::as_array).into_iter().flatten()
}

struct Tour<'a> {
    call: &'a dyn Fn(&str, Value) -> Result<Value>,
    say: &'a dyn Fn(&str),
}

impl Tour<'_> {
    /// Asks without a word.
    fn ask(&self, operation: &str, input: Value) -> Result<Value> {
        (self.call)(operation, input)
    }

    /// Runs an operation and prints it as the command a person would type.
    fn call(&self, operation: &str, input: Value) -> Result<Value> {
        (self.say)(&format!("$ mainstay {} --input '{input}'", operation.replace('.', " ")));
        (self.call)(operation, input)
    }

    /// The asset of the agent with this name of its own. No other will do: its check and runbook act on that machine.
    fn machine_of(&self, agent_id: &str) -> Result<i64> {
        let unknown = "This machine's agent is not known to the server. Start \"mainstay up\" on the same data folder and wait \
                       until the machine appears in the console.";
        if agent_id.is_empty() {
            return Err(Error::unavailable(unknown));
        }
        let mut cursor = Value::Null;
        loop {
            let page = self.ask("fleet.agent.list", json!({ "limit": 200, "cursor": cursor }))?;
            let own = items(&page).find(|agent| agent.get("agent_id").and_then(Value::as_str) == Some(agent_id));
            if let Some(asset) = own.and_then(|agent| agent.get("asset")?.as_str()?.parse::<Ref>().ok()) {
                return Ok(asset.id);
            }
            cursor = match page.get("next") {
                Some(Value::String(next)) => next.as_str().into(),
                _ => return Err(Error::unavailable(unknown)),
            };
        }
    }

    /// The check, the runbook and the binding; what an earlier tour made stays.
    fn set_up(&self, asset: i64) -> Result<()> {
        let check = self.check(asset)?;
        let saved = self.call("runbooks.runbook.save", json!({ "yaml": runbook()? }))?;
        let (runbook, version) = (field(&saved, "id")?, field(&saved, "version")?);
        if saved.get("approved") != Some(&Value::Bool(true)) {
            self.call("runbooks.runbook.approve", json!({ "id": runbook, "version": version }))?;
        }
        self.bind(&check, &runbook, &version)
    }

    /// The reference of the tour's check on this machine.
    fn check(&self, asset: i64) -> Result<String> {
        let (host, port) = address()?;
        let known = self.ask("monitor.check.list", json!({ "q": CHECK, "asset": asset, "kind": "tcp" }))?;
        let known = items(&known).find(|check| check.get("name").and_then(Value::as_str) == Some(CHECK));
        let id = match known {
            Some(check) => field(check, "id")?,
            None => {
                let input = json!({ "name": CHECK, "asset": asset, "kind": "tcp", "host": host, "port": port });
                field(&self.call("monitor.check.create", input)?, "id")?
            }
        };
        Ok(format!("check:{id}"))
    }

    /// Binds this version, in place of one that an earlier program was bound with.
    fn bind(&self, check: &str, runbook: &Value, version: &Value) -> Result<()> {
        let bound = self.ask("runbooks.binding.list", json!({ "check": check, "runbook": runbook }))?;
        let mut there = false;
        for binding in items(&bound) {
            let same = binding.get("version") == Some(version) && binding.get("mode") == Some(&json!("auto"));
            if same && !there {
                there = true;
            } else {
                self.call("runbooks.binding.remove", json!({ "id": field(binding, "id")? }))?;
            }
        }
        if !there {
            let input = json!({ "check": check, "runbook": runbook, "version": version, "mode": "auto" });
            self.call("runbooks.binding.add", input)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use kernel::Actor;
    use kernel::world::World;

    use super::*;

    #[test]
    fn the_tour_acts_on_the_machine_of_this_folders_agent_alone() {
        let call = |_: &str, input: Value| {
            let agent = |id: &str, asset: &str| json!({ "agent_id": id, "asset": asset, "hostname": "the-same" });
            Ok(match input["cursor"].as_str() {
                None => json!({ "items": [agent("aa", "asset:1"), agent("bb", "asset:2")], "next": "2" }),
                Some(_) => json!({ "items": [agent("cc", "asset:3")], "next": null }),
            })
        };
        let tour = Tour { call: &call, say: &|_| {} };
        assert_eq!(tour.machine_of("bb").unwrap(), 2);
        assert_eq!(tour.machine_of("cc").unwrap(), 3);
        assert!(tour.machine_of("dd").unwrap_err().message.contains("mainstay up"));
        assert!(tour.machine_of("").is_err());
    }

    #[test]
    fn a_second_tour_makes_nothing_twice() {
        let (mut domains, _) = crate::domains::split();
        domains.remove(0);
        let world = World::new(domains).unwrap();
        let secret = people::setup::issue(&world.kernel).unwrap().unwrap();
        let ada = json!({ "secret": secret, "organisation": "Northwind Marine", "name": "Ada Admin", "login": "ada", "email": "ada@northwind.example", "password": "correct horse battery staple" });
        world.call(&Actor::nobody(), "people.setup.complete", ada).unwrap();
        let owner = Actor::os("root");
        let team = world.kernel.db.read(people::default_team).unwrap();
        let input = json!({ "name": "web-01", "kind": "server", "team": team });
        let asset = world.call(&owner, "assets.thing.create", input).unwrap()["id"].as_i64().unwrap();
        let call = |operation: &str, input: Value| world.call(&owner, operation, input);
        let tour = Tour { call: &call, say: &|_| {} };
        for _ in 0..2 {
            tour.set_up(asset).unwrap();
        }
        for list in ["monitor.check.list", "runbooks.runbook.list", "runbooks.binding.list"] {
            let found = call(list, json!({})).unwrap();
            assert_eq!(items(&found).count(), 1, "{list}: {found:#}");
        }
    }
}
