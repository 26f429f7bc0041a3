//! Numbers, durations and quoted texts as PromQL writes and reads them.

/// A value as the HTTP API writes it: digits, or an exponent below 1e-6 and from 1e21 on.
///
/// ```
/// assert_eq!(promql::format_value(1e6), "1000000");
/// assert_eq!(promql::format_value(1e21), "1e+21");
/// assert_eq!(promql::format_value(f64::NEG_INFINITY), "-Inf");
/// ```
pub fn format_value(value: f64) -> String {
    let size = value.abs();
    if size.is_finite() && size != 0.0 && !(1e-6..1e21).contains(&size) {
        return with_exponent(value);
    }
    format_plain(value)
}

/// A value with all its digits and never an exponent, as `count_values` makes labels.
///
/// ```
/// assert_eq!(promql::format_plain(1e21), "1000000000000000000000");
/// ```
pub fn format_plain(value: f64) -> String {
    special(value).map_or_else(|| value.to_string(), str::to_owned)
}

/// A value as short as it can be, as expressions and messages write it: `1e+06`, `0.5`, `+Inf`, `NaN`.
///
/// ```
/// assert_eq!(promql::format_float(1e6), "1e+06");
/// assert_eq!(promql::format_float(123456.0), "123456");
/// assert_eq!(promql::format_float(f64::NAN), "NaN");
/// ```
pub fn format_float(value: f64) -> String {
    if let Some(name) = special(value) {
        return name.to_owned();
    }
    if value != 0.0 && !(-4..6).contains(&exponent_of(value)) { with_exponent(value) } else { value.to_string() }
}

fn special(value: f64) -> Option<&'static str> {
    match value {
        _ if value.is_nan() => Some("NaN"),
        f64::INFINITY => Some("+Inf"),
        f64::NEG_INFINITY => Some("-Inf"),
        _ => None,
    }
}

fn exponent_of(value: f64) -> i32 {
    format!("{value:e}").split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0)
}

fn with_exponent(value: f64) -> String {
    let text = format!("{value:e}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    let (sign, size) = match exponent.strip_prefix('-') {
        Some(size) => ('-', size),
        None => ('+', exponent),
    };
    format!("{digits}e{sign}{size:0>2}")
}

/// Reads a number as PromQL writes it: `1e3`, `0x1F`, `1_000`, `Inf`, `+Inf`, `NaN`, in any case.
pub fn parse_float(text: &str) -> Option<f64> {
    let (sign, body) = match text.as_bytes().first()? {
        b'-' => (-1.0, text.get(1..)?),
        b'+' => (1.0, text.get(1..)?),
        _ => (1.0, text),
    };
    match body.to_ascii_lowercase().as_str() {
        "inf" | "infinity" => return Some(sign * f64::INFINITY),
        "nan" => return Some(f64::NAN),
        _ => {}
    }
    let mut bytes = body.bytes();
    let starts = bytes.next().is_some_and(|b| b.is_ascii_digit() || b == b'.');
    if !starts || body.ends_with('_') || body.contains("__") || body.contains("_.") || body.contains("._") {
        return None;
    }
    let digits: String = body.chars().filter(|c| *c != '_').collect();
    let size = match digits.get(..2) {
        Some("0x" | "0X") => radix(digits.get(2..)?, 16)?,
        Some("0b" | "0B") => radix(digits.get(2..)?, 2)?,
        Some("0o" | "0O") => radix(digits.get(2..)?, 8)?,
        _ if digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| (b'0'..=b'7').contains(&b)) => {
            radix(digits.get(1..)?, 8)?
        }
        _ => digits.parse().ok()?,
    };
    Some(sign * size)
}

fn radix(digits: &str, base: u32) -> Option<f64> {
    if digits.is_empty() {
        return None;
    }
    let mut value = 0.0;
    for digit in digits.chars() {
        value = value * f64::from(base) + f64::from(digit.to_digit(base)?);
    }
    Some(value)
}

