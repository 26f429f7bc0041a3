//! An alert of an open group goes back and forth: that is why the group stays open, so it is said where people look.

use kernel::{Cx, Result};

use super::{GroupState, decide, open};
use crate::check::Check;
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
    let change = if goes { "flapping" } else { "steady" };
    cx.emit(&decide::changed(&group, change, Some(check.reference()), false, detail))?;
    if group.silenced { Ok(()) } else { open::attend(cx, &group) }
}
