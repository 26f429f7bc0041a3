//! Writing what the cause engine decided: groups open, grow, are judged anew, become one, end and come back.

use std::collections::{BTreeMap, BTreeSet};

use causes::{Cluster, Decision, Member};
use kernel::{Cx, Ref, Result};

use super::bare::BareBy;
use super::judgement::Judgement;
use super::{Group, GroupState, open, own, recover, title};
use crate::causal::{Applied, Decided};
use crate::check::Check;
use crate::events::{GroupChanged, GroupMerged};
use crate::limits::{EVIDENCE_MAX, GROUP_ALERTS_MAX, TOLD_ALONE_MAX};
use crate::machine::State;
use crate::shade::Shade;
use crate::{ground, store};

/// Writes decisions in their order; answers which of our groups the engine's are, and which of its groups are over with
/// us: what would join those belongs to a group of its own.
pub(crate) fn apply(cx: &mut Cx, decisions: &[Decided], known: &BTreeMap<u64, i64>) -> Result<Applied> {
    // What is in force is read once for all of them.
    let shade = Shade::load(cx.tx, cx.now)?;
    let mut writing = Writing { ids: known.clone(), missed: BTreeMap::new(), shade };
    let mut rest = decisions;
    while let Some((first, others)) = rest.split_first() {
        rest = others;
        match first {
            Decided::Back { group, check, text } => writing.join(cx, *group, vec![(*check, text.clone())])?,
            Decided::Engine(decision @ (Decision::Join { group, member } | Decision::Reopen { group, member })) => {
                let mut members = vec![told(member)];
                while let Some((Decided::Engine(Decision::Join { group: next, member }), others)) = rest.split_first()
                    && next == group
                {
                    members.push(told(member));
                    rest = others;
                }
                match decision {
                    Decision::Reopen { .. } => writing.reopen(cx, *group, members)?,
                    _ => writing.join(cx, *group, members)?,
                }
            }
            Decided::Engine(decision) => writing.write(cx, decision)?,
        }
    }
    let checks = |members: Vec<Told>| members.into_iter().map(|(check, _)| check).collect();
    let over = writing.missed.into_iter().map(|(group, members)| (group, checks(members))).collect();
    Ok(Applied { ids: writing.ids, over })
}

/// The check of an alert, and what was seen.
type Told = (i64, String);

/// Decisions while they are written.
struct Writing {
    /// Our number of each of the engine's groups.
    ids: BTreeMap<u64, i64>,
    /// What could not join groups that are over with us.
    missed: BTreeMap<u64, Vec<Told>>,
    shade: Shade,
}

impl Writing {
    fn join(&mut self, cx: &mut Cx, group: u64, members: Vec<Told>) -> Result<()> {
        if !with(cx, &self.ids, group, |cx, ours| join(cx, &ours, &members, &self.shade, true))? {
            self.missed.entry(group).or_default().extend(members);
        }
        Ok(())
    }

    fn reopen(&mut self, cx: &mut Cx, group: u64, members: Vec<Told>) -> Result<()> {
        if !with(cx, &self.ids, group, |cx, ours| reopen(cx, &ours, &members, &self.shade))? {
            self.missed.entry(group).or_default().extend(members);
        }
        Ok(())
    }

    fn write(&mut self, cx: &mut Cx, decision: &Decision) -> Result<()> {
        match decision {
            Decision::Open { group, cluster, members, again } => {
                if let Some(id) = open::open(cx, cluster, members, again, &self.shade)? {
                    self.ids.insert(*group, id);
                }
            }
            Decision::Rerank { group, cluster } => {
                with(cx, &self.ids, *group, |cx, ours| rerank(cx, &ours, cluster, &self.shade).map(|()| true))?;
            }
            Decision::Merge { from, into } => self.merge(cx, *from, *into)?,
            Decision::Recover { group, .. } => {
                with(cx, &self.ids, *group, |cx, ours| recover::over(cx, &ours).map(|()| true))?;
            }
            Decision::Join { .. }
            | Decision::Reopen { .. }
            | Decision::Recheck { .. }
            | Decision::Page { .. }
            | Decision::Suspend { .. } => {}
        }
        Ok(())
    }

