//! Numbers as people read them, by Prometheus' own rules.

use super::dates;
use super::printf::general;

const LARGE: [&str; 8] = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
const LARGE_1024: [&str; 8] = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
const SMALL: [&str; 8] = ["m", "u", "n", "p", "f", "a", "z", "y"];

fn short(value: f64) -> String {
    general(value, Some(4), false)
}

/// Divides by `base` until it is small, with the prefix of what was taken away.
fn divided(mut value: f64, base: f64, prefixes: [&'static str; 8]) -> (f64, &'static str) {
    let mut prefix = "";
    for next in prefixes {
        if value.abs() < base {
            break;
        }
        (value, prefix) = (value / base, next);
    }
    (value, prefix)
}

fn multiplied(mut value: f64) -> (f64, &'static str) {
    let mut prefix = "";
    for next in SMALL {
        if value.abs() >= 1.0 {
            break;
        }
        (value, prefix) = (value * 1_000.0, next);
    }
    (value, prefix)
}

pub(super) fn plain(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return short(value);
    }
    let (value, prefix) = if value.abs() >= 1.0 { divided(value, 1_000.0, LARGE) } else { multiplied(value) };
    format!("{}{prefix}", short(value))
}

pub(super) fn by_1024(value: f64) -> String {
    if value.abs() <= 1.0 || !value.is_finite() {
        return short(value);
    }
    let (value, prefix) = divided(value, 1_024.0, LARGE_1024);
    format!("{}{prefix}", short(value))
}

pub(super) fn percentage(value: f64) -> String {
    format!("{}%", short(value * 100.0))
}

/// Seconds.
pub(super) fn duration(value: f64) -> String {
    if !value.is_finite() {
        return short(value);
    }
    if value == 0.0 {
        return format!("{}s", short(value));
    }
    if value.abs() < 1.0 {
        let (value, prefix) = multiplied(value);
        return format!("{}{prefix}s", short(value));
    }
    let (sign, size) = (if value < 0.0 { "-" } else { "" }, value.abs());
    let whole = size as i64;
    let (days, hours, minutes, seconds) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60, whole % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{sign}{}s", short(size)),
        (0, 0, _) => format!("{sign}{minutes}m {seconds}s"),
        (0, ..) => format!("{sign}{hours}h {minutes}m {seconds}s"),
        _ => format!("{sign}{days}d {hours}h {minutes}m {seconds}s"),
    }
}

/// Seconds since 1970.
pub(super) fn timestamp(value: f64) -> String {
    if !value.is_finite() {
        return short(value);
    }
    dates::time(ms(value))
}

/// Seconds as ms, within what a date can be.
pub(super) fn ms(seconds: f64) -> i64 {
    const MOST: f64 = 253_402_300_799_999.0;
    (seconds * 1e3).round().clamp(-MOST, MOST) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_humanized_as_prometheus_does_it() {
        let cases = [(0.0, "0"), (1.0, "1"), (1_234_567.0, "1.235M"), (0.12, "120m"), (-1e12, "-1T"), (1e-9, "1n")];
        cases.iter().for_each(|(value, text)| assert_eq!(plain(*value), *text));
        assert_eq!([0.0, 1.0, 1_048_576.0, 3_000.0].map(by_1024), ["0", "1", "1Mi", "2.93ki"]);
        assert_eq!([0.1234, -0.01, 1.0].map(percentage), ["12.34%", "-1%", "100%"]);
        let lengths = [0.0, 1.0, 60.0, 3_600.0, 86_400.0, 899_999.0, -3_661.0, 0.1, 1.234_567];
        let words = ["0s", "1s", "1m 0s", "1h 0m 0s", "1d 0h 0m 0s", "10d 9h 59m 59s", "-1h 1m 1s", "100ms", "1.235s"];
        assert_eq!(lengths.map(duration), words);
        assert_eq!(timestamp(1_435_065_584.128), "2015-06-23 13:19:44.128 +0000 UTC");
        assert_eq!([plain(f64::NAN), duration(f64::INFINITY)], ["NaN", "+Inf"]);
    }
}
