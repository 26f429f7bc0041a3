//! List and show places.

use kernel::{Access, Cx, Effect, Error, Operation, Resolved, Result, Route, get, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Place, store};
use crate::names;

/// Places.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Places {
    /// In order of the tree, at most 500.
    pub items: Vec<Place>,
}

/// List places in order of the tree.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ListPlaces {
    /// Only this place and what is below it.
    #[serde(default)]
    pub below: Option<i64>,
}

impl Operation for ListPlaces {
    const NAME: &'static str = "people.place.list";
    const ROUTE: Route = get("/people/places");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Places;

    fn run(&self, cx: &mut Cx) -> Result<Places> {
        let reach = cx.reach(Self::NAME)?;
        let below = self.below.map(|id| store::ids_below(cx.tx, id)).transpose()?;
        let limit = i64::try_from(limits::PAGE_ROWS_MAX).unwrap_or(i64::MAX);
        Ok(Places { items: store::list(cx.tx, below.as_deref(), &reach, limit)? })
    }
}

/// A place with where it is.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PlaceShown {
    /// The place.
    #[serde(flatten)]
    pub place: Place,
    /// The names from the root to here.
    pub line: Vec<String>,
}

/// Show a place.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ShowPlace {
    /// The place's number.
    pub id: i64,
}

impl Operation for ShowPlace {
    const NAME: &'static str = "people.place.show";
    const ROUTE: Route = get("/people/places/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = PlaceShown;

    fn run(&self, cx: &mut Cx) -> Result<PlaceShown> {
        let place = reached(cx, self.id, Self::NAME)?;
        let line = place.line();
        let mut known = names(cx.tx, "place", &line)?;
        Ok(PlaceShown { line: line.iter().filter_map(|id| known.remove(id)).collect(), place })
    }
}

/// A place the actor's grant for an operation reaches.
pub(crate) fn reached(cx: &mut Cx, id: i64, operation: &str) -> Result<Place> {
    let reach = cx.reach(operation)?;
    store::list(cx.tx, Some(&[id]), &reach, 1)?.pop().ok_or_else(|| Error::not_found(Place::subject(id)))
}

/// Titles and links of places the actor may see.
pub(crate) fn resolve(cx: &mut Cx, ids: &[i64]) -> Result<Vec<Resolved>> {
    let Ok(reach) = cx.reach(ListPlaces::NAME) else { return Ok(Vec::new()) };
    let shown = |place: Place| Resolved { id: place.id, title: place.name, href: "/people/places".to_owned() };
    let limit = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    Ok(store::list(cx.tx, Some(ids), &reach, limit)?.into_iter().map(shown).collect())
}
