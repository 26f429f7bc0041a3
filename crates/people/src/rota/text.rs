//! A rota as people and programs write it, and what that means: every wrong part is refused by its name.

use jiff::civil;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use kernel::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plan::{Layer, Restriction};
use super::wall::{self, DAY, HOUR};

mod length;

pub use length::Length;

/// Most layers of a rota.
pub(crate) const LAYERS_MAX: usize = 20;
/// Most people in one layer.
pub(crate) const PARTICIPANTS_MAX: usize = 200;
/// Most restrictions of one layer.
const RESTRICTIONS_MAX: usize = 50;
/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 200;
/// The years that times of rotas may lie in.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2300;
/// The days of the week as they are written.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// What the length of a turn counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Hours.
    Hourly,
    /// Days.
    Daily,
    /// Weeks.
    Weekly,
    /// Any duration; a plain number is hours.
    Custom,
}

/// A layer of a rota: people who take turns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// What it is called on screen.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What the length counts: hourly, daily, weekly, or custom.
    pub kind: Kind,
    /// How long a turn is: a number of what `kind` says, 1 when left out, or a duration such as `12h`, `P1W` or `PT12H`. An hour to 366 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<Length>,
    /// When the first turn begins, as the clock on the wall shows it in the rota's zone, for example 2026-03-02T08:00. Each turn is handed over at such a time, whatever summer time does.
    pub start: String,
    /// Who takes turns, in order.
    pub participants: Vec<String>,
    /// When the layer is in force; always when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restrictions: Vec<Hours>,
    /// On call together with the layers before it, instead of in their place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adds: bool,
}

/// Hours of some days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// Days such as mon, tue or sat-sun; every day when empty. A time over midnight belongs to the day it begins on.
    #[serde(default)]
    pub days: Vec<String>,
    /// From when on, as HH:MM.
    #[serde(default = "midnight")]
    pub from: String,
    /// Until when, as HH:MM; 24:00 is the end of the day. A time that is not after `from` is on the next day.
    #[serde(default = "end_of_day")]
    pub to: String,
}

fn midnight() -> String {
    "00:00".to_owned()
}

fn end_of_day() -> String {
    "24:00".to_owned()
}

/// A time zone that this machine knows.
pub(crate) fn zone(name: &str) -> Result<TimeZone> {
    let name = name.trim();
    TimeZone::get(name).map_err(|_| {
        let shown = kernel::text::shorten(name, 40);
        Error::invalid("time_zone", format!("\"{shown}\" is not a time zone. Write it like Europe/Oslo or UTC."))
    })
}

/// A moment: RFC 3339, or what the clock on the wall shows in a zone.
pub(crate) fn moment(field: &str, text: &str, zone: &TimeZone) -> Result<Timestamp> {
    match stamp(text) {
        Some(moment) => within(field, zone.to_datetime(moment)).map(|_| moment),
        None => Ok(wall::moment(zone, wall::of_civil(shown(field, text)?))),
    }
}

/// A wall time in a zone: as it is written, or what the clock there shows at a moment of RFC 3339.
fn wall_time(field: &str, text: &str, zone: &TimeZone) -> Result<civil::DateTime> {
    match stamp(text) {
        Some(moment) => within(field, zone.to_datetime(moment)),
        None => shown(field, text),
    }
}

/// The moment of a text with an offset; `None` when it has none.
fn stamp(text: &str) -> Option<Timestamp> {
    text.trim().parse().ok()
}

fn shown(field: &str, text: &str) -> Result<civil::DateTime> {
    let text = text.trim();
    // A zone or offset behind the time would be ignored, and with it what was meant.
    let bare = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b':' | b'T' | b't' | b' ' | b'.'));
    let parsed =
        text.parse::<civil::DateTime>().ok().filter(|_| bare && text.bytes().filter(|b| *b == b'-').count() == 2);
    match parsed {
        Some(at) => within(field, at),
        None => {
            let shown = kernel::text::shorten(text, 40);
            Err(Error::invalid(
                field,
                format!("\"{shown}\" is not a time. Write it like 2026-03-28T08:00 or 2026-03-28T08:00:00+01:00."),
            ))
        }
    }
}

