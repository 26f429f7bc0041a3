//! Count the tickets of each view.

use kernel::{Access, Cx, Effect, Operation, Result, Route, get, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::filter::Plan;
use crate::store::ranges::{self, Wanted};
use crate::view::{self, BuiltIn};

/// Saved views that are counted.
pub(crate) const SAVED_MAX: usize = 6;

/// Count the tickets of each view, up to 1000.
///
/// Saved views that look for words are listed without a count.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct CountTickets {}

/// A view and how many tickets it has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ViewCount {
    /// What to send as `view`.
    pub view: String,
    /// Its name.
    pub name: String,
    /// Its filter.
    pub filter: String,
    /// How many, counted up to 1000; null when it was not counted.
    pub count: Option<i64>,
    /// There are more than were counted.
    pub count_capped: bool,
}

/// The views.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ViewCounts {
    /// The built-in ones, then the saved ones by name.
    pub items: Vec<ViewCount>,
}

impl Operation for CountTickets {
    const NAME: &'static str = "desk.ticket.count";
    const ROUTE: Route = get("/desk/counts");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = ViewCounts;

    fn run(&self, cx: &mut Cx) -> Result<ViewCounts> {
        let reach = cx.reach("desk.ticket.list")?;
        let mut views: Vec<(ViewCount, Option<Plan>)> =
            BuiltIn::ALL.iter().map(|one| (shown(one.word(), one.label(), one.filter()), Some(one.plan()))).collect();
        for one in view::saved(cx, SAVED_MAX)? {
            let plan = serde_json::from_str::<Plan>(&one.plan).ok().filter(|plan| plan.words.is_empty());
            views.push((shown(&one.id.to_string(), &one.name, &one.filter), plan));
        }
        let me = cx.actor.user();
        let wanted: Vec<Wanted<'_>> = views
            .iter()
            .filter_map(|(_, plan)| plan.as_ref())
            .map(|plan| Wanted { plan, reach: &reach, me, found: None })
            .collect();
        let mut counts = ranges::counts(cx.tx, &wanted, limits::COUNT_MAX)?.into_iter();
        let items = views.into_iter().map(|(mut shown, plan)| {
            shown.count = plan.and_then(|_| counts.next());
            shown.count_capped = shown.count.is_some_and(|count| count >= limits::COUNT_MAX);
            shown
        });
        Ok(ViewCounts { items: items.collect() })
    }
}

fn shown(view: &str, name: &str, filter: &str) -> ViewCount {
    ViewCount { view: view.into(), name: name.into(), filter: filter.into(), count: None, count_capped: false }
}