    /// Two of the engine's groups are one. When ours of the group that was to go on is over, or was never written, the
    /// other one goes on as it, also with what could not join before.
    fn merge(&mut self, cx: &mut Cx, from: u64, into: u64) -> Result<()> {
        let mut stranded = self.missed.remove(&from).unwrap_or_default();
        if let Some(ours) = self.ids.remove(&from) {
            let joined = match self.ids.get(&into).copied() {
                Some(target) => merge(cx, ours, target, &self.shade)?,
                None => false,
            };
            if !joined {
                self.ids.insert(into, ours);
                stranded.extend(self.missed.remove(&into).unwrap_or_default());
            }
        }
        if stranded.is_empty() { Ok(()) } else { self.join(cx, into, stranded) }
    }
}

/// Does something with a group; false when it is not there (any more).
fn with(
    cx: &mut Cx,
    ids: &BTreeMap<u64, i64>,
    group: u64,
    work: impl FnOnce(&mut Cx, Group) -> Result<bool>,
) -> Result<bool> {
    let Some(id) = ids.get(&group) else { return Ok(false) };
    match store::groups::by_id(cx.tx, *id)? {
        Some(found) => work(cx, found),
        None => Ok(false),
    }
}

/// The check of a member, and what was seen.
fn told(member: &Member) -> Told {
    (i64::try_from(member.key).unwrap_or_default(), member.evidence.clone())
}

/// Alerts join an open group: they are recorded, and people are not told again, unless they are told for themselves and that is
/// wanted. False when it is over.
fn join(cx: &mut Cx, group: &Group, members: &[Told], shade: &Shade, tells: bool) -> Result<bool> {
    if group.state != GroupState::Open {
        return Ok(false);
    }
    let checks: Vec<i64> = members.iter().map(|(check, _)| *check).collect();
    store::groups::take(cx.tx, group.id, &checks, cx.now)?;
    let shown: Vec<i64> = checks.iter().copied().take(usize::try_from(GROUP_ALERTS_MAX).unwrap_or(200)).collect();
    let rows = own::looked_at(cx, &checks)?;
    let is_covered = |check: &&Check| shade.covers_in(&group.within(), &check.facing());
    let covered: Vec<i64> = rows.iter().filter(is_covered).map(|check| check.id).collect();
    let mut severity = group.severity;
    if group.silenced || covered.len() < checks.len() {
        severity = open::severity_without(cx, &checks, if group.silenced { &[] } else { &covered })?.max(severity);
    }
    if severity > group.severity {
        store::groups::set_severity(cx.tx, group.id, severity)?;
        cx.changed(&group.reference(), "severity", group.severity.as_str(), severity.as_str())?;
    }
    let risen = Group { severity, ..group.clone() };
    let names = ground::asset_names(cx.tx, &rows.iter().filter_map(|check| check.asset).collect::<Vec<i64>>())?;
    let seen = |check: i64| members.iter().find(|(one, _)| *one == check).map(|(_, text)| text);
    let mut lines = group.evidence.clone();
    // When many join at once, the first alerts of a group are told alone, and the others with it.
    let room = TOLD_ALONE_MAX.saturating_sub(usize::try_from(group.open_alerts).unwrap_or(0));
    let alone = if rows.len() > TOLD_ALONE_MAX { room } else { rows.len() };
    for (nth, check) in rows.iter().enumerate() {
        let text = seen(check.id).cloned().unwrap_or_default();
        let asset = check.asset.and_then(|id| names.get(&id)).map(String::as_str);
        lines.extend(text.lines().map(|line| check.line(asset, line)));
        if rows.len() <= TOLD_ALONE_MAX {
            let detail = format!("Joined: {}", title(check, asset));
            let apart = own::apart(cx, &risen, &[(check.clone(), text.clone())], shade)?;
            let joined = changed(&risen, "joined", Some(check.reference()), covered.contains(&check.id), detail);
            let rest = apart.rest();
            cx.emit(&GroupChanged { rest, own: if tells { apart.own } else { Vec::new() }, ..joined })?;
        }
        if nth < alone {
            open::fired(cx, group, check, &text, shade)?;
        }
    }
    cover(cx, group, (&checks, &rows), &covered)?;
    let bare = covered.len() < rows.len();
    if rows.len() > TOLD_ALONE_MAX {
        let detail = format!("{} alerts joined", checks.len());
        let with = |check: &Check| (check.clone(), seen(check.id).cloned().unwrap_or_default());
        let mut apart = own::apart(cx, &risen, &rows.iter().map(with).collect::<Vec<_>>(), shade)?;
        if severity > group.severity {
            apart.rises(severity);
        }
        let joined = changed(&risen, "joined", None, !bare, detail);
        let (checks, rest) = (open::references(shown), apart.rest());
        cx.emit(&GroupChanged { checks, rest, own: if tells { apart.own } else { Vec::new() }, ..joined })?;
    }
    lines.truncate(EVIDENCE_MAX);
    if lines != group.evidence {
        store::groups::set_evidence(cx.tx, group.id, &lines)?;
    }
    for check in rows.iter().filter(|check| check.state == State::Flapping).take(TOLD_ALONE_MAX) {
        let text = seen(check.id).and_then(|text| text.lines().next_back()).unwrap_or_default();
        super::flaps::told(cx, check, true, text)?;
    }
    let open_alerts = group.open_alerts.saturating_add(i64::try_from(checks.len()).unwrap_or(0));
    let now = Group { evidence: lines, open_alerts, ..risen };
    match (group.silenced, bare) {
        (true, true) => open::announce(cx, &now, BareBy::Joined, shade),
        (true, false) => Ok(()),
        (false, _) => open::attend(cx, &now),
    }?;
    Ok(true)
}

