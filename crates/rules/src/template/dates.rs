//! Times and lengths of time as Go writes them.

const DAY_MS: i64 = 86_400_000;

/// `2026-03-01 12:00:00.5 +0000 UTC`
pub(super) fn time(ms: i64) -> String {
    let (days, rest) = (ms.div_euclid(DAY_MS), ms.rem_euclid(DAY_MS));
    let (year, month, day) = date(days);
    let (hour, minute, second) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1_000 % 60);
    let mut out = format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
    if rest % 1_000 > 0 {
        out.push_str(format!(".{:03}", rest % 1_000).trim_end_matches('0'));
    }
    out.push_str(" +0000 UTC");
    out
}

/// Days since 1970 as a date (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// `1h2m3.5s`
pub(super) fn duration(ms: i64) -> String {
    let (sign, left) = (if ms < 0 { "-" } else { "" }, ms.unsigned_abs());
    if left == 0 {
        return "0s".to_owned();
    }
    if left < 1_000 {
        return format!("{sign}{left}ms");
    }
    let (hours, minutes) = (left / 3_600_000, left / 60_000 % 60);
    let mut seconds = format!("{}", left / 1_000 % 60);
    if left % 1_000 > 0 {
        seconds.push_str(format!(".{:03}", left % 1_000).trim_end_matches('0'));
    }
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, _) => format!("{sign}{minutes}m{seconds}s"),
        _ => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_durations_are_written_as_go_writes_them() {
        assert_eq!(time(0), "1970-01-01 00:00:00 +0000 UTC");
        assert_eq!(time(1_709_210_096_250), "2024-02-29 12:34:56.25 +0000 UTC");
        assert_eq!(time(-1), "1969-12-31 23:59:59.999 +0000 UTC");
        assert_eq!([0, 250, 1_500, 90_000, 3_600_000].map(duration), ["0s", "250ms", "1.5s", "1m30s", "1h0m0s"]);
    }
}
