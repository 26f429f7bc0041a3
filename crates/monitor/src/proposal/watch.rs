//! When facts of an asset arrive, what they suggest is found out soon after, away from the agents' gateway.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use kernel::registry::AgentFrom;
use kernel::{Actor, Cx, Handle, Result};

use super::find::{Known, Suggested, suggest, target};
use crate::live::lock;
use crate::store;

/// The sections of facts that suggest anything.
const SECTIONS: [&str; 4] = ["listening", "services", "processes", "filesystems"];
/// How long facts wait for more of them.
const WAIT: Duration = Duration::from_secs(3);
/// Most checks of an asset that proposals are compared with.
const CHECKS_MAX: usize = 500;

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

/// Finds out what new facts suggest, until the server stops.
pub(crate) fn run(handle: Handle) {
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
    };
    let everything = kernel::Reach { everything: true, ..kernel::Reach::default() };
    let filter = store::checks::Filter { asset: Some(asset), ..Default::default() };
    let checks = store::checks::page(cx.tx, &filter, &everything, None, CHECKS_MAX)?;
    let looked_at: BTreeSet<String> = checks.iter().map(|check| target(&check.probe)).collect();
    let proposed: BTreeMap<String, (i64, bool)> = store::proposals::of_asset(cx.tx, asset)?;
    let mut wanted: Vec<Suggested> = suggest(&known);
    wanted.retain(|one| !looked_at.contains(&one.target));
    let targets: BTreeSet<&str> = wanted.iter().map(|one| one.target.as_str()).collect();
    let gone = proposed.iter().filter(|(target, (_, open))| *open && !targets.contains(target.as_str()));
    let gone = gone.map(|(_, (id, _))| *id).collect();
    let mut taken: BTreeSet<String> = proposed.keys().cloned().collect();
    let fresh = wanted.iter().filter(|one| taken.insert(one.target.clone())).cloned().collect();
    Ok(Plan { fresh, gone })
}
