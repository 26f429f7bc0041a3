//! A rule that ends after a number of times is kept as one that ends on the day of the last.

use jiff::ToSpan as _;
use jiff::civil::Date;
use kernel::{Error, Result};

use super::Rule;

/// Most times.
pub(super) const COUNT_MAX: usize = 1_000;
/// The last must come within this time, in days: twenty years.
const DAYS_MAX: usize = 7_305;

impl Rule {
    /// The text of a rule without COUNT: UNTIL says the same once it is known when the first time is. Errors are at `rrule`.
    pub(crate) fn ending(text: &str, first: Date) -> Result<String> {
        let rule = Self::parse(text)?;
        let Some(count) = rule.count else { return Ok(text.to_owned()) };
        let too_far = || {
            let words =
                format!("COUNT={count} ends later than in twenty years. Say the end with UNTIL, like UNTIL=20401231.");
            Error::invalid("rrule", words)
        };
        let days = (0..DAYS_MAX).scan(first, |day, _| {
            let today = *day;
            *day = day.saturating_add(1.day());
            Some(today)
        });
        let last = days.filter(|day| rule.begins_on(first, *day)).nth(count.saturating_sub(1)).ok_or_else(too_far)?;
        let others = text.split(';').filter(|part| !part.starts_with("COUNT="));
        let parts: Vec<&str> = others.filter(|part| !part.is_empty()).collect();
        Ok(format!("{};UNTIL={}", parts.join(";"), last.strftime("%Y%m%d")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_times_is_the_day_of_the_last() {
        for (first, rule, expected) in [
            ("2026-03-02", "FREQ=DAILY;COUNT=3", "FREQ=DAILY;UNTIL=20260304"),
            ("2026-03-02", "FREQ=WEEKLY;COUNT=3;BYDAY=MO,WE", "FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20260309"),
            ("2026-01-31", "FREQ=MONTHLY;COUNT=2", "FREQ=MONTHLY;UNTIL=20260331"),
            ("2026-01-01", "FREQ=DAILY", "FREQ=DAILY"),
        ] {
            assert_eq!(Rule::ending(rule, first.parse().unwrap()).unwrap(), expected, "{rule}");
        }
        let far = Rule::ending("FREQ=YEARLY;COUNT=21", "2026-01-01".parse().unwrap()).unwrap_err();
        assert!(far.field.as_deref() == Some("rrule") && far.message.contains("UNTIL=20401231"), "{far}");
    }
}