fn within(field: &str, at: civil::DateTime) -> Result<civil::DateTime> {
    if YEARS.contains(&at.year()) {
        Ok(at)
    } else {
        Err(Error::invalid(field, format!("Use a time from {} to {}.", YEARS.start(), YEARS.end())))
    }
}

/// An hour of the day in seconds after midnight.
fn hour(field: &str, text: &str, last: i64) -> Result<i64> {
    let parsed = text.trim().split_once(':').and_then(|(hours, minutes)| {
        let digits = |text: &str, longest: usize| {
            (1..=longest).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
        };
        (digits(hours, 2) && minutes.len() == 2 && digits(minutes, 2))
            .then(|| Some((hours.parse::<i64>().ok()?, minutes.parse::<i64>().ok()?)))?
    });
    let seconds = parsed.filter(|(_, minutes)| *minutes < 60).map(|(hours, minutes)| hours * HOUR + minutes * 60);
    seconds.filter(|seconds| *seconds <= last).ok_or_else(|| {
        let shown = kernel::text::shorten(text, 20);
        let end = if last == DAY { "24:00" } else { "23:59" };
        Error::invalid(field, format!("\"{shown}\" is no hour of the day. Write it as HH:MM, from 00:00 to {end}."))
    })
}

/// The number of a day of the week: its English name, or at least three letters of it.
fn day(text: &str) -> Option<usize> {
    let full = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let text = text.trim().to_lowercase();
    full.iter().position(|name| text.len() >= 3 && name.starts_with(&text))
}

fn days(field: &str, texts: &[String]) -> Result<[bool; 7]> {
    if texts.is_empty() {
        return Ok([true; 7]);
    }
    let mut chosen = [false; 7];
    for (place, text) in texts.iter().enumerate() {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (Some(first), Some(last)) = (day(first), day(last)) else {
            let shown = kernel::text::shorten(text, 20);
            let field = format!("{field}[{place}]");
            return Err(Error::invalid(&field, format!("\"{shown}\" is no day. Use {}.", DAYS.join(", "))));
        };
        // Over the end of the week where the last day comes before the first, as in sat-mon.
        let many = (last + 7 - first) % 7;
        for (place, one) in chosen.iter_mut().enumerate() {
            *one |= (place + 7 - first) % 7 <= many;
        }
    }
    Ok(chosen)
}

/// Days of the week in order: from three on in a row as a span, none when it is all of them.
fn days_written(chosen: &[bool; 7]) -> Vec<String> {
    let mut runs: Vec<Vec<&str>> = vec![Vec::new()];
    for (name, on) in DAYS.iter().zip(chosen) {
        match runs.last_mut() {
            Some(run) if *on => run.push(name),
            _ => runs.push(Vec::new()),
        }
    }
    let written = |run: &Vec<&str>| match run.as_slice() {
        [_, _, _, _, _, _, _] => Vec::new(),
        [first, _, .., last] if run.len() > 2 => vec![format!("{first}-{last}")],
        few => few.iter().map(|name| (*name).to_owned()).collect(),
    };
    runs.iter().flat_map(written).collect()
}

impl Hours {
    pub(crate) fn read(&self, field: &str) -> Result<Restriction> {
        Ok(Restriction {
            days: days(&format!("{field}.days"), &self.days)?,
            from: hour(&format!("{field}.from"), &self.from, DAY - 60)?,
            to: hour(&format!("{field}.to"), &self.to, DAY)?,
        })
    }

    /// The one way in which hours are kept.
    fn of(read: &Restriction) -> Self {
        let shown = |seconds: i64| format!("{:02}:{:02}", seconds / HOUR, seconds % HOUR / 60);
        Self { days: days_written(&read.days), from: shown(read.from), to: shown(read.to) }
    }

    /// Reads a line such as `mon-fri 08:00-16:00`, `sat, sun` or `18:00-08:00`.
    pub(crate) fn parse(field: &str, line: &str) -> Result<Self> {
        let is_hours = |word: &&str| word.contains(':');
        let words: Vec<&str> = line.split([' ', ',', '\t']).filter(|word| !word.is_empty()).collect();
        let mut hours = words.iter().copied().filter(is_hours);
        let (from, to) = match (hours.next(), hours.next()) {
            (None, _) => ("00:00", "24:00"),
            (Some(span), None) if span.contains('-') => span.split_once('-').unwrap_or((span, span)),
            _ => return Err(Error::invalid(field, "Write hours in a line like mon-fri 08:00-16:00.")),
        };
        let days = words.iter().filter(|word| !is_hours(word)).map(|word| (*word).to_owned()).collect();
        let read = Self { days, from: from.to_owned(), to: to.to_owned() };
        read.read(field).map_err(|error| error.at(field))?;
        Ok(read)
    }

