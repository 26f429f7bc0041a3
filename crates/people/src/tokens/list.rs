//! List tokens.

use kernel::{Access, Cx, Effect, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Token, store};
use crate::sessions::list::whose;

/// Tokens.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Tokens {
    /// Those that were not revoked, newest first. Their secrets are not kept.
    pub items: Vec<Token>,
}

/// List your tokens, or those of another user.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ListTokens {
    /// Whose; your own when empty. For somebody else's you need the grant for this operation.
    #[serde(default)]
    pub user: Option<i64>,
}

impl Operation for ListTokens {
    const NAME: &'static str = "people.token.list";
    const ROUTE: Route = get("/people/tokens");
    const ACCESS: Access = Access::SignedIn;
    const EFFECT: Effect = Effect::Read;
    type Output = Tokens;

    fn run(&self, cx: &mut Cx) -> Result<Tokens> {
        let user = whose(cx, self.user, Self::NAME)?;
        Ok(Tokens { items: store::list(cx.tx, user)? })
    }
}
