//! Alerts clear and leave their group; a group is over when the cause engine says that all of it is well for long enough.

use kernel::{Cx, Ref, Result};

use super::{Group, GroupState, decide, open};
use crate::check::Check;
use crate::events::{AlertRecovered, GroupChanged, GroupRecovered};
use crate::limits::{EVIDENCE_MAX, TOLD_ALONE_MAX};
use crate::{ground, store};

/// Takes cleared alerts out of their groups. One that nobody was told of, because its group had not opened yet, is not
/// told as recovered.
pub(crate) fn cleared(cx: &mut Cx, alerts: &[(&Check, &[String])]) -> Result<()> {
    let mut groups: Vec<i64> = alerts.iter().filter_map(|(check, _)| check.group).collect();
    groups.sort_unstable();
    groups.dedup();
    for group in groups {
        let own: Vec<(&Check, &[String])> =
            alerts.iter().filter(|(check, _)| check.group == Some(group)).copied().collect();
        leave(cx, group, &own)?;
    }
    Ok(())
}

fn leave(cx: &mut Cx, id: i64, alerts: &[(&Check, &[String])]) -> Result<()> {
    let checks: Vec<i64> = alerts.iter().map(|(check, _)| check.id).collect();
    store::groups::let_go(cx.tx, id, &checks, cx.now)?;
    let assets: Vec<i64> = alerts.iter().filter_map(|(check, _)| check.asset).take(TOLD_ALONE_MAX).collect();
    let names = ground::asset_names(cx.tx, &assets)?;
    let mut lines = Vec::new();
    for (check, evidence) in alerts.iter().take(TOLD_ALONE_MAX) {
        let labels = open::routing(cx, check)?;
        cx.emit(&AlertRecovered {
            alert: Ref::new("alert", check.alert),
            check: check.reference(),
            asset: check.about(),
            group: Some(Ref::new("alert_group", id)),
            name: check.name.clone(),
            labels,
            place: check.place,
            evidence: evidence.to_vec(),
            lasted_s: check.fired_at.map_or(0, |at| cx.now.since(at) / kernel::time::SECOND),
        })?;
        let asset = check.asset.and_then(|id| names.get(&id)).map(String::as_str);
        lines.extend(evidence.iter().map(|line| check.line(asset, line)));
    }
    let Some(group) = store::groups::by_id(cx.tx, id)?.filter(|group| group.state == GroupState::Open) else {
        return Ok(());
    };
    // The newest lines prove the end best.
    let mut proof: Vec<String> = group.recovery.iter().cloned().chain(lines.iter().cloned()).collect();
    proof.drain(..proof.len().saturating_sub(EVIDENCE_MAX));
    store::groups::set_recovery(cx.tx, id, &proof)?;
    let detail = match (alerts, lines.last()) {
        ([_], Some(line)) => format!("Cleared: {line}"),
        (many, _) => format!("{} alerts cleared", many.len()),
    };
    let check = if let [(check, _)] = alerts { Some(check.reference()) } else { None };
    cx.emit(&GroupChanged {
        checks: open::references(checks),
        ..decide::changed(&group, "left", check, false, detail)
    })?;
    if group.silenced || group.open_alerts == 0 { Ok(()) } else { open::attend(cx, &group) }
}

/// An alert is no longer in a group because nobody looks any more; a group without alerts ends without proof.
pub(crate) fn left(cx: &mut Cx, id: i64, check: i64, evidence: Vec<String>) -> Result<()> {
    store::groups::let_go(cx.tx, id, &[check], cx.now)?;
    let Some(group) = store::groups::by_id(cx.tx, id)?.filter(|group| group.state == GroupState::Open) else {
        return Ok(());
    };
    if group.open_alerts == 0 {
        return end(cx, &group, evidence, false);
    }
    let detail = evidence.last().cloned().unwrap_or_else(|| "Nobody looks any more".to_owned());
    cx.emit(&decide::changed(&group, "left", Some(Ref::new("check", check)), false, detail))?;
    if group.silenced { Ok(()) } else { open::attend(cx, &group) }
}

/// All of a group is well for long enough: it is over, and those who were told of it are told.
pub(super) fn over(cx: &mut Cx, group: &Group) -> Result<()> {
    if group.state != GroupState::Open || group.open_alerts > 0 {
        return Ok(());
    }
    end(cx, group, group.recovery.clone(), true)
}

fn end(cx: &mut Cx, group: &Group, mut lines: Vec<String>, proven: bool) -> Result<()> {
    lines.truncate(EVIDENCE_MAX);
    store::groups::recover(cx.tx, group.id, &lines, proven, cx.now)?;
    cx.attention_done(&group.reference(), open::NEED)?;
    cx.changed(&group.reference(), "state", group.state.as_str(), GroupState::Recovered.as_str())?;
    let lasted_s = cx.now.since(group.open_since()) / kernel::time::SECOND;
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
