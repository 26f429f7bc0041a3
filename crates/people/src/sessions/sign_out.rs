//! Sign out: of one session, or of all.

use kernel::{Access, Cx, Effect, Error, Operation, Ref, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SessionEnded, store, user_of};
use crate::names;

/// How many sessions ended.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Ended {
    /// How many.
    pub sessions: u64,
}

/// Sign out of one of your sessions.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct SignOut {
    /// The session's number.
    pub session: i64,
}

impl Operation for SignOut {
    const NAME: &'static str = "people.session.sign-out";
    const ROUTE: Route = post("/people/sessions/{session}/sign-out");
    const ACCESS: Access = Access::SignedIn;
    const EFFECT: Effect = Effect::Write;
    type Output = Ended;

    fn run(&self, cx: &mut Cx) -> Result<Ended> {
        let user = user_of(cx)?;
        let sessions = store::end(cx.tx, self.session, user, cx.now)?;
        if sessions == 0 {
            return Err(Error::not_found(format!("Session {}", self.session)));
        }
        tell(cx, user, sessions)
    }
}

/// Sign out everywhere: end all your sessions, or those of another user.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct SignOutEverywhere {
    /// Whose sessions; your own when empty. For somebody else's you need the grant for this operation.
    #[serde(default)]
    pub user: Option<i64>,
    /// A session to keep, usually the one you are in.
    #[serde(default)]
    pub keep: Option<i64>,
}

impl Operation for SignOutEverywhere {
    const NAME: &'static str = "people.session.sign-out-everywhere";
    const ROUTE: Route = post("/people/sessions/sign-out-everywhere");
    const ACCESS: Access = Access::SignedIn;
    const EFFECT: Effect = Effect::Write;
    type Output = Ended;

    fn run(&self, cx: &mut Cx) -> Result<Ended> {
        let user = super::list::whose(cx, self.user, Self::NAME)?;
        let sessions = store::end_all(cx.tx, user, self.keep.unwrap_or_default(), cx.now)?;
        if sessions == 0 { Ok(Ended { sessions }) } else { tell(cx, user, sessions) }
    }
}

fn tell(cx: &mut Cx, user: i64, sessions: u64) -> Result<Ended> {
    let name = names(cx.tx, "user", &[user])?.remove(&user).unwrap_or_default();
    cx.emit(&SessionEnded { user: Ref::new("user", user), name, sessions })?;
    Ok(Ended { sessions })
}
