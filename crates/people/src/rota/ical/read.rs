//! Events of a calendar as spans of time, repeats included, within a window.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, civil};

use super::lines::{Line, lines};
use super::repeat::Rule;
use crate::rota::text::span_seconds;
use crate::rota::wall::{self, DAY, HOUR};

/// Most events of one calendar that are looked at.
const EVENTS_MAX: usize = 1_000;
/// Most spans that are answered.
const TAKEN_MAX: usize = 2_000;
/// Longest text of an event that is kept, in characters.
const TEXT_CHARS_MAX: usize = 200;

/// Longest mail address that is looked at, in bytes.
const ADDRESS_BYTES_MAX: usize = 254;

/// One time at which an event takes place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Names the event and which of its repeats it is.
    pub key: String,
    /// When it begins.
    pub from: Timestamp,
    /// When it ends.
    pub to: Timestamp,
    /// Its one line.
    pub summary: String,
    /// Mail addresses of who is asked to be there, in lower case; the first two.
    pub attendees: Vec<String>,
}

/// An event that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Its one line, or its name when it has none.
    pub what: String,
    /// Why.
    pub why: String,
}

/// What a calendar holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// In order of time.
    pub taken: Vec<Taken>,
    /// The times of events that were cancelled, in no order.
    pub cancelled: Vec<Taken>,
    /// What was left out, and why.
    pub left: Vec<Left>,
    /// How many events there are, whether they lie in the window or not.
    pub events: usize,
}

/// Reads the events of a calendar that touch `[from, to)`. Times without a zone are in `zone`.
pub fn read(text: &str, zone: &TimeZone, from: Timestamp, to: Timestamp) -> Read {
    let mut found = Read::default();
    let (all, mut more) = events(text);
    // A repeat that was moved by hand stands as an event of its own, in place of the one of the rule.
    let mut moved: BTreeMap<String, BTreeSet<Timestamp>> = BTreeMap::new();
    for event in &all {
        if let (Some(uid), Some(at)) = (event.value("UID"), event.instead_of(zone)) {
            moved.entry(uid).or_default().insert(at.moment());
        }
    }
    for event in &all {
        found.events += 1;
        let room = TAKEN_MAX.saturating_sub(found.taken.len() + found.cancelled.len());
        if room == 0 {
            more = true;
            break;
        }
        let cancelled = event.is_cancelled();
        match event.taken(zone, from, to, &moved) {
            Ok(taken) => {
                more |= taken.len() > room;
                if cancelled {
                    found.left.push(Left { what: event.what(), why: "It was cancelled.".to_owned() });
                    found.cancelled.extend(taken.into_iter().take(room));
                } else {
                    found.taken.extend(taken.into_iter().take(room));
                }
            }
            Err(why) => found.left.push(Left { what: event.what(), why }),
        }
    }
    found.taken.sort_by(|one, other| (one.from, &one.key).cmp(&(other.from, &other.key)));
    if more {
        let why = format!("Only {EVENTS_MAX} events and {TAKEN_MAX} times are taken from one calendar.");
        found.left.push(Left { what: "The rest of the calendar".to_owned(), why });
    }
    found
}

/// The lines of one event.
struct Lines(Vec<Line>);

/// The first events of a text, and whether there are more.
fn events(text: &str) -> (Vec<Lines>, bool) {
    let mut events = Vec::new();
    let mut inside: Vec<String> = Vec::new();
    for line in lines(text) {
        match line.name.as_str() {
            "BEGIN" => {
                inside.push(line.value.trim().to_ascii_uppercase());
                if inside.last().is_some_and(|name| name == "VEVENT") {
                    if events.len() == EVENTS_MAX {
                        return (events, true);
                    }
                    events.push(Lines(Vec::new()));
                }
            }
            "END" => drop(inside.pop()),
            // What stands inside of an alarm of an event is not the event's.
            _ if inside.last().is_some_and(|name| name == "VEVENT") => {
                if let Some(Lines(lines)) = events.last_mut() {
                    lines.push(line);
                }
            }
            _ => {}
        }
    }
    (events, false)
}

