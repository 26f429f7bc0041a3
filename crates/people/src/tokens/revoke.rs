//! Revoke a token.

use kernel::{Access, Cx, Effect, Error, Operation, Ref, Result, Route, delete};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Token, TokenRevoked, store};
use crate::names;
use crate::sessions::list::whose;

/// Revoke a token: what uses it can do nothing from now on. This cannot be undone.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct RevokeToken {
    /// The token's number.
    pub id: i64,
}

impl Operation for RevokeToken {
    const NAME: &'static str = "people.token.revoke";
    const ROUTE: Route = delete("/people/tokens/{id}");
    const ACCESS: Access = Access::SignedIn;
    const EFFECT: Effect = Effect::Write;
    type Output = Token;

    fn run(&self, cx: &mut Cx) -> Result<Token> {
        let missing = || Error::not_found(format!("Token {}", self.id));
        let token = store::get(cx.tx, self.id)?.ok_or_else(missing)?;
        whose(cx, Some(token.user), Self::NAME).map_err(|_| missing())?;
        if !store::revoke(cx.tx, token.id, cx.now)? {
            return Err(Error::conflict(format!("The token \"{}\" was revoked already.", token.name)));
        }
        let user = Ref::new("user", token.user);
        let user_name = names(cx.tx, "user", &[token.user])?.remove(&token.user).unwrap_or_default();
        cx.changed(&user, "token", Some(&token.name), None::<&str>)?;
        cx.emit(&TokenRevoked { token: token.id, name: token.name.clone(), user, user_name })?;
        Ok(Token { revoked_at: Some(cx.now), ..token })
    }
}
