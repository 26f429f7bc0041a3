//! *Stop all runs*: a signed order that every agent follows within seconds, and that holds until somebody releases it.

use agent_proto::{FromServer, StopOrder, sign_stop};
use kernel::attention::Attention;
use kernel::db::Tx;
use kernel::job::{Job as KernelJob, Running};
use kernel::{Access, Actor, Cx, Effect, Error, Handle, Mark, Operation, Ref, Result, Route, Time, get, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::events::{StopOrdered, StopReleased};
use crate::job::{self, Ending};
use crate::keys::Keys;
use crate::rollout;

pub(crate) mod store;

/// Jobs that one transaction ends.
const SLICE: i64 = 100;

/// An order to stop that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its epoch.
    pub epoch: i64,
    /// When it was given.
    pub at: Time,
    /// Who gave it.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// The order that holds now, if one does: for a banner on every page.
///
/// # Errors
/// The database failed.
pub fn current(tx: &mut Tx<'_>) -> Result<Option<Order>> {
    store::current(tx)
}

/// Whether runs are stopped.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct StopState {
    /// True while nothing is sent to any agent.
    pub stopped: bool,
    /// The highest stop epoch.
    pub epoch: i64,
    /// Who stopped.
    pub by: Option<String>,
    /// When.
    pub at: Option<Time>,
    /// Why.
    pub reason: Option<String>,
}

/// Stop all runs on all machines, now.
///
/// Agents kill what they run for Mainstay within 5 seconds and refuse everything that was queued before. Nothing new is sent
/// until runs are released.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct StopAll {
    /// Why, for the record.
    #[serde(default)]
    pub reason: Option<String>,
}

impl Operation for StopAll {
    const NAME: &'static str = "fleet.stop.all";
    const ROUTE: Route = post("/fleet/stop");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Dangerous;
    type Output = StopState;

    fn run(&self, cx: &mut Cx) -> Result<StopState> {
        cx.reach_everything(Self::NAME)?;
        let reason = match self.reason.as_deref().map(str::trim) {
            None | Some("") => String::new(),
            Some(text) => kernel::text::line("reason", text, 300)?,
        };
        let (by, now) = (cx.actor.name.clone(), cx.now);
        store::release(cx.tx, &by, now)?;
        let epoch = store::order(cx.tx, &by, &reason, now)?;
        let subject = Ref::new("stop", epoch);
        cx.changed(&subject, "stopped", false, true)?;
        cx.emit(&StopOrdered { epoch, by: by.clone(), reason: reason.clone() })?;
        end_queued(cx, epoch, &by)?;
        cx.needs_attention(&Attention {
            subject: Ref::new("stop", 1),
            need: "release",
            title: "All runs are stopped".to_owned(),
            why: format!("{by} stopped them{}. Nothing repairs itself until they are released.", because(&reason)),
            mark: Mark::Critical,
            word: "Stopped",
            weight: 800,
            since: now,
            action: "Release",
            href: "/fleet".to_owned(),
            team: None,
            user: None,
            grant: ReleaseStop::NAME,
        })?;
        cx.touch(Ref::new("agent_stop", epoch));
        state(cx)
    }
}

fn because(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}

/// Let runs go on. What was stopped stays stopped.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ReleaseStop {}

impl Operation for ReleaseStop {
    const NAME: &'static str = "fleet.stop.release";
    const ROUTE: Route = post("/fleet/stop/release");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = StopState;

    fn run(&self, cx: &mut Cx) -> Result<StopState> {
        cx.reach_everything(Self::NAME)?;
        let Some(order) = current(cx.tx)? else {
            return Err(Error::conflict("Runs are not stopped."));
        };
        let (by, now) = (cx.actor.name.clone(), cx.now);
        store::release(cx.tx, &by, now)?;
        cx.changed(&Ref::new("stop", order.epoch), "stopped", true, false)?;
        cx.emit(&StopReleased { epoch: order.epoch, by })?;
        rollout::advance::released(cx)?;
        cx.attention_done(&Ref::new("stop", 1), "release")?;
        state(cx)
    }
}

