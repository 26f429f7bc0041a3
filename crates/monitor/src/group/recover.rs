//! An alert cleared: when it was the last of its group, the group has recovered.

use kernel::{Cx, Ref, Result};

use super::{GroupState, open};
use crate::check::Check;
use crate::events::{AlertRecovered, GroupChanged, GroupRecovered};
use crate::limits::EVIDENCE_MAX;
use crate::{ground, store};

/// Takes a cleared alert out of its group. One that nobody was told of, because it still waited, is not told as recovered.
pub(crate) fn cleared(cx: &mut Cx, check: &Check, evidence: &[String]) -> Result<()> {
    let Some(group) = check.group else { return Ok(()) };
    let labels = open::routing(cx, check)?;
    cx.emit(&AlertRecovered {
        alert: Ref::new("alert", check.alert),
        check: check.reference(),
        asset: check.about(),
        group: Some(Ref::new("alert_group", group)),
        name: check.name.clone(),
        labels,
        place: check.place,
        evidence: evidence.to_vec(),
        lasted_s: check.fired_at.map_or(0, |at| cx.now.since(at) / kernel::time::SECOND),
    })?;
    store::alerts::set_group(cx.tx, check.id, None)?;
    let asset = ground::name_of(cx.tx, check.asset)?;
    let lines = evidence.iter().map(|line| check.line(asset.as_deref(), line)).collect();
    left(cx, group, check.id, lines, true)
}

/// An alert is no longer in a group; a group without alerts has ended.
pub(crate) fn left(cx: &mut Cx, id: i64, check: i64, evidence: Vec<String>, proven: bool) -> Result<()> {
    store::groups::left(cx.tx, id, check, cx.now)?;
    let Some(group) = store::groups::by_id(cx.tx, id)? else { return Ok(()) };
    if group.state != GroupState::Open {
        return Ok(());
    }
    // The alert's own row is out of the group by now, so what is counted is the rest.
    if group.open_alerts > 0 {
        cx.emit(&GroupChanged {
            group: group.reference(),
            asset: group.about(),
            change: "left",
            check: Some(Ref::new("check", check)),
            labels: group.labels.clone(),
            place: group.place,
            team: group.team,
            severity: group.severity,
            silenced: false,
            detail: evidence.last().map_or_else(|| "An alert cleared".to_owned(), |line| format!("Cleared: {line}")),
        })?;
        return if group.silenced { Ok(()) } else { open::attend(cx, &group) };
    }
    let mut lines = evidence;
    lines.truncate(EVIDENCE_MAX);
    store::groups::recover(cx.tx, id, &lines, proven, cx.now)?;
    cx.attention_done(&group.reference(), open::NEED)?;
    cx.changed(&group.reference(), "state", group.state.as_str(), GroupState::Recovered.as_str())?;
    let lasted_s = cx.now.since(group.opened_at) / kernel::time::SECOND;
    cx.emit(&GroupRecovered {
        group: group.reference(),
        check: Ref::new("check", group.check),
        asset: group.about(),
        labels: group.labels.clone(),
        place: group.place,
        team: group.team,
        title: group.title.clone(),
        evidence: lines,
        lasted_s,
        proven,
        announced: group.announced,
    })
}
