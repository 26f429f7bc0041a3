//! What has to reach agents, and what time does to them: feeds and jobs go out when they change, an agent that is away
//! for a minute is told of, jobs that nobody answered end.

use std::sync::Arc;
use std::time::Duration;

use agent_proto::{FromServer, Refusal, RefusalCode, certificate_digest, decode};
use kernel::job::Running;
use kernel::time::{DAY, MINUTE, SECOND};
use kernel::{Actor, Cx, Handle, Ref, Result, Time};

use crate::agent::{self, Agent, State};
use crate::events::{AgentDisconnected, agent_ref, asset_ref};
use crate::hub::Hub;
use crate::job::{self, Ending, Job};
use crate::{link, stop};

/// How long a connection may be gone before the agent counts as away.
const GRACE_MICROS: i64 = MINUTE;
/// How long after its end a job may go without a word.
const PATIENCE_MICROS: i64 = 5 * MINUTE;
/// Finished jobs are kept so long.
const JOBS_KEPT_MICROS: i64 = 180 * DAY;
/// Jobs that are sent to one agent at once.
const BURST: i64 = 20;
/// Rows that one transaction changes.
const SLICE: i64 = 100;

/// The loop that lives as long as the server.
pub(crate) fn run(kernel: Handle) {
    let Ok(hub) = kernel.get::<Hub>() else { return };
    let mut swept = Time(0);
    while !kernel.stopping() {
        hub.wait(Duration::from_millis(500));
        if let Err(error) = round(&kernel) {
            tracing::warn!(error = error.message, cause = error.cause, "agents could not be told what changed");
        }
        let now = kernel.now();
        if now.since(swept).abs() >= 5 * SECOND {
            swept = now;
            if let Err(error) = sweep(&kernel) {
                tracing::warn!(error = error.message, cause = error.cause, "agents could not be looked after");
            }
        }
    }
}

/// Brings what changed since the last round to the agents it is for.
///
/// # Errors
/// The database failed; what is not delivered is delivered at the agent's next greeting.
pub fn round(kernel: &Handle) -> Result<()> {
    let hub = kernel.get::<Hub>()?;
    let (assets, stopped) = hub.marked();
    if stopped && let Some(frame) = stop::frame(kernel)? {
        hub.broadcast(&frame, kernel.now());
    }
    for asset in assets {
        if let Some(agent) = hub.of_asset(asset) {
            sync(kernel, &hub, agent)?;
        }
    }
    Ok(())
}

/// Everything a newly connected agent has to know, as frames.
pub(crate) fn welcome(kernel: &Handle, hub: &Hub, agent: &Agent, checks: i64) -> Result<Vec<Vec<u8>>> {
    let mut frames: Vec<Vec<u8>> = stop::frame(kernel)?.into_iter().collect();
    frames.extend(feeds(kernel, hub, agent, Some(checks))?);
    let open = kernel.read_as(&link::service(), |cx| job::store::open_for(cx.tx, agent.id, 500))?;
    frames.extend(signed(kernel, agent, open)?);
    Ok(frames)
}

fn sync(kernel: &Handle, hub: &Hub, id: i64) -> Result<()> {
    let Some(agent) = kernel.read_as(&link::service(), |cx| agent::store::by_id(cx.tx, id))? else { return Ok(()) };
    if agent.state != State::Active {
        let (code, text) = match agent.state {
            State::Quarantined => (RefusalCode::Quarantined, "an administrator put this machine into quarantine"),
            _ => (RefusalCode::Revoked, "an administrator revoked this key"),
        };
        let last = link::frame(FromServer::Refused(Refusal { code, text: text.to_owned(), retry_after_ms: 0 }))?;
        hub.cut(id, Some(last), kernel.now());
        return Ok(());
    }
    let mut frames = feeds(kernel, hub, &agent, None)?;
    // No more at once than a connection takes; the rest follows with the next mark or greeting.
    let waiting = kernel.read_as(&link::service(), |cx| job::store::queued_for(cx.tx, id, BURST + 1))?;
    let more = waiting.len() > usize::try_from(BURST).unwrap_or(1);
    let burst = waiting.into_iter().take(usize::try_from(BURST).unwrap_or(1)).collect();
    frames.extend(signed(kernel, &agent, burst)?);
    hub.push(id, frames, kernel.now());
    if more {
        hub.mark(agent.asset);
    }
    Ok(())
}

/// The feeds that differ from what the agent has; `running` is the generation of checks it says it runs.
fn feeds(kernel: &Handle, hub: &Hub, agent: &Agent, running: Option<i64>) -> Result<Vec<Vec<u8>>> {
    let mut frames = Vec::new();
    for feed in kernel.registry().feeds() {
        let made = kernel.read_as(&feeder(), |cx| (feed.make)(cx, agent.asset));
        let Some(frame) = made? else { continue };
        if !hub.feed_is_new(agent.id, feed.kind, certificate_digest(&frame)) {
            continue;
        }
        if running.is_none_or(|running| generation(&frame) != Some(running)) {
            frames.push(frame);
        }
    }
    Ok(frames)
}

fn generation(frame: &[u8]) -> Option<i64> {
    match decode::<FromServer>(frame).ok()?.message {
        FromServer::Checks { generation, .. } => Some(generation),
        _ => None,
    }
}

