//! List given roles, and the roles there are.

use kernel::page::Page;
use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, get, limits, page};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Given, store};
use crate::roles::{Part, ROLES};
use crate::{team, user};

/// Given roles.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GivenRoles {
    /// Newest first.
    pub items: Vec<Given>,
    /// Where the next page starts; send it back as `cursor`. Null on the last page.
    pub next: Option<String>,
}

/// List who holds which role, how far it reaches, why, and until when.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ListGrants {
    /// Only those of a user, their teams' included.
    #[serde(default)]
    pub user: Option<i64>,
    /// Only those of a team.
    #[serde(default)]
    pub team: Option<i64>,
    /// Also those that ended or were taken back.
    #[serde(default)]
    pub all: bool,
    /// Where to start: `next` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
    /// How many on a page, 1 to 500; 500 when empty.
    #[serde(default)]
    pub limit: Option<usize>,
}

impl Operation for ListGrants {
    const NAME: &'static str = "people.grant.list";
    const ROUTE: Route = get("/people/grants");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = GivenRoles;

    fn run(&self, cx: &mut Cx) -> Result<GivenRoles> {
        let reach = cx.reach(Self::NAME)?;
        let limit = page::rows(self.limit.or(Some(limits::PAGE_ROWS_MAX)))?;
        let teams;
        let whose = match (self.user, self.team) {
            (Some(id), _) => {
                let seen = user::store::find(cx.tx, &[id], &reach)?;
                seen.first().ok_or_else(|| Error::not_found(user::User::subject(id)))?;
                teams = team::store::of_user(cx.tx, id)?;
                store::Whose::Of(Some(id), &teams)
            }
            (None, Some(id)) => {
                let seen = team::store::list(cx.tx, Some(&[id]), &reach)?;
                seen.first().ok_or_else(|| Error::not_found(team::Team::subject(id)))?;
                teams = vec![id];
                store::Whose::Of(None, &teams)
            }
            (None, None) => store::Whose::Seen(&reach),
        };
        let before = page::before(self.cursor.as_deref())?;
        let wanted = store::Wanted { whose, all: self.all, before, limit: limit + 1 };
        let Page { items, next } = Page::of(store::page(cx.tx, &wanted, cx.now)?, limit, |given| given.id);
        Ok(GivenRoles { items, next })
    }
}

/// A role and what it may do.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RoleShown {
    /// Its stored name.
    pub name: &'static str,
    /// Its name on screen.
    pub title: &'static str,
    /// Who it is for.
    pub about: &'static str,
    /// The operations, and how far each reaches.
    pub parts: Vec<Part>,
}

/// The roles.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RolesShown {
    /// From least to most, then those from outside.
    pub items: Vec<RoleShown>,
}

/// List the built-in roles and what each may do.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ListRoles {}

impl Operation for ListRoles {
    const NAME: &'static str = "people.role.list";
    const ROUTE: Route = get("/people/roles");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = RolesShown;

    fn run(&self, _cx: &mut Cx) -> Result<RolesShown> {
        let shown = |role: &crate::roles::Role| RoleShown {
            name: role.name,
            title: role.title,
            about: role.about,
            parts: role.every_part().collect(),
        };
        Ok(RolesShown { items: ROLES.iter().map(shown).collect() })
    }
}
