//! Numbers as metrics write them.

/// Powers of ten that a double holds exactly.
const EXACT: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// Reads a value as Prometheus does (Go's `ParseFloat` without hexadecimal and `_`): `1`, `.5`, `-1e-3`, `+Inf`, `nan`.
/// `None` if it is none of these or too large for a double.
#[inline]
pub(crate) fn float(token: &[u8]) -> Option<f64> {
    match leading_decimal(token) {
        Some((value, [])) => Some(value),
        _ => any_float(token),
    }
}

/// Reads a value at the start of `line` that ends with the line or at a blank, and answers what follows it.
#[inline]
pub(crate) fn leading_float(line: &[u8]) -> Option<(f64, &[u8])> {
    if let Some((value, rest)) = leading_decimal(line)
        && matches!(rest.first(), None | Some(b' ' | b'\t'))
    {
        return Some((value, rest));
    }
    let end = line.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(line.len());
    let (token, rest) = line.split_at_checked(end)?;
    Some((any_float(token)?, rest))
}

/// Up to 18 digits whose mantissa and power of ten are both exact, so that one operation rounds once (Clinger, "How to
/// read floating point numbers accurately", 1990). Nearly every value of an exporter is of this form.
#[inline]
fn leading_decimal(token: &[u8]) -> Option<(f64, &[u8])> {
    let (negative, mut rest) = signed(token);
    let (mut mantissa, mut digits, mut scale) = (0_u64, 0, 0_i32);
    while let Some((digit, tail)) = leading_digit(rest) {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(digit);
        digits += 1;
        rest = tail;
    }
    if let Some((b'.', mut tail)) = rest.split_first() {
        while let Some((digit, after)) = leading_digit(tail) {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(digit);
            digits += 1;
            scale -= 1;
            tail = after;
        }
        rest = tail;
    }
    if let Some((b'e' | b'E', tail)) = rest.split_first() {
        let (down, tail) = signed(tail);
        let mut power = 0;
        rest = tail;
        while let Some((digit, after)) = leading_digit(rest) {
            power = power * 10 + digit as i32;
            if power > 400 {
                return None;
            }
            rest = after;
        }
        if rest.len() == tail.len() {
            return None;
        }
        scale += if down { -power } else { power };
    }
    if digits == 0 || digits > 18 || mantissa > 1 << 53 {
        return None;
    }
    let power = EXACT.get(scale.unsigned_abs() as usize)?;
    let value = if scale < 0 { mantissa as f64 / power } else { mantissa as f64 * power };
    Some((if negative { -value } else { value }, rest))
}

fn any_float(token: &[u8]) -> Option<f64> {
    let (negative, unsigned) = signed(token);
    if unsigned.eq_ignore_ascii_case(b"inf") || unsigned.eq_ignore_ascii_case(b"infinity") {
        return Some(if negative { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    if token.eq_ignore_ascii_case(b"nan") {
        return Some(f64::NAN);
    }
    if !token.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E')) {
        return None;
    }
    let value: f64 = std::str::from_utf8(token).ok()?.parse().ok()?;
    value.is_finite().then_some(value)
}

#[inline]
fn signed(token: &[u8]) -> (bool, &[u8]) {
    match token.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, token),
    }
}

#[inline]
fn leading_digit(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (byte, rest) = bytes.split_first()?;
    let digit = byte.wrapping_sub(b'0');
    (digit < 10).then_some((u64::from(digit), rest))
}

/// Writes a number as OpenMetrics 1.0 wants it in `le` and `quantile` ("Canonical Numbers"): `1.0`, `0.25`, `1e+06`,
/// `+Inf`. One number has one text, so that the buckets of one histogram are the same series by whichever way they come.
pub fn canonical(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    // Shortest digits that read back as the same double: "-1.25e-7".
    let shortest = format!("{value:e}");
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        let plain = format!("{value}");
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(token: &str, expected: Option<f64>) {
        let read = float(token.as_bytes());
        assert_eq!(read.map(f64::to_bits), expected.map(f64::to_bits), "{token}: {read:?}");
    }

    #[test]
    fn what_prometheus_reads_is_read() {
        check("0", Some(0.0));
        check("-0", Some(-0.0));
        check("+1", Some(1.0));
        check("5.", Some(5.0));
        check(".5", Some(0.5));
        check("1.7e308", Some(1.7e308));
        check("1e-320", Some(1e-320));
        check("12345678901234567890", Some(12345678901234567890.0));
        check("0.1234567890123456789", Some(0.123_456_789_012_345_68));
        check("9007199254740993", Some(9007199254740992.0));
        check("+Inf", Some(f64::INFINITY));
        check("-infinity", Some(f64::NEG_INFINITY));
        check("nAn", Some(f64::NAN));
    }

    #[test]
    fn what_prometheus_refuses_is_refused() {
        for token in [
            "",
            "+",
            "-",
            ".",
            "e5",
            "1e",
            "1e+",
            "1_000",
            "0x10",
            "0x1p3",
            "1e400",
            "-1e999999999999",
            "--1",
            "1.2.3",
            "-nan",
            "+nan",
            "1 ",
            "infinit",
            "1f",
        ] {
            check(token, None);
        }
    }

    #[test]
    fn canonical_numbers_are_those_of_the_specification() {
        let pairs = [
            (1.0, "1.0"),
            (0.0, "0.0"),
            (-1.0, "-1.0"),
            (0.005, "0.005"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (123_456.0, "123456.0"),
            (1e6, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (1e23, "1e+23"),
            (std::f64::consts::SQRT_2, "1.4142135623730951"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ];
        for (value, text) in pairs {
            assert_eq!(canonical(value), text);
        }
        assert_eq!(canonical(f64::NAN), "NaN");
    }

    proptest! {
        #[test]
        fn every_double_reads_back_from_each_way_of_writing_it(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            for text in [canonical(value), format!("{value}"), format!("{value:e}"), format!("{value:E}")] {
                prop_assert_eq!(float(text.as_bytes()).map(f64::to_bits), Some(bits), "{}", text);
            }
        }

        #[test]
        fn short_decimals_are_rounded_as_the_standard_library_rounds_them(
            text in "[+-]?[0-9]{1,12}(\\.[0-9]{0,9})?(e[+-]?[0-9]{1,2})?"
        ) {
            let expected: f64 = text.parse().unwrap();
            prop_assert_eq!(float(text.as_bytes()).map(f64::to_bits), Some(expected.to_bits()), "{}", text);
        }
    }
}
