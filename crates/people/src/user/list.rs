//! List users.

use std::collections::BTreeMap;

use kernel::{Access, Cx, Effect, Error, Operation, Resolved, Result, Route, get, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{User, store, with_self};
use crate::filter::Filter;
use crate::{names, team};

/// A user in a list.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct UserRow {
    /// The user.
    #[serde(flatten)]
    pub user: User,
    /// The names of their teams.
    pub teams: Vec<String>,
    /// The name of where they work; empty when not known.
    pub place_name: String,
}

/// A page of users.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Users {
    /// By name.
    pub items: Vec<UserRow>,
    /// Where the next page starts; send it back as `cursor`.
    pub next: Option<String>,
    /// How many there are, up to 1,000.
    pub count: i64,
    /// There are more than were counted.
    pub count_capped: bool,
}

/// List users. The filter takes words, team:SLUG, role:ROLE, status:active and status:disabled.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ListUsers {
    /// The filter.
    #[serde(default)]
    pub filter: String,
    /// Where to start: `next` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
    /// How many on a page, 1 to 500; 50 when empty.
    #[serde(default)]
    pub limit: Option<usize>,
}

impl Operation for ListUsers {
    const NAME: &'static str = "people.user.list";
    const ROUTE: Route = get("/people/users");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Users;

    fn run(&self, cx: &mut Cx) -> Result<Users> {
        let reach = with_self(cx.reach(Self::NAME)?, cx.actor.user());
        let filter = Filter::parse(&self.filter)?;
        let limit = self.limit.unwrap_or(limits::PAGE_ROWS).clamp(1, limits::PAGE_ROWS_MAX);
        let after = self.cursor.as_deref().filter(|text| !text.is_empty()).map(cursor).transpose()?;
        let wanted =
            store::Wanted { filter: &filter, after, limit: i64::try_from(limit + 1).unwrap_or(i64::MAX), now: cx.now };
        let mut users = store::list(cx.tx, &wanted, &reach)?;
        let more = users.len() > limit;
        users.truncate(limit);
        let next = users.last().filter(|_| more).map(|user| format!("{}:{}", user.id, user.name));
        let count = store::count(cx.tx, &filter, &reach, cx.now)?;
        Ok(Users { items: rows(cx, users)?, next, count, count_capped: count >= limits::COUNT_MAX })
    }
}

/// Reads a cursor: a number and a name.
pub(crate) fn cursor(text: &str) -> Result<(String, i64)> {
    let parsed = text.split_once(':').and_then(|(id, name)| Some((name.to_owned(), id.parse().ok()?)));
    parsed.ok_or_else(|| Error::invalid("cursor", "Send back what the page before answered as next."))
}

fn rows(cx: &mut Cx, users: Vec<User>) -> Result<Vec<UserRow>> {
    let ids: Vec<i64> = users.iter().map(|user| user.id).collect();
    let places: Vec<i64> = users.iter().filter_map(|user| user.place).collect();
    let mut teams = if ids.is_empty() { BTreeMap::new() } else { team::store::of_users(cx.tx, &ids)? };
    let places = names(cx.tx, "place", &places)?;
    let row = |user: User| {
        let mine = teams.remove(&user.id).unwrap_or_default();
        let place_name = user.place.and_then(|id| places.get(&id).cloned()).unwrap_or_default();
        UserRow { teams: mine.into_iter().map(|(_, name)| name).collect(), place_name, user }
    };
    Ok(users.into_iter().map(row).collect())
}

/// Titles and links of users the actor may see.
pub(crate) fn resolve(cx: &mut Cx, ids: &[i64]) -> Result<Vec<Resolved>> {
    let Ok(reach) = cx.reach(ListUsers::NAME) else { return Ok(Vec::new()) };
    let reach = with_self(reach, cx.actor.user());
    let shown = |user: User| Resolved { id: user.id, title: user.name, href: format!("/people/{}", user.id) };
    Ok(store::find(cx.tx, ids, &reach)?.into_iter().map(shown).collect())
}
