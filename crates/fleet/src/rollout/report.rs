//! What agents report about releases that they were offered.

use std::any::Any;

use agent_proto::{UpdateReport, UpdateState};
use kernel::registry::AgentFrom;
use kernel::{Actor, Error, Handle, Result};

use super::{rollout_ref, store};
use crate::agent;
use crate::events::{AgentNotUpdated, AgentUpdated, agent_ref, asset_ref};

/// Takes `Update`: how far an agent came with a release. What it was not offered is refused.
pub(crate) fn reported(kernel: &Handle, from: &AgentFrom, body: &dyn Any) -> Result<()> {
    let report: &UpdateReport =
        body.downcast_ref().ok_or_else(|| Error::internal("agent-message-type", "UpdateReport"))?;
    let (report, from) = (report.clone(), from.clone());
    let ident = kernel::Ident::Agent(from.asset);
    let actor = Actor { ident, name: format!("agent of asset:{}", from.asset), ..Actor::nobody() };
    kernel.write_as(actor, "fleet.rollout.report", move |cx| {
        let Some(row) = store::row_for(cx.tx, from.agent, &report.sha256)? else {
            return Err(Error::not_found("A release that this agent was offered"));
        };
        let state = word(report.state);
        // The first end counts: what comes afterwards answers an offer that crossed it. But what runs, runs, and what was
        // taken out again after it ran did not do.
        let over = match row.state.as_str() {
            "refused" | "rolled_back" => report.state != UpdateState::Done,
            "done" => report.state != UpdateState::RolledBack,
            // It says again that it has the program; it still does other work.
            "busy" => report.state == UpdateState::Trying,
            _ => false,
        };
        if over || row.state == state {
            return Ok(());
        }
        let now = cx.now;
        let reason = report.reason.replace('\0', "");
        let finished = if report.state == UpdateState::Trying { kernel::Time(0) } else { now };
        store::reported(cx.tx, row.id, state, &reason, finished)?;
        if report.state == UpdateState::Trying {
            store::busy::ready(cx.tx, row.id, now)?;
        }
        cx.touch(rollout_ref(row.rollout));
        let Some(agent) = agent::store::by_id(cx.tx, from.agent)? else { return Ok(()) };
        let (asset, reference, hostname) = (asset_ref(from.asset), agent_ref(from.agent), agent.hostname);
        cx.touch(reference.clone());
        match report.state {
            UpdateState::Trying => Ok(()),
            UpdateState::Done => {
                let detail = format!("{} after {}", row.version, row.version_before);
                cx.emit(&AgentUpdated { asset, agent: reference, hostname, detail })
            }
            UpdateState::Refused | UpdateState::RolledBack => {
                let detail = format!("version {} was {}: {reason}", row.version, state.replace('_', " "));
                cx.emit(&AgentNotUpdated { asset, agent: reference, hostname, detail })
            }
        }
    })
}

fn word(state: UpdateState) -> &'static str {
    match state {
        UpdateState::Trying => "trying",
        UpdateState::Done => "done",
        UpdateState::Refused => "refused",
        UpdateState::RolledBack => "rolled_back",
    }
}
