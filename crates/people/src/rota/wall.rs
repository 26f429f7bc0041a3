//! The wall clock of a zone as a straight line of seconds: what a clock on the wall would show, counted from 1970-01-01T00:00.
//! Every day of it has 24 hours, so turns and hours of the day are plain arithmetic; only the end becomes moments. A wall time
//! that a zone leaves out or has twice is resolved as jiff's `Compatible` does: later by the gap, or the first of the two.

use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, civil};

/// An hour of the wall clock, in seconds.
pub(crate) const HOUR: i64 = 3_600;
/// A day of the wall clock, in seconds.
pub(crate) const DAY: i64 = 24 * HOUR;
/// No zone ever moved its clocks by more than a day; twice as much is looked at around a window.
pub(super) const MARGIN: i64 = 2 * DAY;

/// A wall time on the line. Fractions of a second are left out.
pub(crate) fn of_civil(at: civil::DateTime) -> i64 {
    Offset::UTC.to_timestamp(at).map(Timestamp::as_second).unwrap_or_default()
}

/// What the clock on the wall shows at a place of the line; beyond what jiff knows it is the last it knows.
pub(crate) fn to_civil(seconds: i64) -> civil::DateTime {
    let end = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Offset::UTC.to_datetime(Timestamp::from_second(seconds).unwrap_or(end))
}

/// What the wall clock of a zone shows at a moment.
pub(super) fn at(zone: &TimeZone, moment: Timestamp) -> i64 {
    of_civil(zone.to_datetime(moment))
}

/// The moment at which the wall clock of a zone shows a time.
pub(super) fn moment(zone: &TimeZone, seconds: i64) -> Timestamp {
    let end = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    zone.to_timestamp(to_civil(seconds)).unwrap_or(end)
}

/// False for a date that a zone left out altogether, as Samoa did with 30 December 2011. The day is counted from 1970-01-01.
pub(super) fn day_exists(zone: &TimeZone, day: i64) -> bool {
    let noon = to_civil(day * DAY + 12 * HOUR);
    zone.to_timestamp(noon).is_ok_and(|moment| zone.to_datetime(moment).date() == noon.date())
}

/// The day of the week of a day counted from 1970-01-01: 0 is Monday.
pub(super) fn weekday(day: i64) -> usize {
    usize::try_from((day + 3).rem_euclid(7)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn wall(text: &str) -> i64 {
        of_civil(text.parse().unwrap())
    }

    #[test]
    fn a_time_that_is_left_out_comes_later_and_one_that_is_twice_comes_first() {
        for (name, shown, expected) in [
            ("Europe/Oslo", "2026-03-29T02:30", "2026-03-29T01:30:00Z"),
            ("Europe/Oslo", "2026-10-25T02:30", "2026-10-25T00:30:00Z"),
            ("America/New_York", "2026-03-08T02:30", "2026-03-08T07:30:00Z"),
            ("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30:00Z"),
            ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:45:00Z"),
            ("Pacific/Apia", "2011-12-30T08:00", "2011-12-30T18:00:00Z"),
        ] {
            assert_eq!(moment(&zone(name), wall(shown)).to_string(), expected, "{name} {shown}");
        }
    }

    #[test]
    fn a_date_that_a_zone_left_out_does_not_exist() {
        let day = |text: &str| wall(text).div_euclid(DAY);
        let apia = zone("Pacific/Apia");
        assert!(day_exists(&apia, day("2011-12-29T00:00")));
        assert!(!day_exists(&apia, day("2011-12-30T00:00")));
        assert!(day_exists(&apia, day("2011-12-31T00:00")));
        assert!(day_exists(&zone("Europe/Oslo"), day("2026-03-29T00:00")));
        assert_eq!(weekday(day("2026-03-02T00:00")), 0);
        assert_eq!(weekday(day("1969-12-28T00:00")), 6);
    }

    #[test]
    fn times_beyond_what_is_known_are_the_last_that_are() {
        let utc = TimeZone::UTC;
        assert!(moment(&utc, i64::MIN) < moment(&utc, 0) && moment(&utc, 0) < moment(&utc, i64::MAX));
        assert_eq!(moment(&utc, i64::MAX), moment(&utc, i64::MAX - 1));
    }
}
