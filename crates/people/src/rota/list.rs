//! List and show rotas.

use kernel::{Access, Cx, Effect, Operation, Result, Route, Time, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::now::{self, SOON};
use super::overrides::{Overridden, overridden};
use super::roster::{self, Roster};
use super::{OnCall, Rota, seen, store, within};

/// Somebody who is named in a rota.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Named {
    /// The user's number.
    pub user: i64,
    /// Their name.
    pub name: String,
    /// What they sign in with.
    pub login: String,
    /// May sign in. Who may not can no longer be called: their turns are gaps.
    pub active: bool,
}

/// A rota in a list, with who is on call now.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RotaRow {
    /// The rota.
    #[serde(flatten)]
    pub rota: Rota,
    /// The name of its team; empty when it has none.
    pub team_name: String,
    /// Who is on call now.
    pub now: OnCall,
}

/// Rotas.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Rotas {
    /// By name; all of them, at most 300.
    pub items: Vec<RotaRow>,
}

/// List the on-call rotas with who is on call now.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ListRotas {}

impl Operation for ListRotas {
    const NAME: &'static str = "people.rota.list";
    const ROUTE: Route = get("/people/rotas");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Rotas;

    fn run(&self, cx: &mut Cx) -> Result<Rotas> {
        let rosters = visible(cx, Self::NAME, cx.now, cx.now.plus(SOON))?;
        let teams: Vec<i64> = rosters.iter().filter_map(|one| one.rota.team).collect();
        let teams = crate::names(cx.tx, "team", &teams)?;
        let mut items = Vec::new();
        for roster in rosters {
            let now = now::of(cx.tx, &roster, cx.now)?;
            let team_name = roster.rota.team.and_then(|id| teams.get(&id).cloned()).unwrap_or_default();
            items.push(RotaRow { team_name, now, rota: roster.rota });
        }
        Ok(Rotas { items })
    }
}

/// The rotas an operation's grant reaches, with the overrides that touch a span.
pub(crate) fn visible(cx: &mut Cx, operation: &str, from: Time, to: Time) -> Result<Vec<Roster>> {
    let reach = cx.reach(operation)?;
    let rotas = store::all(cx.tx)?.into_iter().filter(|rota| within(&reach, rota)).collect();
    roster::load(cx.tx, rotas, from, to)
}

/// A rota with its people, its coming overrides and who is on call now.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RotaShown {
    /// The rota.
    #[serde(flatten)]
    pub rota: Rota,
    /// The name of its team; empty when it has none.
    pub team_name: String,
    /// Who is named in it, by number.
    pub people: Vec<Named>,
    /// The overrides that have not ended, in the order in which they count.
    pub overrides: Vec<Overridden>,
    /// Who is on call now.
    pub now: OnCall,
}

/// Show a rota with its overrides, and who is on call now.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ShowRota {
    /// The rota's number.
    pub id: i64,
}

impl Operation for ShowRota {
    const NAME: &'static str = "people.rota.show";
    const ROUTE: Route = get("/people/rotas/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = RotaShown;

    fn run(&self, cx: &mut Cx) -> Result<RotaShown> {
        let rota = seen(cx, self.id, Self::NAME)?;
        let roster = one(cx, rota, cx.now, Time(i64::MAX))?;
        let team: Vec<i64> = roster.rota.team.into_iter().collect();
        let team_name = crate::names(cx.tx, "team", &team)?.into_values().next().unwrap_or_default();
        let named = |(user, one): (&i64, &roster::Member)| Named {
            user: *user,
            name: one.name.clone(),
            login: one.login.clone(),
            active: one.active,
        };
        let people = roster.people.iter().map(named).collect();
        let overrides = roster.overrides.iter().map(|one| overridden(&roster, one)).collect();
        Ok(RotaShown { now: now::of(cx.tx, &roster, cx.now)?, people, overrides, team_name, rota: roster.rota })
    }
}

/// A rota with the overrides that touch a span.
pub(crate) fn one(cx: &mut Cx, rota: Rota, from: Time, to: Time) -> Result<Roster> {
    roster::load_one(cx.tx, rota, from, to)
}