/// Show whether all runs are stopped.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ShowStop {}

impl Operation for ShowStop {
    const NAME: &'static str = "fleet.stop.show";
    const ROUTE: Route = get("/fleet/stop");
    const ACCESS: Access = Access::SignedIn;
    const EFFECT: Effect = Effect::Read;
    type Output = StopState;

    fn run(&self, cx: &mut Cx) -> Result<StopState> {
        state(cx)
    }
}

fn state(cx: &mut Cx) -> Result<StopState> {
    let epoch = store::epoch(cx.tx)?;
    let order = current(cx.tx)?;
    Ok(StopState {
        stopped: order.is_some(),
        epoch,
        by: order.as_ref().map(|order| order.by.clone()),
        at: order.as_ref().map(|order| order.at),
        reason: order.map(|order| order.reason),
    })
}

/// Ends a slice of the jobs that were queued before an order and not sent; the rest goes to a job of the kernel.
fn end_queued(cx: &mut Cx, epoch: i64, by: &str) -> Result<()> {
    let waiting = job::store::queued_before(cx.tx, epoch, SLICE)?;
    for one in &waiting {
        let ending = Ending::decided("stopped", format!("{by} stopped all runs"), cx.now);
        job::finish(cx, one, &ending)?;
    }
    if i64::try_from(waiting.len()).unwrap_or(SLICE) >= SLICE {
        cx.enqueue(&KernelJob::new("fleet.stop-jobs", &(epoch, by))?)?;
    }
    Ok(())
}

/// Goes on with [`end_queued`]. Running twice ends nothing twice: an ended job is not waiting.
pub(crate) fn stop_jobs(running: &Running<'_>) -> Result<()> {
    let (epoch, by): (i64, String) = running.input()?;
    let actor = Actor::service("fleet.stop", &[]);
    running.kernel.write_as(actor, "fleet.stop.jobs", move |cx| end_queued(cx, epoch, &by))
}

/// The newest order as a signed frame, and who it is for.
pub(crate) struct ForAll {
    pub(crate) frame: Vec<u8>,
    /// The agents that have not followed it, when it was released already; everybody while it holds.
    pub(crate) behind: Option<Vec<i64>>,
}

/// The newest order, for agents that are connected: one that was released soon after is still for those who work on what
/// was queued before it.
pub(crate) fn order_for_all(kernel: &Handle) -> Result<Option<ForAll>> {
    let found = kernel.read_as(&crate::link::service(), |cx| {
        let Some((order, holds)) = store::newest(cx.tx)? else { return Ok(None) };
        let behind = if holds { None } else { Some(job::store::behind(cx.tx, order.epoch, None)?) };
        Ok(Some((order, behind)))
    })?;
    found.map(|(order, behind)| Ok(ForAll { frame: frame(kernel, &order)?, behind })).transpose()
}

/// The newest order, for an agent that greets: when it holds, or when the agent was away while it was given and released
/// and may still work on what was queued before it.
pub(crate) fn order_for(kernel: &Handle, agent: i64) -> Result<Option<Vec<u8>>> {
    let found = kernel.read_as(&crate::link::service(), |cx| {
        let Some((order, holds)) = store::newest(cx.tx)? else { return Ok(None) };
        let wanted = holds || !job::store::behind(cx.tx, order.epoch, Some(agent))?.is_empty();
        Ok(wanted.then_some(order))
    })?;
    found.map(|order| frame(kernel, &order)).transpose()
}

fn frame(kernel: &Handle, order: &Order) -> Result<Vec<u8>> {
    let keys = kernel.get::<Keys>()?;
    let signed = StopOrder { stop_epoch: order.epoch.unsigned_abs(), at_us: order.at.0 };
    crate::link::frame(FromServer::Stop(sign_stop(signed, keys.job())))
}
