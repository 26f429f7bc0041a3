//! List and show teams.

use kernel::{Access, Cx, Effect, Error, Operation, Reach, Resolved, Result, Route, get, limits, page};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Member, Team, store};

/// A team in a list.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TeamRow {
    /// The team.
    #[serde(flatten)]
    pub team: Team,
    /// How many members it has.
    pub members: i64,
}

/// Teams.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Teams {
    /// By name.
    pub items: Vec<TeamRow>,
    /// Where the next page starts; send it back as `cursor`. Null on the last page.
    pub next: Option<String>,
}

/// List teams.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ListTeams {
    /// Where to start: `next` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
    /// How many on a page, 1 to 500; 500 when empty.
    #[serde(default)]
    pub limit: Option<usize>,
}

impl Operation for ListTeams {
    const NAME: &'static str = "people.team.list";
    const ROUTE: Route = get("/people/teams");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Teams;

    fn run(&self, cx: &mut Cx) -> Result<Teams> {
        let reach = within(cx, Self::NAME)?;
        let limit = page::rows(self.limit.or(Some(limits::PAGE_ROWS_MAX)))?;
        let after =
            self.cursor.as_deref().filter(|text| !text.is_empty()).map(crate::user::list::cursor).transpose()?;
        let mut teams = store::page(cx.tx, &reach, after, limit + 1)?;
        let more = teams.len() > limit;
        teams.truncate(limit);
        let next = teams.last().filter(|_| more).map(|team| format!("{}:{}", team.id, team.name));
        let ids: Vec<i64> = teams.iter().map(|team| team.id).collect();
        let sizes = store::sizes(cx.tx, &ids)?;
        let row = |team: Team| TeamRow { members: sizes.get(&team.id).copied().unwrap_or_default(), team };
        Ok(Teams { items: teams.into_iter().map(row).collect(), next })
    }
}

/// A team with its members.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TeamShown {
    /// The team.
    #[serde(flatten)]
    pub team: Team,
    /// Its members, leads first.
    pub members: Vec<Member>,
}

/// Show a team with its members.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ShowTeam {
    /// The team's number.
    pub id: i64,
}

impl Operation for ShowTeam {
    const NAME: &'static str = "people.team.show";
    const ROUTE: Route = get("/people/teams/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = TeamShown;

    fn run(&self, cx: &mut Cx) -> Result<TeamShown> {
        let team = reached(cx, self.id, Self::NAME)?;
        Ok(TeamShown { members: store::members(cx.tx, team.id)?, team })
    }
}

/// The reach of a grant, with one's own teams always in it.
pub(crate) fn within(cx: &Cx, operation: &str) -> Result<Reach> {
    let mut reach = cx.reach(operation)?;
    reach.own = reach.own.or(cx.actor.user());
    Ok(reach)
}

/// A team the actor's grant for an operation reaches; to read, one's own teams too.
pub(crate) fn reached(cx: &mut Cx, id: i64, operation: &str) -> Result<Team> {
    let reads = operation == ShowTeam::NAME;
    let reach = if reads { within(cx, operation)? } else { cx.reach(operation)? };
    store::list(cx.tx, Some(&[id]), &reach)?.pop().ok_or_else(|| Error::not_found(Team::subject(id)))
}

/// Titles and links of teams the actor may see.
pub(crate) fn resolve(cx: &mut Cx, ids: &[i64]) -> Result<Vec<Resolved>> {
    let Ok(reach) = within(cx, ListTeams::NAME) else { return Ok(Vec::new()) };
    let shown = |team: Team| Resolved { id: team.id, title: team.name, href: format!("/people/teams/{}", team.id) };
    Ok(store::list(cx.tx, Some(ids), &reach)?.into_iter().map(shown).collect())
}
