//! List and count things.

use kernel::{Access, Cx, Effect, Error, Operation, Resolved, Result, Route, get, limits, page};
use people::filter::Filter;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Thing;
use super::store::{self, After, Narrow};

/// A thing in a list, with the names of what it points at.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ThingRow {
    /// The thing.
    #[serde(flatten)]
    pub thing: Thing,
    /// The name of its place; empty when not known.
    pub place_name: String,
    /// The name of its team; empty when there is none.
    pub team_name: String,
    /// The name of its owner; empty when there is none.
    pub owner_name: String,
}

/// A page of things.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Things {
    /// In the order asked for.
    pub items: Vec<ThingRow>,
    /// Where the next page starts; send it back as `cursor`. Null on the last page.
    pub next: Option<String>,
    /// How many there are, up to 1,000.
    pub count: i64,
    /// There are more than were counted.
    pub count_capped: bool,
}

/// In which order things are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// By name.
    #[default]
    Name,
    /// Last changed first.
    Updated,
}

/// List things. The filter takes words, kind:, status:, criticality:, tag:, team:, owner: (me, none or a login), place:,
/// lacks: (network, names, power, host, service: of what it is not known), seen<15min, seen>7d and seen:never.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ListThings {
    /// The filter.
    #[serde(default)]
    pub filter: String,
    /// The order.
    #[serde(default)]
    pub order: Order,
    /// Where to start: `next` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
    /// How many on a page, 1 to 500; 50 when empty.
    #[serde(default)]
    pub limit: Option<usize>,
}

impl Operation for ListThings {
    const NAME: &'static str = "assets.thing.list";
    const ROUTE: Route = get("/assets");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Things;

    fn run(&self, cx: &mut Cx) -> Result<Things> {
        let reach = cx.reach(Self::NAME)?;
        let narrow = Narrow::of(cx.tx, &Filter::parse(&self.filter)?, cx.actor.user())?;
        let limit = page::rows(self.limit)?;
        let after = self.cursor.as_deref().filter(|text| !text.is_empty()).map(|text| self.after(text)).transpose()?;
        let wanted = store::Wanted { narrow: &narrow, reach: &reach, now: cx.now };
        let mut things = store::list(cx.tx, &wanted, self.order, after.as_ref(), limit + 1)?;
        let more = things.len() > limit;
        things.truncate(limit);
        let next = things.last().filter(|_| more).map(|thing| self.cursor_of(thing));
        let count = store::count(cx.tx, &wanted)?;
        Ok(Things { items: rows(cx, things)?, next, count, count_capped: count >= limits::COUNT_MAX })
    }
}

impl ListThings {
    fn cursor_of(&self, thing: &Thing) -> String {
        match self.order {
            Order::Name => format!("{}:{}", thing.id, thing.name),
            Order::Updated => format!("{}:{}", thing.id, thing.updated_at.0),
        }
    }

    fn after(&self, cursor: &str) -> Result<After> {
        let wrong = || Error::invalid("cursor", "Send back what the page before answered as next.");
        let (id, rest) = cursor.split_once(':').ok_or_else(wrong)?;
        let id = id.parse().map_err(|_| wrong())?;
        match self.order {
            Order::Name => Ok(After::Name(rest.to_owned(), id)),
            Order::Updated => Ok(After::Updated(rest.parse().map_err(|_| wrong())?, id)),
        }
    }
}

/// Things with the names of what they point at, in three statements at most.
pub(crate) fn rows(cx: &mut Cx, things: Vec<Thing>) -> Result<Vec<ThingRow>> {
    let ids = |of: fn(&Thing) -> Option<i64>| -> Vec<i64> {
        let mut ids: Vec<i64> = things.iter().filter_map(of).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    let places = people::names(cx.tx, "place", &ids(|thing| thing.place))?;
    let teams = people::names(cx.tx, "team", &ids(|thing| thing.team))?;
    let owners = people::names(cx.tx, "user", &ids(|thing| thing.owner))?;
    let name = |names: &std::collections::BTreeMap<i64, String>, id: Option<i64>| {
        id.and_then(|id| names.get(&id).cloned()).unwrap_or_default()
    };
    let row = |thing: Thing| ThingRow {
        place_name: name(&places, thing.place),
        team_name: name(&teams, thing.team),
        owner_name: name(&owners, thing.owner),
        thing,
    };
    Ok(things.into_iter().map(row).collect())
}

/// Titles and links of things the actor may see.
pub(crate) fn resolve(cx: &mut Cx, ids: &[i64]) -> Result<Vec<Resolved>> {
    let Ok(reach) = cx.reach(ListThings::NAME) else { return Ok(Vec::new()) };
    let shown = |thing: Thing| Resolved { id: thing.id, title: thing.name, href: format!("/assets/{}", thing.id) };
    Ok(store::find(cx.tx, ids, &reach)?.into_iter().map(shown).collect())
}
