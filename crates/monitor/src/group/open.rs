//! A group opens: who is told, with what was seen, what may be the cause, and what changed just before.

use std::collections::{BTreeMap, BTreeSet};

use causes::{Again, Cause, Cluster, Member};
use kernel::attention::Attention;
use kernel::{Cx, Ref, Result};

use super::bare::{self, BareBy};
use super::judgement::{self, Judgement};
use super::{Group, GroupState, own, title};
use crate::alert::Alert;
use crate::causal::{asset_of, checks_of};
use crate::check::{Check, Severity};
use crate::events::{AlertFired, Before, GroupOpened, Own, mark};
use crate::labels::Labels;
use crate::limits::{BEFORE_MAX, BEFORE_MICROS, EVIDENCE_MAX, GROUP_ALERTS_MAX, TOLD_ALONE_MAX};
use crate::shade::{Shade, Within};
use crate::{ground, silence, store};

/// The name of the entry in "Needs you now".
pub(crate) const NEED: &str = "alert";
/// What follows from alerts is not what came before them.
const NO_CAUSES: &[&str] =
    &["monitor.alert.", "monitor.group.", "monitor.maintenance.", "fleet.job.", "runbooks.", "desk."];

/// What is known of a new group's alerts.
struct Scene {
    /// The first alerts with what was seen; the first of them leads: at the cause if one is, else the earliest.
    seen: Vec<(Check, String)>,
    /// All of its checks.
    checks: Vec<i64>,
    judgement: Judgement,
    /// The asset that is the cause.
    cause: Option<i64>,
    severity: Severity,
}

impl Scene {
    /// The first alert that nothing covers leads, when the one that does is covered; answers whether that is another one.
    fn leads_with_bare(&mut self, covered: &[i64]) -> bool {
        let bare = self.seen.iter().position(|(check, _)| !covered.contains(&check.id));
        let Some(nth) = bare.filter(|nth| *nth > 0) else { return false };
        if let Some(lead) = self.seen.get_mut(..=nth) {
            lead.rotate_right(1);
        }
        true
    }
}

/// Opens a group of alerts with one cause; answers its number, or nothing when all of its checks are gone.
pub(crate) fn open(
    cx: &mut Cx,
    cluster: &Cluster,
    members: &[Member],
    again: &[Again],
    shade: &Shade,
) -> Result<Option<i64>> {
    let Some(mut scene) = scene(cx, cluster, members, again)? else { return Ok(None) };
    let Some((mut group, mut covered)) = made(cx, &scene, shade)? else { return Ok(None) };
    if scene.leads_with_bare(&covered) {
        let Some(now) = made(cx, &scene, shade)? else { return Ok(None) };
        (group, covered) = now;
    }
    let asset = scene.seen.first().and_then(|(lead, _)| lead.about());
    let most = usize::try_from(GROUP_ALERTS_MAX).unwrap_or(200);
    group.id = store::groups::insert(cx.tx, &group)?;
    store::groups::take(cx.tx, group.id, &scene.checks, cx.now)?;
    store::groups::set_covered(cx.tx, group.id, &covered, true)?;
    if !covered.is_empty() {
        // Those that were not looked at are when silences are.
        let seen: BTreeSet<i64> = scene.seen.iter().map(|(check, _)| check.id).collect();
        let others: Vec<i64> = scene.checks.iter().copied().filter(|check| !seen.contains(check)).collect();
        store::groups::set_covered(cx.tx, group.id, &others, true)?;
    }
    cx.changed(&group.reference(), "state", serde_json::Value::Null, group.state.as_str())?;
    let own = own::own(cx, &group, &scene.seen, shade)?;
    tell(
        cx,
        &group,
        Alerts {
            asset,
            checks: references(scene.seen.iter().map(|(check, _)| check.id).take(most)),
            covered: references(covered),
            own,
        },
        None,
    )?;
    for (check, text) in scene.seen.iter().take(TOLD_ALONE_MAX) {
        fired(cx, &group, check, text, shade)?;
    }
    Ok(Some(group.id))
}

