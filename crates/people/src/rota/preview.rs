//! Who would be on call by a rota that need not exist: the function that stored rotas are answered by, for whoever writes one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kernel::{Access, Cx, Effect, Error, Operation, PrepareCx, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plan::{Override, Plan};
use super::text::{self, Rotation};
use super::wall::DAY;

/// The longest span that is computed at once, in days.
pub(crate) const WINDOW_DAYS_MAX: i64 = 400;
/// Most overrides of one preview.
const OVERRIDES_MAX: usize = 500;
/// Most people that one override adds or takes off.
pub(crate) const OVERRIDDEN_MAX: usize = 50;

/// An exception for a time, as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// From when on: RFC 3339, or as the clock on the wall shows it in the rota's zone.
    pub from: String,
    /// Until when, written the same way.
    pub to: String,
    /// Who is on call as well.
    #[serde(default)]
    pub add: Vec<String>,
    /// Who is not; `*` stands for everybody who would be.
    #[serde(default)]
    pub remove: Vec<String>,
}

/// A span in which the same people are on call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stretch {
    /// From when on, with the offset of the rota's zone.
    pub from: String,
    /// Until when; this moment is no longer in it.
    pub to: String,
    /// Who, in order of name; empty when nobody is on call.
    pub who: Vec<String>,
}

/// Show who would be on call, for a rota that need not exist. Nothing is stored.
///
/// The same function answers who is on call by a stored rota. The spans cover what was asked without gaps: where nobody is on call, `who` is empty. A rotation replaces those before it in the list wherever it is in force.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct PreviewRota {
    /// The zone whose clocks count, for example Europe/Oslo.
    pub time_zone: String,
    /// The rotations from the bottom up. Any names do for participants.
    pub rotations: Vec<Rotation>,
    /// Exceptions, in order.
    #[serde(default)]
    pub overrides: Vec<Exception>,
    /// From when on: RFC 3339, or as the clock on the wall shows it in the zone.
    pub from: String,
    /// Until when, at most 400 days later.
    pub to: String,
    #[serde(skip)]
    found: Mutex<Option<Vec<Stretch>>>,
}

impl Operation for PreviewRota {
    const NAME: &'static str = "people.rota.preview";
    const ROUTE: Route = post("/people/rotas/preview");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Vec<Stretch>;

    fn prepare(&mut self, _: &PrepareCx<'_>) -> Result<()> {
        self.found = Mutex::new(Some(self.compute()?));
        Ok(())
    }

    fn run(&self, _: &mut Cx) -> Result<Vec<Stretch>> {
        let found = self.found.lock().ok().and_then(|mut found| found.take());
        found.map_or_else(|| self.compute(), Ok)
    }
}

impl PreviewRota {
    fn compute(&self) -> Result<Vec<Stretch>> {
        let zone = text::zone(&self.time_zone)?;
        let (from, to) = window(&self.from, &self.to, &zone)?;
        text::few_enough(&self.rotations)?;
        if self.overrides.len() > OVERRIDES_MAX {
            return Err(Error::invalid("overrides", format!("Preview at most {OVERRIDES_MAX} overrides at once.")));
        }
        let names = self.names();
        let plan = self.plan(&zone, &names)?;
        let named: BTreeMap<u32, &str> = names.iter().map(|(name, number)| (*number, *name)).collect();
        let stretch = |(from, to, who): (Timestamp, Timestamp, Vec<u32>)| Stretch {
            from: written(from, &zone),
            to: written(to, &zone),
            who: who.iter().filter_map(|number| named.get(number)).map(|name| (*name).to_owned()).collect(),
        };
        Ok(plan.who_if_few(from, to)?.into_iter().map(stretch).collect())
    }

    /// Everybody who is named, numbered in order of name.
    fn names(&self) -> BTreeMap<&str, u32> {
        let layers = self.rotations.iter().flat_map(|one| &one.participants);
        let exceptions = self.overrides.iter().flat_map(|one| one.add.iter().chain(&one.remove));
        let all: BTreeSet<&str> = layers.chain(exceptions).map(|name| name.trim()).collect();
        all.into_iter().zip(0..).collect()
    }

    fn plan(&self, zone: &TimeZone, names: &BTreeMap<&str, u32>) -> Result<Plan<u32>> {
        let numbers = |all: &[String]| all.iter().filter_map(|name| names.get(name.trim()).copied()).collect();
        let layer = |(place, one): (usize, &Rotation)| {
            one.layer(&format!("rotations[{place}]"), zone, numbers(&one.participants))
        };
        let layers = self.rotations.iter().enumerate().map(layer).collect::<Result<Vec<_>>>()?;
        let exception = |(place, one): (usize, &Exception)| {
            let span = one.span(&format!("overrides[{place}]"), zone)?;
            Ok(Override {
                from: span.0,
                to: span.1,
                add: numbers(&one.add),
                remove: numbers(&one.remove),
                everybody: one.takes_everybody(),
                together: false,
            })
        };
        let overrides = self.overrides.iter().enumerate().map(exception).collect::<Result<Vec<_>>>()?;
        Ok(Plan { zone: zone.clone(), layers, overrides, left: BTreeSet::new() })
    }
}

impl Exception {
    /// When it holds; refuses what is no span and too many names. `field` is where it stands, empty for the input itself.
    pub(crate) fn span(&self, field: &str, zone: &TimeZone) -> Result<(Timestamp, Timestamp)> {
        let at = |name: &str| if field.is_empty() { name.to_owned() } else { format!("{field}.{name}") };
        let from = text::moment(&at("from"), &self.from, zone)?;
        let to = text::moment(&at("to"), &self.to, zone)?;
        if to <= from {
            return Err(Error::invalid(&at("to"), "This must be later than from."));
        }
        text::people(&at("add"), &self.add, OVERRIDDEN_MAX)?;
        text::people(&at("remove"), &self.remove, OVERRIDDEN_MAX)?;
        Ok((from, to))
    }

    /// Whether it takes off everybody who would be on call.
    pub(crate) fn takes_everybody(&self) -> bool {
        self.remove.iter().any(|name| name.trim() == "*")
    }
}

/// A span that is asked for: at most 400 days.
pub(crate) fn window(from: &str, to: &str, zone: &TimeZone) -> Result<(Timestamp, Timestamp)> {
    let (from, to) = (text::moment("from", from, zone)?, text::moment("to", to, zone)?);
    if to <= from {
        return Err(Error::invalid("to", "This must be later than from."));
    }
    // An hour more, for 400 days that end in winter and began in summer.
    if to.as_second() - from.as_second() > WINDOW_DAYS_MAX * DAY + 2 * super::wall::HOUR {
        return Err(Error::invalid("to", format!("Ask for at most {WINDOW_DAYS_MAX} days at once.")));
    }
    Ok((from, to))
}

/// A moment in RFC 3339 with the offset of a zone.
pub(crate) fn written(at: Timestamp, zone: &TimeZone) -> String {
    at.display_with_offset(zone.to_offset(at)).to_string()
}

#[cfg(test)]
mod tests;
