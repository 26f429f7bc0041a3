//! A group that was over is back within a quarter of an hour: it is the same group, and whoever was told of it hears so, by the
//! alerts that are back.

use kernel::{Cx, Result};

use super::{Group, GroupState, bare, open, own};
use crate::check::Check;
use crate::events::GroupReopened;
use crate::limits::{EVIDENCE_MAX, GROUP_ALERTS_MAX};
use crate::shade::Shade;
use crate::{ground, store};

/// Opens a group that is over again, for the alerts of checks with what was seen; answers how it is now, or nothing when it
/// was not over. Nobody is on it yet, and whether people are told is decided anew.
pub(super) fn reopen(cx: &mut Cx, group: &Group, members: &[(i64, String)], shade: &Shade) -> Result<Option<Group>> {
    if group.state != GroupState::Recovered {
        return Ok(None);
    }
    let seen = seen(cx, members)?;
    let rows = seen.iter().filter(|(check, _)| shade.covers_in(&group.within(), &check.facing()));
    let covered: Vec<i64> = rows.map(|(check, _)| check.id).collect();
    let silenced = covered.len() == seen.len();
    let said: Vec<(i64, &str)> = seen.iter().map(|(check, text)| (check.id, text.as_str())).collect();
    let led = bare::led(cx, group, &said, &covered)?;
    let Some((check, _)) = seen.iter().find(|(check, _)| check.id == led.check).or_else(|| seen.first()) else {
        return Ok(None);
    };
    let lines = lines(cx, &seen)?;
    // What was seen at first stays, as far as there is room beside what is seen now, unless what it was seen of is well.
    let room = EVIDENCE_MAX / 2;
    let (mut evidence, mut severity) = (Vec::new(), group.severity);
    if led.check == group.check {
        evidence.extend(group.evidence.iter().take(room).cloned());
    } else {
        let checks: Vec<i64> = seen.iter().map(|(check, _)| check.id).collect();
        severity = open::severity_without(cx, &checks, &covered)?;
        store::groups::set_severity(cx.tx, group.id, severity)?;
    }
    evidence.extend(lines.iter().take(room).cloned());
    let now = Group {
        severity,
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
        changed_before: open::changed_before(cx, led.asset)?,
        recovery: Vec::new(),
        ..led
    };
    store::groups::reopen(cx.tx, &now)?;
    cx.changed(&group.reference(), "state", group.state.as_str(), now.state.as_str())?;
    if let Some(by) = &group.acknowledged_by {
        cx.changed(&group.reference(), "acknowledged_by", by, serde_json::Value::Null)?;
    }
    let own = own::own(cx, &now, &seen, shade)?;
    cx.emit(&GroupReopened {
        group: now.reference(),
        check: check.reference(),
        check_asset: check.about(),
        checks: open::references(seen.iter().map(|(check, _)| check.id)),
        own,
        covered: open::references(covered),
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

/// The first of these checks with what was seen; one that is gone is left out.
fn seen(cx: &mut Cx, members: &[(i64, String)]) -> Result<Vec<(Check, String)>> {
    let first = members.get(..usize::try_from(GROUP_ALERTS_MAX).unwrap_or(200)).unwrap_or(members);
    let rows = store::checks::by_id(cx.tx, &first.iter().map(|(check, _)| *check).collect::<Vec<i64>>())?;
    let of = |(id, text): &(i64, String)| Some((rows.iter().find(|check| check.id == *id)?.clone(), text.clone()));
    Ok(first.iter().filter_map(of).collect())
}

fn lines(cx: &mut Cx, seen: &[(Check, String)]) -> Result<Vec<String>> {
    let names = ground::asset_names(cx.tx, &seen.iter().filter_map(|(check, _)| check.asset).collect::<Vec<i64>>())?;
    let of = |(check, text): &(Check, String)| {
        let asset = check.asset.and_then(|id| names.get(&id)).map(String::as_str);
        text.lines().map(|line| check.line(asset, line)).collect::<Vec<String>>()
    };
    Ok(seen.iter().flat_map(of).take(EVIDENCE_MAX).collect())
}