const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Reads a duration such as `1h30m` or `15s`, in ms; units go from large to small, each once.
///
/// ```
/// assert_eq!(promql::parse_duration("1h30m"), Some(5_400_000));
/// assert_eq!(promql::parse_duration("30m1h"), None);
/// ```
pub fn parse_duration(text: &str) -> Option<i64> {
    if text == "0" {
        return Some(0);
    }
    let (mut rest, mut total, mut next) = (text, 0i64, 0);
    if text.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (count, tail) = rest.split_at_checked(digits)?;
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(letters)?;
        let place = UNITS.iter().position(|(name, _)| *name == unit)?;
        if place < next {
            return None;
        }
        next = place + 1;
        let (_, size) = UNITS.get(place)?;
        total = total.checked_add(count.parse::<i64>().ok()?.checked_mul(*size)?)?;
        rest = tail;
    }
    Some(total)
}

/// Writes a duration in ms as `1h30m`; years and weeks only if nothing is left over, for `90d` reads better than `12w6d`.
///
/// ```
/// assert_eq!(promql::format_duration(5_400_000), "1h30m");
/// ```
pub fn format_duration(ms: i64) -> String {
    if ms == 0 {
        return "0s".to_owned();
    }
    let mut left = ms.unsigned_abs();
    let mut text = String::from(if ms < 0 { "-" } else { "" });
    for (unit, size) in UNITS {
        let size = size.unsigned_abs();
        let splits = !matches!(unit, "y" | "w");
        if left >= size && (splits || left.is_multiple_of(size)) {
            text.push_str(&format!("{}{unit}", left / size));
            left %= size;
        }
    }
    text
}

/// A text in double quotes with what needs it escaped.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        put_escaped(&mut out, c);
    }
    out.push('"');
    out
}

fn put_escaped(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\u{b}' => out.push_str("\\v"),
        '\u{c}' => out.push_str("\\f"),
        c if (c as u32) < 0x80 && c.is_ascii_control() => out.push_str(&format!("\\x{:02x}", c as u32)),
        c if c.is_control() => out.push_str(&format!("\\u{:04x}", c as u32)),
        c => out.push(c),
    }
}

/// Like [`quote`], for bytes that need not be UTF-8: what is not shows as `\xNN`.
pub(crate) fn quote_bytes(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|c| put_escaped(&mut out, c));
        chunk.invalid().iter().for_each(|byte| out.push_str(&format!("\\x{byte:02x}")));
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_expressions_write_them() {
        let cases = [
            (0.0, "0"),
            (-0.5, "-0.5"),
            (1e6, "1e+06"),
            (123_456.0, "123456"),
            (1_234_567.0, "1.234567e+06"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (1e100, "1e+100"),
            (f64::INFINITY, "+Inf"),
        ];
        for (value, text) in cases {
            assert_eq!(format_float(value), text);
        }
    }

    #[test]
    fn numbers_are_read_in_every_form() {
        let cases = [
            ("1e3", 1000.0),
            ("0x1F", 31.0),
            ("1_000.5", 1000.5),
            ("0b11", 3.0),
            ("010", 8.0),
            ("019", 19.0),
            (".5", 0.5),
            ("2.", 2.0),
            ("-inf", f64::NEG_INFINITY),
        ];
        for (text, value) in cases {
            assert_eq!(parse_float(text), Some(value), "{text}");
        }
        assert!(parse_float("NaN").is_some_and(f64::is_nan));
        for text in ["", "1__0", "_1", "1_", "0x", "e5", "1e", "--1", "infinit", "1._5"] {
            assert_eq!(parse_float(text), None, "{text}");
        }
    }

    #[test]
    fn durations_go_both_ways() {
        for (ms, text) in [(90, "90ms"), (90_000, "1m30s"), (86_400_000 * 90, "90d"), (604_800_000, "1w"), (0, "0s")] {
            assert_eq!(format_duration(ms), text);
            assert_eq!(parse_duration(text), Some(ms));
        }
        for text in ["", "1", "1s1m", "1x", "m", "1.5m", "99999999999y"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_show_as_numbers() {
        assert_eq!(quote_bytes(b"a\xc5z\n"), r#""a\xc5z\n""#);
    }
}
