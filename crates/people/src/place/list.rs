//! List and show places.

use kernel::{Access, Cx, Effect, Error, Operation, Resolved, Result, Route, get, limits, page};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Place, store};
use crate::names;

/// Places.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Places {
    /// In order of the tree.
    pub items: Vec<Place>,
    /// Where the next page starts; send it back as `cursor`. Null on the last page.
    pub next: Option<String>,
}

/// List places in order of the tree.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ListPlaces {
    /// Only this place and what is below it.
    #[serde(default)]
    #[schemars(extend("x-kind" = "place"))]
    pub below: Option<i64>,
    /// Where to start: `next` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
    /// How many on a page, 1 to 500; 500 when empty.
    #[serde(default)]
    pub limit: Option<usize>,
}

impl Operation for ListPlaces {
    const NAME: &'static str = "people.place.list";
    const ROUTE: Route = get("/people/places");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Places;

    fn run(&self, cx: &mut Cx) -> Result<Places> {
        let reach = cx.reach(Self::NAME)?;
        let limit = page::rows(self.limit.or(Some(limits::PAGE_ROWS_MAX)))?;
        let below = match self.below {
            None => None,
            Some(id) => match store::get(cx.tx, id)? {
                Some(place) => Some(place.path),
                None => return Ok(Places { items: Vec::new(), next: None }),
            },
        };
        let wanted = store::Wanted {
            below: below.as_deref(),
            after: self.cursor.as_deref().unwrap_or_default(),
            limit: limit + 1,
        };
        let mut items = store::page(cx.tx, &wanted, &reach)?;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|place| place.path.clone());
        Ok(Places { items, next })
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
