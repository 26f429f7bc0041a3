//! `printf` as Go has it (pkg.go.dev/fmt), for the values of templates.

use promql::format_float;

use super::value::Value;

/// Wider than this is a mistake.
const WIDTH_MAX: usize = 1_000;

#[derive(Default)]
struct Flags {
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

pub(super) fn printf(format: &str, args: &[Value]) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = args.iter();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let flags = flags(&mut chars)?;
        match chars.next() {
            None => out.push_str("%!(NOVERB)"),
            Some('%') => out.push('%'),
            Some(verb) => match rest.next() {
                None => out.push_str(&format!("%!{verb}(MISSING)")),
                Some(value) => out.push_str(&padded(one(&flags, verb, value), &flags, value)),
            },
        }
    }
    let extra: Vec<String> = rest.map(|value| format!("{}={}", value.kind(), value.shown())).collect();
    if !extra.is_empty() {
        out.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    Ok(out)
}

fn flags(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Flags, String> {
    let mut flags = Flags::default();
    while let Some(flag) = chars.next_if(|c| "-+# 0".contains(*c)) {
        match flag {
            '-' => flags.minus = true,
            '+' => flags.plus = true,
            '#' => flags.sharp = true,
            ' ' => flags.space = true,
            _ => flags.zero = true,
        }
    }
    let number = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| {
        let mut value = None;
        while let Some(digit) = chars.next_if(char::is_ascii_digit).and_then(|c| c.to_digit(10)) {
            value = Some(value.unwrap_or(0usize).saturating_mul(10).saturating_add(digit as usize));
        }
        match value {
            Some(value) if value > WIDTH_MAX => Err(format!("printf: a width above {WIDTH_MAX} is not supported")),
            value => Ok(value),
        }
    };
    flags.width = number(chars)?.unwrap_or(0);
    if chars.next_if_eq(&'.').is_some() {
        flags.precision = Some(number(chars)?.unwrap_or(0));
    }
    match chars.peek() {
        Some('*' | '[') => Err("printf: widths and places given as arguments (* and [n]) are not supported".to_owned()),
        _ => Ok(flags),
    }
}

fn one(flags: &Flags, verb: char, value: &Value) -> String {
    let cut = |text: &str| match flags.precision {
        Some(most) => text.chars().take(most).collect(),
        None => text.to_owned(),
    };
    match (verb, value) {
        ('v', Value::Float(number)) => signed(flags, float(flags, 'g', *number)),
        ('v', Value::Int(number)) => signed(flags, number.to_string()),
        ('v', other) => other.shown(),
        ('t', Value::Bool(value)) => value.to_string(),
        ('d', Value::Int(number)) => signed(flags, number.to_string()),
        ('d', Value::Duration(ms)) => signed(flags, ms.saturating_mul(1_000_000).to_string()),
        ('x', Value::Int(number)) => format!("{}{number:x}", if flags.sharp { "0x" } else { "" }),
        ('X', Value::Int(number)) => format!("{}{number:X}", if flags.sharp { "0X" } else { "" }),
        ('o', Value::Int(number)) => format!("{number:o}"),
        ('b', Value::Int(number)) => format!("{number:b}"),
        ('c', Value::Int(number)) => {
            u32::try_from(*number).ok().and_then(char::from_u32).unwrap_or('\u{fffd}').to_string()
        }
        ('f' | 'F' | 'e' | 'E' | 'g' | 'G', Value::Float(number)) => signed(flags, float(flags, verb, *number)),
        ('s', Value::Text(text)) => cut(text),
        ('s', Value::Time(_) | Value::Duration(_)) => value.shown(),
        ('q', Value::Text(text)) => format!("{:?}", cut(text)),
        ('x', Value::Text(text)) => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
        ('X', Value::Text(text)) => text.bytes().map(|byte| format!("{byte:02X}")).collect(),
        ('s' | 'q', Value::Labels(_) | Value::List(_) | Value::Map(_)) => value.shown(),
        (verb, Value::Nil) => format!("%!{verb}(<nil>)"),
        (verb, other) => format!("%!{verb}({}={})", other.kind(), other.shown()),
    }
}

fn signed(flags: &Flags, text: String) -> String {
    match text.starts_with(['-', '+']) {
        true if flags.plus => text,
        true => text.strip_prefix('+').filter(|rest| *rest != "Inf").map_or(text.clone(), str::to_owned),
        false if flags.plus => format!("+{text}"),
        false if flags.space => format!(" {text}"),
        false => text,
    }
}

fn padded(text: String, flags: &Flags, value: &Value) -> String {
    let missing = flags.width.saturating_sub(text.chars().count());
    if missing == 0 {
        return text;
    }
    let finite = !matches!(value, Value::Float(number) if !number.is_finite());
    if flags.minus {
        text + &" ".repeat(missing)
    } else if flags.zero && finite {
        let (sign, digits) = match text.strip_prefix(['-', '+']) {
            Some(digits) => text.split_at_checked(text.len() - digits.len()).unwrap_or(("", digits)),
            None => ("", text.as_str()),
        };
        format!("{sign}{}{digits}", "0".repeat(missing))
    } else {
        " ".repeat(missing) + &text
    }
}

fn float(flags: &Flags, verb: char, value: f64) -> String {
    if !value.is_finite() {
        return format_float(value);
    }
    match verb {
        'f' | 'F' => format!("{value:.*}", flags.precision.unwrap_or(6)),
        'e' => exponent(value, flags.precision.unwrap_or(6)),
        'E' => exponent(value, flags.precision.unwrap_or(6)).to_uppercase(),
        'G' => general(value, flags.precision, flags.sharp).to_uppercase(),
        _ => general(value, flags.precision, flags.sharp),
    }
}

/// `%e`: the exponent has a sign and at least two digits.
fn exponent(value: f64, precision: usize) -> String {
    let text = format!("{value:.precision$e}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    match exponent.strip_prefix('-') {
        Some(size) => format!("{digits}e-{size:0>2}"),
        None => format!("{digits}e+{exponent:0>2}"),
    }
}

/// `%g`: as short as it can be, or with so many digits that count.
pub(super) fn general(value: f64, precision: Option<usize>, sharp: bool) -> String {
    let (Some(precision), true) = (precision, value.is_finite()) else { return format_float(value) };
    let digits = precision.max(1);
    let text = exponent(value, digits - 1);
    let Some((mantissa, size)) = text.split_once('e') else { return text };
    let size: i32 = size.parse().unwrap_or(0);
    // Go lets a large precision fall back to the digits there are.
    let most = i32::try_from(digits).unwrap_or(i32::MAX);
    if size < -4 || size >= most {
        let mantissa = if sharp { mantissa } else { trimmed(mantissa) };
        let (_, exponent) = text.split_once('e').unwrap_or_default();
        return format!("{mantissa}e{exponent}");
    }
    let places = usize::try_from(most - 1 - size).unwrap_or(0);
    let plain = format!("{value:.places$}");
    if sharp { plain } else { trimmed(&plain).to_owned() }
}

fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: &str, value: Value, expected: &str) {
        assert_eq!(printf(format, &[value]).as_deref(), Ok(expected), "{format}");
    }

    #[test]
    fn numbers_and_texts_are_written_as_go_writes_them() {
        use Value::{Float, Int, Text};
        check("%.2f", Float(2.71), "2.71");
        check("%f", Float(0.5), "0.500000");
        check("%v", Float(1e6), "1e+06");
        check("%6.1f|", Float(9.96), "  10.0|");
        check("%-6d|", Int(42), "42    |");
        check("%06.2f", Float(-1.5), "-01.50");
        check("%+d", Int(3), "+3");
        check("%g", Float(100_000.0), "100000");
        check("%.3g", Float(123_456.0), "1.23e+05");
        check("%.4g", Float(0.000_012_345), "1.234e-05");
        check("%e", Float(1_234.5), "1.234500e+03");
        check("%s", Text("x".into()), "x");
        check("%5s|%%", Text("x".into()), "    x|%");
        check("%q", Text("a\"b".into()), "\"a\\\"b\"");
        check("%x", Int(255), "ff");
        check("%.0f", Float(f64::NAN), "NaN");
        check("%f", Float(f64::INFINITY), "+Inf");
        check("%t", Value::Bool(true), "true");
    }

    #[test]
    fn what_does_not_fit_is_said_in_the_text_as_go_does_it() {
        check("%d", Value::Float(3.0), "%!d(float64=3)");
        check("%s", Value::Int(3), "%!s(int=3)");
        check("%d %d", Value::Int(3), "3 %!d(MISSING)");
        check("x", Value::Int(3), "x%!(EXTRA int=3)");
        check("%", Value::Int(3), "%!(NOVERB)%!(EXTRA int=3)");
        assert!(printf("%*d", &[Value::Int(3)]).unwrap_err().contains("not supported"));
        assert!(printf("%99999d", &[Value::Int(3)]).is_err());
    }
}
