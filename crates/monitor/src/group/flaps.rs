//! An alert of an open group goes back and forth: that is why the group stays open, so it is said where people look.

use kernel::{Cx, Result};

use super::{GroupState, open};
use crate::check::Check;
use crate::events::GroupChanged;
use crate::limits::EVIDENCE_MAX;
use crate::{ground, store};

/// Writes down in the group of a check that its alert flaps (`goes`), or no longer does and is still out.
pub(crate) fn told(cx: &mut Cx, check: &Check, goes: bool, line: &str) -> Result<()> {
    let Some(id) = check.group else { return Ok(()) };
    let Some(mut group) = store::groups::by_id(cx.tx, id)? else { return Ok(()) };
    if group.state != GroupState::Open {
        return Ok(());
    }
    let asset = ground::name_of(cx.tx, check.asset)?;
    let detail = check.line(asset.as_deref(), line);
    // The newest word explains why it is still open, so it is kept even when the list is full.
    if !group.evidence.contains(&detail) {
        group.evidence.truncate(EVIDENCE_MAX - 1);
        group.evidence.push(detail.clone());
        store::groups::set_evidence(cx.tx, id, &group.evidence)?;
    }
    cx.emit(&GroupChanged {
        group: group.reference(),
        asset: group.about(),
        change: if goes { "flapping" } else { "steady" },
        check: Some(check.reference()),
        checks: Vec::new(),
        own: Vec::new(),
        labels: group.labels.clone(),
        place: group.place,
        team: group.team,
        severity: group.severity,
        silenced: false,
        open_since: group.open_since(),
        detail,
    })?;
    if group.silenced { Ok(()) } else { open::attend(cx, &group) }
}
