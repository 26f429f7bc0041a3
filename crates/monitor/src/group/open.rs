//! An alert fired: does it follow from something that is known already, or is it a cause of its own?

use kernel::attention::Attention;
use kernel::{Cx, Error, Ref, Result};

use super::{Group, GroupState, title};
use crate::check::{Check, Severity};
use crate::events::{AlertFired, Before, GroupChanged, GroupMerged, GroupOpened, mark};
use crate::labels::Labels;
use crate::limits::{BEFORE_MAX, BEFORE_MICROS, EVIDENCE_MAX, GROUP_ALERTS_MAX, MERGE_MICROS};
use crate::{ground, silence, store};

/// The name of the entry in "Needs you now".
pub(crate) const NEED: &str = "alert";
/// What follows from alerts is not what came before them.
const NO_CAUSES: &[&str] = &["monitor.alert.", "monitor.group.", "fleet.job.", "runbooks.", "desk."];

/// Puts a fired alert into the group of its cause, or opens one. `looked` says what was looked at again before.
pub(crate) fn fired(cx: &mut Cx, check: &Check, evidence: &[String], looked: &[String]) -> Result<()> {
    let ancestors = ground::below(cx.tx, check.asset)?;
    let near: Vec<i64> = check.asset.iter().chain(&ancestors).copied().collect();
    let (id, silenced) = match store::alerts::open_group_on(cx.tx, &near)? {
        Some(group) => (group, join(cx, group, check, evidence)?),
        None => open(cx, check, &ancestors, &[looked, evidence].concat())?,
    };
    let labels = routing(cx, check)?;
    cx.emit(&AlertFired {
        alert: Ref::new("alert", check.alert),
        check: check.reference(),
        asset: check.about(),
        group: Ref::new("alert_group", id),
        name: check.name.clone(),
        labels,
        place: check.place,
        severity: check.severity,
        evidence: evidence.to_vec(),
        silenced,
    })?;
    check.asset.map_or(Ok(()), |asset| take_over(cx, id, asset))
}

/// The labels of the alert of a check.
pub(super) fn routing(cx: &mut Cx, check: &Check) -> Result<Labels> {
    let briefs = assets::brief(cx.tx, check.asset.as_slice())?;
    Ok(check.routing(briefs.values().next()))
}

fn load(cx: &mut Cx, id: i64) -> Result<Group> {
    store::groups::by_id(cx.tx, id)?.ok_or_else(|| Error::internal("group-missing", id))
}

/// Adds an alert to an open group; answers whether a silence covers the alert.
fn join(cx: &mut Cx, id: i64, check: &Check, evidence: &[String]) -> Result<bool> {
    store::alerts::set_group(cx.tx, check.id, Some(id))?;
    store::groups::joined(cx.tx, id, check.id, check.asset, &check.name, cx.now)?;
    let group = load(cx, id)?;
    if check.severity > group.severity {
        store::groups::set_severity(cx.tx, id, check.severity)?;
        cx.changed(&group.reference(), "severity", group.severity.as_str(), check.severity.as_str())?;
    }
    let asset = ground::name_of(cx.tx, check.asset)?;
    let mut lines = group.evidence.clone();
    lines.extend(evidence.iter().map(|line| check.line(asset.as_deref(), line)));
    lines.truncate(EVIDENCE_MAX);
    if lines != group.evidence {
        store::groups::set_evidence(cx.tx, id, &lines)?;
    }
    let group = load(cx, id)?;
    let silenced = silence::covers_alert(cx, check, group.team)?;
    cx.emit(&GroupChanged {
        group: group.reference(),
        asset: group.about(),
        change: "joined",
        check: Some(check.reference()),
        labels: group.labels.clone(),
        place: group.place,
        team: group.team,
        severity: group.severity,
        silenced,
        detail: format!("Joined: {}", title(check, asset.as_deref())),
    })?;
    if group.silenced && !silenced {
        announce(cx, &group, true)?;
    } else if !group.silenced {
        attend(cx, &group)?;
    }
    Ok(silenced)
}

/// Opens a group; answers its number and whether a silence covers it.
fn open(cx: &mut Cx, check: &Check, ancestors: &[i64], evidence: &[String]) -> Result<(i64, bool)> {
    let asset = ground::name_of(cx.tx, check.asset)?;
    let team = match check.team.or(check.asset_team) {
        Some(team) => Some(team),
        None => people::default_team(cx.tx)?,
    };
    let silenced = silence::covers_alert(cx, check, team)?;
    let mut group = Group {
        id: 0,
        title: title(check, asset.as_deref()),
        state: GroupState::Open,
        check: check.id,
        asset: check.asset,
        severity: check.severity,
        team,
        opened_at: cx.now,
        ended_at: None,
        acknowledged_by: None,
        acknowledged_at: None,
        silenced,
        announced: !silenced,
        proven: false,
        merged_into: None,
        evidence: evidence.iter().take(EVIDENCE_MAX).cloned().collect(),
        changed_before: changed_before(cx, check.asset, ancestors)?,
        recovery: Vec::new(),
        version: 1,
        open_alerts: 1,
        labels: routing(cx, check)?,
        place: check.place,
        owner: check.owner,
    };
    group.id = store::groups::insert(cx.tx, &group)?;
    store::alerts::set_group(cx.tx, check.id, Some(group.id))?;
    store::groups::joined(cx.tx, group.id, check.id, check.asset, &check.name, cx.now)?;
    cx.changed(&group.reference(), "state", serde_json::Value::Null, group.state.as_str())?;
    let covered = if silenced { vec![check.reference()] } else { Vec::new() };
    tell(cx, &group, vec![check.reference()], covered, false)?;
    Ok((group.id, silenced))
}

