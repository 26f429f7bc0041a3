//! Change a maintenance window, and put a change of one back.

use kernel::{Access, Change, Cx, Effect, Error, Operation, Result, Route, Time, patch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::create::CreateWindow;
use super::end::EndWindow;
use super::{Spread, Window, find};
use crate::events::MaintenanceChanged;
use crate::labels::Labels;
use crate::store;

/// Change a maintenance window that is planned or in force. Fields that are left out stay as they are. What is bad is told
/// when the change takes it out of the window.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct UpdateWindow {
    /// The window.
    pub id: i64,
    /// What is done in it, for those who wonder.
    pub name: Option<String>,
    /// Alerts of this asset; null for those of any.
    pub asset: Change<i64>,
    /// How far from the asset: only (itself), dependents (and what stands on it), service (and what it stands on).
    pub spread: Option<Spread>,
    /// The alert of this check; null for those of any.
    pub check: Change<i64>,
    /// Alerts that this team is told of; null for any team.
    pub team: Change<i64>,
    /// Alerts at this place and everywhere below it; null for anywhere.
    pub place: Change<i64>,
    /// Alerts with all of these labels; they take the place of those that were. As name=value, as lines, or as an object in
    /// JSON.
    #[schemars(schema_with = "crate::labels::asked")]
    pub labels: Option<Labels>,
    /// When it begins first, on the wall clock of its zone, for example 2026-03-17T22:00.
    pub first_start: Option<String>,
    /// The zone whose clocks count, for example Europe/Oslo.
    pub time_zone: Option<String>,
    /// How long it is, in minutes; at most 7 days. With `until_ticket` the longest it may last.
    pub minutes: Option<i64>,
    /// When it comes again, as in calendars: FREQ=MONTHLY;BYDAY=3TU is the third Tuesday; null for only once.
    pub rrule: Change<String>,
    /// It lasts until this ticket, for example a change, is resolved or closed; null when it ends by itself.
    pub until_ticket: Change<i64>,
    /// The version the change was made against; a newer one is a conflict.
    pub expected_version: Option<i64>,
}

/// When a window is, as one field: its parts mean nothing without each other.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
struct When {
    first_start: String,
    time_zone: String,
    minutes: i64,
    rrule: String,
    until_ticket: Option<i64>,
}

/// What a window covers, as one field.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
struct Covers {
    asset: Option<i64>,
    spread: Spread,
    check: Option<i64>,
    team: Option<i64>,
    place: Option<i64>,
    labels: Labels,
}

impl When {
    fn of(window: &Window) -> Self {
        Self {
            first_start: window.first_start.clone(),
            time_zone: window.time_zone.clone(),
            minutes: window.minutes,
            rrule: window.rrule.clone(),
            until_ticket: window.until_ticket,
        }
    }

    fn put(self, plan: &mut CreateWindow) {
        plan.first_start = Some(self.first_start);
        plan.time_zone = Some(self.time_zone);
        plan.minutes = Some(self.minutes);
        plan.rrule = Some(self.rrule);
        plan.until_ticket = self.until_ticket;
    }
}

impl Covers {
    fn of(window: &Window) -> Self {
        Self {
            asset: window.asset,
            spread: window.spread,
            check: window.check,
            team: window.team,
            place: window.place,
            labels: window.labels.clone(),
        }
    }

    fn put(self, plan: &mut CreateWindow) {
        plan.asset = self.asset;
        plan.spread = Some(self.spread);
        plan.check = self.check;
        plan.team = self.team;
        plan.place = self.place;
        plan.labels = self.labels;
    }
}

/// A window as what would plan it.
fn planned(window: &Window) -> CreateWindow {
    let mut plan = CreateWindow { name: window.name.clone(), ..CreateWindow::default() };
    When::of(window).put(&mut plan);
    Covers::of(window).put(&mut plan);
    plan
}

impl UpdateWindow {
    /// The operation's name, for those who only ask about grants.
    pub(crate) const OPERATION: &'static str = "monitor.maintenance.update";

    fn plan(&self, current: &Window) -> CreateWindow {
        let text = |given: &Option<String>| given.clone().filter(|text| !text.trim().is_empty());
        let mut plan = planned(current);
        plan.name = self.name.clone().unwrap_or(plan.name);
        plan.asset = self.asset.apply(current.asset);
        plan.spread = self.spread.or(plan.spread);
        plan.check = self.check.apply(current.check);
        plan.team = self.team.apply(current.team);
        plan.place = self.place.apply(current.place);
        plan.labels = self.labels.clone().unwrap_or(plan.labels);
        plan.first_start = text(&self.first_start).or(plan.first_start);
        plan.time_zone = text(&self.time_zone).or(plan.time_zone);
        plan.minutes = self.minutes.or(plan.minutes);
        plan.rrule = self.rrule.apply(plan.rrule);
        plan.until_ticket = self.until_ticket.apply(current.until_ticket);
        plan
    }
}