/// Says which of the alerts that joined are covered: of those that were looked at the covered ones. Those that were not are
/// covered when any is, and are looked at when silences are.
fn cover(cx: &mut Cx, group: &Group, (all, looked_at): (&[i64], &[Check]), covered: &[i64]) -> Result<()> {
    store::groups::set_covered(cx.tx, group.id, covered, true)?;
    if !covered.is_empty() && looked_at.len() < all.len() {
        let seen: BTreeSet<i64> = looked_at.iter().map(|check| check.id).collect();
        let others: Vec<i64> = all.iter().copied().filter(|check| !seen.contains(check)).collect();
        store::groups::set_covered(cx.tx, group.id, &others, true)?;
    }
    Ok(())
}

pub(super) fn changed(
    group: &Group,
    change: &'static str,
    check: Option<Ref>,
    silenced: bool,
    detail: String,
) -> GroupChanged {
    GroupChanged {
        group: group.reference(),
        asset: group.about(),
        change,
        by: String::new(),
        check,
        checks: Vec::new(),
        own: Vec::new(),
        rest: "",
        labels: group.labels.clone(),
        place: group.place,
        team: group.team,
        severity: group.severity,
        silenced,
        open_since: group.open_since(),
        detail,
    }
}

/// What was over is there again within its time of rest: the same group goes on.
fn reopen(cx: &mut Cx, group: &Group, members: &[Told], shade: &Shade) -> Result<bool> {
    match super::reopen::reopen(cx, group, members, shade)? {
        // Those that are told for themselves are so with it.
        Some(open) => join(cx, &open, members, shade, false),
        None => join(cx, group, members, shade, true),
    }
}

