//! When facts of an asset arrive, what they suggest is found out soon after, away from the agents' gateway.

use std::any::Any;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use kernel::registry::AgentFrom;
use kernel::{Actor, Cx, Handle, Result, StoredEvent};

use super::ProposalState;
use super::find::{Known, Suggested, Thing, suggest, target, tells};
use crate::live::lock;
use crate::store;

/// The sections of facts that suggest anything.
const SECTIONS: [&str; 4] = ["listening", "services", "processes", "filesystems"];
/// How long facts wait for more of them.
const WAIT: Duration = Duration::from_secs(3);
/// Most checks of an asset that proposals are compared with.
const CHECKS_MAX: usize = 500;
/// Things that are read at a time.
const THINGS_AT_ONCE: i64 = 500;

/// Assets whose facts are new.
#[derive(Default)]
pub(crate) struct Facts(Mutex<BTreeSet<i64>>);

/// Notes that facts came; the assets' own handler has stored them before.
pub(crate) fn facts(handle: &Handle, from: &AgentFrom, body: &dyn Any) -> Result<()> {
    if let Some(facts) = body.downcast_ref::<assets::FactsDelta>()
        && SECTIONS.contains(&facts.section.as_str())
    {
        lock(&handle.get::<Facts>()?.0).insert(from.asset);
    }
    Ok(())
}

/// Notes that a thing came or changed, or that a check of it was deleted: what the check looked at is proposed again.
pub(crate) fn again(cx: &mut Cx, event: &StoredEvent) -> Result<()> {
    if let Some(asset) = event.subjects.iter().find(|one| one.kind == "asset") {
        lock(&cx.kernel.get::<Facts>()?.0).insert(asset.id);
    }
    Ok(())
}

/// Notes the things that suggest something without facts; most were there before the server started.
fn note_all(handle: &Handle) -> Result<()> {
    let facts = handle.get::<Facts>()?;
    let mut after = 0;
    loop {
        let some = handle.db.read(|tx| assets::things_after(tx, after, THINGS_AT_ONCE))?;
        let Some((last, _)) = some.last() else { return Ok(()) };
        after = *last;
        let telling = some.iter().filter(|(_, brief)| tells(&brief.kind)).map(|(id, _)| *id);
        lock(&facts.0).extend(telling);
    }
}

/// Finds out what new facts suggest, until the server stops.
pub(crate) fn run(handle: Handle) {
    if let Err(error) = note_all(&handle) {
        tracing::warn!(error = error.message, cause = error.cause, "nothing is proposed for things without an agent");
    }
    while handle.wait(WAIT) {
        let Ok(facts) = handle.get::<Facts>() else { return };
        let fresh = std::mem::take(&mut *lock(&facts.0));
        for asset in fresh {
            if let Err(error) = propose(&handle, asset) {
                // The next facts of this asset try again.
                tracing::warn!(asset, error = error.message, cause = error.cause, "nothing could be proposed");
            }
        }
    }
}

/// Compares what is suggested with what is proposed and looked at; writes only what differs.
fn propose(handle: &Handle, asset: i64) -> Result<()> {
    let service = || Actor::service("monitor", &["monitor.*"]);
    if handle.read_as(&service(), |cx| plan(cx, asset))?.is_empty() {
        return Ok(());
    }
    // Planned again inside the transaction: somebody may have decided in between.
    handle.write_as(service(), "monitor.proposal.find", move |cx| {
        let plan = plan(cx, asset)?;
        let Some(brief) = assets::brief(cx.tx, &[asset])?.remove(&asset) else { return Ok(()) };
        store::proposals::delete(cx.tx, &plan.gone)?;
        for one in &plan.fresh {
            store::proposals::insert(cx.tx, asset, one, &brief, cx.now)?;
        }
        cx.touch(kernel::Ref::new("asset", asset));
        Ok(())
    })
}

/// What has to be written.
#[derive(Debug, Default)]
struct Plan {
    fresh: Vec<Suggested>,
    gone: Vec<i64>,
}

impl Plan {
    fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.gone.is_empty()
    }
}

fn plan(cx: &mut Cx, asset: i64) -> Result<Plan> {
    let [listening, services, processes, filesystems] = SECTIONS;
    let known = Known {
        listening: assets::section(cx.tx, asset, listening)?,
        services: assets::section(cx.tx, asset, services)?,
        processes: assets::section(cx.tx, asset, processes)?,
        filesystems: assets::section(cx.tx, asset, filesystems)?,
        thing: thing(cx, asset)?,
    };
    let everything = kernel::Reach { everything: true, ..kernel::Reach::default() };
    let filter = store::checks::Filter { asset: Some(asset), ..Default::default() };
    let checks = store::checks::page(cx.tx, &filter, &everything, None, CHECKS_MAX)?;
    let looked_at: BTreeSet<String> = checks.iter().map(|check| target(&check.probe)).collect();
    let proposed = store::proposals::of_asset(cx.tx, asset)?;
    let mut wanted: Vec<Suggested> = suggest(&known);
    wanted.retain(|one| !looked_at.contains(&one.target));
    let targets: BTreeSet<&str> = wanted.iter().map(|one| one.target.as_str()).collect();
    // What was accepted and is looked at no more was deleted since: it may be decided about again.
    let is_gone = |target: &str, state: ProposalState| match state {
        ProposalState::Open => !targets.contains(target),
        ProposalState::Accepted => targets.contains(target),
        ProposalState::Dismissed => false,
    };
    let gone: Vec<i64> =
        proposed.iter().filter(|(target, (_, state))| is_gone(target, *state)).map(|(_, (id, _))| *id).collect();
    let stays = |(_, (id, _)): &(&String, &(i64, ProposalState))| !gone.contains(id);
    let mut taken: BTreeSet<String> = proposed.iter().filter(stays).map(|(target, _)| target.clone()).collect();
    let fresh = wanted.iter().filter(|one| taken.insert(one.target.clone())).cloned().collect();
    Ok(Plan { fresh, gone })
}

/// The thing itself, while it is in use.
fn thing(cx: &mut Cx, asset: i64) -> Result<Option<Thing>> {
    let brief = assets::brief(cx.tx, &[asset])?.remove(&asset);
    let used = brief.filter(|brief| brief.status == assets::Status::InUse);
    Ok(used.map(|brief| Thing { name: brief.name, kind: brief.kind }))
}
