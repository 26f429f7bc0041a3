//! A group that a silence kept from people is told after all: why, and by the alert that no silence covers.

use kernel::{Cx, Result};

use super::{Group, title};
use crate::alert::Alert;
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

/// A group that is called by an alert under a silence is called by one that none covers from now on, and is routed by its
/// labels. One that is called by its cause stays so.
pub(super) fn led(cx: &mut Cx, group: &Group, alerts: &[Alert], covered: &[i64]) -> Result<Group> {
    let bare = alerts.iter().find(|alert| !covered.contains(&alert.check));
    let (true, Some(bare)) = (covered.contains(&group.check), bare) else { return Ok(group.clone()) };
    let checks = store::checks::by_id(cx.tx, &[group.check, bare.check])?;
    let find = |id: i64| checks.iter().find(|check| check.id == id);
    let (Some(old), Some(new)) = (find(group.check), find(bare.check)) else { return Ok(group.clone()) };
    let assets: Vec<i64> = [old.asset, new.asset].into_iter().flatten().collect();
    let briefs = assets::brief(cx.tx, &assets)?;
    let brief = |id: Option<i64>| id.and_then(|id| briefs.get(&id));
    let name = |id: Option<i64>| brief(id).map(|brief| brief.name.as_str());
    let (before, after) = (title(old, name(old.asset)), title(new, name(new.asset)));
    let Some(front) = group.title.strip_suffix(&before) else { return Ok(group.clone()) };
    let own =
        |line: &String| alerts.iter().any(|one| one.check == old.id && one.evidence.lines().any(|own| own == line));
    let named = |line: &String| if own(line) { old.line(name(old.asset), line) } else { line.clone() };
    let mut now = Group {
        title: kernel::text::shorten(&format!("{front}{after}"), 200),
        check: new.id,
        labels: new.routing(brief(new.asset)),
        evidence: group.evidence.iter().map(named).collect(),
        ..group.clone()
    };
    if group.within().cause.is_none() {
        (now.asset, now.place, now.owner) = (new.asset, new.place, new.owner);
    }
    store::groups::set_cause(cx.tx, &now)?;
    store::groups::set_evidence(cx.tx, now.id, &now.evidence)?;
    store::groups::set_labels(cx.tx, now.id, &now.labels)?;
    cx.changed(&group.reference(), "title", &group.title, &now.title)?;
    Ok(now)
}
