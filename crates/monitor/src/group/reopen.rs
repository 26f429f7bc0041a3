//! A group that was over is back within a quarter of an hour: it is the same group, and whoever was told of it hears so.

use kernel::{Cx, Result};

use super::{Group, GroupState, open};
use crate::events::GroupReopened;
use crate::limits::EVIDENCE_MAX;
use crate::shade::Shade;
use crate::{ground, store};

/// Opens a group that is over again, for the alert of a check with what was seen; answers how it is now, or nothing when it
/// was not over. Nobody is on it yet, and whether people are told is decided anew.
pub(super) fn reopen(cx: &mut Cx, group: &Group, member: &(i64, String), shade: &Shade) -> Result<Option<Group>> {
    let (check, text) = member;
    if group.state != GroupState::Recovered {
        return Ok(None);
    }
    let Some(check) = store::checks::by_id(cx.tx, &[*check])?.into_iter().next() else { return Ok(None) };
    let silenced = shade.covers_in(&group.within(), &check.facing());
    let names = ground::asset_names(cx.tx, &check.asset.into_iter().collect::<Vec<i64>>())?;
    let asset = check.asset.and_then(|id| names.get(&id)).map(String::as_str);
    let lines: Vec<String> = text.lines().map(|line| check.line(asset, line)).collect();
    // What was seen at first stays, as far as there is room beside what is seen now.
    let room = EVIDENCE_MAX / 2;
    let mut evidence: Vec<String> = group.evidence.iter().take(room).cloned().collect();
    evidence.extend(lines.iter().take(room).cloned());
    let now = Group {
        state: GroupState::Open,
        ended_at: None,
        reopened_at: Some(cx.now),
        reopened: group.reopened + 1,
        acknowledged_by: None,
        acknowledged_at: None,
        silenced,
        announced: !silenced,
        proven: false,
        evidence,
        changed_before: open::changed_before(cx, group.asset)?,
        recovery: Vec::new(),
        ..group.clone()
    };
    store::groups::reopen(cx.tx, &now)?;
    cx.changed(&group.reference(), "state", group.state.as_str(), now.state.as_str())?;
    if let Some(by) = &group.acknowledged_by {
        cx.changed(&group.reference(), "acknowledged_by", by, serde_json::Value::Null)?;
    }
    cx.emit(&GroupReopened {
        group: now.reference(),
        check: check.reference(),
        check_asset: check.about(),
        checks: vec![check.reference()],
        covered: if silenced { vec![check.reference()] } else { Vec::new() },
        asset: now.about(),
        labels: now.labels.clone(),
        place: now.place,
        team: now.team,
        severity: now.severity,
        title: now.title.clone(),
        evidence: lines,
        changed_before: now.changed_before.clone(),
        over_s: group.ended_at.map_or(0, |at| cx.now.since(at) / kernel::time::SECOND),
        times: now.reopened,
        open_since: cx.now,
        announced: group.announced,
        silenced,
    })?;
    Ok(Some(now))
}