impl Lines {
    fn line(&self, name: &str) -> Option<&Line> {
        self.0.iter().find(|line| line.name == name)
    }

    fn value(&self, name: &str) -> Option<String> {
        self.line(name).map(|line| line.text().trim().to_owned()).filter(|text| !text.is_empty())
    }

    fn what(&self) -> String {
        let text = self.value("SUMMARY").or_else(|| self.value("UID"));
        kernel::text::shorten(&text.unwrap_or_else(|| "An event without a name".to_owned()), TEXT_CHARS_MAX)
    }

    fn is_cancelled(&self) -> bool {
        self.value("STATUS").is_some_and(|status| status.eq_ignore_ascii_case("CANCELLED"))
    }

    /// Which repeat of another event this one stands for. Its time is on the same wall as its beginning unless it says otherwise.
    fn instead_of(&self, zone: &TimeZone) -> Option<At> {
        let line = self.line("RECURRENCE-ID")?;
        let start = self.line("DTSTART").and_then(|start| At::read(start, zone).ok());
        At::read(line, &start.map_or_else(|| zone.clone(), |start| start.zone)).ok()
    }

    fn taken(
        &self,
        zone: &TimeZone,
        from: Timestamp,
        to: Timestamp,
        moved: &BTreeMap<String, BTreeSet<Timestamp>>,
    ) -> Result<Vec<Taken>, String> {
        let start = self.line("DTSTART").ok_or("It has no beginning.")?;
        let start = At::read(start, zone)?;
        let length = self.length(&start, zone)?;
        if length < 1 {
            return Err("It does not last.".to_owned());
        }
        let uid = self.value("UID").unwrap_or_else(|| self.what());
        let repeats = self.line("RECURRENCE-ID").is_none();
        let rule =
            self.line("RRULE").filter(|_| repeats).map(|line| Rule::read(&line.value, &start.zone)).transpose()?;
        let reach = i64::try_from(TAKEN_MAX).unwrap_or_default();
        let begins = match &rule {
            None => vec![start.wall],
            Some(rule) => {
                let first = wall::of_civil(start.zone.to_datetime(from)).saturating_sub(length).saturating_sub(2 * DAY);
                let last = wall::of_civil(start.zone.to_datetime(to)).saturating_add(2 * DAY);
                rule.times(start.wall, first, last, reach)
            }
        };
        let mut left_out = self.exceptions(zone);
        left_out.extend(moved.get(&uid).filter(|_| repeats).into_iter().flatten().copied());
        let (summary, attendees) = (self.what(), self.attendees());
        let name = kernel::text::shorten(&uid, TEXT_CHARS_MAX);
        // A repeat that was moved is known by the time it had.
        let known = self.instead_of(zone).map(|at| wall::of_civil(start.zone.to_datetime(at.moment())));
        let taken = |begin: i64| {
            let begins = wall::moment(&start.zone, begin);
            // The end is on the wall as well, so that a night shift ends in the morning whatever summer time does.
            let ends = wall::moment(&start.zone, begin.saturating_add(length));
            let fits = begins < ends && begins < to && from < ends && !left_out.contains(&begins);
            fits.then(|| Taken {
                key: format!("{name}#{}", wall::to_civil(known.unwrap_or(begin))),
                from: begins,
                to: ends,
                summary: summary.clone(),
                attendees: attendees.clone(),
            })
        };
        Ok(begins.into_iter().filter_map(taken).collect())
    }

    /// How long it lasts, in seconds of the wall clock.
    fn length(&self, start: &At, zone: &TimeZone) -> Result<i64, String> {
        if let Some(end) = self.line("DTEND") {
            let end = At::read(end, zone)?;
            let shown =
                if end.zone == start.zone { end.wall } else { wall::of_civil(start.zone.to_datetime(end.moment())) };
            return Ok(shown.saturating_sub(start.wall));
        }
        match self.value("DURATION") {
            Some(text) => {
                let seconds = text.parse::<Span>().ok().as_ref().and_then(span_seconds);
                seconds.ok_or_else(|| format!("\"{}\" is no duration.", kernel::text::shorten(&text, 40)))
            }
            None if start.all_day => Ok(DAY),
            // What was cancelled is only looked for by its beginning.
            None if self.is_cancelled() => Ok(HOUR),
            None => Err("It has no end.".to_owned()),
        }
    }