    /// The line that [`Hours::parse`] reads.
    pub(crate) fn line(&self) -> String {
        let days = self.days.join(",");
        let gap = if days.is_empty() { "" } else { " " };
        format!("{days}{gap}{}-{}", self.from, self.to)
    }
}

impl Rotation {
    /// Checks everything but who the participants are, and writes it in the one form that is kept: times as the wall shows them,
    /// hours as `HH:MM`, days in the order of the week.
    pub(crate) fn checked(&self, field: &str, zone: &TimeZone) -> Result<Self> {
        self.layer::<u8>(field, zone, Vec::new())?;
        let start = wall_time(&format!("{field}.start"), &self.start, zone)?;
        let name = match self.name.trim() {
            "" => String::new(),
            name => kernel::text::line(&format!("{field}.name"), name, 80)?,
        };
        let hours = self.restrictions.iter().enumerate();
        let restrictions = hours
            .map(|(place, one)| Ok(Hours::of(&one.read(&format!("{field}.restrictions[{place}]"))?)))
            .collect::<Result<Vec<_>>>()?;
        Ok(Self { name, start: start.to_string(), restrictions, ..self.clone() })
    }

    /// The layer with these people, who stand in the places of the participants.
    pub(crate) fn layer<P>(&self, field: &str, zone: &TimeZone, participants: Vec<P>) -> Result<Layer<P>> {
        people(&format!("{field}.participants"), &self.participants, PARTICIPANTS_MAX)?;
        if self.participants.is_empty() {
            return Err(Error::invalid(&format!("{field}.participants"), "Name at least one person."));
        }
        let start = wall_time(&format!("{field}.start"), &self.start, zone)?;
        if self.restrictions.len() > RESTRICTIONS_MAX {
            let field = format!("{field}.restrictions");
            return Err(Error::invalid(&field, format!("Use at most {RESTRICTIONS_MAX} restrictions.")));
        }
        let hours = self.restrictions.iter().enumerate();
        let restrictions = hours
            .map(|(place, one)| one.read(&format!("{field}.restrictions[{place}]")))
            .collect::<Result<Vec<_>>>()?;
        Ok(Layer {
            start: wall::of_civil(start),
            length: length::seconds(&format!("{field}.length"), self.kind, self.length.as_ref())?,
            participants,
            restrictions,
            adds: self.adds,
        })
    }
}

/// Refuses too many layers.
pub(crate) fn few_enough(rotations: &[Rotation]) -> Result<()> {
    if rotations.len() > LAYERS_MAX {
        return Err(Error::invalid("rotations", format!("A rota has at most {LAYERS_MAX} rotations. Split it.")));
    }
    Ok(())
}

/// Refuses too many names, and names that are none.
pub(crate) fn people(field: &str, names: &[String], most: usize) -> Result<()> {
    if names.len() > most {
        return Err(Error::invalid(field, format!("Name at most {most} people here.")));
    }
    for (place, name) in names.iter().enumerate() {
        kernel::text::line(&format!("{field}[{place}]"), name, NAME_CHARS_MAX)?;
    }
    Ok(())
}

/// A span as seconds of wall time; `None` for what has no fixed length, is negative, or is too long to be counted.
pub(crate) fn span_seconds(span: &Span) -> Option<i64> {
    if span.get_years() != 0 || span.get_months() != 0 || span.is_negative() {
        return None;
    }
    let days = i64::from(span.get_weeks()).checked_mul(7)?.checked_add(i64::from(span.get_days()))?;
    let minutes = i64::from(span.get_hours()).checked_mul(60)?.checked_add(span.get_minutes())?;
    let seconds = minutes.checked_mul(60)?.checked_add(span.get_seconds())?;
    days.checked_mul(DAY)?.checked_add(seconds)
}

#[cfg(test)]
mod tests;
