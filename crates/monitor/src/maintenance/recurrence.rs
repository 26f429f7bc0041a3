//! When a window is: a first beginning on the wall clock of a zone, a length, and a rule of RFC 5545 (section 3.3.10) for
//! the others. Nothing is written down in advance: whether a moment is inside is computed from the days around it.
//!
//! Of the rule FREQ (DAILY, WEEKLY, MONTHLY, YEARLY), INTERVAL, BYDAY (with numbers in a month: 3TU, -1FR), BYMONTHDAY,
//! BYMONTH, BYSETPOS, UNTIL and COUNT are understood; anything else is refused by name. A beginning that the clock leaves
//! out comes later by the gap, one that it has twice is the first.

mod count;
mod words;

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use kernel::{Error, Result, Time};

/// How often a rule comes round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Often {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// A rule of recurrence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    often: Often,
    interval: i64,
    /// Days of the week, with their number in the month (0: every one).
    days: Vec<(i8, Weekday)>,
    month_days: Vec<i8>,
    months: Vec<i8>,
    /// Which of the days of a turn that fit; all if empty. Below 0 counts from the end.
    places: Vec<i16>,
    until: Option<DateTime>,
    /// How many times; kept as `until`.
    count: Option<usize>,
}

/// When a window is.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    pub(crate) first: DateTime,
    pub(crate) zone: TimeZone,
    pub(crate) duration_s: i64,
    pub(crate) rule: Option<Rule>,
}

const DAYS: [(&str, Weekday); 7] = [
    ("MO", Weekday::Monday),
    ("TU", Weekday::Tuesday),
    ("WE", Weekday::Wednesday),
    ("TH", Weekday::Thursday),
    ("FR", Weekday::Friday),
    ("SA", Weekday::Saturday),
    ("SU", Weekday::Sunday),
];

impl Rule {
    fn daily() -> Self {
        Self {
            often: Often::Daily,
            interval: 1,
            days: Vec::new(),
            month_days: Vec::new(),
            months: Vec::new(),
            places: Vec::new(),
            until: None,
            count: None,
        }
    }

