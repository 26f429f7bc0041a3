//! Earlier groups of the same cause, and what fixed them.

use kernel::{Cx, Ref, Result, StoredEvent, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Group, find};
use crate::store;

/// Earlier groups that are looked at, and shown.
const LOOKED_MAX: i64 = 10;
const SHOWN_MAX: usize = 5;
/// Earlier groups without an asset that are looked at.
const BEYOND_MAX: i64 = 100;

/// An earlier group of the same cause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Earlier {
    /// The group.
    pub group: i64,
    /// Its line.
    pub title: String,
    /// When it opened.
    pub opened_at: Time,
    /// Seconds from opening to end.
    pub lasted_s: i64,
    /// What a runbook did that ended it, in its own words.
    pub fixed_by: Option<String>,
    /// The runbook's run.
    pub run: Option<Ref>,
    /// The runbook, and the machine that it ran on: what may be started again for this group.
    pub runbook: Option<Ref>,
    /// The machine, if it ran on one.
    pub machine: Option<Ref>,
}

/// Earlier groups of the same asset and state, newest first, at most 5; of a group without an asset those of the same check,
/// or of the same rule with the same job.
pub(super) fn earlier(cx: &mut Cx, operation: &str, group: &Group) -> Result<Vec<Earlier>> {
    let state = |group: &Group| group.judgement.cause().map(|suspect| suspect.state.clone());
    let mut found = Vec::new();
    let all = match group.asset {
        Some(asset) => store::groups::earlier(cx.tx, asset, group.id, LOOKED_MAX)?,
        None => store::groups::earlier_beyond(cx.tx, group.id, BEYOND_MAX)?,
    };
    for old in all {
        let alike = old.check == group.check
            || match group.asset {
                Some(_) => state(group).is_some_and(|state_of| state(&old).as_ref() == Some(&state_of)),
                None => is_named_alike(&old, group),
            };
        if !alike || found.len() >= SHOWN_MAX || find(cx, operation, old.id).is_err() {
            continue;
        }
        let fixed = fixed_by(cx, &old)?;
        let subject = |kind: &str| fixed.as_ref()?.subjects.iter().find(|one| one.kind == kind).cloned();
        // What the same rule found elsewhere is fixed elsewhere.
        let same = group.asset.is_some() || old.check == group.check;
        found.push(Earlier {
            group: old.id,
            title: old.title,
            opened_at: old.opened_at,
            lasted_s: old.ended_at.map_or(0, |at| at.since(old.opened_at) / kernel::time::SECOND),
            run: subject("run"),
            runbook: subject("runbook").filter(|_| same),
            machine: subject("asset").filter(|_| same),
            fixed_by: fixed.map(|event| event.title),
        });
    }
    Ok(found)
}

/// Their alerts are called the same, and come from the same job.
fn is_named_alike(one: &Group, other: &Group) -> bool {
    let name = |group: &Group| group.labels.get("alertname").map(str::to_owned);
    let job = |group: &Group| group.labels.get("job").map(str::to_owned);
    name(one).is_some() && name(one) == name(other) && job(one) == job(other)
}

/// The last run of a runbook that finished for a group before it ended.
fn fixed_by(cx: &mut Cx, group: &Group) -> Result<Option<StoredEvent>> {
    let subject = group.reference();
    let events = cx.timeline(&subject, None, 100)?;
    let before = |event: &StoredEvent| group.ended_at.is_none_or(|end| event.at <= end);
    let events = cx.readable(Some(&subject), events)?;
    Ok(events.into_iter().find(|event| event.name == "runbooks.run.finished" && before(event)))
}
