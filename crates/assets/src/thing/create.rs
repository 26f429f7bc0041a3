//! Add a thing.

use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Criticality, Status, Thing, store};
use crate::api::{self, NewAsset};

/// Add a thing: a server, a printer, a service, a site. It gets a tag such as MS-00417 by itself.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct CreateThing {
    /// Its name.
    pub name: String,
    /// What it is, for example server, workstation, switch, printer, service or site.
    pub kind: String,
    /// The number on its label; given by itself when empty.
    #[serde(default)]
    pub tag: Option<String>,
    /// Where it is in its life; in use when empty.
    #[serde(default)]
    pub status: Option<Status>,
    /// How much it hurts when it fails; normal when empty.
    #[serde(default)]
    pub criticality: Option<Criticality>,
    /// Where it stands.
    #[serde(default)]
    pub place: Option<i64>,
    /// The team that looks after it.
    #[serde(default)]
    pub team: Option<i64>,
    /// The person who answers for it.
    #[serde(default)]
    #[schemars(extend("x-kind" = "user"))]
    pub owner: Option<i64>,
    /// What else there is to know.
    #[serde(default)]
    pub notes: String,
}

impl Operation for CreateThing {
    const NAME: &'static str = "assets.thing.create";
    const ROUTE: Route = post("/assets");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Thing;

    fn run(&self, cx: &mut Cx) -> Result<Thing> {
        within_reach(cx, Self::NAME, self.place, self.team, self.owner)?;
        let new = NewAsset {
            name: self.name.clone(),
            kind: self.kind.clone(),
            tag: self.tag.clone(),
            status: self.status.unwrap_or_default(),
            criticality: self.criticality.unwrap_or_default(),
            place: self.place,
            team: self.team,
            owner: self.owner,
            notes: self.notes.clone(),
        };
        let id = api::create(cx, new)?;
        store::get(cx.tx, id)?.ok_or_else(|| Error::internal("asset-not-inserted", id))
    }
}

/// Refuses a thing that would lie outside of what the actor's grant reaches: it could be made or moved, but not seen.
pub(crate) fn within_reach(
    cx: &Cx,
    operation: &str,
    place: Option<i64>,
    team: Option<i64>,
    owner: Option<i64>,
) -> Result<()> {
    let reach = cx.reach(operation)?;
    let inside = reach.everything
        || place.is_some_and(|place| reach.places.contains(&place))
        || team.is_some_and(|team| reach.teams.contains(&team))
        || (reach.own.is_some() && owner == reach.own);
    if inside {
        return Ok(());
    }
    let field = if reach.places.is_empty() { "team" } else { "place" };
    Err(Error::invalid(field, "Your role does not reach there. Choose a place, a team or an owner that it is for."))
}