    /// Reads a rule, with or without `RRULE:` before it; errors are at the field `rrule`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let text = text.strip_prefix("RRULE:").unwrap_or(text).to_ascii_uppercase();
        let mut rule = Self::daily();
        let mut said = false;
        for part in text.split(';').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or_else(|| wrong(part, "has no value"))?;
            said |= name == "FREQ";
            rule.read(name, value).map_err(|why| wrong(part, &why))?;
        }
        if !said {
            return Err(Error::invalid("rrule", "A rule begins with how often, for example FREQ=MONTHLY;BYDAY=3TU."));
        }
        if rule.days.iter().any(|(n, _)| *n != 0) && !matches!(rule.often, Often::Monthly | Often::Yearly) {
            return Err(Error::invalid("rrule", "Days with a number, like 3TU, need FREQ=MONTHLY."));
        }
        if !rule.places.is_empty() && rule.days.is_empty() && rule.month_days.is_empty() && rule.months.is_empty() {
            let words = "BYSETPOS picks among days: say which with BYDAY or BYMONTHDAY, like BYDAY=MO,TU,WE,TH,FR.";
            return Err(Error::invalid("rrule", words));
        }
        if rule.count.is_some() && rule.until.is_some() {
            return Err(Error::invalid("rrule", "Say an end with UNTIL or with COUNT, not with both."));
        }
        Ok(rule)
    }

    /// Reads one part of a rule; the error says what is wrong with it.
    fn read(&mut self, name: &str, value: &str) -> std::result::Result<(), String> {
        match name {
            "FREQ" => self.often = often(value).ok_or("is not DAILY, WEEKLY, MONTHLY or YEARLY")?,
            "INTERVAL" => {
                let number = value.parse().ok().filter(|n| (1..=1_000).contains(n));
                self.interval = number.ok_or("is no number from 1 to 1000")?;
            }
            "BYDAY" => self.days = list(value, day).ok_or("is no list of days like MO or 3TU")?,
            "BYMONTHDAY" => {
                let day = |one: &str| one.parse().ok().filter(|n: &i8| *n != 0 && (-31..=31).contains(n));
                self.month_days = list(value, day).ok_or("is no list of days of a month")?;
            }
            "BYMONTH" => {
                let month = |one: &str| one.parse().ok().filter(|n: &i8| (1..=12).contains(n));
                self.months = list(value, month).ok_or("is no list of months from 1 to 12")?;
            }
            "BYSETPOS" => {
                let place = |one: &str| one.parse().ok().filter(|n: &i16| *n != 0 && (-366..=366).contains(n));
                self.places = list(value, place).ok_or("is no list of places like 1 or -1")?;
            }
            "UNTIL" => self.until = Some(until(value).ok_or("is no date like 20261231")?),
            "COUNT" => {
                let number = value.parse().ok().filter(|n| (1..=count::COUNT_MAX).contains(n));
                self.count = Some(number.ok_or_else(|| format!("is no number from 1 to {}", count::COUNT_MAX))?);
            }
            "WKST" if value == "MO" => {}
            "WKST" => return Err("is not understood here: weeks begin on Monday, leave it out".to_owned()),
            _ => {
                return Err(
                    "is not understood here; FREQ, INTERVAL, BYDAY, BYMONTHDAY, BYMONTH, BYSETPOS, UNTIL and COUNT are"
                        .to_owned(),
                );
            }
        }
        Ok(())
    }

    /// True when an occurrence begins on a day, counted from the first beginning.
    fn begins_on(&self, first: Date, day: Date) -> bool {
        if day < first || self.until.is_some_and(|until| day > until.date()) {
            return false;
        }
        let months = |date: Date| i64::from(date.year()) * 12 + i64::from(date.month());
        let turn = match self.often {
            Often::Daily => days_between(first, day),
            Often::Weekly => (days_between(monday(first), monday(day))) / 7,
            Often::Monthly => months(day) - months(first),
            Often::Yearly => i64::from(day.year()) - i64::from(first.year()),
        };
        turn % self.interval == 0 && self.fits(first, day) && self.is_in_place(first, day)
    }

    /// True for a day that has one of the places asked for among the days of its turn.
    fn is_in_place(&self, first: Date, day: Date) -> bool {
        if self.places.is_empty() {
            return true;
        }
        let (from, days) = match self.often {
            Often::Daily => (day, 1),
            Often::Weekly => (monday(day), 7),
            Often::Monthly => (day.first_of_month(), i64::from(day.days_in_month())),
            Often::Yearly => (day.first_of_year(), i64::from(day.days_in_year())),
        };
        let fitting = (0..days).map(|n| from.saturating_add(n.days())).filter(|one| self.fits(first, *one));
        let (mut before, mut after) = (0_i16, 0_i16);
        for one in fitting {
            before += i16::from(one < day);
            after += i16::from(one > day);
        }
        self.places.iter().any(|place| *place == before + 1 || *place == -(after + 1))
    }

    fn fits(&self, first: Date, day: Date) -> bool {
        if !self.months.is_empty() && !self.months.contains(&day.month()) {
            return false;
        }
        let plain = self.days.is_empty() && self.month_days.is_empty();
        if plain {
            return match self.often {
                Often::Daily => true,
                Often::Weekly => day.weekday() == first.weekday(),
                Often::Monthly => day.day() == first.day(),
                Often::Yearly => day.day() == first.day() && (!self.months.is_empty() || day.month() == first.month()),
            };
        }
        let by_day = self.days.is_empty() || self.days.iter().any(|(n, weekday)| nth(day, *n, *weekday));
        let from_end = day.day() - day.days_in_month() - 1;
        let by_date = self.month_days.is_empty() || self.month_days.iter().any(|n| *n == day.day() || *n == from_end);
        by_day && by_date
    }
}

impl Times {
    /// The occurrence that a moment lies in, from and to; the newest when they overlap.
    pub(crate) fn at(&self, moment: Time) -> Option<(Time, Time)> {
        let from = moment.plus(-self.duration_s.saturating_mul(kernel::time::SECOND));
        self.between(from, moment, usize::MAX).into_iter().rev().find(|(start, end)| *start <= moment && moment < *end)
    }

    /// Occurrences that overlap a span of time, oldest first, at most so many.
    pub(crate) fn between(&self, from: Time, to: Time, most: usize) -> Vec<(Time, Time)> {
        let length = self.duration_s.saturating_mul(kernel::time::SECOND);
        let spans = |start: &Time| start.plus(length) > from && *start <= to;
        let Some(rule) = &self.rule else {
            return self
                .start(self.first.date())
                .into_iter()
                .filter(spans)
                .map(|start| (start, start.plus(length)))
                .collect();
        };
        let day = |at: Time| self.zone.to_datetime(at.timestamp()).date();
        // A day more on either side, since a beginning may have moved with the clocks.
        let first_day = day(from.plus(-length)).saturating_sub(1.day()).max(self.first.date());
        let last_day = day(to).saturating_add(1.day());
        let mut found = Vec::new();
        let mut current = first_day;
        while current <= last_day && found.len() < most {
            if rule.begins_on(self.first.date(), current)
                && let Some(start) = self.start(current).filter(spans)
                && rule.until.is_none_or(|until| self.zone.to_datetime(start.timestamp()) <= until)
            {
                found.push((start, start.plus(length)));
            }
            let next = current.saturating_add(1.day());
            if next == current {
                break;
            }
            current = next;
        }
        found
    }

