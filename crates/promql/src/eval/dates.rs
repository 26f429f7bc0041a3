//! Parts of dates, in UTC by the Gregorian calendar.

/// A moment taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
    pub(crate) weekday: i64,
    pub(crate) day_of_year: i64,
    pub(crate) days_in_month: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
}

/// A part of the date so many seconds after 1970; NaN for what is no time.
pub(crate) fn part(seconds: f64, part: fn(Civil) -> i64) -> f64 {
    if seconds.is_finite() { part(civil(seconds as i64)) as f64 } else { f64::NAN }
}

/// After Howard Hinnant, "chrono-compatible low-level date algorithms": years that begin in March, eras of 400 years.
fn civil(seconds: i64) -> Civil {
    let days = seconds.div_euclid(86_400);
    let second = seconds.rem_euclid(86_400);
    let since = days + 719_468;
    let era = since.div_euclid(146_097);
    let of_era = since.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let before = usize::try_from(month - 1).ok().and_then(|at| before.get(at)).copied().unwrap_or(0);
    let days_in_month = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    Civil {
        year,
        month,
        day,
        weekday: (days + 4).rem_euclid(7),
        day_of_year: before + day + i64::from(leap && month > 2),
        days_in_month,
        hour: second / 3_600,
        minute: second % 3_600 / 60,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(seconds: i64, expected: [i64; 8]) {
        let Civil { year, month, day, weekday, day_of_year, days_in_month, hour, minute } = civil(seconds);
        assert_eq!([year, month, day, weekday, day_of_year, days_in_month, hour, minute], expected, "{seconds}");
    }

    #[test]
    fn moments_are_taken_apart() {
        check(0, [1970, 1, 1, 4, 1, 31, 0, 0]);
        check(-1, [1969, 12, 31, 3, 365, 31, 23, 59]);
        check(951_782_400, [2000, 2, 29, 2, 60, 29, 0, 0]);
        check(1_456_790_399, [2016, 2, 29, 1, 60, 29, 23, 59]);
        check(1_456_790_400, [2016, 3, 1, 2, 61, 31, 0, 0]);
        check(4_107_542_400, [2100, 3, 1, 1, 60, 31, 0, 0]);
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        assert!(part(f64::MAX, |civil| civil.year).is_finite());
        assert!(part(f64::MIN, |civil| civil.day).is_finite());
        assert!(part(f64::NAN, |civil| civil.day).is_nan());
    }
}
