//! Plan a maintenance window.

use kernel::{Access, Cx, Effect, Error, Operation, Ref, Result, Route, Time, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Spread, Window, wall, zone};
use crate::events::MaintenancePlanned;
use crate::labels::Labels;
use crate::limits::{WINDOW_MINUTES_MAX, WINDOWS_MAX};
use crate::maintenance::recurrence::Rule;
use crate::{check, ground, store};

/// Plan a maintenance window: while it lasts nobody is told of what it covers and no incident opens; checks go on and
/// everything is recorded. When it ends, what is bad then is told.
///
/// Give an asset, a check, a team, a place, labels, or several of them; all that are given must fit.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct CreateWindow {
    /// What is done in it, for those who wonder.
    pub name: String,
    /// Alerts of this asset.
    pub asset: Option<i64>,
    /// How far from the asset: only (itself), dependents (and what stands on it), service (and what it stands on).
    pub spread: Option<Spread>,
    /// The alert of this check.
    pub check: Option<i64>,
    /// Alerts that this team is told of.
    pub team: Option<i64>,
    /// Alerts at this place and everywhere below it.
    pub place: Option<i64>,
    /// Alerts with all of these labels; `alertname` and `severity` are labels of every alert. As name=value, as lines, or as
    /// an object in JSON.
    #[schemars(schema_with = "crate::labels::asked")]
    pub labels: Labels,
    /// When it begins first, on the wall clock of its zone, for example 2026-03-17T22:00; now if left out.
    pub first_start: Option<String>,
    /// The zone whose clocks count, for example Europe/Oslo; UTC if left out.
    pub time_zone: Option<String>,
    /// How long it is, in minutes; at most 7 days. With `until_ticket` the longest it may last, 30 days if left out.
    pub minutes: Option<i64>,
    /// When it comes again, as in calendars: FREQ=MONTHLY;BYDAY=3TU is the third Tuesday. Left out: only once.
    pub rrule: Option<String>,
    /// It lasts until this ticket, for example a change, is resolved or closed.
    pub until_ticket: Option<i64>,
}

impl CreateWindow {
    /// The operation's name, for those who only ask about grants.
    pub(crate) const OPERATION: &'static str = "monitor.maintenance.create";

