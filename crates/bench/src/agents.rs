//! Thousands of agents on one server: real TLS, real frames, workstation profile. The server is a process of its own, so
//! that its memory and CPU are its own.

mod simulated;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use agent_proto::{EnrolmentToken, Profile};
use kernel::{Error, Result};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::Run;
use crate::house::House;
use crate::process::{Memory, Server, allow_files, own_cpu};
use crate::report::Report;
use simulated::{Simulated, Target};

/// Handshakes at once: agents do not come all in one moment.
const AT_ONCE: usize = 24;

/// What the simulated agents have come to, together.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) connected: AtomicUsize,
    pub(crate) lost: AtomicUsize,
    pub(crate) sent: AtomicUsize,
    pub(crate) acknowledged: AtomicUsize,
}

impl Tally {
    fn read(counter: &AtomicUsize) -> usize {
        counter.load(Ordering::Relaxed)
    }
}

pub(crate) fn measure(run: &Run, report: &mut Report) -> Result<()> {
    let count: usize = if run.quick { 300 } else { 5_000 };
    allow_files(count as u64 + 500)?;
    let scratch = run.scratch()?;
    let data = scratch.path().join("data");
    House::open(&data)?.furnish()?.close();
    let server = Server::start(&run.mainstay, &data, false)?;
    let wanted = json!({ "name": "bench", "uses": count, "auto_approve": true, "asset_kind": "workstation" });
    let token = server.client.post("/api/v1/fleet/tokens", &wanted)?;
    let token = token.get("token").and_then(Value::as_str).unwrap_or_default();
    let token: EnrolmentToken =
        token.parse().map_err(|error: agent_proto::TokenError| Error::internal("token", error))?;
    report.datum("agents", count);
    report.datum("series_per_agent", simulated::SERIES);
    report.datum("interval_s", Profile::WORKSTATION.metrics_interval_ms / 1_000);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Error::internal("runtime", error))?;
    runtime.block_on(crowd(run, report, &server, token, count))?;
    runtime.shutdown_background();
    Ok(())
}

async fn crowd(run: &Run, report: &mut Report, server: &Server, token: EnrolmentToken, count: usize) -> Result<()> {
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (tally, doors) = (Arc::new(Tally::default()), Arc::new(Semaphore::new(AT_ONCE)));
    let target = Arc::new(Target::new(&server.agents, token)?);
    let Memory { all: empty_kb, own: own_kb, .. } = server.process.memory();
    let (started, server_cpu) = (Instant::now(), server.process.cpu());
    for number in 0..count {
        let (target, tally, doors) = (target.clone(), tally.clone(), doors.clone());
        tokio::spawn(async move {
            let Ok(turn) = doors.acquire_owned().await else { return };
            let mut agent = match Simulated::enter(&target, number).await {
                Ok(agent) => agent,
                Err(why) => return lose(&tally, number, &why),
            };
            tally.connected.fetch_add(1, Ordering::Relaxed);
            drop(turn);
            if let Err(why) = agent.work(&tally).await {
                lose(&tally, number, &why);
            }
        });
    }
    arrive(&tally, count).await?;
    let came = started.elapsed();
    let cpu = server.process.cpu() - server_cpu;
    report.say(format!(
        "{count} agents enrolled and connected in {:.0} s; server CPU {:.1} ms an agent for both handshakes, the enrolment and its records",
        came.as_secs_f64(),
        cpu.as_secs_f64() * 1e3 / count as f64
    ));
    // Each has sent its series and at least one moment of them.
    let interval = Duration::from_millis(u64::from(Profile::WORKSTATION.metrics_interval_ms));
    tokio::time::sleep(interval + Duration::from_secs(10)).await;
    steady(run, report, server, &tally).await?;
    let Memory { all: all_kb, own: own_after_kb, .. } = server.process.memory();
    let per_agent = all_kb.saturating_sub(empty_kb) as f64 / count as f64;
    report.say(format!(
        "server RSS {:.1} MB before, {:.1} MB with {count} agents; of it its own memory {:.1} and {:.1} MB",
        empty_kb as f64 / 1024.0,
        all_kb as f64 / 1024.0,
        own_kb as f64 / 1024.0,
        own_after_kb as f64 / 1024.0
    ));
    report.figure("rss_kb_per_agent", per_agent);
    Ok(())
}

/// Waits until all are in.
async fn arrive(tally: &Tally, count: usize) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(420);
    loop {
        let (inside, lost) = (Tally::read(&tally.connected), Tally::read(&tally.lost));
        if inside + lost >= count && inside > 0 {
            break;
        }
        if Instant::now() > end {
            return Err(Error::unavailable(format!(
                "Only {inside} of {count} agents came in within 7 minutes; {lost} were refused."
            )));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    match Tally::read(&tally.lost) {
        0 => Ok(()),
        lost => Err(Error::unavailable(format!("{lost} of {count} agents could not come in."))),
    }
}

/// Measures while all send.
async fn steady(run: &Run, report: &mut Report, server: &Server, tally: &Tally) -> Result<()> {
    let time = Duration::from_secs(if run.quick { 30 } else { 120 });
    let (sent, acknowledged) = (Tally::read(&tally.sent), Tally::read(&tally.acknowledged));
    let (started, server_cpu, mine) = (Instant::now(), server.process.cpu(), own_cpu());
    tokio::time::sleep(time).await;
    let (wall, cpu, mine) = (started.elapsed(), server.process.cpu() - server_cpu, own_cpu() - mine);
    let (sent, acknowledged) = (Tally::read(&tally.sent) - sent, Tally::read(&tally.acknowledged) - acknowledged);
    let lost = Tally::read(&tally.lost);
    if lost > 0 || acknowledged == 0 {
        return Err(Error::unavailable(format!(
            "{lost} agents were lost, {acknowledged} messages were acknowledged; the measurement says nothing."
        )));
    }
    report.datum("seconds", time.as_secs());
    report.say(format!(
        "{:.0} s: {sent} messages of {} samples sent, {acknowledged} acknowledged; server CPU {:.2} s ({:.0} us a message), simulation CPU {:.2} s",
        wall.as_secs_f64(),
        simulated::SERIES,
        cpu.as_secs_f64(),
        cpu.as_secs_f64() * 1e6 / acknowledged as f64,
        mine.as_secs_f64()
    ));
    report.figure("cores", cpu.as_secs_f64() / wall.as_secs_f64());
    Ok(())
}

/// The first few reasons are told; the number is what counts.
fn lose(tally: &Tally, number: usize, why: &str) {
    if tally.lost.fetch_add(1, Ordering::Relaxed) < 5 {
        eprintln!("bench: agent {number} is lost: {why}");
    }
}