/// The group that alerts open, and those of its first alerts that something covers.
fn made(cx: &mut Cx, scene: &Scene, shade: &Shade) -> Result<Option<(Group, Vec<i64>)>> {
    let Some((lead, _)) = scene.seen.first() else { return Ok(None) };
    let briefs = assets::brief(cx.tx, &[lead.asset, scene.cause].into_iter().flatten().collect::<Vec<i64>>())?;
    let at_cause = scene.cause.is_none() || lead.asset == scene.cause;
    let cause = scene.cause.and_then(|id| briefs.get(&id));
    let own = if at_cause { lead.team.or(lead.asset_team) } else { cause.and_then(|brief| brief.team) };
    let team = match own.or(lead.team).or(lead.asset_team) {
        Some(team) => Some(team),
        None => people::default_team(cx.tx)?,
    };
    let within = Within::of(&scene.judgement, team);
    let rows = scene.seen.iter().filter(|(check, _)| shade.covers_in(&within, &check.facing()));
    let covered: Vec<i64> = rows.map(|(check, _)| check.id).collect();
    let silenced = covered.len() == scene.seen.len();
    let severity = match silenced || covered.is_empty() {
        true => scene.severity,
        false => severity_without(cx, &scene.checks, &covered)?,
    };
    let asset = scene.cause.or(lead.asset);
    let named = lead.asset.and_then(|id| briefs.get(&id)).map(|brief| brief.name.as_str());
    let (title, alert_at) = name(scene, lead, at_cause, named);
    let group = Group {
        id: 0,
        title,
        alert_at,
        state: GroupState::Open,
        check: lead.id,
        asset,
        severity,
        team,
        opened_at: cx.now,
        ended_at: None,
        reopened_at: None,
        reopened: 0,
        acknowledged_by: None,
        acknowledged_at: None,
        silenced,
        announced: !silenced,
        proven: false,
        merged_into: None,
        evidence: evidence(cx, &scene.seen)?,
        changed_before: changed_before(cx, asset)?,
        recovery: Vec::new(),
        version: 1,
        open_alerts: i64::try_from(scene.checks.len()).unwrap_or(i64::MAX),
        labels: lead.routing(lead.asset.and_then(|id| briefs.get(&id))),
        judgement: scene.judgement.clone(),
        place: if at_cause { lead.place } else { cause.and_then(|brief| brief.place) },
        owner: if at_cause { lead.owner } else { cause.and_then(|brief| brief.owner) },
    };
    Ok(Some((group, covered)))
}

/// The most that those of these checks matter which nothing covers: what is covered wakes nobody.
pub(super) fn severity_without(cx: &mut Cx, checks: &[i64], covered: &[i64]) -> Result<Severity> {
    let covered: BTreeSet<&i64> = covered.iter().collect();
    let loud: Vec<i64> = checks.iter().copied().filter(|check| !covered.contains(check)).collect();
    store::checks::severity(cx.tx, &loud)
}

fn scene(cx: &mut Cx, cluster: &Cluster, members: &[Member], again: &[Again]) -> Result<Option<Scene>> {
    let judgement = Judgement { again: looked_again(cx, again)?, ..judgement(cx, cluster)? };
    let cause = judgement.cause().and_then(|suspect| suspect.asset);
    let at_cause = |member: &Member| cause.is_some() && asset_of(member.thing) == cause;
    let mut order: Vec<&Member> = members.iter().filter(|member| member.gone_ms.is_none()).collect();
    order.sort_by_key(|member| (!at_cause(member), member.since_ms, member.key));
    let checks = checks_of(members);
    let number = |member: &Member| i64::try_from(member.key).unwrap_or_default();
    let numbers: Vec<i64> = order.iter().map(|member| number(member)).collect();
    let rows = own::looked_at(cx, &numbers)?.into_iter();
    let mut rows: BTreeMap<i64, Check> = rows.map(|check| (check.id, check)).collect();
    let of = |member: &Member| Some((rows.remove(&number(member))?, member.evidence.clone()));
    let seen: Vec<(Check, String)> = order.into_iter().filter_map(of).collect();
    if seen.is_empty() {
        return Ok(None);
    }
    let severity = store::checks::severity(cx.tx, &checks)?;
    Ok(Some(Scene { seen, checks, judgement, cause, severity }))
}

/// What was looked at again before the group opened, in plain words.
fn looked_again(cx: &mut Cx, again: &[Again]) -> Result<Vec<String>> {
    let numbers: Vec<i64> = again.iter().filter_map(|one| i64::try_from(one.key).ok()).collect();
    let checks = store::checks::by_id(cx.tx, &numbers)?;
    let assets: Vec<i64> = checks.iter().filter_map(|check| check.asset).collect();
    let names = ground::asset_names(cx.tx, &assets)?;
    Ok(judgement::looked_again(again, |key| {
        let check = checks.iter().find(|check| u64::try_from(check.id) == Ok(key));
        let asset = check.and_then(|check| check.asset).and_then(|id| names.get(&id));
        match (check, asset) {
            (Some(check), Some(asset)) => format!("{} on {asset}", check.name),
            (Some(check), None) => check.name.clone(),
            (None, _) => format!("check {key}, which is gone"),
        }
    }))
}