/// The judgement of an open group changed: the group stays, with what is now the likeliest cause.
fn rerank(cx: &mut Cx, group: &Group, cluster: &Cluster, shade: &Shade) -> Result<()> {
    if group.state != GroupState::Open {
        return Ok(());
    }
    let judgement = Judgement { again: group.judgement.again.clone(), ..open::judgement(cx, cluster)? };
    store::groups::set_judgement(cx.tx, group.id, &judgement)?;
    cx.touch(group.reference());
    let cause = |one: &Judgement| one.cause().map(|one| (one.asset, one.what.clone()));
    let (before, after) = (cause(&group.judgement), cause(&judgement));
    if before == after {
        return Ok(());
    }
    let mut now = Group { judgement, ..group.clone() };
    // What followed from the cause before is told to its own people when it no longer does.
    let followed = |check: &Check| group.within().explains(check.asset);
    let apart = own::of_open(cx, group.id, &now, shade, followed)?;
    own::told(cx, group.id, &apart)?;
    let own = apart.own;
    let Some((asset, what)) = after else {
        let detail = "The cause cannot be determined any more".to_owned();
        return cx.emit(&GroupChanged { own, ..changed(&now, "cause", None, group.silenced, detail) });
    };
    if let Some(cause) = asset.filter(|asset| Some(*asset) != group.asset) {
        let lead = store::alerts::first_on(cx.tx, group.id, cause)?;
        let brief = assets::brief(cx.tx, &[cause])?.remove(&cause);
        now.asset = Some(cause);
        now.place = brief.as_ref().and_then(|brief| brief.place);
        now.owner = brief.as_ref().and_then(|brief| brief.owner);
        let check = store::checks::by_id(cx.tx, &lead.into_iter().collect::<Vec<i64>>())?.into_iter().next();
        (now.title, now.alert_at) = match &check {
            Some(check) => (title(check, brief.as_ref().map(|brief| brief.name.as_str())), Some(0)),
            None => (kernel::text::shorten(&what, 200), None),
        };
        now.check = check.map_or(group.check, |check| check.id);
        now.changed_before = open::changed_before(cx, Some(cause))?;
        store::groups::set_cause(cx.tx, &now)?;
        cx.changed(&group.reference(), "title", &group.title, &now.title)?;
    }
    let detail = format!("The likely cause is now that {what}");
    cx.emit(&GroupChanged { own, ..changed(&now, "cause", None, group.silenced, detail) })?;
    if now.silenced { Ok(()) } else { open::attend(cx, &now) }
}

/// A group turned out to have the cause of another: its alerts go into that one. False when that one is over and
/// this one is not.
fn merge(cx: &mut Cx, from: i64, into: i64, shade: &Shade) -> Result<bool> {
    let (Some(group), Some(target)) = (store::groups::by_id(cx.tx, from)?, store::groups::by_id(cx.tx, into)?) else {
        return Ok(true);
    };
    if group.state != GroupState::Open || target.state != GroupState::Open {
        return Ok(group.state != GroupState::Open);
    }
    // Whom it called is called on, when its alerts do not merely follow from the other's cause.
    let mut apart = match target.silenced {
        true => own::Apart::default(),
        false => own::of_open(cx, from, &target, shade, |_| true)?,
    };
    store::groups::merge(cx.tx, from, into, cx.now)?;
    cx.attention_done(&group.reference(), open::NEED)?;
    cx.changed(&group.reference(), "state", group.state.as_str(), GroupState::Merged.as_str())?;
    let severity = group.severity.max(target.severity);
    if severity > target.severity {
        store::groups::set_severity(cx.tx, into, severity)?;
    }
    cx.emit(&GroupMerged {
        group: group.reference(),
        into: target.reference(),
        asset: group.about(),
        detail: format!("\"{}\" follows from \"{}\"", group.title, target.title),
    })?;
    let risen = severity > target.severity;
    let target = Group { severity, open_alerts: target.open_alerts + group.open_alerts, ..target };
    own::told(cx, into, &apart)?;
    if risen {
        apart.rises(severity);
    }
    if risen || !apart.own.is_empty() {
        let (detail, rest) = (format!("It took over: {}", group.title), apart.rest());
        cx.emit(&GroupChanged { rest, own: apart.own, ..changed(&target, "joined", None, target.silenced, detail) })?;
    }
    match (target.silenced, group.announced) {
        // What people were told of keeps being told of, under its real cause.
        (true, true) => open::announce(cx, &target, BareBy::Merged, shade),
        (true, false) => Ok(()),
        (false, _) => open::attend(cx, &target),
    }?;
    Ok(true)
}

#[cfg(test)]
mod tests;
