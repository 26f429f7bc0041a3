//! Show a user.

use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{User, store, with_self};
use crate::{names, team};

/// A team somebody is in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InTeam {
    /// The team's number.
    pub id: i64,
    /// Its name.
    pub name: String,
}

/// A user with what hangs on them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct UserShown {
    /// The user.
    #[serde(flatten)]
    pub user: User,
    /// Their teams.
    pub teams: Vec<InTeam>,
    /// The name of where they work; empty when not known.
    pub place_name: String,
}

/// Show a user with their teams.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ShowUser {
    /// The user's number.
    pub id: i64,
}

impl Operation for ShowUser {
    const NAME: &'static str = "people.user.show";
    const ROUTE: Route = get("/people/users/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = UserShown;

    fn run(&self, cx: &mut Cx) -> Result<UserShown> {
        let reach = with_self(cx.reach(Self::NAME)?, cx.actor.user());
        let user = store::find(cx.tx, &[self.id], &reach)?.pop();
        shown(cx, user.ok_or_else(|| Error::not_found(User::subject(self.id)))?)
    }
}

pub(crate) fn shown(cx: &mut Cx, user: User) -> Result<UserShown> {
    let teams = team::store::of_users(cx.tx, &[user.id])?.remove(&user.id).unwrap_or_default();
    let teams = teams.into_iter().map(|(id, name)| InTeam { id, name }).collect();
    let place_name = match user.place {
        Some(id) => names(cx.tx, "place", &[id])?.remove(&id).unwrap_or_default(),
        None => String::new(),
    };
    Ok(UserShown { user, teams, place_name })
}
