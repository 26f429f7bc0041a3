//! When a maintenance window would be, before it is planned.

use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, Time, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::create::CreateWindow;
use super::recurrence::{Rule, Times};
use super::{wall, zone};

/// Most occurrences in an answer.
const OCCURRENCES_MAX: usize = 100;

/// Say when a maintenance window would be: the occurrences within a span of time, a year ahead if left out.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PreviewWindow {
    /// When it begins first, on the wall clock of its zone; now if left out.
    pub first_start: Option<String>,
    /// The zone whose clocks count; UTC if left out.
    pub time_zone: Option<String>,
    /// How long it is, in minutes.
    pub minutes: Option<i64>,
    /// When it comes again (RFC 5545).
    pub rrule: Option<String>,
    /// From when on; now if left out.
    pub from: Option<Time>,
    /// Until when, at most four years later; a year later if left out.
    pub to: Option<Time>,
}

/// A time in which a window is in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Occurrence {
    /// From.
    pub from: Time,
    /// To.
    pub to: Time,
}

/// When a window would be.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Occurrences {
    /// In order of time, at most 100.
    pub items: Vec<Occurrence>,
}

impl Operation for PreviewWindow {
    const NAME: &'static str = "monitor.maintenance.preview";
    const ROUTE: Route = post("/monitor/maintenance/preview");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Occurrences;

    fn run(&self, cx: &mut Cx) -> Result<Occurrences> {
        let plan = CreateWindow {
            first_start: self.first_start.clone(),
            time_zone: self.time_zone.clone(),
            minutes: self.minutes,
            rrule: self.rrule.clone(),
            ..CreateWindow::default()
        };
        let (minutes, first, name, rrule) = plan.plan(cx.now)?;
        let rule = if rrule.is_empty() { None } else { Some(Rule::parse(&rrule)?) };
        let times = Times { first: wall(&first)?, zone: zone(&name)?, duration_s: minutes * 60, rule };
        let from = self.from.unwrap_or(cx.now);
        let to = self.to.unwrap_or(from.plus(365 * kernel::time::DAY));
        if to <= from || to.since(from) > 4 * 366 * kernel::time::DAY {
            return Err(Error::invalid("to", "The end must be after the beginning, at most four years."));
        }
        let occurrence = |(from, to): (Time, Time)| Occurrence { from, to };
        Ok(Occurrences { items: times.between(from, to, OCCURRENCES_MAX).into_iter().map(occurrence).collect() })
    }
}
