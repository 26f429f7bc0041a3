//! What a server and its one agent (the small binary) use while nothing happens: facts once, metrics all the time.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use kernel::{Error, Result};
use serde_json::{Value, json};

use crate::house::House;
use crate::process::{Memory, Process, Server, pause};
use crate::report::{Report, ms, percentile};
use crate::{Run, unusable};

/// From one look at the memory to the next.
const LOOK: Duration = Duration::from_secs(5);

pub(crate) fn measure(run: &Run, report: &mut Report) -> Result<()> {
    let scratch = run.scratch()?;
    let (data, home) = (scratch.path().join("data"), scratch.path().join("agent"));
    House::open(&data)?.furnish()?.tickets(1_500, true)?.close();
    let server = Server::start(&run.mainstay, &data, false)?;
    let token = server.client.post(
        "/api/v1/fleet/tokens",
        &json!({ "name": "bench", "uses": 1, "auto_approve": true, "asset_kind": "server" }),
    )?;
    let token =
        token.get("token").and_then(Value::as_str).ok_or_else(|| Error::internal("token-missing", &token))?.to_owned();
    enrol(run, &home, &server.agents, &token)?;
    let log = scratch.path().join("agent.log");
    let log = std::fs::File::create(&log).map_err(|error| unusable(&log, &error))?;
    let mut command = Command::new(&run.agent);
    command.arg("--dir").arg(&home).args(["run", "--server", &server.agents]).env_remove("MAINSTAY_AGENT_TOKEN");
    let mut agent = Process::start(command.stdout(Stdio::null()).stderr(log))?;
    let time = Duration::from_secs(if run.quick { 40 } else { 180 });
    let server_cpu = server.process.cpu();
    let (mut agent_rss, mut agent_sum, mut agent_cpu) = (Vec::new(), Vec::new(), Duration::ZERO);
    let (mut server_rss, mut server_own) = (Vec::new(), Vec::new());
    let mb = |kb: u64| kb as f64 / 1024.0;
    for _ in 0..time.as_secs() / LOOK.as_secs() {
        pause(LOOK);
        let (memory, cpu) = agent.family();
        agent_rss.push(mb(Memory::together(&memory)));
        agent_sum.push(mb(memory.iter().map(|one| one.all).sum()));
        agent_cpu = agent_cpu.max(cpu);
        let memory = server.process.memory();
        server_rss.push(mb(memory.all));
        server_own.push(mb(memory.own));
    }
    if !agent.runs() {
        return Err(Error::unavailable("The agent has ended; the measurement says nothing."));
    }
    let server_cpu = server.process.cpu() - server_cpu;
    let series =
        std::fs::read_to_string(home.join("collector").join("series")).map(|text| text.lines().count()).unwrap_or(0);
    let facts = facts(&server)?;
    report.datum("seconds", time.as_secs());
    report.datum("series", series);
    report.datum("facts", facts);
    report.datum("tickets", 1_500);
    report.say(format!(
        "{} s, server profile, {series} series at 15 s, one facts cycle with {facts} facts",
        time.as_secs()
    ));
    let share = |cpu: Duration| cpu.as_secs_f64() / time.as_secs_f64() * 100.0;
    report.say(format!(
        "agent, collector and executor, from their start on: CPU {:.0} ms = {:.3} %; most {:.1} MB with the program's \
         pages counted once, {:.1} MB as the sum of both RSS",
        ms(agent_cpu),
        share(agent_cpu),
        percentile(&agent_rss, 1.0),
        percentile(&agent_sum, 1.0)
    ));
    report.say(format!(
        "server: CPU {:.0} ms = {:.3} %; RSS most {:.1} MB, of it its own {:.1} MB",
        ms(server_cpu),
        share(server_cpu),
        percentile(&server_rss, 1.0),
        percentile(&server_own, 1.0)
    ));
    report.figure("server_rss_mb", percentile(&server_rss, 1.0));
    report.figure("agent_rss_mb", percentile(&agent_rss, 1.0));
    report.figure("agent_rss_sum_mb", percentile(&agent_sum, 1.0));
    report.figure("agent_cpu_percent", share(agent_cpu));
    report.figure("server_cpu_percent", share(server_cpu));
    Ok(())
}

/// Makes the agent known, as a step of its own: the measured process only works.
fn enrol(run: &Run, home: &Path, server: &str, token: &str) -> Result<()> {
    let done = Command::new(&run.agent).arg("--dir").arg(home).args(["enrol", server, token]).output();
    let done = done.map_err(|error| unusable(&run.agent, &error))?;
    if done.status.success() {
        return Ok(());
    }
    Err(Error::unavailable(format!("The agent did not enrol: {}", String::from_utf8_lossy(&done.stderr))))
}

/// How many facts the server knows of the machine: none would mean that no facts cycle was measured.
fn facts(server: &Server) -> Result<usize> {
    let count = |page: &Value| page.get("items").and_then(Value::as_array).map_or(0, Vec::len);
    let things = server.client.get("/api/v1/assets")?;
    let thing =
        things.get("items").and_then(|items| items.get(0)).and_then(|thing| thing.get("id")).and_then(Value::as_i64);
    let Some(thing) = thing else { return Err(Error::unavailable("The machine is not known to the server.")) };
    match count(&server.client.get(&format!("/api/v1/assets/{thing}/facts?limit=500"))?) {
        0 => Err(Error::unavailable("No facts have come; the measurement says nothing.")),
        facts => Ok(facts),
    }
}