/// What may be the cause, with the names that things have now.
pub(super) fn judgement(cx: &mut Cx, cluster: &Cluster) -> Result<Judgement> {
    let things = cluster.candidates.iter().filter_map(|one| match &one.cause {
        Cause::Thing { thing, .. } => asset_of(*thing),
        Cause::Vantage { thing, .. } => thing.and_then(asset_of),
        Cause::Change { .. } => None,
    });
    let names = ground::asset_names(cx.tx, &things.collect::<Vec<i64>>())?;
    let name = |thing: u64| asset_of(thing).and_then(|id| names.get(&id).cloned());
    Ok(Judgement::of(cluster, |thing| name(thing).unwrap_or_else(|| "what it is about".to_owned())))
}

/// What a group is called: by its alert, by its cause, or by what is known; and where in it the alert's own words begin, if it
/// is called by those. Without a count: more alerts join.
fn name(scene: &Scene, lead: &Check, at_cause: bool, asset: Option<&str>) -> (String, Option<usize>) {
    let many = scene.checks.len();
    let (front, own) = match scene.judgement.candidates.first() {
        Some(suspect) if suspect.kind == "monitor" && scene.judgement.undetermined.is_none() => {
            let mut words = suspect.what.clone();
            if let Some(first) = words.get(..1).map(str::to_uppercase) {
                words.replace_range(..1, &first);
            }
            (format!("{words}: checks fail at once"), false)
        }
        Some(suspect) if !at_cause && many == 1 => (format!("{}; ", suspect.what), true),
        Some(suspect) if !at_cause => (suspect.what.clone(), false),
        _ if scene.judgement.undetermined.is_some() && many > 1 => {
            ("Several alerts at the same time, cause not known: ".to_owned(), true)
        }
        _ => (String::new(), true),
    };
    let text = if own { format!("{front}{}", title(lead, asset)) } else { front.clone() };
    (kernel::text::shorten(&text, 200), own.then_some(front.len()))
}

fn evidence(cx: &mut Cx, seen: &[(Check, String)]) -> Result<Vec<String>> {
    let (lead, others) = (seen.first(), seen.iter().skip(1));
    let assets: Vec<i64> = others.clone().filter_map(|(check, _)| check.asset).take(EVIDENCE_MAX).collect();
    let names = ground::asset_names(cx.tx, &assets)?;
    let mut lines: Vec<String> = lead.iter().flat_map(|(_, text)| text.lines()).map(str::to_owned).collect();
    for (check, text) in others.take(EVIDENCE_MAX) {
        let asset = check.asset.and_then(|id| names.get(&id));
        lines.extend(text.lines().map(|line| check.line(asset.map(String::as_str), line)));
    }
    lines.truncate(EVIDENCE_MAX);
    Ok(lines)
}

pub(super) fn references(checks: impl IntoIterator<Item = i64>) -> Vec<Ref> {
    checks.into_iter().map(|id| Ref::new("check", id)).collect()
}

/// Tells that the alert of a check is out, now that its group is known.
pub(super) fn fired(cx: &mut Cx, group: &Group, check: &Check, text: &str, shade: &Shade) -> Result<()> {
    let labels = routing(cx, check)?;
    cx.touch(Ref::new("alert", check.alert));
    cx.emit(&AlertFired {
        alert: Ref::new("alert", check.alert),
        check: check.reference(),
        asset: check.about(),
        group: group.reference(),
        name: check.name.clone(),
        labels,
        place: check.place,
        severity: check.severity,
        evidence: text.lines().map(str::to_owned).collect(),
        silenced: shade.covers_in(&group.within(), &check.facing()),
    })
}

/// The labels of the alert of a check.
pub(super) fn routing(cx: &mut Cx, check: &Check) -> Result<Labels> {
    let briefs = assets::brief(cx.tx, check.asset.as_slice())?;
    Ok(check.routing(briefs.values().next()))
}

/// What happened to an asset and what it stands on, shortly before; what monitoring said itself and what was done to
/// repair is left out, and so is what people wrote to the desk: not everybody who reads the group may read that.
pub(super) fn changed_before(cx: &mut Cx, asset: Option<i64>) -> Result<Vec<Before>> {
    let ancestors = ground::below(cx.tx, asset)?;
    let subjects: Vec<Ref> = asset.iter().chain(ancestors.iter().take(20)).map(|id| Ref::new("asset", *id)).collect();
    let events = cx.happened(&subjects, NO_CAUSES, (cx.now.plus(-BEFORE_MICROS), cx.now), BEFORE_MAX)?;
    Ok(events.into_iter().map(|event| Before { at: event.at, title: event.title }).collect())
}

