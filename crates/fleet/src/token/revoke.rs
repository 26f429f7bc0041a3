//! Revoke an enrolment token.

use kernel::{Access, Cx, Effect, Error, Operation, Ref, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TokenView;

/// Make an enrolment token worthless. Machines that used it stay.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct RevokeToken {
    /// The token's number.
    #[schemars(extend("x-kind" = "enrolment_token"))]
    pub id: i64,
}

impl Operation for RevokeToken {
    const NAME: &'static str = "fleet.token.revoke";
    const ROUTE: Route = post("/fleet/tokens/{id}/revoke");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = TokenView;

    fn run(&self, cx: &mut Cx) -> Result<TokenView> {
        cx.reach_everything(Self::NAME)?;
        let token = super::find(cx, self.id)?;
        let (by, now) = (cx.actor.name.clone(), cx.now);
        if !super::store::revoke(cx.tx, token.id, &by, now)? {
            return Err(Error::conflict("This token was revoked already."));
        }
        cx.changed(&Ref::new("enrolment_token", token.id), "revoked", false, true)?;
        Ok(super::find(cx, self.id)?.view(now))
    }
}
