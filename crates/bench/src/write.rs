//! Opening tickets through the one door, with audit, event and search, by 16 callers at once, the relay running.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kernel::{Actor, Call, Error, Handle, Result, Via};
use serde_json::json;

use crate::house::House;
use crate::process::{own_cpu, pause};
use crate::report::{Report, ms, percentile};
use crate::{Run, unusable};

/// Callers at once.
const CALLERS: u64 = 16;

pub(crate) fn measure(run: &Run, report: &mut Report) -> Result<()> {
    let scratch = run.scratch()?;
    let fsync = fsync_ms(scratch.path())?;
    report.say(format!("append of 4 KiB and fdatasync, 200 times: median {fsync:.3} ms"));
    let house = House::open(&scratch.path().join("data"))?.furnish()?.tickets(10_000, true)?;
    house.kernel.start()?;
    settled();
    let actor = Arc::new(house.actor(people::roles::ADMINISTRATOR)?);
    let time = Duration::from_secs(if run.quick { 3 } else { 20 });
    rush(&house, &actor, Duration::from_secs(1))?;
    settled();
    let stats = house.kernel.db.stats();
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let (writes, commits, cpu) = (read(&stats.writes), read(&stats.commits), own_cpu());
    let rush = rush(&house, &actor, time)?;
    let during = own_cpu() - cpu;
    let (writes, commits) = (read(&stats.writes) - writes, read(&stats.commits) - commits);
    let behind = Instant::now();
    settled();
    let (behind, whole) = (behind.elapsed(), own_cpu() - cpu);
    let ops = rush.count as f64;
    report.datum("callers", CALLERS);
    report.datum("seconds", rush.wall.as_secs_f64().round());
    report.datum("tickets_before", 10_000);
    report.datum("synchronous", "FULL");
    report.say(format!(
        "{} tickets in {:.1} s by {CALLERS} callers; a call takes {:.2} ms in the median, {:.2} at p95; {:.1} writes a commit",
        rush.count,
        rush.wall.as_secs_f64(),
        percentile(&rush.waits_ms, 0.5),
        percentile(&rush.waits_ms, 0.95),
        writes as f64 / commits.max(1) as f64,
    ));
    report.say(format!(
        "CPU {:.1} us a ticket while they are opened; {:.1} us until the relay has told every event, {:.0} ms later",
        during.as_secs_f64() * 1e6 / ops,
        whole.as_secs_f64() * 1e6 / ops,
        ms(behind),
    ));
    report.figure("cpu_us_per_op", whole.as_secs_f64() * 1e6 / ops);
    report.figure("ops_per_s", ops / rush.wall.as_secs_f64());
    report.figure("fsync_ms", fsync);
    house.close();
    Ok(())
}

struct Rush {
    count: u64,
    wall: Duration,
    waits_ms: Vec<f64>,
}

fn rush(house: &House, actor: &Arc<Actor>, time: Duration) -> Result<Rush> {
    let started = Instant::now();
    let waits = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let (kernel, actor, teams) = (house.kernel.clone(), actor.clone(), &house.teams);
                scope.spawn(move || open_tickets(&kernel, &actor, teams, caller, started + time))
            })
            .collect();
        let joined = callers
            .into_iter()
            .map(|caller| caller.join().unwrap_or_else(|_| Err(Error::internal("caller-panicked", "write"))));
        joined.collect::<Result<Vec<Vec<f64>>>>()
    })?;
    let waits_ms = waits.concat();
    Ok(Rush { count: waits_ms.len() as u64, wall: started.elapsed(), waits_ms })
}

fn open_tickets(kernel: &Handle, actor: &Arc<Actor>, teams: &[i64], caller: u64, end: Instant) -> Result<Vec<f64>> {
    let mut waits = Vec::new();
    while Instant::now() < end {
        let number = waits.len();
        let team = teams.get((number + caller as usize) % teams.len().max(1));
        let input = json!({
            "summary": format!("Printer {number} on floor {caller} prints blank pages"),
            "detail": "Since this morning every second page is blank. A restart did not help, and the toner was changed last week. \
                       Three people wait for their papers.",
            "kind": "incident",
            "team": team,
        });
        let started = Instant::now();
        kernel.dispatch(Call::new(actor.clone(), "desk.ticket.open", input, Via::Rest))?;
        waits.push(ms(started.elapsed()));
    }
    Ok(waits)
}

/// Waits until the process does nothing: the relay and its reactions have caught up.
fn settled() {
    for _ in 0..600 {
        let before = own_cpu();
        pause(Duration::from_millis(200));
        if own_cpu() - before < Duration::from_millis(6) {
            return;
        }
    }
}

fn fsync_ms(folder: &Path) -> Result<f64> {
    let path = folder.join("fsync");
    let failed = |error: std::io::Error| unusable(&path, &error);
    let mut file = std::fs::File::create(&path).map_err(failed)?;
    let mut times = Vec::new();
    for _ in 0..200 {
        let started = Instant::now();
        file.write_all(&[7; 4096]).and_then(|()| file.sync_data()).map_err(failed)?;
        times.push(ms(started.elapsed()));
    }
    Ok(percentile(&times, 0.5))
}
