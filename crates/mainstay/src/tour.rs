//! `mainstay demo tour`: binds a check and a runbook to the demo service, through the same operations a person would use,
//! and prints each as the command it is.

use clap::ArgMatches;
use kernel::{Error, Registry, Result};
use serde_json::{Value, json};

use crate::cli::{self, say};
use crate::demo_service;
use crate::up;

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

/// Makes the check, the runbook and the binding.
pub fn run(matches: &ArgMatches, registry: &Registry) -> Result<()> {
    let (host, port) = address()?;
    let tour = Tour { matches, registry };
    let asset = tour.this_machine()?;
    let check = tour.call(
        "monitor.check.create",
        json!({ "name": CHECK, "asset": asset, "kind": "tcp", "host": host, "port": port }),
    )?;
    let saved = tour.call("runbooks.runbook.save", json!({ "yaml": runbook()? }))?;
    let (runbook, version) = (field(&saved, "id")?, field(&saved, "version")?);
    if saved.get("approved") != Some(&Value::Bool(true)) {
        tour.call("runbooks.runbook.approve", json!({ "id": runbook, "version": version }))?;
    }
    let check = format!("check:{}", field(&check, "id")?);
    tour.call(
        "runbooks.binding.add",
        json!({ "check": check, "runbook": runbook, "version": version, "mode": "auto" }),
    )?;
    say(&format!(
        "\nThe demo service on {} is watched now. Kill it and look at /assets/{asset} in the console.",
        demo_service::ADDRESS
    ));
    Ok(())
}

fn field(value: &Value, name: &str) -> Result<Value> {
    value.get(name).cloned().ok_or_else(|| Error::internal("tour-field-missing", format!("{name} in {value}")))
}

struct Tour<'a> {
    matches: &'a ArgMatches,
    registry: &'a Registry,
}

impl Tour<'_> {
    /// Runs an operation and prints it as the command a person would type.
    fn call(&self, operation: &str, input: Value) -> Result<Value> {
        say(&format!("$ mainstay {} --input '{input}'", operation.replace('.', " ")));
        cli::call(self.matches, self.registry, operation, input)
    }

    /// The asset of the agent that runs on this machine.
    fn this_machine(&self) -> Result<i64> {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let agents = cli::call(self.matches, self.registry, "fleet.agent.list", json!({}))?;
        let items = agents.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        let here = items
            .iter()
            .find(|agent| agent.get("hostname").and_then(Value::as_str) == Some(host.trim()))
            .or(items.first());
        let asset =
            here.and_then(|agent| agent.get("asset")?.as_str()?.parse::<kernel::Ref>().ok()).map(|asset| asset.id);
        asset.ok_or_else(|| {
            Error::unavailable(
                "No agent is known yet. Start \"mainstay up\" and wait until this machine appears in the console.",
            )
        })
    }
}