    /// The moments at which it does not take place.
    fn exceptions(&self, zone: &TimeZone) -> BTreeSet<Timestamp> {
        let mut found = BTreeSet::new();
        for line in self.0.iter().filter(|line| line.name == "EXDATE") {
            let Ok(known) = At::zone(line, zone) else { continue };
            let times = line.value.split(',').filter_map(|text| At::of(text, &known).ok());
            found.extend(times.map(|at| at.moment()));
        }
        found
    }

    /// The addresses of the first two: who it is about is said only where there is one.
    fn attendees(&self) -> Vec<String> {
        let lines = self.0.iter().filter(|line| line.name == "ATTENDEE");
        let address = |line: &Line| {
            let value = line.value.trim().to_lowercase();
            let from_parameter = line.parameter("EMAIL").map(str::to_lowercase);
            value.strip_prefix("mailto:").map(str::to_owned).or(from_parameter)
        };
        lines.filter_map(address).filter(|address| address.len() <= ADDRESS_BYTES_MAX).take(2).collect()
    }
}

/// A time of a calendar: what the clock on the wall shows, and where the wall is.
struct At {
    wall: i64,
    zone: TimeZone,
    all_day: bool,
}

impl At {
    fn read(line: &Line, zone: &TimeZone) -> Result<Self, String> {
        Self::of(&line.value, &Self::zone(line, zone)?)
    }

    /// The zone of the times of a line that are not in UTC.
    fn zone(line: &Line, zone: &TimeZone) -> Result<TimeZone, String> {
        match line.parameter("TZID") {
            _ if line.value.trim().ends_with(['Z', 'z']) => Ok(zone.clone()),
            None => Ok(zone.clone()),
            Some(name) => TimeZone::get(name.trim_start_matches('/')).map_err(|_| {
                format!(
                    "Its time zone \"{}\" is not known here. Export it with IANA names.",
                    kernel::text::shorten(name, 60)
                )
            }),
        }
    }

    fn of(text: &str, zone: &TimeZone) -> Result<Self, String> {
        let text = text.trim();
        let zone = if text.ends_with(['Z', 'z']) { TimeZone::UTC } else { zone.clone() };
        let (wall, all_day) = time(text.trim_end_matches(['Z', 'z']))
            .ok_or_else(|| format!("\"{}\" is no time.", kernel::text::shorten(text, 40)))?;
        Ok(Self { wall, zone, all_day })
    }

    fn moment(&self) -> Timestamp {
        wall::moment(&self.zone, self.wall)
    }
}

/// A time such as `20260302T080000`, or a date such as `20260302`; true for a date.
pub(super) fn time(text: &str) -> Option<(i64, bool)> {
    let (date, time) = text.split_once(['T', 't']).map_or((text, None), |(date, time)| (date, Some(time)));
    let digits = |text: &str, length: usize| text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
    let part = |text: &str, from: usize, to: usize| text.get(from..to)?.parse::<i8>().ok();
    if !digits(date, 8) {
        return None;
    }
    let date = civil::Date::new(date.get(..4)?.parse().ok()?, part(date, 4, 6)?, part(date, 6, 8)?).ok()?;
    if !(1900..=2300).contains(&date.year()) {
        return None;
    }
    let Some(time) = time else { return Some((wall::of_civil(date.at(0, 0, 0, 0)), true)) };
    if !digits(time, 6) {
        return None;
    }
    // A leap second is the second before it, as everywhere here.
    let time = civil::Time::new(part(time, 0, 2)?, part(time, 2, 4)?, part(time, 4, 6)?.min(59), 0).ok()?;
    Some((wall::of_civil(date.to_datetime(time)), false))
}