/// What happened to an asset and what it stands on, shortly before; what monitoring said itself and what was done to
/// repair is left out, and so is what people wrote to the desk: not everybody who reads the group may read that.
fn changed_before(cx: &mut Cx, asset: Option<i64>, ancestors: &[i64]) -> Result<Vec<Before>> {
    let subjects: Vec<Ref> = asset.iter().chain(ancestors.iter().take(20)).map(|id| Ref::new("asset", *id)).collect();
    let events = cx.happened(&subjects, NO_CAUSES, (cx.now.plus(-BEFORE_MICROS), cx.now), BEFORE_MAX)?;
    Ok(events.into_iter().map(|event| Before { at: event.at, title: event.title }).collect())
}

/// Tells the house that a group is open, and people unless it is silenced.
fn tell(cx: &mut Cx, group: &Group, checks: Vec<Ref>, covered: Vec<Ref>, again: bool) -> Result<()> {
    cx.emit(&GroupOpened {
        group: group.reference(),
        check: Ref::new("check", group.check),
        checks,
        covered,
        asset: group.about(),
        labels: group.labels.clone(),
        place: group.place,
        team: group.team,
        severity: group.severity,
        title: group.title.clone(),
        evidence: group.evidence.clone(),
        changed_before: group.changed_before.clone(),
        silenced: group.silenced,
        again,
    })?;
    if group.silenced {
        return Ok(());
    }
    attend(cx, group)
}

/// Tells people of a group that a silence kept from them so far.
pub(crate) fn announce(cx: &mut Cx, group: &Group, again: bool) -> Result<()> {
    store::groups::announce(cx.tx, group.id)?;
    let alerts = store::alerts::open_of_group(cx.tx, group.id, GROUP_ALERTS_MAX)?;
    let references = |checks: Vec<i64>| checks.into_iter().map(|id| Ref::new("check", id)).collect();
    let covered = references(silence::covered(cx, &alerts, group.team)?);
    let checks = references(alerts.iter().map(|alert| alert.check).collect());
    tell(cx, &Group { silenced: false, announced: true, ..group.clone() }, checks, covered, again)
}

/// Puts an open group on "Needs you now", or updates it there.
pub(crate) fn attend(cx: &mut Cx, group: &Group) -> Result<()> {
    let mut why = group.evidence.last().cloned().unwrap_or_default();
    if group.open_alerts > 1 {
        why = format!("{} alerts. {why}", group.open_alerts);
    }
    if let Some(change) = group.changed_before.last() {
        why = format!("{why} Just before: {}.", change.title.trim_end_matches('.'));
    }
    let acknowledged = group.acknowledged_by.is_some();
    let weight = match (group.severity, acknowledged) {
        (Severity::Critical, false) => 800,
        (Severity::Critical, true) => 400,
        (Severity::Warning, false) => 500,
        (Severity::Warning, true) => 250,
    };
    cx.needs_attention(&Attention {
        subject: group.reference(),
        need: NEED,
        title: group.title.clone(),
        why: kernel::text::shorten(&why, 400),
        mark: mark(group.severity),
        word: if group.severity == Severity::Critical { "Down" } else { "Warning" },
        weight,
        since: group.opened_at,
        action: "Open",
        href: format!("/monitoring/groups/{}", group.id),
        team: group.team,
        user: None,
        grant: super::list::ListGroups::OPERATION,
    })
}

/// When a parent fires shortly after its children, their groups go into its group.
fn take_over(cx: &mut Cx, into: i64, asset: i64) -> Result<()> {
    let below = ground::descendants(cx.tx, asset)?;
    if below.is_empty() {
        return Ok(());
    }
    let since = cx.now.plus(-MERGE_MICROS);
    let taken: Vec<Group> =
        store::groups::open_on(cx.tx, &below, since)?.into_iter().filter(|group| group.id != into).collect();
    if taken.is_empty() {
        return Ok(());
    }
    for group in &taken {
        store::groups::merge(cx.tx, group.id, into, cx.now)?;
        cx.attention_done(&group.reference(), NEED)?;
        cx.changed(&group.reference(), "state", group.state.as_str(), GroupState::Merged.as_str())?;
        let target = load(cx, into)?;
        if group.severity > target.severity {
            store::groups::set_severity(cx.tx, into, group.severity)?;
        }
        cx.emit(&GroupMerged {
            group: group.reference(),
            into: target.reference(),
            asset: group.about(),
            detail: format!("\"{}\" follows from \"{}\"", group.title, target.title),
        })?;
    }
    let target = load(cx, into)?;
    let told = taken.iter().any(|group| group.announced);
    if target.silenced {
        // What people were told of keeps being told of, under its real cause.
        if told { announce(cx, &target, true) } else { Ok(()) }
    } else {
        attend(cx, &target)
    }
}