impl Operation for UpdateWindow {
    const NAME: &'static str = Self::OPERATION;
    const ROUTE: Route = patch("/monitor/maintenance/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Window;

    fn run(&self, cx: &mut Cx) -> Result<Window> {
        let current = find(cx, Self::NAME, self.id)?;
        cx.expect_version(&current.reference(), self.expected_version, current.version)?;
        if is_over(&current, cx.now) {
            let words = format!("The maintenance window {} is over. Plan another one.", current.id);
            return Err(Error::conflict(words));
        }
        apply(cx, &current, &self.plan(&current))?;
        find(cx, Self::NAME, self.id)
    }
}

fn is_over(window: &Window, now: Time) -> bool {
    window.over_at.is_some_and(|over| over <= now)
}

/// Writes what differs; equal fields are no change.
fn apply(cx: &mut Cx, current: &Window, plan: &CreateWindow) -> Result<()> {
    let mut new = plan.checked(cx, UpdateWindow::OPERATION)?;
    new.id = current.id;
    if (&new.name, When::of(&new), Covers::of(&new)) == (&current.name, When::of(current), Covers::of(current)) {
        return Ok(());
    }
    store::windows::update(cx.tx, &new)?;
    let subject = new.reference();
    cx.changed(&subject, "name", &current.name, &new.name)?;
    cx.changed(&subject, "when", When::of(current), When::of(&new))?;
    cx.changed(&subject, "covers", Covers::of(current), Covers::of(&new))?;
    cx.emit(&MaintenanceChanged { maintenance: subject, covers: new.subjects(), name: new.name })
}

/// Puts one field back to an earlier value.
pub(crate) fn set(cx: &mut Cx, id: i64, field: &str, value: &Value) -> Result<()> {
    let current = find(cx, UpdateWindow::OPERATION, id)?;
    let wrong = || Error::conflict(format!("The field \"{field}\" of a maintenance window cannot be put back."));
    let mut plan = planned(&current);
    match field {
        // It was planned by what is undone: nothing of it comes any more.
        "name" if value.is_null() => {
            cx.call(&EndWindow { id })?;
            return Ok(());
        }
        "name" => plan.name = value.as_str().ok_or_else(wrong)?.to_owned(),
        "when" => serde_json::from_value::<When>(value.clone()).map_err(|_| wrong())?.put(&mut plan),
        "covers" => serde_json::from_value::<Covers>(value.clone()).map_err(|_| wrong())?.put(&mut plan),
        "over_at" => return go_on(cx, &current),
        _ => return Err(wrong()),
    }
    apply(cx, &current, &plan)
}

/// What was ended goes on as it was planned.
fn go_on(cx: &mut Cx, current: &Window) -> Result<()> {
    let over = current.times()?.over();
    if over.is_some_and(|over| over <= cx.now) {
        return Err(Error::conflict("Its time is over by now. Plan another window."));
    }
    store::windows::go_on(cx.tx, current.id, over)?;
    cx.changed(&current.reference(), "over_at", current.over_at, over)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_fields_replace_current_ones_and_the_rest_stays() {
        let current =
            Window { labels: Labels([("site".to_owned(), "oslo".to_owned())].into()), ..Window::sample("Patch") };
        let same = UpdateWindow::default().plan(&current);
        assert_eq!(
            (same.name.as_str(), same.minutes, same.rrule.as_deref()),
            ("Patch", Some(120), Some("FREQ=MONTHLY;BYDAY=3TU"))
        );
        assert_eq!((same.asset, same.spread, &same.labels), (Some(417), Some(Spread::Dependents), &current.labels));
        let update = UpdateWindow {
            minutes: Some(60),
            rrule: Change::Clear,
            until_ticket: Change::Set(7),
            first_start: Some(" ".into()),
            ..UpdateWindow::default()
        };
        let changed = update.plan(&current);
        assert_eq!((changed.minutes, changed.rrule, changed.until_ticket), (Some(60), None, Some(7)));
        assert_eq!(changed.first_start.as_deref(), Some("2026-03-17T22:00"), "an empty field changes nothing");
    }
}