/// What is told of a group's alerts.
struct Alerts {
    /// The asset of the one that leads.
    asset: Option<Ref>,
    checks: Vec<Ref>,
    covered: Vec<Ref>,
    own: Vec<Own>,
}

/// Tells the house that a group is open, and people unless it is silenced.
fn tell(cx: &mut Cx, group: &Group, alerts: Alerts, bare_by: Option<BareBy>) -> Result<()> {
    cx.emit(&GroupOpened {
        group: group.reference(),
        check: Ref::new("check", group.check),
        check_asset: alerts.asset,
        checks: alerts.checks,
        covered: alerts.covered,
        asset: group.about(),
        labels: group.labels.clone(),
        place: group.place,
        team: group.team,
        severity: group.severity,
        title: group.title.clone(),
        cause: group.judgement.cause().map(|suspect| suspect.what.clone()),
        evidence: group.evidence.clone(),
        changed_before: group.changed_before.clone(),
        own: alerts.own,
        silenced: group.silenced,
        again: bare_by.is_some(),
        bare_by: bare_by.map_or("", BareBy::as_str),
        open_since: group.open_since(),
    })?;
    if group.silenced {
        return Ok(());
    }
    attend(cx, group)
}

/// Tells people of a group that a silence kept from them so far.
pub(crate) fn announce(cx: &mut Cx, group: &Group, bare_by: BareBy, shade: &Shade) -> Result<()> {
    store::groups::announce(cx.tx, group.id)?;
    let mut alerts = store::alerts::open_of_group(cx.tx, group.id, GROUP_ALERTS_MAX)?;
    let mut covered = silence::covered(shade, &alerts, &group.within());
    if covered.len() == alerts.len() {
        // The one that nothing covers is none of the first.
        let bare = |alert: &Alert| !shade.covers_in(&group.within(), &alert.facing());
        alerts.extend(store::alerts::open_in(cx.tx, &[group.id])?.into_iter().find(bare));
        covered = silence::covered(shade, &alerts, &group.within());
    }
    let bare: Vec<i64> = alerts.iter().map(|alert| alert.check).filter(|check| !covered.contains(check)).collect();
    store::groups::set_covered(cx.tx, group.id, &covered, true)?;
    store::groups::set_covered(cx.tx, group.id, &bare, false)?;
    let said: Vec<(i64, &str)> = alerts.iter().map(|alert| (alert.check, alert.evidence.as_str())).collect();
    let led = bare::led(cx, group, &said, &covered)?;
    let mut severity = severity_without(cx, &bare, &covered)?;
    if i64::try_from(alerts.len()).is_ok_and(|count| count >= GROUP_ALERTS_MAX) {
        // The others may matter more.
        severity = severity.max(group.severity);
    }
    if severity != group.severity {
        store::groups::set_severity(cx.tx, group.id, severity)?;
        cx.changed(&group.reference(), "severity", group.severity.as_str(), severity.as_str())?;
    }
    let group = Group { severity, ..led };
    let asset = alerts.iter().find(|alert| alert.check == group.check).and_then(|alert| alert.asset);
    let ids: Vec<i64> = alerts.iter().map(|alert| alert.check).collect();
    let rows = store::checks::by_id(cx.tx, &ids)?;
    let seen: Vec<(Check, String)> = rows.into_iter().map(|check| (check.clone(), check.evidence)).collect();
    let told = Alerts {
        asset: asset.map(|id| Ref::new("asset", id)),
        own: own::own(cx, &group, &seen, shade)?,
        checks: references(ids),
        covered: references(covered),
    };
    tell(cx, &Group { silenced: false, announced: true, ..group }, told, Some(bare_by))
}

/// Puts an open group on "Needs you now", or updates it there.
pub(crate) fn attend(cx: &mut Cx, group: &Group) -> Result<()> {
    let mut why = group.evidence.last().cloned().unwrap_or_default();
    if group.open_alerts > 1 {
        why = format!("{} alerts. {why}", group.open_alerts);
    }
    if let Some(change) = group.changed_before.last() {
        why = format!("{}. Just before: {}.", why.trim_end_matches('.'), change.title.trim_end_matches('.'));
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
        since: group.open_since(),
        action: "Open",
        href: format!("/monitoring/groups/{}", group.id),
        team: group.team,
        user: None,
        grant: super::list::ListGroups::OPERATION,
    })
}
