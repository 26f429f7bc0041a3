//! Thousands of agents on one server: real TLS, real frames, workstation profile; with `--mixed` some servers among them,
//! which send more series more often. The server is a process of its own, so that its memory and CPU are its own.

mod series;
pub(crate) mod simulated;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use agent_proto::EnrolmentToken;
use kernel::{Error, Result};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::Run;
use crate::house::House;
use crate::process::{Memory, Server, allow_files, own_cpu};
use crate::report::Report;
pub(crate) use series::Machine;
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
    pub(crate) samples: AtomicUsize,
}

impl Tally {
    fn read(counter: &AtomicUsize) -> usize {
        counter.load(Ordering::Relaxed)
    }
}

/// How many machines of which kind.
type Crowd = (Machine, usize);

/// The crowd of a measurement.
fn crowd(run: &Run, mixed: bool) -> Vec<Crowd> {
    match (mixed, run.quick) {
        (false, false) => vec![(Machine::Workstation, 5_000)],
        (false, true) => vec![(Machine::Workstation, 300)],
        (true, false) => vec![(Machine::Workstation, 5_000), (Machine::Server, 300)],
        (true, true) => vec![(Machine::Workstation, 500), (Machine::Server, 30)],
    }
}

pub(crate) fn measure(run: &Run, mixed: bool, report: &mut Report) -> Result<()> {
    let crowd = crowd(run, mixed);
    let count: usize = crowd.iter().map(|(_, count)| count).sum();
    allow_files(count as u64 + 500)?;
    let scratch = run.scratch()?;
    let data = scratch.path().join("data");
    House::open(&data)?.furnish()?.close();
    let server = Server::start(&run.mainstay, &data, false)?;
    report.datum("agents", count);
    report.datum("series", crowd.iter().map(|(machine, count)| machine.count() * count).sum::<usize>());
    for (machine, count) in &crowd {
        let (kind, series) = (machine.kind(), machine.count());
        report.datum(&format!("{kind}s"), *count);
        report.datum(&format!("series_per_{kind}"), series);
        report.datum(&format!("{kind}_interval_s"), machine.profile().metrics_interval_ms / 1_000);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Error::internal("runtime", error))?;
    runtime.block_on(work(run, report, &server, &crowd, mixed))?;
    runtime.shutdown_background();
    Ok(())
}

/// A token that lets so many machines in.
pub(crate) fn token(server: &Server, machine: Machine, uses: usize) -> Result<EnrolmentToken> {
    let name = format!("bench {}s", machine.kind());
    let wanted = json!({ "name": name, "uses": uses, "auto_approve": true, "asset_kind": machine.kind() });
    let made = server.client.post("/api/v1/fleet/tokens", &wanted)?;
    let token = made.get("token").and_then(Value::as_str).unwrap_or_default();
    token.parse().map_err(|error: agent_proto::TokenError| Error::internal("token", error))
}

async fn work(run: &Run, report: &mut Report, server: &Server, crowd: &[Crowd], mixed: bool) -> Result<()> {
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (tally, doors) = (Arc::new(Tally::default()), Arc::new(Semaphore::new(AT_ONCE)));
    let Memory { all: empty_kb, own: own_kb, .. } = server.process.memory();
    let (started, server_cpu) = (Instant::now(), server.process.cpu());
    let mut count = 0;
    for (machine, many) in crowd {
        let target = Arc::new(Target::new(&server.agents, token(server, *machine, *many)?, *machine)?);
        for number in count..count + many {
            tokio::spawn(one(target.clone(), tally.clone(), doors.clone(), number));
        }
        count += many;
    }
    arrive(&tally, count).await?;
    let came = started.elapsed();
    let cpu = server.process.cpu() - server_cpu;
    report.say(format!(
        "{count} agents enrolled and connected in {:.0} s; server CPU {:.1} ms an agent for both handshakes, the enrolment and its records",
        came.as_secs_f64(),
        cpu.as_secs_f64() * 1e3 / count as f64
    ));
    // Each has sent its series and at least one moment of them; ten seconds more, since they began over that long.
    let slowest = crowd.iter().map(|(machine, _)| machine.profile().metrics_interval_ms).max().unwrap_or_default();
    tokio::time::sleep(Duration::from_millis(u64::from(slowest)) + Duration::from_secs(10)).await;
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
    if mixed {
        report.figure("rss_mb", all_kb as f64 / 1024.0);
    } else {
        report.figure("rss_kb_per_agent", per_agent);
    }
    Ok(())
}

/// An agent from its enrolment on.
async fn one(target: Arc<Target>, tally: Arc<Tally>, doors: Arc<Semaphore>, number: usize) {
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
    let samples = Tally::read(&tally.samples);
    let (started, server_cpu, mine) = (Instant::now(), server.process.cpu(), own_cpu());
    tokio::time::sleep(time).await;
    let (wall, cpu, mine) = (started.elapsed(), server.process.cpu() - server_cpu, own_cpu() - mine);
    let (sent, acknowledged) = (Tally::read(&tally.sent) - sent, Tally::read(&tally.acknowledged) - acknowledged);
    let (lost, samples) = (Tally::read(&tally.lost), Tally::read(&tally.samples) - samples);
    if lost > 0 || acknowledged == 0 {
        return Err(Error::unavailable(format!(
            "{lost} agents were lost, {acknowledged} messages were acknowledged; the measurement says nothing."
        )));
    }
    report.datum("seconds", time.as_secs());
    report.say(format!(
        "{:.0} s: {sent} messages with {samples} samples sent, {acknowledged} acknowledged; server CPU {:.2} s ({:.0} us a message), simulation CPU {:.2} s",
        wall.as_secs_f64(),
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
