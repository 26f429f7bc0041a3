//! Ten thousand alerts within one minute, from one cause or from two at once, against a server process: the results come
//! from agents over real connections, the groups are those of the database, and the pages are what a receiver was told.

mod company;
mod lookers;
mod receiver;

use std::sync::Arc;
use std::time::{Duration, Instant};

use kernel::{Clock, Error, Result};
use serde_json::Value;

use crate::Run;
use crate::process::{Server, pause, until};
use crate::report::Report;
use company::Company;
use lookers::{Faults, Lookers};
use receiver::Receiver;

/// From one result of a check to the next.
pub(crate) const INTERVAL: Duration = Duration::from_secs(30);
/// How long it is watched at rest: every check says something twice.
const REST: Duration = Duration::from_secs(60);
/// How long it is watched from the fault on: a check fires with its second bad result, then all is grouped and told, and the
/// engine has judged again with what came after.
const WATCHED: Duration = Duration::from_secs(150);
/// Longest wait for what must happen before.
const PATIENCE: Duration = Duration::from_secs(180);

pub(crate) fn measure(run: &Run, causes: usize, report: &mut Report) -> Result<()> {
    let alerts = if run.quick { 1_000 } else { 10_000 };
    let scratch = run.scratch()?;
    let data = scratch.path().join("data");
    let receiver = Receiver::start()?;
    let company = Company::build(&data, causes, alerts, receiver.address())?;
    let server = Server::start(&run.mainstay, &data, false)?;
    let faults = Arc::new(Faults::default());
    let lookers = Lookers::enter(&server, company.vantages, faults.clone())?;
    let checks = company.look(&server, &faults)?;
    until("All checks at their agents", PATIENCE, Duration::from_millis(200), || {
        lookers.trouble().map(Err).or((lookers.checks() == checks).then_some(Ok(())))
    })??;
    report.datum("alerts", alerts);
    report.datum("causes", causes);
    report.datum("checks", checks);
    report.datum("things", company.size());
    report.datum("agents", company.vantages);
    report.datum("check_interval_s", INTERVAL.as_secs());
    // Everything is seen well first.
    pause(INTERVAL + Duration::from_secs(5));
    let rest = server.process.cpu();
    pause(REST);
    let rest = server.process.cpu().saturating_sub(rest);
    let judging = server.process.thread_cpu("monitor");
    let storm = watch(&server, &faults, &receiver, alerts, report)?;
    let judging = server.process.thread_cpu("monitor").saturating_sub(judging);
    lookers.trouble().map_or(Ok(()), Err)?;
    let at_rest = rest.mul_f64(WATCHED.as_secs_f64() / REST.as_secs_f64());
    report.datum("seconds", WATCHED.as_secs());
    report.datum("results", lookers.sent());
    report.say(format!(
        "server CPU {:.2} s in {:.0} s from the fault on; of it {:.2} s for the results that come at rest too",
        storm.as_secs_f64(),
        WATCHED.as_secs_f64(),
        at_rest.as_secs_f64()
    ));
    let (groups, grouped) = groups(&server)?;
    report.datum("grouped", grouped);
    if grouped < alerts {
        return Err(Error::unavailable(format!("Only {grouped} of {alerts} alerts came to a group.")));
    }
    report.figure("groups", groups as f64);
    report.figure("pages", receiver.taken() as f64);
    report.figure("cpu_s", storm.saturating_sub(at_rest).as_secs_f64());
    report.figure("cpu_with_results_s", storm.as_secs_f64());
    report.figure("judging_cpu_s", judging.as_secs_f64());
    report.figure("rss_mb", server.process.memory().all as f64 / 1024.0);
    Ok(())
}

/// Lets it happen; answers what the server took until nothing more is expected.
fn watch(server: &Server, faults: &Faults, receiver: &Receiver, alerts: usize, report: &Report) -> Result<Duration> {
    let (started, before) = (Instant::now(), server.process.cpu());
    faults.begin(Clock::System.now().millis());
    let (mut told, mut complete) = (None, None);
    while started.elapsed() < WATCHED {
        pause(Duration::from_secs(5));
        let at = started.elapsed().as_secs_f64();
        told = told.or((receiver.taken() > 0).then_some(at));
        if complete.is_none() && told.is_some() && groups(server)?.1 >= alerts {
            complete = Some(at);
            report.say(format!(
                "first page within {:.0} s of the fault, all alerts grouped within {at:.0} s",
                told.unwrap_or(at)
            ));
        }
    }
    Ok(server.process.cpu().saturating_sub(before))
}

/// The open groups and how many alerts they have.
fn groups(server: &Server) -> Result<(usize, usize)> {
    let page = server.client.get("/api/v1/monitor/groups?state=open&limit=500")?;
    let items = page.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let alerts = items.iter().filter_map(|one| one.get("open_alerts")?.as_u64()).sum::<u64>();
    Ok((items.len(), usize::try_from(alerts).unwrap_or(usize::MAX)))
}
