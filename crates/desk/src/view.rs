//! Views: filters with a name. Five are built in; people save their own and may share them.

use kernel::{Access, Cx, Effect, Error, Operation, Ref, Result, Route, delete, get, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::filter::{self, Plan, Who};
use crate::store;
use crate::store::view::View;
use crate::ticket::{Status, stage};

/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 60;
/// Most views of one person.
const VIEWS_MAX: i64 = 50;

/// The views everybody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BuiltIn {
    Mine,
    Unassigned,
    Waiting,
    Open,
    Resolved,
}

impl BuiltIn {
    pub(crate) const ALL: &[Self] = &[Self::Mine, Self::Unassigned, Self::Waiting, Self::Open, Self::Resolved];

    /// What stands in addresses.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Mine => "mine",
            Self::Unassigned => "unassigned",
            Self::Waiting => "waiting",
            Self::Open => "open",
            Self::Resolved => "resolved",
        }
    }

    /// As people read it.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Mine => "My queue",
            Self::Unassigned => "Unassigned",
            Self::Waiting => "Waiting",
            Self::Open => "All open",
            Self::Resolved => "Resolved",
        }
    }

    /// The same as a filter.
    pub(crate) const fn filter(self) -> &'static str {
        match self {
            Self::Mine => "is:open owner:me",
            Self::Unassigned => "is:open owner:none",
            Self::Waiting => "status:waiting",
            Self::Open => "is:open",
            Self::Resolved => "is:resolved",
        }
    }

    /// The same as a plan.
    pub(crate) fn plan(self) -> Plan {
        let done = stage(Status::Resolved, false);
        let keep = |keep: &dyn Fn(i64) -> bool| {
            let mut plan = Plan::default();
            plan.stages.retain(|stage| keep(*stage));
            plan
        };
        match self {
            Self::Mine => Plan { owner: Some(Who::Me), ..keep(&|one| one < done && one % 2 == 1) },
            Self::Unassigned => keep(&|one| one < done && one % 2 == 0),
            Self::Waiting => keep(&|one| one / 2 == Status::Waiting.code()),
            Self::Open => keep(&|one| one < done),
            Self::Resolved => keep(&|one| one >= done),
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.word() == word)
    }
}

/// The filter of a view by its word or number.
pub(crate) fn text(cx: &mut Cx, view: &str) -> Result<String> {
    if let Some(one) = BuiltIn::parse(view) {
        return Ok(one.filter().to_owned());
    }
    let id: i64 = view.parse().map_err(|_| {
        Error::invalid("view", "Use mine, unassigned, waiting, open, resolved, or the number of a view.")
    })?;
    Ok(find(cx, id)?.filter)
}

/// The saved views that the actor may use.
pub(crate) fn saved(cx: &mut Cx, limit: usize) -> Result<Vec<View>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    store::view::of(cx.tx, cx.actor.user().unwrap_or(0), limit)
}

fn find(cx: &mut Cx, id: i64) -> Result<View> {
    let user = cx.actor.user().unwrap_or(0);
    store::view::find(cx.tx, id, user)?.ok_or_else(|| Error::not_found(format!("View {id}")))
}

/// A saved view that the actor may change: their own, or any shared one for whoever reaches everything.
fn find_to_change(cx: &mut Cx, operation: &str, id: i64) -> Result<View> {
    let view = find(cx, id)?;
    if cx.actor.user() == Some(view.owner) || cx.reach(operation)?.everything {
        return Ok(view);
    }
    Err(Error::conflict(format!(
        "The view \"{}\" belongs to somebody else. Save your own under another name.",
        view.name
    )))
}

/// A saved view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SavedView {
    /// Its number: send it as `view`.
    pub id: i64,
    /// `ticket_view:NUMBER`.
    #[serde(rename = "ref")]
    pub reference: Ref,
    /// Its name.
    pub name: String,
    /// Its filter.
    pub filter: String,
    /// Others may use it.
    pub shared: bool,
    /// It is yours.
    pub mine: bool,
    /// Counts changes.
    pub version: i64,
}

