//! Take a role back.

use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Given, GrantRevoked, reach, store};
use crate::roles::ADMINISTRATOR;
use crate::{actor, names};

/// Take a role back. It stays in the history with who took it and why.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct RevokeGrant {
    /// The number of the given role.
    pub id: i64,
    /// Why.
    pub reason: String,
}

impl Operation for RevokeGrant {
    const NAME: &'static str = "people.grant.revoke";
    const ROUTE: Route = post("/people/grants/{id}/revoke");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Given;

    fn run(&self, cx: &mut Cx) -> Result<Given> {
        let missing = || Error::not_found(format!("Grant {}", self.id));
        let given = store::get(cx.tx, self.id)?.ok_or_else(missing)?;
        let reason = kernel::text::line("reason", &self.reason, 200)?;
        if given.revoked_at.is_some() {
            return Err(Error::conflict("This role was taken back already."));
        }
        let held = actor::expand(cx.tx, &given)?;
        reach::must_cover(cx, &held)?;
        if given.role == ADMINISTRATOR {
            keep_one(cx, Some(given.id), None, None)?;
        }
        store::revoke(cx.tx, given.id, &cx.actor.name, &reason, cx.now)?;
        let holder = given.holder();
        let holder_name = names(cx.tx, &holder.kind, &[holder.id])?.remove(&holder.id).unwrap_or_default();
        cx.changed(&holder, "role", Some(&given.role), None::<&str>)?;
        cx.emit(&GrantRevoked {
            grant: given.id,
            holder,
            holder_name,
            role: given.role.clone(),
            reason: reason.clone(),
        })?;
        Ok(Given { revoked_at: Some(cx.now), revoked_by: cx.actor.name.clone(), revoke_reason: reason, ..given })
    }
}

/// Refuses what would leave nobody who may administer everything: without a grant, a user, or a membership `(team, user)`.
/// A server without any administrator yet is not held up.
pub(crate) fn keep_one(cx: &mut Cx, grant: Option<i64>, user: Option<i64>, member: Option<(i64, i64)>) -> Result<()> {
    let left = store::administrators_without(cx.tx, grant, user, member)?;
    if left || !store::administrators_without(cx.tx, None, None, None)? {
        return Ok(());
    }
    Err(Error::conflict(
        "This would leave nobody who may administer everything. Make somebody else an administrator first.",
    ))
}
