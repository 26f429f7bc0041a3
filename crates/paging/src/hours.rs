//! Hours of the week as people write them, `mon-fri 08:00-16:00 Europe/Oslo; sat 10:00-12:00`, and whether a moment lies in
//! them. By the clock on the wall: summer time needs no thought.

use std::fmt;
use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use kernel::{Error, Result, Time};

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];
/// Most spans in one text.
const SPANS_MAX: usize = 20;
const DAY_MINUTES: i32 = 24 * 60;

/// Hours of the week; an empty list is every hour.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Hours {
    spans: Vec<Span>,
    text: String,
}

#[derive(Clone, Debug, PartialEq)]
struct Span {
    /// Which days, Monday first.
    days: [bool; 7],
    /// Minutes from midnight.
    from: i32,
    /// Minutes from midnight; beyond a day when the span ends on the next one.
    to: i32,
    zone: TimeZone,
}

impl Hours {
    /// True when nothing is written.
    pub(crate) fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Whether a moment lies in one of the spans. Nothing written is no span.
    pub(crate) fn holds(&self, at: Time) -> bool {
        self.spans.iter().any(|span| span.holds(at))
    }

    /// The first moment from `at` on that lies in no span; `None` when there is none within eight days.
    pub(crate) fn ends(&self, at: Time) -> Option<Time> {
        let mut edges: Vec<Time> = self.spans.iter().flat_map(|span| span.ends(at)).collect();
        edges.sort_unstable();
        std::iter::once(at).chain(edges).find(|edge| *edge >= at && !self.holds(*edge))
    }
}

impl Span {
    fn holds(&self, at: Time) -> bool {
        let wall = at.timestamp().to_zoned(self.zone.clone()).datetime();
        let minute = i32::from(wall.hour()) * 60 + i32::from(wall.minute());
        let today = usize::try_from(wall.date().weekday().to_monday_zero_offset()).unwrap_or(0);
        let on = |day: usize| self.days.get(day % 7).copied().unwrap_or(false);
        (on(today) && self.from <= minute && minute < self.to)
            || (on(today + 6) && self.from <= minute + DAY_MINUTES && minute + DAY_MINUTES < self.to)
    }

    /// When it ends in the coming days.
    fn ends(&self, at: Time) -> Vec<Time> {
        let midnight = at.timestamp().to_zoned(self.zone.clone()).datetime().date();
        let edge = |day: i64| {
            let wall = midnight.checked_add(day.days()).ok()?.at(0, 0, 0, 0);
            let wall = wall.checked_add(i64::from(self.to).minutes()).ok()?;
            Some(Time(wall.to_zoned(self.zone.clone()).ok()?.timestamp().as_microsecond()))
        };
        (-1..=8).filter_map(edge).collect()
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Hours {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts: Vec<&str> = text.split([';', '\n']).map(str::trim).filter(|part| !part.is_empty()).collect();
        if parts.len() > SPANS_MAX {
            return Err(Error::over_limit(format!("At most {SPANS_MAX} spans of hours fit here.")).at("hours"));
        }
        let spans = parts.iter().map(|part| span(part)).collect::<Result<_>>()?;
        Ok(Self { spans, text: parts.join("; ") })
    }
}

fn wrong(part: &str) -> Error {
    let shown = kernel::text::shorten(part, 60);
    Error::invalid(
        "hours",
        format!("\"{shown}\" is no time of the week. Write it like mon-fri 08:00-16:00 Europe/Oslo."),
    )
}

fn span(part: &str) -> Result<Span> {
    let mut span = Span { days: [true; 7], from: 0, to: DAY_MINUTES, zone: TimeZone::UTC };
    for word in part.split_whitespace() {
        if word.contains(':') {
            let (from, to) = word.split_once('-').ok_or_else(|| wrong(part))?;
            span.from = minutes(from).ok_or_else(|| wrong(part))?;
            span.to = minutes(to).ok_or_else(|| wrong(part))?;
            if span.to <= span.from {
                span.to += DAY_MINUTES;
            }
        } else if let Some(days) = days(word) {
            span.days = days;
        } else {
            span.zone = TimeZone::get(word).map_err(|_| wrong(part))?;
        }
    }
    Ok(span)
}

fn minutes(text: &str) -> Option<i32> {
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute): (i32, i32) = (hour.parse().ok()?, minute.parse().ok()?);
    let fits = (0..24).contains(&hour) && (0..60).contains(&minute) || (hour, minute) == (24, 0);
    fits.then_some(hour * 60 + minute)
}

fn day(word: &str) -> Option<usize> {
    DAYS.iter().position(|(name, _)| word.eq_ignore_ascii_case(name))
}

fn days(word: &str) -> Option<[bool; 7]> {
    let mut on = [false; 7];
    for part in word.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (day(first)?, day(last)?);
        let length = (last + 7 - first) % 7;
        for step in 0..=length {
            if let Some(one) = on.get_mut((first + step) % 7) {
                *one = true;
            }
        }
    }
    Some(on)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        Time::parse(text).unwrap()
    }

    #[test]
    fn a_moment_lies_in_the_hours_by_the_clock_on_the_wall() {
        for (hours, moment, inside) in [
            ("mon-fri 08:00-16:00 Europe/Oslo", "2026-03-02T07:00:00Z", true),
            ("mon-fri 08:00-16:00 Europe/Oslo", "2026-03-02T06:59:59Z", false),
            ("mon-fri 08:00-16:00 Europe/Oslo", "2026-03-02T15:00:00Z", false),
            ("mon-fri 08:00-16:00 Europe/Oslo", "2026-03-30T06:00:00Z", true),
            ("sat-sun", "2026-03-01T12:00:00Z", true),
            ("fri-mon", "2026-03-03T12:00:00Z", false),
            ("fri 22:00-06:00", "2026-03-07T05:59:00Z", true),
            ("fri 22:00-06:00", "2026-03-07T06:00:00Z", false),
            ("fri 22:00-06:00", "2026-03-06T05:00:00Z", false),
            ("mon 10:00-11:00; mon 12:00-13:00", "2026-03-02T12:30:00Z", true),
            ("00:00-24:00", "2026-03-02T23:59:59Z", true),
            ("", "2026-03-02T12:30:00Z", false),
        ] {
            assert_eq!(hours.parse::<Hours>().unwrap().holds(at(moment)), inside, "{hours} at {moment}");
        }
    }

    #[test]
    fn the_end_of_hours_that_follow_each_other_is_the_last_one() {
        let hours: Hours = "sat 20:00-24:00; sun 00:00-08:00".parse().unwrap();
        assert_eq!(hours.ends(at("2026-03-07T21:00:00Z")), Some(at("2026-03-08T08:00:00Z")));
        assert_eq!(hours.ends(at("2026-03-07T10:00:00Z")), Some(at("2026-03-07T10:00:00Z")));
        assert_eq!("00:00-24:00".parse::<Hours>().unwrap().ends(at("2026-03-07T10:00:00Z")), None);
    }

    #[test]
    fn what_is_no_time_of_the_week_is_refused() {
        for bad in ["mon-foo", "25:00-26:00", "08:00", "08:00-16:00 Nowhere/City", "08:61-09:00"] {
            assert_eq!(bad.parse::<Hours>().unwrap_err().field.as_deref(), Some("hours"), "{bad}");
        }
    }
}