/// Jobs as signed frames. They are marked as sent first: what is lost between mark and wire comes again at the next
/// greeting, and an agent does the same job once only.
fn signed(kernel: &Handle, agent: &Agent, jobs: Vec<Job>) -> Result<Vec<Vec<u8>>> {
    let now = kernel.now();
    if jobs.is_empty() || kernel.held() || kernel.read_as(&link::service(), |cx| stop::current(cx.tx))?.is_some() {
        return Ok(Vec::new());
    }
    let due: Vec<Job> = jobs.into_iter().filter(|job| job.state == "accepted" || job.not_after > now).collect();
    let waiting: Vec<(i64, Time)> = due
        .iter()
        .filter(|job| job.state == "queued")
        .map(|job| (job.id, job.not_after.plus(job.timeout_s.saturating_mul(SECOND)).plus(PATIENCE_MICROS)))
        .collect();
    let gone = if waiting.is_empty() {
        Vec::new()
    } else {
        kernel.write_as(link::service(), "fleet.job.send", move |cx| mark_sent(cx, &waiting))?
    };
    let sent = due.iter().filter(|job| !gone.contains(&job.id));
    sent.map(|job| job::sign::frame(kernel, job, agent.agent_id)).collect()
}

/// Marks jobs as sent; answers those that do not wait any more.
fn mark_sent(cx: &mut Cx, waiting: &[(i64, Time)]) -> Result<Vec<i64>> {
    let mut gone = Vec::new();
    for (id, deadline) in waiting {
        let now = cx.now;
        if job::store::sent(cx.tx, *id, *deadline, now)? {
            cx.touch(crate::events::job_ref(*id));
        } else {
            gone.push(*id);
        }
    }
    Ok(gone)
}

/// What the passing of time does: tells of agents that are away, keeps when each was seen, ends jobs nobody answered.
///
/// # Errors
/// The database failed; the next sweep does it again.
pub fn sweep(kernel: &Handle) -> Result<()> {
    let hub = kernel.get::<Hub>()?;
    let now = kernel.now();
    for part in hub.away(now.plus(-GRACE_MICROS)).chunks(50) {
        let part = part.to_vec();
        let told = part.clone();
        kernel
            .write_as(link::service(), "fleet.agent.away", move |cx| part.iter().try_for_each(|one| away(cx, *one)))?;
        told.iter().for_each(|(agent, since)| hub.told_away(*agent, *since));
    }
    let seen = hub.to_flush(now);
    for part in seen.chunks(500) {
        let part = part.to_vec();
        kernel.write_as(link::service(), "fleet.agent.seen", move |cx| {
            part.iter().try_for_each(|(agent, at)| {
                agent::store::seen(cx.tx, *agent, *at)?;
                let asset = agent::store::by_id(cx.tx, *agent)?.map(|agent| agent.asset);
                asset.map_or(Ok(()), |asset| assets::seen(cx, asset, *at))
            })
        })?;
    }
    overdue(kernel, now)
}

fn away(cx: &mut Cx, (id, since): (i64, Time)) -> Result<()> {
    if !agent::store::offline(cx.tx, id, since)? {
        return Ok(());
    }
    let Some(agent) = agent::store::by_id(cx.tx, id)? else { return Ok(()) };
    let detail = "no connection for a minute".to_owned();
    let (asset, reference) = (asset_ref(agent.asset), agent_ref(id));
    cx.emit(&AgentDisconnected { asset, agent: reference, hostname: agent.hostname, detail })
}

fn overdue(kernel: &Handle, now: Time) -> Result<()> {
    if kernel.read_as(&link::service(), |cx| job::store::overdue(cx.tx, now, 1))?.is_empty() {
        return Ok(());
    }
    kernel.write_as(link::service(), "fleet.job.expire", move |cx| {
        for one in job::store::overdue(cx.tx, now, SLICE)? {
            let ending = if one.state == "queued" {
                Ending::decided("expired", "The machine was not there in time", now)
            } else {
                Ending::decided("unknown", "The agent never said how it ended", now)
            };
            job::finish(cx, &one, &ending)?;
        }
        Ok(())
    })
}

/// Who makes feeds: it may look, and changes nothing.
fn feeder() -> Actor {
    Actor::service("fleet.feeds", &["*.list", "*.show"])
}

/// At start: agents that counted as connected get a minute to come back; what changes from now on is marked.
pub(crate) fn open(kernel: &Handle) -> Result<()> {
    let hub = Arc::new(Hub::default());
    let now = kernel.now();
    for agent in kernel.read_as(&link::service(), |cx| agent::store::online(cx.tx))? {
        hub.expect(agent, now);
    }
    let marked = hub.clone();
    kernel.listen(Box::new(move |touched: &[Ref]| {
        for one in touched {
            match one.kind.as_ref() {
                "agent_feed" => marked.mark(one.id),
                "agent_stop" => marked.mark_stop(),
                _ => {}
            }
        }
    }));
    kernel.put(hub);
    Ok(())
}

/// Removes old finished jobs and renews the server's certificate. Running twice does nothing twice.
pub(crate) fn tidy(running: &Running<'_>) -> Result<()> {
    if crate::keys::renew(running.kernel)? {
        tracing::info!("the server's certificate for agents was made anew");
    }
    let before = running.kernel.now().plus(-JOBS_KEPT_MICROS);
    loop {
        let gone = running
            .kernel
            .write_as(link::service(), "fleet.job.forget", move |cx| job::store::forget(cx.tx, before, SLICE))?;
        if gone < SLICE.unsigned_abs() {
            return Ok(());
        }
    }
}
