//! Words of evidence, and the patterns that answers are compared with.

use std::time::Duration;

use regex_lite::{Regex, RegexBuilder};

/// Most bytes of a pattern.
pub const PATTERN_BYTES_MAX: usize = 1_000;
/// Most bytes that a pattern may take when it is made ready.
const PATTERN_MEMORY_MAX: usize = 1 << 20;

/// Makes a regular expression ready. Matching takes time in proportion to text and pattern, whatever they are.
///
/// # Errors
/// What is wrong with it.
pub fn pattern(text: &str) -> Result<Regex, String> {
    if text.len() > PATTERN_BYTES_MAX {
        return Err(format!("a pattern has at most {PATTERN_BYTES_MAX} bytes"));
    }
    let made = RegexBuilder::new(text).size_limit(PATTERN_MEMORY_MAX).nest_limit(50).build();
    made.map_err(|e| format!("this is no regular expression: {e}"))
}

/// The text up to so many bytes, cut at a character's edge.
pub fn shorten(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let mut end = bytes_max.saturating_sub('…'.len_utf8());
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    format!("{}…", text.get(..end).unwrap_or_default())
}

/// The first words of bytes from outside, on one line.
pub(crate) fn opening(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes.get(..400).unwrap_or(bytes)).into_owned();
    shorten(&text.split_whitespace().collect::<Vec<_>>().join(" "), 200)
}

/// True when the bytes hold the text.
pub(crate) fn holds(bytes: &[u8], text: &[u8]) -> bool {
    text.is_empty() || bytes.windows(text.len()).any(|window| window == text)
}

/// Milliseconds.
pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// Says when something took longer than it may.
pub(crate) fn too_slow(what: &str, took_ms: f64, max_ms: Option<u32>) -> Option<String> {
    let max = max_ms.filter(|max| took_ms > f64::from(*max))?;
    Some(format!("{what} took {took_ms:.0} ms, at most {max} ms are allowed"))
}

/// The lines of a text that hold something.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

/// A length of time in the largest unit that fits, such as `3 days`.
pub(crate) fn long(seconds: i64) -> String {
    let (count, unit) = match seconds.abs() {
        0..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count.abs() == 1 { "" } else { "s" })
}

/// Bytes in the largest unit that fits.
pub(crate) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["bytes", "KiB", "MiB", "GiB"] {
        if value < 1_024.0 {
            return if unit == "bytes" { format!("{bytes} bytes") } else { format!("{value:.1} {unit}") };
        }
        value /= 1_024.0;
    }
    format!("{value:.1} TiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_bounded_in_length_size_and_depth() {
        assert!(pattern("^ok [0-9]+$").unwrap().is_match("ok 12"));
        for bad in ["(", "a{100000}{100000}", &"x".repeat(2_000), &"(".repeat(200)] {
            assert!(pattern(bad).is_err(), "{}", shorten(bad, 40));
        }
    }

    #[test]
    fn times_and_sizes_are_said_in_units_that_fit() {
        assert_eq!(
            (long(1), long(119), long(600), long(7_200)),
            ("1 second".into(), "119 seconds".into(), "10 minutes".into(), "2 hours".into())
        );
        assert_eq!((long(-200_000), size(12), size(1_536)), ("-2 days".into(), "12 bytes".into(), "1.5 KiB".into()));
        assert_eq!(size(5 << 40), "5.0 TiB");
    }

    #[test]
    fn what_is_too_slow_says_so() {
        assert_eq!(too_slow("x", 10.0, Some(10)), None);
        assert_eq!(too_slow("x", 10.0, None), None);
        assert_eq!(too_slow("the answer", 11.4, Some(10)).unwrap(), "the answer took 11 ms, at most 10 ms are allowed");
    }
}
