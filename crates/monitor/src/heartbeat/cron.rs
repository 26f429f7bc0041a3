//! Times as crontab(5) writes them: minute, hour, day of the month, month, day of the week; lists, ranges, steps, names,
//! and the words `@hourly` to `@yearly`. When both days are restricted, either will do.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// Days that are looked at for the next time: leap days come at least every eight years.
const DAYS_MAX: usize = 366 * 8 + 3;
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Times, each field as a set of bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Both days are restricted.
    either: bool,
}

impl Cron {
    /// Reads a line's times.
    ///
    /// # Errors
    /// What is wrong, as a sentence.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = match text.trim() {
            "@hourly" => "0 * * * *",
            "@daily" | "@midnight" => "0 0 * * *",
            "@weekly" => "0 0 * * 0",
            "@monthly" => "0 0 1 * *",
            "@yearly" | "@annually" => "0 0 1 1 *",
            other => other,
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err("Write five fields, as in 30 2 * * 1-5: minute, hour, day, month, day of the week.".into());
        };
        let weekdays = field(weekday, 0, 7, &DAYS, "day of the week")?;
        let cron = Self {
            minutes: field(minute, 0, 59, &[], "minute")?,
            hours: field(hour, 0, 23, &[], "hour")?,
            days: field(day, 1, 31, &[], "day")?,
            months: field(month, 1, 12, &MONTHS, "month")?,
            // Sunday is 0 and 7.
            weekdays: (weekdays | (weekdays >> 7)) & 0x7f,
            either: !day.starts_with('*') && !weekday.starts_with('*'),
        };
        let from = Timestamp::UNIX_EPOCH;
        cron.next(from, &TimeZone::UTC).map(|_| cron).ok_or_else(|| "There is no such day in any year.".to_owned())
    }

    /// The first of the times after a moment. A time that the clock skips comes right after the gap; one that it shows
    /// twice comes once.
    pub(super) fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut day = after.to_zoned(zone.clone()).date();
        for _ in 0..DAYS_MAX {
            if self.fits(day) {
                let times = bits(self.hours).flat_map(|hour| bits(self.minutes).map(move |minute| (hour, minute)));
                for (hour, minute) in times {
                    let at = Time::new(hour, minute, 0, 0).ok()?.to_datetime(day);
                    let at = at.to_zoned(zone.clone()).ok()?.timestamp();
                    if at > after {
                        return Some(at);
                    }
                }
            }
            day = day.checked_add(1.day()).ok()?;
        }
        None
    }

    fn fits(&self, day: Date) -> bool {
        let has = |set: u64, value: i8| u32::try_from(value).is_ok_and(|value| set >> value & 1 == 1);
        let in_month = has(self.days, day.day());
        let in_week = has(self.weekdays, day.weekday().to_sunday_zero_offset());
        has(self.months, day.month()) && if self.either { in_month || in_week } else { in_month && in_week }
    }
}

fn bits(set: u64) -> impl Iterator<Item = i8> {
    (0_i8..64).filter(move |bit| set >> bit & 1 == 1)
}

/// One field: a list of ranges with steps.
fn field(text: &str, low: u8, high: u8, names: &[&str], what: &str) -> Result<u64, String> {
    let wrong =
        || format!("\"{text}\" is no {what}. Use numbers from {low} to {high}, as in {low}, {low}-{high} or */5.");
    let number = |text: &str| {
        let named = names.iter().position(|name| text.eq_ignore_ascii_case(name));
        let named = named.and_then(|at| u8::try_from(at).ok()).map(|at| if names.len() == 12 { at + 1 } else { at });
        named.or_else(|| text.parse().ok()).filter(|number| (low..=high).contains(number)).ok_or_else(wrong)
    };
    let mut set = 0_u64;
    for part in text.split(',') {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let step: u8 = step.map_or(Ok(1), |step| step.parse().map_err(|_| wrong()))?;
        let (from, to) = match (range, range.split_once('-')) {
            ("*", _) => (low, high),
            (_, Some((from, to))) => (number(from)?, number(to)?),
            // One number with a step goes on to the end.
            (one, None) => (number(one)?, if part.contains('/') { high } else { number(one)? }),
        };
        if step == 0 || from > to {
            return Err(wrong());
        }
        set |= (from..=to).step_by(usize::from(step)).fold(0, |set, bit| set | 1 << bit);
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cron: &str, zone: &str, after: &str, next: &str) {
        let zone = TimeZone::get(zone).unwrap();
        let found = Cron::parse(cron).unwrap().next(after.parse().unwrap(), &zone).unwrap();
        assert_eq!(found, next.parse::<Timestamp>().unwrap(), "{cron} after {after}: {found}");
    }

    #[test]
    fn the_next_time_is_that_of_cron() {
        check("*/15 * * * *", "UTC", "2026-01-10T12:00:00Z", "2026-01-10T12:15:00Z");
        check("0 3 * * *", "UTC", "2026-01-10T03:00:00Z", "2026-01-11T03:00:00Z");
        check("30 2 * * mon-fri", "UTC", "2026-01-09T12:00:00Z", "2026-01-12T02:30:00Z");
        check("0 0 1,15 * *", "UTC", "2026-01-02T00:00:00Z", "2026-01-15T00:00:00Z");
        check("0 0 13 * 5", "UTC", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
        check("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z");
        check("5/20 6 * * 7", "UTC", "2026-01-10T00:00:00Z", "2026-01-11T06:05:00Z");
        check("@monthly", "UTC", "2026-01-10T00:00:00Z", "2026-02-01T00:00:00Z");
    }

    #[test]
    fn a_skipped_time_comes_after_the_gap_and_a_doubled_one_once() {
        check("30 2 * * *", "Europe/Oslo", "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z");
        check("30 2 * * *", "Europe/Oslo", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z");
        check("30 2 * * *", "Europe/Oslo", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z");
    }

    #[test]
    fn what_is_no_time_is_refused_with_the_field() {
        for (text, part) in [
            ("* * * *", "five fields"),
            ("60 * * * *", "no minute"),
            ("0 24 * * *", "no hour"),
            ("0 0 0 * *", "no day"),
            ("0 0 * foo *", "no month"),
            ("0 0 * * 8", "no day of the week"),
            ("*/0 * * * *", "no minute"),
            ("5-1 * * * *", "no minute"),
            ("0 0 31 2 *", "no such day"),
            ("", "five fields"),
        ] {
            assert!(Cron::parse(text).is_err_and(|e| e.contains(part)), "{text}");
        }
    }
}
