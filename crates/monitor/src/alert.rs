//! Alerts: how each check stands, and how it came to.

use kernel::limits::COUNT_MAX;
use kernel::page::{self, Page};
use kernel::{Access, Cx, Effect, Error, Operation, Ref, Resolved, Result, Route, Time, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::Severity;
use crate::labels::Labels;
use crate::machine::State;
use crate::shade::Facing;
use crate::store::{self, alerts::Filter};

pub mod explain;
pub mod told;

/// The alert of a check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Alert {
    /// Its number.
    pub id: i64,
    /// The check it belongs to.
    pub check: i64,
    /// The asset it is about, if it is about one of ours.
    pub asset: Option<i64>,
    /// The check's name.
    pub name: String,
    /// How much it matters.
    pub severity: Severity,
    /// How it stands.
    pub state: State,
    /// It fired and was not cleared.
    pub open: bool,
    /// Since when it stands so.
    pub since: Time,
    /// When it fired last.
    pub fired_at: Option<Time>,
    /// The group it belongs to while it is open.
    pub group: Option<i64>,
    /// What was seen.
    pub evidence: String,
    /// Its check is paused.
    pub paused: bool,
    /// The labels of its check.
    pub labels: Labels,
    #[serde(skip)]
    pub(crate) place: Option<i64>,
    #[serde(skip)]
    pub(crate) told_team: Option<i64>,
    /// What kind of check it is.
    #[serde(skip)]
    pub(crate) kind: String,
}

/// A change of state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Transition {
    /// When.
    pub at: Time,
    /// Before.
    pub from: State,
    /// After.
    pub to: State,
    /// The alert fired.
    pub fired: bool,
    /// The alert cleared.
    pub cleared: bool,
    /// What was seen.
    pub evidence: String,
}

/// List alerts, newest checks first. Without a filter it lists those that are out.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ListAlerts {
    /// Only alerts of this asset.
    pub asset: Option<i64>,
    /// Only alerts in this state.
    pub state: Option<State>,
    /// Only those that are out (true) or not (false); true if neither this nor a state is given.
    pub open: Option<bool>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// Rows on the page, at most 500; 50 if left out.
    pub limit: Option<usize>,
}

/// A page of alerts.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Alerts {
    /// The alerts.
    pub items: Vec<Alert>,
    /// The cursor of the next page.
    pub next: Option<String>,
    /// How many fit; counting stops at 1,000.
    pub count: i64,
    /// There are more than were counted.
    pub count_capped: bool,
}

impl Operation for ListAlerts {
    const NAME: &'static str = "monitor.alert.list";
    const ROUTE: Route = get("/monitor/alerts");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Alerts;

    fn run(&self, cx: &mut Cx) -> Result<Alerts> {
        let reach = cx.reach(Self::NAME)?;
        let open = self.open.or_else(|| self.state.is_none().then_some(true));
        let filter = Filter { asset: self.asset, state: self.state, open };
        let limit = page::rows(self.limit)?;
        let before = page::before(self.cursor.as_deref())?;
        let found = Page::of(store::alerts::page(cx.tx, &filter, &reach, before, limit + 1)?, limit, |one| one.id);
        let count = store::alerts::count(cx.tx, &filter, &reach, COUNT_MAX)?;
        Ok(Alerts { items: found.items, next: found.next, count, count_capped: count >= COUNT_MAX })
    }
}

/// Show an alert with its history: why it is out, or why it is not.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct ShowAlert {
    /// The alert.
    pub id: i64,
}

/// An alert with its history.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AlertDetail {
    /// The alert.
    pub alert: Alert,
    /// Changes of state, newest first, at most 50.
    pub transitions: Vec<Transition>,
}

impl Operation for ShowAlert {
    const NAME: &'static str = "monitor.alert.show";
    const ROUTE: Route = get("/monitor/alerts/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = AlertDetail;

    fn run(&self, cx: &mut Cx) -> Result<AlertDetail> {
        let reach = cx.reach(Self::NAME)?;
        let alert = store::alerts::find(cx.tx, self.id, &reach)?
            .ok_or_else(|| Error::not_found(format!("The alert {}", self.id)))?;
        let transitions = store::alerts::transitions(cx.tx, alert.check, 50)?;
        Ok(AlertDetail { alert, transitions })
    }
}

impl Alert {
    /// What silences and windows look at.
    pub(crate) fn facing(&self) -> Facing {
        let mut labels = self.labels.clone();
        labels.or("alertname", &self.name);
        labels.or("severity", self.severity.as_str());
        labels.or("check_kind", &self.kind);
        Facing { check: self.check, asset: self.asset, place: self.place, labels, team: self.told_team }
    }

    /// It is to be looked at, and told to nobody. One that was given such a severity when it was told goes on as it was.
    pub(crate) fn is_quiet(&self) -> bool {
        self.group.is_none() && self.labels.is_quiet()
    }

    /// As a reference.
    pub fn reference(&self) -> Ref {
        Ref::new("alert", self.id)
    }
}

/// Titles and pages of alerts, for references.
pub(crate) fn resolve(cx: &mut Cx, ids: &[i64]) -> Result<Vec<Resolved>> {
    let Some(reach) = cx.actor.reach(ListAlerts::NAME, cx.now) else { return Ok(Vec::new()) };
    let found = store::alerts::visible(cx.tx, ids, &reach)?;
    Ok(found
        .into_iter()
        .map(|alert| Resolved { id: alert.id, title: alert.name, href: format!("/monitoring/alerts/{}", alert.id) })
        .collect())
}
