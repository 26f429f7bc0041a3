//! Alerts that a silence kept from people are told after all: why, and by the alert that no silence covers.

use kernel::{Cx, Result};

use super::{Group, decide, own, title};
use crate::check::Check;
use crate::events::GroupChanged;
use crate::limits::GROUP_ALERTS_MAX;
use crate::shade::Shade;
use crate::store;

/// Why a silenced group no longer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BareBy {
    /// A silence ended, or no longer covers it.
    SilenceEnded,
    /// An alert joined that no silence covers.
    Joined,
    /// It took over a group that people were told of.
    Merged,
}

impl BareBy {
    /// The stable word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::SilenceEnded => "silence_ended",
            Self::Joined => "joined",
            Self::Merged => "merged",
        }
    }
}

/// A group whose first alert is under a silence, or is over, is led by one that is out and that nothing covers: it is routed
/// by its labels and its team, and called by it, unless it is called by its cause.
///
/// `alerts` are checks with what was seen.
pub(super) fn led(cx: &mut Cx, group: &Group, alerts: &[(i64, &str)], covered: &[i64]) -> Result<Group> {
    let bare = |alert: &&(i64, &str)| !covered.contains(&alert.0);
    let leads = alerts.iter().filter(bare).any(|alert| alert.0 == group.check);
    let Some((bare, _)) = alerts.iter().find(bare).filter(|_| !leads) else { return Ok(group.clone()) };
    let checks = store::checks::by_id(cx.tx, &[group.check, *bare])?;
    let find = |id: i64| checks.iter().find(|check| check.id == id);
    let Some(new) = find(*bare) else { return Ok(group.clone()) };
    let assets: Vec<i64> = checks.iter().filter_map(|check| check.asset).collect();
    let briefs = assets::brief(cx.tx, &assets)?;
    let brief = |check: &Check| check.asset.and_then(|id| briefs.get(&id));
    let name = |check: &Check| brief(check).map(|brief| brief.name.as_str());
    let within = group.within();
    let mut now = Group { check: new.id, labels: new.routing(brief(new)), ..group.clone() };
    if let Some(front) = group.alert_at.and_then(|at| group.title.get(..at)) {
        now.title = kernel::text::shorten(&format!("{front}{}", title(new, name(new))), 200);
    }
    if let Some(old) = find(group.check) {
        let own =
            |line: &str| alerts.iter().any(|(check, text)| *check == old.id && text.lines().any(|own| own == line));
        for line in now.evidence.iter_mut().filter(|line| own(line)) {
            *line = old.line(name(old), line);
        }
    }
    if within.cause.is_none() && !within.beyond {
        (now.asset, now.place, now.owner) = (new.asset, new.place, new.owner);
    }
    if !within.explains(new.asset) {
        now.team = match new.team.or(new.asset_team) {
            Some(team) => Some(team),
            None => people::default_team(cx.tx)?,
        };
    }
    store::groups::set_cause(cx.tx, &now)?;
    store::groups::set_evidence(cx.tx, now.id, &now.evidence)?;
    store::groups::set_labels(cx.tx, now.id, &now.labels)?;
    cx.changed(&group.reference(), "title", &group.title, &now.title)?;
    Ok(now)
}

/// Alerts of a group that was told of are covered no more: whoever is to be told of them hears it now.
pub(crate) fn joined(cx: &mut Cx, group: &Group, shade: &Shade) -> Result<()> {
    let within = group.within();
    let mut bare = store::alerts::covered_of(cx.tx, group.id)?;
    bare.retain(|alert| !shade.covers_in(&within, &alert.facing()));
    let checks: Vec<i64> = bare.iter().map(|alert| alert.check).collect();
    store::groups::set_covered(cx.tx, group.id, &checks, false)?;
    let rows = store::checks::by_id(cx.tx, &checks)?;
    let seen: Vec<(Check, String)> = rows.into_iter().map(|check| (check.clone(), check.evidence)).collect();
    if seen.is_empty() {
        return Ok(());
    }
    let severity = store::checks::severity(cx.tx, &checks)?.max(group.severity);
    let risen = Group { severity, ..group.clone() };
    if severity > group.severity {
        store::groups::set_severity(cx.tx, group.id, severity)?;
        cx.changed(&group.reference(), "severity", group.severity.as_str(), severity.as_str())?;
        super::open::attend(cx, &risen)?;
    }
    let apart = own::apart(cx, group, &seen, shade)?;
    let shown = checks.into_iter().take(usize::try_from(GROUP_ALERTS_MAX).unwrap_or(200));
    let detail = match seen.as_slice() {
        [(only, _)] => format!("No silence covers it any more: {}", only.name),
        many => format!("No silence covers {} of its alerts any more", many.len()),
    };
    let told = decide::changed(&risen, "joined", None, false, detail);
    let (checks, rest) = (super::open::references(shown), apart.rest());
    cx.emit(&GroupChanged { checks, rest, own: apart.own, ..told })
}
