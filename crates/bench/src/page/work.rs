//! Work in every state for the pages to show: a runbook, runs with jobs, one that waits for an approval, a message.

use kernel::{Actor, Result};
use serde_json::{Value, json};

use crate::house::{House, number};

const RUNBOOK: &str = "\
name: restart-web
title: Restart the web server
description: Restarts the web server when it does not answer.
inputs:
  machine: {type: asset, title: The machine it runs on}
target: machine
steps:
  - name: Ask first
    approval: {question: Restart it now}
  - name: Restart it
    command:
      argv: [/usr/bin/true]
";

/// The same without a question.
fn quiet() -> String {
    let (head, steps) = RUNBOOK.split_once("steps:\n").unwrap_or((RUNBOOK, ""));
    let rest = steps.split_once("  - name: Restart").map_or("", |(_, rest)| rest);
    format!("{head}steps:\n  - name: Restart{rest}").replace("restart-web", "restart-web-quietly")
}

/// Saves, approves and starts on the machines there are.
pub(crate) fn make(house: &House) -> Result<()> {
    let (author, chief) = (Actor::os("bench"), house.actor(people::roles::ADMINISTRATOR)?);
    let agents = house.call(&author, "fleet.agent.list", json!({ "limit": 200 }))?;
    let agents = agents.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    let assets = agents.iter().filter_map(|agent| agent.get("asset")?.as_str()?.strip_prefix("asset:")?.parse().ok());
    let assets: Vec<i64> = assets.collect();
    for yaml in [RUNBOOK.to_owned(), quiet()] {
        let saved = house.call(&author, "runbooks.runbook.save", json!({ "yaml": yaml }))?;
        let (id, version) = (number(&saved, "id")?, saved.get("version").cloned().unwrap_or_default());
        house.call(&chief, "runbooks.runbook.approve", json!({ "id": id, "version": version }))?;
        for asset in assets.iter().take(3) {
            house.call(&chief, "runbooks.run.start", json!({ "runbook": id, "asset": asset }))?;
        }
    }
    house.call(&chief, "kernel.notification.test", json!({ "email": "ada@northwind.example" }))?;
    house.kernel.settle()
}
