//! Earlier groups of the same cause, and what fixed them.

use kernel::{Cx, Ref, Result, StoredEvent, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Group, find};
use crate::store;

/// Earlier groups that are looked at, and shown.
const LOOKED_MAX: i64 = 10;
const SHOWN_MAX: usize = 5;

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
}

/// Earlier groups of the same asset and state, newest first, at most 5.
pub(super) fn earlier(cx: &mut Cx, operation: &str, group: &Group) -> Result<Vec<Earlier>> {
    let Some(asset) = group.asset else { return Ok(Vec::new()) };
    let state = |group: &Group| group.judgement.cause().map(|suspect| suspect.state.clone());
    let mut found = Vec::new();
    for old in store::groups::earlier(cx.tx, asset, group.id, LOOKED_MAX)? {
        let alike = state(&old) == state(group) || old.check == group.check;
        if !alike || found.len() >= SHOWN_MAX || find(cx, operation, old.id).is_err() {
            continue;
        }
        let fixed = fixed_by(cx, &old)?;
        let run = |event: &StoredEvent| event.subjects.iter().find(|one| one.kind == "run").cloned();
        found.push(Earlier {
            group: old.id,
            title: old.title,
            opened_at: old.opened_at,
            lasted_s: old.ended_at.map_or(0, |at| at.since(old.opened_at) / kernel::time::SECOND),
            run: fixed.as_ref().and_then(run),
            fixed_by: fixed.map(|event| event.title),
        });
    }
    Ok(found)
}

/// The last run of a runbook that finished for a group before it ended.
fn fixed_by(cx: &mut Cx, group: &Group) -> Result<Option<StoredEvent>> {
    let subject = group.reference();
    let events = cx.timeline(&subject, None, 100)?;
    let before = |event: &StoredEvent| group.ended_at.is_none_or(|end| event.at <= end);
    let events = cx.readable(Some(&subject), events)?;
    Ok(events.into_iter().find(|event| event.name == "runbooks.run.finished" && before(event)))
}
