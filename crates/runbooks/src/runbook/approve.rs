//! Approve a version of a runbook.

use kernel::approvals::ApprovalPolicy;
use kernel::{Access, Cx, Effect, Error, Ident, Operation, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{VersionView, store, version};
use crate::events::{RunbookApproved, runbook_ref};

/// Approve one version of a runbook, so that it may run.
///
/// Its author cannot, unless the setting kernel.approvals says that this is a team of one person; the owner of the machine
/// always can, at the machine. Either is written down with the version.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ApproveRunbook {
    /// The runbook's number.
    pub id: i64,
    /// The hash of the version, as it was read.
    pub version: String,
}

impl Operation for ApproveRunbook {
    const NAME: &'static str = "runbooks.runbook.approve";
    const ROUTE: Route = post("/runbooks/{id}/approve");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = VersionView;

    fn run(&self, cx: &mut Cx) -> Result<VersionView> {
        cx.reach_everything(Self::NAME)?;
        if self.version.is_empty() {
            return Err(Error::invalid(
                "version",
                "Name the version by its hash, so that nobody approves what they have not read.",
            ));
        }
        let found = version(cx, self.id, Some(&self.version))?;
        let by = cx.actor.ident.to_string();
        let own = found.author == by;
        let owner = matches!(cx.actor.ident, Ident::Os(_));
        if own && !owner && !cx.setting::<ApprovalPolicy>()?.one_person_team {
            return Err(Error::conflict(
                "You wrote this version, so somebody else must approve it. A team of one person can allow it in the setting kernel.approvals.",
            ));
        }
        let note = match (own, owner) {
            (true, true) => "Approved by its author, who owns this machine",
            (true, false) => "Approved by its author: this is a team of one person",
            _ => "",
        };
        let (name, now) = (cx.actor.name.clone(), cx.now);
        if !store::approve(cx.tx, found.id, (&by, &name), note, now)? {
            return Err(Error::conflict("This version is approved already."));
        }
        let reference = runbook_ref(self.id);
        cx.changed(&reference, "approved", false, true)?;
        let (runbook, number) = (reference.clone(), found.number);
        cx.emit(&RunbookApproved { runbook, name: found.name, number, version: found.hash, by_author: own })?;
        if !store::newer_waits(cx.tx, self.id, number)? {
            cx.attention_done(&reference, "approval")?;
        }
        Ok(version(cx, self.id, Some(&self.version))?.view())
    }
}
