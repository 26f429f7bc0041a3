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
use crate::{link, rollout, stop};

/// How long a connection may be gone before the agent counts as away.
const GRACE_MICROS: i64 = MINUTE;
/// How long after its end a job may go without a word.
const PATIENCE_MICROS: i64 = 5 * MINUTE;
/// Finished jobs are kept so long.
const JOBS_KEPT_MICROS: i64 = 180 * DAY;
/// Jobs that are sent to one agent at once.
const BURST: i64 = 20;
/// The feed that needs [`agent_proto::ability::LOOK`].
const LOOK_FEED: &str = "look";
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

/// Brings what changed since the last round to the agents it is for. What fails for one stays marked for the next round
/// and keeps nothing from the others.
///
/// # Errors
/// The first of what failed; the next round does it again.
pub fn round(kernel: &Handle) -> Result<()> {
    let hub = kernel.get::<Hub>()?;
    let (assets, stopped) = hub.marked();
    let mut failed = None;
    if stopped && let Err(error) = order(kernel, &hub) {
        hub.again_stop();
        failed = Some(error);
    }
    for asset in assets {
        if let Some(agent) = hub.of_asset(asset)
            && let Err(error) = sync(kernel, &hub, agent)
        {
            hub.again(asset);
            failed = failed.or(Some(error));
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Sends the order to stop to every agent that has not followed it.
fn order(kernel: &Handle, hub: &Hub) -> Result<()> {
    match stop::order_for_all(kernel)? {
        Some(stop::ForAll { frame, behind: None }) => hub.broadcast(&frame, kernel.now()),
        Some(stop::ForAll { frame, behind: Some(agents) }) => {
            agents.into_iter().for_each(|agent| hub.push(agent, vec![frame.clone()], kernel.now()));
        }
        None => {}
    }
    Ok(())
}

/// Everything a newly connected agent has to know, as frames.
pub(crate) fn welcome(kernel: &Handle, hub: &Hub, agent: &Agent, checks: i64) -> Result<Vec<Vec<u8>>> {
    let mut frames: Vec<Vec<u8>> = stop::order_for(kernel, agent.id)?.into_iter().collect();
    let feeds = feeds(kernel, hub, agent, Some(checks))?;
    let open = kernel.read_as(&link::service(), |cx| job::store::open_for(cx.tx, agent.id, 500))?;
    let jobs = signed(kernel, agent, open)?;
    frames.extend(feeds.into_iter().filter_map(|feed| feed.noted(hub, agent.id)));
    frames.extend(jobs);
    if hub.able(agent.id).update
        && !kernel.held()
        && kernel.read_as(&link::service(), |cx| stop::current(cx.tx))?.is_none()
    {
        frames.extend(kernel.read_as(&link::service(), |cx| rollout::advance::standing(cx, agent.id))?);
    }
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
    let feeds = feeds(kernel, hub, &agent, None)?;
    // No more at once than a connection takes; the rest follows with the next mark or greeting.
    let waiting = kernel.read_as(&link::service(), |cx| job::store::queued_for(cx.tx, id, BURST + 1))?;
    let more = waiting.len() > usize::try_from(BURST).unwrap_or(1);
    let burst = waiting.into_iter().take(usize::try_from(BURST).unwrap_or(1)).collect();
    let jobs = signed(kernel, &agent, burst)?;
    let mut frames: Vec<Vec<u8>> = feeds.into_iter().filter_map(|feed| feed.noted(hub, id)).collect();
    frames.extend(jobs);
    hub.push(id, frames, kernel.now());
    if more {
        hub.mark(agent.asset);
    }
    Ok(())
}

/// A feed that an agent has to have.
struct Feed {
    kind: &'static str,
    digest: [u8; 32],
    /// None when the agent has it already.
    frame: Option<Vec<u8>>,
}

impl Feed {
    /// Remembers that the agent has it, now that nothing can fail any more, and answers what is to be sent.
    fn noted(self, hub: &Hub, agent: i64) -> Option<Vec<u8>> {
        hub.feed_sent(agent, self.kind, self.digest);
        self.frame
    }
}

/// The feeds that differ from what the agent has; `running` is the generation of checks it says it runs.
fn feeds(kernel: &Handle, hub: &Hub, agent: &Agent, running: Option<i64>) -> Result<Vec<Feed>> {
    let mut feeds = Vec::new();
    // An older agent would break off at a message that it does not know.
    let able = hub.able(agent.id);
    for feed in kernel.registry().feeds().filter(|feed| feed.kind != LOOK_FEED || able.look) {
        let made = kernel.read_as(&feeder(), |cx| (feed.make)(cx, agent.asset));
        let Some(frame) = made? else { continue };
        let digest = certificate_digest(&frame);
        if hub.feed_is_new(agent.id, feed.kind, digest) {
            let new = running.is_none_or(|running| generation(&frame) != Some(running));
            feeds.push(Feed { kind: feed.kind, digest, frame: new.then_some(frame) });
        }
    }
    Ok(feeds)
}

fn generation(frame: &[u8]) -> Option<i64> {
    match decode::<FromServer>(frame).ok()?.message {
        FromServer::Checks { generation, .. } => Some(generation),
        _ => None,
    }
}

/// Jobs as signed frames. They are marked as sent first: what is lost between mark and wire comes again at the next
/// greeting, and an agent does the same job once only. A job that cannot be written as a frame ends, so that it does not
/// stand in the way of the others.
fn signed(kernel: &Handle, agent: &Agent, jobs: Vec<Job>) -> Result<Vec<Vec<u8>>> {
    let now = kernel.now();
    if jobs.is_empty() || kernel.held() || kernel.read_as(&link::service(), |cx| stop::current(cx.tx))?.is_some() {
        return Ok(Vec::new());
    }
    let (mut ready, mut waiting, mut unfit) = (Vec::new(), Vec::new(), Vec::new());
    for job in jobs.into_iter().filter(|job| job.state == "accepted" || job.not_after > now) {
        match job::sign::frame(kernel, &job, agent.agent_id) {
            Ok(frame) => {
                if job.state == "queued" {
                    let timeout = job.timeout_s.saturating_mul(SECOND);
                    waiting.push((job.id, job.not_after.plus(timeout).plus(PATIENCE_MICROS)));
                }
                ready.push((job.id, frame));
            }
            Err(error) => {
                tracing::error!(job = job.id, error = error.message, cause = error.cause, "a job cannot be sent");
                unfit.push((job, error.message));
            }
        }
    }
    let gone = if waiting.is_empty() && unfit.is_empty() {
        Vec::new()
    } else {
        kernel.write_as(link::service(), "fleet.job.send", move |cx| mark_sent(cx, &waiting, &unfit))?
    };
    Ok(ready.into_iter().filter(|(id, _)| !gone.contains(id)).map(|(_, frame)| frame).collect())
}

/// Marks jobs as sent and ends those that cannot be; answers those that do not wait any more.
fn mark_sent(cx: &mut Cx, waiting: &[(i64, Time)], unfit: &[(Job, String)]) -> Result<Vec<i64>> {
    let now = cx.now;
    for (job, why) in unfit {
        job::finish(cx, job, &Ending::decided("refused", format!("It could not be sent: {why}"), now))?;
    }
    let mut gone = Vec::new();
    for (id, deadline) in waiting {
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
        let (part, inside) = (part.to_vec(), hub.clone());
        let told = kernel.write_as(link::service(), "fleet.agent.away", move |cx| {
            let mut told = Vec::new();
            for one in &part {
                if away(cx, &inside, *one)? {
                    told.push(*one);
                }
            }
            Ok(told)
        })?;
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
    overdue(kernel, now)?;
    rollout::advance::round(kernel)
}

/// Tells that an agent is away; answers false when it greets at this moment, to be asked again.
fn away(cx: &mut Cx, hub: &Hub, (id, since): (i64, Time)) -> Result<bool> {
    let now = cx.now;
    if hub.is_connected(id) {
        return Ok(true);
    }
    let went = agent::store::offline(cx.tx, id, since, now.plus(-GRACE_MICROS), now)?;
    let Some(agent) = agent::store::by_id(cx.tx, id)? else { return Ok(true) };
    if went {
        let detail = "no connection for a minute".to_owned();
        let (asset, reference) = (asset_ref(agent.asset), agent_ref(id));
        cx.emit(&AgentDisconnected { asset, agent: reference, hostname: agent.hostname, detail })?;
    }
    Ok(!agent.online)
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
