//! From a fault to its proof on this machine: `mainstay up` with its agent, the demo service, and what `mainstay demo tour`
//! makes, all with default intervals. The service is killed; the clock runs until the incident is open, and until it is
//! closed again with the proof that the service is back.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kernel::{Error, Result};
use serde_json::Value;

use crate::client::Client;
use crate::house::House;
use crate::process::{Process, Server, end_all_of, pause, until};
use crate::report::{Report, percentile};
use crate::{Run, unusable};

/// From one question to the next while waiting.
const ASK: Duration = Duration::from_millis(50);
/// Longest wait for each step.
const PATIENCE: Duration = Duration::from_secs(120);
/// Every incident there was.
const INCIDENTS: &str = "/api/v1/desk/tickets?filter=kind:incident";

pub(crate) fn measure(run: &Run, report: &mut Report) -> Result<()> {
    if std::net::TcpStream::connect(mainstay::demo_service::ADDRESS).is_ok() {
        let address = mainstay::demo_service::ADDRESS;
        return Err(Error::unavailable(format!(
            "Something listens on {address} already. End it first; the demo service needs that address."
        )));
    }
    let scratch = run.scratch()?;
    // A copy of the program: whatever it starts is known by it, and is ended with it.
    let program = scratch.path().join("mainstay");
    std::fs::copy(&run.mainstay, &program).map_err(|error| unusable(&run.mainstay, &error))?;
    let done = faults(run, report, scratch.path(), &program);
    end_all_of(&program, &[]);
    done
}

/// Each fault is the first in a house of its own: what is back shortly after it was over goes on with the same incident and
/// has to hold longer until that is closed, which is another story.
fn faults(run: &Run, report: &mut Report, folder: &Path, program: &Path) -> Result<()> {
    let rounds = if run.quick { 1 } else { 2 };
    let (mut tickets, mut proofs, mut interval) = (Vec::new(), Vec::new(), 0.0_f64);
    for round in 0..rounds {
        let data = folder.join(format!("data-{round}"));
        House::open(&data)?.furnish()?.close();
        let server = Server::start(program, &data, true)?;
        let client = &server.client;
        until("This machine in the console", PATIENCE, ASK, || {
            client.get("/api/v1/assets").ok().filter(|things| !items(things).is_empty())
        })?;
        let mut service = serve(program)?;
        tour(program, &data)?;
        let check = until("The check's first good result", PATIENCE, ASK, || all_ok(client))?;
        interval = number(&check, "interval_s");
        // Somewhere inside of the interval, not always at the same point of it.
        pause(Duration::from_millis(1_300 * (round + 1)));
        let known = client.get(INCIDENTS).map(|page| items(&page).len())?;
        let one = fault(client, &mut service, known)?;
        report.say(format!(
            "fault {}: incident after {:.1} s, closed with proof after {:.1} s",
            round + 1,
            one.0,
            one.1
        ));
        tickets.push(one.0);
        proofs.push(one.1);
        report.datum("checks", client.get("/api/v1/monitor/checks").map(|page| items(&page).len())?);
        report.say(format!("server CPU in all: {:.1} s", server.process.cpu().as_secs_f64()));
        // The one that the runbook started would answer in the next house.
        end_all_of(program, &["demo", "service"]);
    }
    report.datum("faults", rounds);
    report.figure("fault_to_ticket_s", percentile(&tickets, 1.0));
    report.figure("fault_to_proof_s", percentile(&proofs, 1.0));
    report.figure("interval_s", interval);
    Ok(())
}

fn serve(program: &Path) -> Result<Option<Process>> {
    Process::start(Command::new(program).args(["demo", "service"]).stdout(Stdio::null()).stderr(Stdio::null()))
        .map(Some)
}

fn tour(program: &Path, data: &Path) -> Result<()> {
    let done = Command::new(program).args(["demo", "tour", "--data"]).arg(data).stdin(Stdio::null()).output();
    let done = done.map_err(|error| unusable(program, &error))?;
    if done.status.success() {
        return Ok(());
    }
    Err(Error::unavailable(format!("The tour did not set up: {}", String::from_utf8_lossy(&done.stderr))))
}

/// Kills the service; answers the seconds until the incident is open and until it is closed.
fn fault(client: &Client, service: &mut Option<Process>, known: usize) -> Result<(f64, f64)> {
    if let Some(mut own) = service.take() {
        own.kill();
    }
    let started = Instant::now();
    let opened = until("The incident", PATIENCE, ASK, || {
        let page = client.get(INCIDENTS).ok()?;
        (items(&page).len() > known).then(|| items(&page).iter().map(|ticket| number(ticket, "id")).fold(0.0, f64::max))
    })?;
    let to_ticket = started.elapsed().as_secs_f64();
    let path = format!("/api/v1/desk/tickets/{opened:.0}");
    until("The end of the incident", PATIENCE, ASK, || {
        let ticket = client.get(&path).ok()?;
        matches!(status(&ticket), "resolved" | "closed").then_some(())
    })?;
    let to_proof = started.elapsed().as_secs_f64();
    let answer = Client::Address(mainstay::demo_service::ADDRESS.to_owned()).request("GET", "/", None);
    match answer {
        Ok((200, _)) => Ok((to_ticket, to_proof)),
        _ => Err(Error::unavailable("The incident was closed, but the service does not answer.")),
    }
}

/// A check, when there are some and all stand well.
fn all_ok(client: &Client) -> Option<Value> {
    let page = client.get("/api/v1/monitor/checks").ok()?;
    let checks = items(&page);
    let ok = |check: &&Value| check.get("state").and_then(Value::as_str) == Some("ok");
    let first = checks.first().filter(|_| checks.iter().all(|check| ok(&check)))?;
    Some(first.clone())
}

fn items(page: &Value) -> &[Value] {
    page.get("items").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn number(value: &Value, field: &str) -> f64 {
    value.get(field).and_then(Value::as_f64).unwrap_or(0.0)
}

fn status(ticket: &Value) -> &str {
    let inside = ticket.get("ticket").unwrap_or(ticket);
    inside.get("status").and_then(Value::as_str).unwrap_or_default()
}
