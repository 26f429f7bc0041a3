//! Repeats of events (RRULE), as far as shifts need them: every day, week, month or year, some days of the week, an interval, and
//! an end by number or time. What goes beyond is refused by name, so that no shift is silently at the wrong time.

use jiff::civil;
use jiff::tz::TimeZone;

use super::read::time;
use crate::rota::wall::{self, DAY};

/// How many steps of a rule are looked at: more than thirty years of days.
const STEPS_MAX: i64 = 12_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Every {
    Day,
    Week,
    Month,
    Year,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    every: Every,
    interval: i64,
    count: Option<i64>,
    /// The last time, on the wall clock of the event.
    until: Option<i64>,
    /// Monday first; empty when the rule names no days.
    days: Vec<usize>,
    /// The first day of the week: 0 is Monday.
    week_start: usize,
}

impl Rule {
    pub(super) fn read(text: &str, zone: &TimeZone) -> Result<Self, String> {
        let mut rule =
            Self { every: Every::Day, interval: 1, count: None, until: None, days: Vec::new(), week_start: 0 };
        let mut every = None;
        for part in text.trim().split(';').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let unclear =
                || format!("Its repeat has \"{}\", which is not understood here.", kernel::text::shorten(part, 40));
            let number =
                || value.parse::<i64>().ok().filter(|number| (1..=10_000).contains(number)).ok_or_else(unclear);
            match name.trim().to_ascii_uppercase().as_str() {
                "FREQ" => every = Some(frequency(value).ok_or_else(unclear)?),
                "INTERVAL" => rule.interval = number()?,
                "COUNT" => rule.count = Some(number()?),
                "UNTIL" => rule.until = Some(until(value, zone).ok_or_else(unclear)?),
                "BYDAY" => {
                    rule.days = value.split(',').map(weekday).collect::<Option<Vec<usize>>>().ok_or_else(unclear)?;
                }
                "WKST" => rule.week_start = weekday(value).ok_or_else(unclear)?,
                _ => return Err(unclear()),
            }
        }
        rule.every = every.ok_or("Its repeat does not say how often.")?;
        if !rule.days.is_empty() && matches!(rule.every, Every::Month | Every::Year) {
            return Err("It repeats on days of the week of a month or year, which is not understood here.".to_owned());
        }
        Ok(rule)
    }

    /// The wall times at which it begins within `[first, last]`, at most `most`, for an event that begins first at `start`.
    pub(super) fn times(&self, start: i64, first: i64, last: i64, most: i64) -> Vec<i64> {
        let mut found = Vec::new();
        let mut counted = 0;
        let begin = self.skipped(start, first);
        for step in begin..begin.saturating_add(STEPS_MAX) {
            if self.earliest(start, step) > last {
                return found;
            }
            for at in self.step(start, step) {
                let over =
                    self.until.is_some_and(|until| at > until) || self.count.is_some_and(|count| counted >= count);
                if over || at > last || i64::try_from(found.len()).unwrap_or(most) >= most {
                    return found;
                }
                counted += 1;
                if at >= first {
                    found.push(at);
                }
            }
        }
        found
    }

    /// How many steps lie before the window for sure. A rule with a count has to be counted from its beginning.
    fn skipped(&self, start: i64, first: i64) -> i64 {
        let length = match self.every {
            Every::Day => DAY,
            Every::Week => 7 * DAY,
            Every::Month => 31 * DAY,
            Every::Year => 366 * DAY,
        };
        if self.count.is_some() {
            return 0;
        }
        (first.saturating_sub(start) / (length * self.interval) - 2).max(0)
    }

    /// A time before which nothing of a step lies, whether its days fit or not.
    fn earliest(&self, start: i64, step: i64) -> i64 {
        let length = match self.every {
            Every::Day => DAY,
            Every::Week => 7 * DAY,
            Every::Month => 28 * DAY,
            Every::Year => 365 * DAY,
        };
        start.saturating_sub(7 * DAY).saturating_add(step.saturating_mul(self.interval).saturating_mul(length))
    }

    /// The times of one step: a day, a week, a month or a year.
    fn step(&self, start: i64, step: i64) -> Vec<i64> {
        let forward = step.saturating_mul(self.interval);
        let fits = |at: &i64| self.days.is_empty() || self.days.contains(&wall::weekday(at.div_euclid(DAY)));
        match self.every {
            Every::Day => Some(start.saturating_add(forward.saturating_mul(DAY))).filter(fits).into_iter().collect(),
            Every::Week if self.days.is_empty() => vec![start.saturating_add(forward.saturating_mul(7 * DAY))],
            Every::Week => {
                let into = (wall::weekday(start.div_euclid(DAY)) + 7 - self.week_start) % 7;
                let monday = start - i64::try_from(into).unwrap_or_default() * DAY + forward.saturating_mul(7 * DAY);
                (0..7).map(|day| monday + day * DAY).filter(|at| *at >= start).filter(fits).collect()
            }
            Every::Month => months_later(start, forward).into_iter().collect(),
            Every::Year => months_later(start, forward.saturating_mul(12)).into_iter().collect(),
        }
    }
}

/// The same day and hour some months later; `None` where that month has no such day.
fn months_later(start: i64, months: i64) -> Option<i64> {
    let first = wall::to_civil(start);
    let month = i64::from(first.year()) * 12 + i64::from(first.month()) - 1 + months;
    let year = i16::try_from(month.div_euclid(12)).ok()?;
    let date = civil::Date::new(year, i8::try_from(month.rem_euclid(12) + 1).ok()?, first.day()).ok()?;
    Some(wall::of_civil(date.to_datetime(first.time())))
}

fn frequency(word: &str) -> Option<Every> {
    match word.trim().to_ascii_uppercase().as_str() {
        "DAILY" => Some(Every::Day),
        "WEEKLY" => Some(Every::Week),
        "MONTHLY" => Some(Every::Month),
        "YEARLY" => Some(Every::Year),
        _ => None,
    }
}

fn weekday(word: &str) -> Option<usize> {
    let word = word.trim().to_ascii_uppercase();
    ["MO", "TU", "WE", "TH", "FR", "SA", "SU"].iter().position(|day| **day == word)
}

/// The last time of a rule on the wall clock of the event. A date is the whole day.
fn until(text: &str, zone: &TimeZone) -> Option<i64> {
    let text = text.trim();
    let (seconds, all_day) = time(text.trim_end_matches(['Z', 'z']))?;
    let seconds = if all_day { seconds + DAY - 1 } else { seconds };
    if text.ends_with(['Z', 'z']) && !all_day {
        return Some(wall::of_civil(zone.to_datetime(wall::moment(&TimeZone::UTC, seconds))));
    }
    Some(seconds)
}