    /// The first occurrence that begins after a moment, looked for through four years.
    pub(crate) fn next(&self, after: Time) -> Option<(Time, Time)> {
        let later = |(start, _): &(Time, Time)| *start > after;
        for quarter in 0..16 {
            let from = after.plus(quarter * 92 * kernel::time::DAY);
            let found = self.between(from, from.plus(92 * kernel::time::DAY), usize::MAX).into_iter().find(later);
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// When nothing of it comes any more, if that is known.
    pub(crate) fn over(&self) -> Option<Time> {
        let length = self.duration_s.saturating_mul(kernel::time::SECOND);
        let last = match &self.rule {
            None => self.start(self.first.date()),
            Some(rule) => self.zone.to_timestamp(rule.until?).ok().map(of),
        };
        last.map(|start| start.plus(length))
    }

    fn start(&self, day: Date) -> Option<Time> {
        self.zone.to_timestamp(day.to_datetime(self.first.time())).ok().map(of)
    }
}

fn of(at: Timestamp) -> Time {
    Time(at.as_microsecond())
}

fn wrong(part: &str, why: &str) -> Error {
    Error::invalid("rrule", format!("\"{}\" {why}.", kernel::text::shorten(part, 60)))
}

fn often(word: &str) -> Option<Often> {
    match word {
        "DAILY" => Some(Often::Daily),
        "WEEKLY" => Some(Often::Weekly),
        "MONTHLY" => Some(Often::Monthly),
        "YEARLY" => Some(Often::Yearly),
        _ => None,
    }
}

fn list<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    text.split(',').take(62).map(|one| read(one.trim())).collect()
}

fn day(text: &str) -> Option<(i8, Weekday)> {
    let at = text.len().checked_sub(2)?;
    let (number, name) = (text.get(..at)?, text.get(at..)?);
    let (_, weekday) = DAYS.iter().find(|(word, _)| *word == name)?;
    let number: i8 =
        if number.is_empty() { 0 } else { number.parse().ok().filter(|n: &i8| *n != 0 && (-5..=5).contains(n))? };
    Some((number, *weekday))
}

/// The last second of a date, or a time as it stands on the wall (a Z behind it is left out).
fn until(text: &str) -> Option<DateTime> {
    let text = text.trim_end_matches('Z');
    let date = |text: &str| Date::strptime("%Y%m%d", text).ok();
    match text.split_once('T') {
        None => Some(date(text)?.at(23, 59, 59, 0)),
        Some((day, time)) => {
            let time = jiff::civil::Time::strptime("%H%M%S", time).ok()?;
            Some(date(day)?.to_datetime(time))
        }
    }
}

fn days_between(from: Date, to: Date) -> i64 {
    from.until(to).map_or(0, |span| i64::from(span.get_days()))
}

fn monday(day: Date) -> Date {
    day.saturating_sub(i64::from(day.weekday().to_monday_zero_offset()).days())
}

/// True when a day is the nth such weekday of its month; 0 is any of them, below 0 counts from the end.
fn nth(day: Date, n: i8, weekday: Weekday) -> bool {
    if day.weekday() != weekday {
        return false;
    }
    match n {
        0 => true,
        n if n > 0 => (day.day() - 1) / 7 + 1 == n,
        n => (day.days_in_month() - day.day()) / 7 + 1 == -n,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(first: &str, zone: &str, hours: i64, rule: &str) -> Times {
        let rule = (!rule.is_empty()).then(|| Rule::parse(rule).unwrap());
        Times { first: first.parse().unwrap(), zone: TimeZone::get(zone).unwrap(), duration_s: hours * 3_600, rule }
    }

    fn moment(text: &str) -> Time {
        of(text.parse().unwrap())
    }

    fn starts(times: &Times, from: &str, to: &str) -> Vec<String> {
        times.between(moment(from), moment(to), 100).iter().map(|(start, _)| start.timestamp().to_string()).collect()
    }

    #[test]
    fn rules_come_round_as_the_standard_says() {
        let year = ("2026-01-01T00:00:00Z", "2026-06-30T00:00:00Z");
        let workdays = "BYDAY=MO,TU,WE,TH,FR";
        let (last, first_and_third) = (
            format!("FREQ=MONTHLY;{workdays};BYSETPOS=-1;UNTIL=20260331"),
            format!("FREQ=WEEKLY;{workdays};BYSETPOS=1,3;UNTIL=20260315"),
        );
        let table: [(&str, &str, &[&str]); 10] = [
            // the last working day of the month
            ("2026-01-30T22:00", &last, &["01-30T22", "02-27T22", "03-31T22"]),
            ("2026-03-04T22:00", &first_and_third, &["03-04T22", "03-09T22", "03-11T22"]),
            // the third Tuesday
            ("2026-03-17T22:00", "FREQ=MONTHLY;BYDAY=3TU;UNTIL=20260531", &["03-17T22", "04-21T22", "05-19T22"]),
            ("2026-03-27T22:00", "FREQ=MONTHLY;BYDAY=-1FR;UNTIL=20260430", &["03-27T22", "04-24T22"]),
            (
                "2026-03-02T08:00",
                "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;UNTIL=20260320",
                &["03-02T08", "03-04T08", "03-16T08", "03-18T08"],
            ),
            ("2026-03-02T08:00", "FREQ=DAILY;INTERVAL=3;UNTIL=20260310", &["03-02T08", "03-05T08", "03-08T08"]),
            ("2026-01-31T08:00", "FREQ=MONTHLY;UNTIL=20260401", &["01-31T08", "03-31T08"]),
            ("2026-01-31T08:00", "FREQ=MONTHLY;BYMONTHDAY=-1;UNTIL=20260301", &["01-31T08", "02-28T08"]),
            ("2026-03-05T08:00", "FREQ=YEARLY", &["03-05T08"]),
            ("2026-03-05T08:00", "", &["03-05T08"]),
        ];
        for (first, rule, expected) in table {
            let found = starts(&times(first, "UTC", 2, rule), year.0, year.1);
            let expected: Vec<String> = expected.iter().map(|one| format!("2026-{one}:00:00Z")).collect();
            assert_eq!(found, expected, "{rule}");
        }
    }

    #[test]
    fn a_window_keeps_its_wall_time_when_the_clocks_change() {
        let nightly = times("2026-03-27T02:30", "Europe/Oslo", 1, "FREQ=DAILY");
        let found = starts(&nightly, "2026-03-27T00:00:00Z", "2026-03-30T12:00:00Z");
        // On the 29th 02:30 is left out: it comes an hour later on the wall.
        let expected = ["2026-03-27T01:30:00Z", "2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_moment_is_inside_or_not_also_past_midnight() {
        let late = times("2026-03-02T23:00", "UTC", 4, "FREQ=WEEKLY");
        let inside = |text: &str| late.at(moment(text)).is_some();
        assert!(inside("2026-03-02T23:00:00Z") && inside("2026-03-10T02:59:59Z"));
        assert!(!inside("2026-03-03T03:00:00Z") && !inside("2026-03-04T00:00:00Z") && !inside("2026-02-23T23:30:00Z"));
        let next = late.next(moment("2026-03-03T00:00:00Z")).unwrap().0;
        assert_eq!(next, moment("2026-03-09T23:00:00Z"));
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        for (text, says) in [
            ("", "begins with how often"),
            ("FREQ=HOURLY", "HOURLY"),
            ("FREQ=DAILY;COUNT=0", "COUNT=0"),
            ("FREQ=DAILY;COUNT=3;UNTIL=20261231", "not with both"),
            ("FREQ=MONTHLY;BYSETPOS=-1", "BYDAY"),
            ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0", "BYSETPOS=0"),
            ("FREQ=YEARLY;BYWEEKNO=20", "BYMONTHDAY, BYMONTH, BYSETPOS, UNTIL and COUNT are"),
            ("FREQ=WEEKLY;WKST=SU", "weeks begin on Monday"),
            ("FREQ=DAILY;INTERVAL=0", "INTERVAL=0"),
            ("FREQ=WEEKLY;BYDAY=XX", "BYDAY=XX"),
            ("FREQ=WEEKLY;BYDAY=3TU", "MONTHLY"),
            ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY"),
            ("FREQ=DAILY;UNTIL=soon", "UNTIL=SOON"),
            ("FREQ", "no value"),
        ] {
            let error = Rule::parse(text).unwrap_err();
            assert!(error.message.contains(says) && error.field.as_deref() == Some("rrule"), "{text}: {error}");
        }
        assert!(Rule::parse("RRULE:FREQ=MONTHLY;BYDAY=3TU;WKST=MO").is_ok());
    }
}
