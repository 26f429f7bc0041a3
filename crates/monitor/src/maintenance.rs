//! Maintenance windows: planned times in which nobody is told of what they cover. Like a silence they hold back
//! notifications only; unlike one they come round by a rule, or last until a ticket is closed. When one ends, what is
//! bad then is told.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use kernel::{Cx, Error, Ref, Resolved, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::labels::Labels;
use crate::store;

pub mod create;
pub mod end;
pub mod list;
pub mod preview;
pub(crate) mod recurrence;
pub mod update;
pub(crate) mod watch;

use recurrence::{Rule, Times};

/// How far a window about an asset reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Spread {
    /// The asset alone.
    #[default]
    Only,
    /// The asset and everything that stands on it, as for a host or a switch.
    Dependents,
    /// The asset and everything that it stands on, as for a service.
    Service,
}

impl Spread {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Only => "only",
            Self::Dependents => "dependents",
            Self::Service => "service",
        }
    }

    /// The one of a stable word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Only, Self::Dependents, Self::Service].into_iter().find(|one| one.as_str() == word)
    }
}

/// A maintenance window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Window {
    /// Its number.
    pub id: i64,
    /// What is done in it.
    pub name: String,
    /// Covers alerts of this asset ..
    pub asset: Option<i64>,
    /// .. and of what stands on it, or of what it stands on.
    pub spread: Spread,
    /// Covers the alert of this check.
    pub check: Option<i64>,
    /// Covers alerts that this team is told of.
    pub team: Option<i64>,
    /// Covers alerts at this place and everywhere below it.
    pub place: Option<i64>,
    /// Covers alerts with all of these labels.
    pub labels: Labels,
    /// When it begins first, on the wall clock of its zone, for example 2026-03-17T22:00.
    pub first_start: String,
    /// The zone whose clocks count, an IANA name.
    pub time_zone: String,
    /// How long it is, in minutes.
    pub minutes: i64,
    /// When it comes again (RFC 5545); empty: never.
    pub rrule: String,
    /// It lasts until this ticket is resolved or closed.
    pub until_ticket: Option<i64>,
    /// When nothing of it comes any more, if that is known.
    pub over_at: Option<Time>,
    /// Since when it is in force, as people were told.
    pub active_since: Option<Time>,
    /// Who planned it.
    pub created_by: String,
    /// When it was planned.
    pub created_at: Time,
    /// Who ended it for good.
    pub ended_by: Option<String>,
    /// Grows with every change.
    pub version: i64,
    #[serde(skip)]
    pub(crate) owning_place: Option<i64>,
    #[serde(skip)]
    pub(crate) owning_team: Option<i64>,
    #[serde(skip)]
    pub(crate) owner: Option<i64>,
}

impl Window {
    /// As a reference.
    pub fn reference(&self) -> Ref {
        Ref::new("maintenance", self.id)
    }

    /// What it covers, as references.
    pub(crate) fn subjects(&self) -> Vec<Ref> {
        let all = [
            self.asset.map(|id| Ref::new("asset", id)),
            self.check.map(|id| Ref::new("check", id)),
            self.team.map(|id| Ref::new("team", id)),
            self.place.map(|id| Ref::new("place", id)),
        ];
        all.into_iter().flatten().collect()
    }

    /// When it is. What was written was checked, so only damage makes this fail.
    pub(crate) fn times(&self) -> Result<Times> {
        let rule = if self.rrule.is_empty() { None } else { Some(Rule::parse(&self.rrule)?) };
        let duration_s = self.minutes.saturating_mul(60);
        Ok(Times { first: wall(&self.first_start)?, zone: zone(&self.time_zone)?, duration_s, rule })
    }

    /// The times at which it is in force within a span, oldest first, at most so many.
    pub(crate) fn spans(&self, from: Time, to: Time, most: usize) -> Vec<(Time, Time)> {
        let Ok(times) = self.times() else { return Vec::new() };
        let over = self.over_at.unwrap_or(Time(i64::MAX));
        let all = times.between(from, to, most).into_iter().filter(|(start, _)| *start < over);
        all.map(|(start, end)| (start, end.min(over))).filter(|(start, end)| end > start && *end > from).collect()
    }

    /// The occurrence that a moment lies in.
    pub(crate) fn at(&self, moment: Time) -> Option<(Time, Time)> {
        let over = self.over_at.is_some_and(|over| over <= moment);
        if over { None } else { self.times().ok()?.at(moment) }
    }
}

/// Reads a wall time; errors are at `first_start`.
pub(crate) fn wall(text: &str) -> Result<DateTime> {
    text.trim().parse().map_err(|_| {
        Error::invalid("first_start", "This is no time on a clock. Write it like 2026-03-17T22:00, without a zone.")
    })
}

/// Reads a zone; errors are at `time_zone`.
pub(crate) fn zone(name: &str) -> Result<TimeZone> {
    TimeZone::get(name.trim()).map_err(|_| {
        let name = kernel::text::shorten(name, 60);
        Error::invalid("time_zone", format!("\"{name}\" is no known time zone. Use a name like Europe/Oslo or UTC."))
    })
}

/// A window that the actor's grant for `operation` covers; what they may not see does not exist.
pub(crate) fn find(cx: &mut Cx, operation: &str, id: i64) -> Result<Window> {
    let reach = cx.reach(operation)?;
    let found = store::windows::visible(cx.tx, &[id], &reach)?.into_iter().next();
    found.ok_or_else(|| Error::not_found(format!("The maintenance window {id}")))
}

/// Titles and pages of windows, for references.
pub(crate) fn resolve(cx: &mut Cx, ids: &[i64]) -> Result<Vec<Resolved>> {
    let Some(reach) = cx.actor.reach(list::ListWindows::OPERATION, cx.now) else { return Ok(Vec::new()) };
    let found = store::windows::visible(cx.tx, ids, &reach)?;
    let title = |one: Window| Resolved { id: one.id, title: one.name, href: "/monitoring/maintenance".to_owned() };
    Ok(found.into_iter().map(title).collect())
}

#[cfg(test)]
impl Window {
    /// An example.
    pub(crate) fn sample(name: &str) -> Self {
        Self {
            id: 4,
            name: name.into(),
            asset: Some(417),
            spread: Spread::Dependents,
            check: None,
            team: None,
            place: None,
            labels: Labels::default(),
            first_start: "2026-03-17T22:00".into(),
            time_zone: "Europe/Oslo".into(),
            minutes: 120,
            rrule: "FREQ=MONTHLY;BYDAY=3TU".into(),
            until_ticket: None,
            over_at: None,
            active_since: None,
            created_by: name.into(),
            created_at: Time(0),
            ended_by: None,
            version: 1,
            owning_place: None,
            owning_team: None,
            owner: None,
        }
    }
}
