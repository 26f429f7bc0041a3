//! List sessions.

use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{IDLE_MAX, Session, store, user_of};
use crate::user::{self, User};

/// Sessions.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Sessions {
    /// Those that are not over, newest first.
    pub items: Vec<Session>,
}

/// List your sessions, or those of another user.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ListSessions {
    /// Whose; your own when empty. For somebody else's you need the grant for this operation.
    #[serde(default)]
    pub user: Option<i64>,
}

impl Operation for ListSessions {
    const NAME: &'static str = "people.session.list";
    const ROUTE: Route = get("/people/sessions");
    const ACCESS: Access = Access::SignedIn;
    const EFFECT: Effect = Effect::Read;
    type Output = Sessions;

    fn run(&self, cx: &mut Cx) -> Result<Sessions> {
        let user = whose(cx, self.user, Self::NAME)?;
        Ok(Sessions { items: store::list(cx.tx, user, cx.now.plus(-IDLE_MAX), cx.now)? })
    }
}

/// The user a call about sessions or tokens is about: oneself, or somebody the actor's grant for the operation reaches.
pub(crate) fn whose(cx: &mut Cx, wanted: Option<i64>, operation: &str) -> Result<i64> {
    match wanted {
        Some(user) if cx.actor.user() != Some(user) => {
            let reach = cx.reach(operation)?;
            let found = user::store::find(cx.tx, &[user], &reach)?;
            found.first().map(|user| user.id).ok_or_else(|| Error::not_found(User::subject(user)))
        }
        _ if cx.actor.user().is_none() => {
            Err(Error::invalid("user", "Say whose, by the number of a user: you are not signed in as one."))
        }
        _ => user_of(cx),
    }
}