    /// When it is, checked: minutes, first beginning, zone, rule.
    pub(super) fn plan(&self, now: Time) -> Result<(i64, String, String, String)> {
        let rrule = self.rrule.as_deref().unwrap_or_default().trim().to_ascii_uppercase();
        let rrule = rrule.trim_start_matches("RRULE:");
        let most = if self.until_ticket.is_some() { 30 * 24 * 60 } else { WINDOW_MINUTES_MAX };
        let minutes = match (self.minutes, self.until_ticket) {
            (Some(minutes), _) => minutes,
            (None, Some(_)) => most,
            (None, None) => return Err(Error::invalid("minutes", "Say how long it is, in minutes.")),
        };
        if !(1..=most).contains(&minutes) {
            return Err(Error::invalid("minutes", format!("Use a number of minutes from 1 to {most}.")));
        }
        if !rrule.is_empty() {
            Rule::parse(rrule)?;
            if self.until_ticket.is_some() {
                return Err(Error::invalid("rrule", "A window until a ticket is closed does not come again."));
            }
        }
        let name = self.time_zone.as_deref().map(str::trim).filter(|text| !text.is_empty()).unwrap_or("UTC");
        let zone = zone(name)?;
        let first = match self.first_start.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) => wall(text)?,
            None => zone.to_datetime(now.timestamp()),
        };
        let rrule = if rrule.is_empty() { String::new() } else { Rule::ending(rrule, first.date())? };
        let first = first.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        Ok((minutes, first, name.to_owned(), rrule))
    }

    fn window(&self, cx: &mut Cx) -> Result<Window> {
        self.labels.check("labels")?;
        let (minutes, first_start, time_zone, rrule) = self.plan(cx.now)?;
        let mut window = Window {
            id: 0,
            name: kernel::text::line("name", &self.name, 300)?,
            asset: self.asset,
            spread: self.spread.unwrap_or_default(),
            check: self.check,
            team: self.team,
            place: self.place,
            labels: self.labels.clone(),
            first_start,
            time_zone,
            minutes,
            rrule,
            until_ticket: self.until_ticket,
            over_at: None,
            active_since: None,
            created_by: cx.actor.name.clone(),
            created_at: cx.now,
            ended_by: None,
            version: 1,
            owning_place: self.place,
            owning_team: self.team,
            owner: None,
        };
        window.over_at = window.times()?.over();
        if window.over_at.is_some_and(|over| over <= cx.now) {
            return Err(Error::invalid("first_start", "This window is over already. Choose a later beginning or end."));
        }
        Ok(window)
    }

    /// The window that is planned, when everything about it fits and is in reach for `operation`; it has no number yet.
    pub(super) fn checked(&self, cx: &mut Cx, operation: &str) -> Result<Window> {
        let mut window = self.window(cx)?;
        self.owned(cx, operation, &mut window)?;
        if let Some(ticket) = self.until_ticket {
            let ticket = Ref::new("ticket", ticket);
            if cx.resolve(std::slice::from_ref(&ticket))?.is_empty() {
                return Err(Error::invalid("until_ticket", format!("{ticket} was not found, or you may not see it.")));
            }
        }
        Ok(window)
    }

    /// Refuses what is not there, or not in reach, for whoever plans; says who sees the window.
    fn owned(&self, cx: &mut Cx, operation: &str, window: &mut Window) -> Result<()> {
        let reach = cx.reach(operation)?;
        let mut about = self.asset;
        if let Some(id) = self.check {
            let found = store::checks::find(cx.tx, id, &reach)?;
            let found = found.ok_or_else(|| Error::invalid("check", format!("The check {id} was not found.")))?;
            window.owning_team = window.owning_team.or(found.team);
            about = about.or(found.asset);
        }
        if let Some(asset) = about {
            let brief = ground::visible_asset(cx, operation, asset, "asset")?;
            window.owning_place = window.owning_place.or(brief.place);
            window.owning_team = window.owning_team.or(brief.team);
            window.owner = brief.owner;
        }
        check::known_team(cx, self.team)?;
        if let Some(place) = self.place {
            let known = people::place_known(cx.tx, place)?;
            if !known || !(reach.everything || reach.places.contains(&place)) {
                return Err(Error::invalid(
                    "place",
                    format!("The place {place} was not found, or you may not see it."),
                ));
            }
        }
        match (about.is_some() || self.check.is_some() || self.place.is_some(), self.team) {
            (true, _) => Ok(()),
            (false, Some(team)) if reach.everything || reach.teams.contains(&team) => Ok(()),
            (false, Some(_)) => Err(Error::invalid("team", "You may plan windows only for your own teams.")),
            (false, None) if self.labels.0.is_empty() => {
                Err(Error::invalid("asset", "Say what it covers: an asset, a check, a team, a place or labels."))
            }
            (false, None) if reach.everything => Ok(()),
            (false, None) => Err(Error::invalid("labels", "Give an asset, a team or a place with the labels.")),
        }
    }
}

impl Operation for CreateWindow {
    const NAME: &'static str = Self::OPERATION;
    const ROUTE: Route = post("/monitor/maintenance");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Window;

    fn run(&self, cx: &mut Cx) -> Result<Window> {
        let mut window = self.checked(cx, Self::NAME)?;
        if store::windows::count_coming(cx.tx, cx.now)? >= WINDOWS_MAX {
            let most = format!("There are {WINDOWS_MAX} maintenance windows already, the most there may be. End some.");
            return Err(Error::over_limit(most));
        }
        window.id = store::windows::insert(cx.tx, &window, &cx.actor.ident.to_string())?;
        cx.changed(&window.reference(), "name", serde_json::Value::Null, &window.name)?;
        cx.emit(&MaintenancePlanned {
            maintenance: window.reference(),
            covers: window.subjects(),
            name: window.name.clone(),
        })?;
        Ok(window)
    }
}
