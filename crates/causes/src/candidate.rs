//! A candidate: what may be the cause, how well it fits, and why.

use crate::words::What;

/// What may be the cause.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// A fault of a thing.
    Thing {
        /// Its number.
        thing: u64,
        /// The state it is in.
        state: What,
        /// The name of the fault in the rules.
        fault: String,
    },
    /// A change of several things.
    Change {
        /// What the changes have in common.
        label: String,
    },
    /// The looker itself, or its way out: what it says about others is worth nothing.
    Vantage {
        /// The thing that looks; none for the server itself.
        thing: Option<u64>,
        /// Only its lookups of names fail; addresses answer.
        names: bool,
    },
}

impl Cause {
    /// The thing that it is, if it is one.
    pub fn thing(&self) -> Option<u64> {
        match self {
            Self::Thing { thing, .. } => Some(*thing),
            Self::Vantage { thing, .. } => *thing,
            Self::Change { .. } => None,
        }
    }
}

/// A sentence for or against a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// It speaks for the candidate; else against it.
    pub speaks_for: bool,
    /// In plain English. Times are UTC.
    pub text: String,
    /// The thing it is about, if it is one other than the candidate.
    pub thing: Option<u64>,
    /// The time it is about, in milliseconds.
    pub at_ms: Option<i64>,
}

/// What may be the cause, how well it fits, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// What may be the cause.
    pub cause: Cause,
    /// Points: what it explains, less what should be bad and is not, the distance and how rare it is.
    pub score: f64,
    /// Its share among the candidates of the group, from 0 to 1.
    pub share: f64,
    /// How many of the group's symptoms it explains.
    pub explained: usize,
    /// How many symptoms the group has.
    pub symptoms: usize,
    /// How many looks should be bad too, and are good.
    pub absent: usize,
    /// Why: first what speaks for it, then what speaks against it.
    pub reasons: Vec<Reason>,
}

/// A moment, `2026-03-02 08:00:10 UTC`: a reader's page shows it in the reader's zone.
pub(crate) fn clock(at_ms: i64) -> String {
    let seconds = at_ms.div_euclid(1_000);
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let seconds = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// Year, month and day of a number of days since 1970, in the Gregorian calendar: years begin in March here, so that
/// the leap day is the last of its year (Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let january_on = i64::from(month >= 10);
    (year + era * 400 + january_on, month + 3 - 12 * january_on, day)
}

/// A span of time in words.
pub(crate) fn span(ms: i64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        ..=1 => "1 second".to_owned(),
        2..120 => format!("{seconds} seconds"),
        120..7_200 => format!("{} minutes", seconds / 60),
        _ => format!("{} hours", seconds / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_with_its_day() {
        let cases = [
            (0, "1970-01-01 00:00:00 UTC"),
            (-1, "1969-12-31 23:59:59 UTC"),
            (951_782_400_000, "2000-02-29 00:00:00 UTC"),
            (1_772_438_410_999, "2026-03-02 08:00:10 UTC"),
            (4_107_542_399_000, "2100-02-28 23:59:59 UTC"),
            (4_107_542_400_000, "2100-03-01 00:00:00 UTC"),
        ];
        for (at_ms, text) in cases {
            assert_eq!(clock(at_ms), text);
        }
    }
}