impl SavedView {
    fn of(view: View, me: Option<i64>) -> Self {
        Self {
            id: view.id,
            reference: Ref::new("ticket_view", view.id),
            mine: me == Some(view.owner),
            name: view.name,
            filter: view.filter,
            shared: view.shared,
            version: view.version,
        }
    }
}

/// Save a filter under a name, or change a saved one.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct SaveView {
    /// The number of the view to change; a new one when left out.
    #[schemars(extend("x-kind" = "ticket_view"))]
    pub id: Option<i64>,
    /// Its name.
    pub name: String,
    /// Its filter, as in `is:open team:network`.
    pub filter: String,
    /// Let others use it.
    pub shared: Option<bool>,
    /// The version you looked at; a newer one is a conflict.
    pub expected_version: Option<i64>,
}

impl Operation for SaveView {
    const NAME: &'static str = "desk.view.save";
    const ROUTE: Route = post("/desk/views");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = SavedView;

    fn run(&self, cx: &mut Cx) -> Result<SavedView> {
        let name = kernel::text::line("name", &self.name, NAME_CHARS_MAX)?;
        let plan = filter::plan(cx, &self.filter)?;
        let plan = serde_json::to_string(&plan).map_err(|error| Error::internal("plan-not-json", error))?;
        let user = cx.actor.user().unwrap_or(0);
        let before = self.id.map(|id| find_to_change(cx, Self::NAME, id)).transpose()?;
        let present = before.as_ref().map_or(0, |view| view.version);
        let subject = Ref::new("ticket_view", before.as_ref().map_or(0, |view| view.id));
        cx.expect_version(&subject, self.expected_version.filter(|_| before.is_some()), present)?;
        let shared = self.shared.unwrap_or(before.as_ref().is_some_and(|view| view.shared));
        let owner = before.as_ref().map_or(user, |view| view.owner);
        let filter = self.filter.trim().to_owned();
        let mut view = View { id: subject.id, name, filter, plan, owner, shared, version: present + 1 };
        if before.is_some() {
            store::view::save(cx.tx, &view, cx.now)?;
        } else {
            if store::view::count(cx.tx, user)? >= VIEWS_MAX {
                return Err(Error::over_limit(format!("You have {VIEWS_MAX} views. Remove one first.")));
            }
            view.id = store::view::insert(cx.tx, &view, cx.now)?;
        }
        let subject = Ref::new("ticket_view", view.id);
        cx.changed(&subject, "name", before.as_ref().map(|view| &view.name), Some(&view.name))?;
        cx.changed(&subject, "filter", before.as_ref().map(|view| &view.filter), Some(&view.filter))?;
        cx.changed(&subject, "shared", before.as_ref().map(|view| view.shared), Some(view.shared))?;
        Ok(SavedView::of(view, cx.actor.user()))
    }
}

/// List saved views: your own and those that others share.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct ListViews {}

/// Saved views.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SavedViews {
    /// By name.
    pub items: Vec<SavedView>,
}

impl Operation for ListViews {
    const NAME: &'static str = "desk.view.list";
    const ROUTE: Route = get("/desk/views");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = SavedViews;

    fn run(&self, cx: &mut Cx) -> Result<SavedViews> {
        let me = cx.actor.user();
        let views = saved(cx, 200)?;
        Ok(SavedViews { items: views.into_iter().map(|view| SavedView::of(view, me)).collect() })
    }
}

/// Remove a saved view.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct RemoveView {
    /// The view's number.
    #[schemars(extend("x-kind" = "ticket_view"))]
    pub id: i64,
}

impl Operation for RemoveView {
    const NAME: &'static str = "desk.view.remove";
    const ROUTE: Route = delete("/desk/views/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = SavedView;

    fn run(&self, cx: &mut Cx) -> Result<SavedView> {
        let view = find_to_change(cx, Self::NAME, self.id)?;
        store::view::delete(cx.tx, view.id)?;
        cx.changed(&Ref::new("ticket_view", view.id), "name", Some(&view.name), None::<&str>)?;
        Ok(SavedView::of(view, cx.actor.user()))
    }
}
