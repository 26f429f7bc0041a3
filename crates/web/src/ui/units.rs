//! Quantities as people read them: bytes IEC, rates SI, counts with thin spaces.

const IEC: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
const SI: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];

fn scaled(mut value: f64, step: f64, most: usize) -> (f64, usize) {
    let mut power = 0;
    while value.abs() >= step - 0.5 && power < most {
        value /= step;
        power += 1;
    }
    (value, power)
}

fn digits(value: f64) -> String {
    let tenths = (value * 10.0).round() / 10.0;
    if tenths.abs() >= 100.0 || tenths.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

/// A size in bytes with IEC prefixes: `212 GiB`, `1.5 KiB`.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn bytes(size_bytes: u64) -> String {
    let (value, power) = scaled(size_bytes as f64, 1024.0, IEC.len() - 1);
    format!("{} {}", digits(value), IEC.get(power).copied().unwrap_or("B"))
}

fn rate(per_second: f64, unit: &str) -> String {
    let (value, power) = scaled(per_second, 1000.0, SI.len() - 1);
    format!("{} {}{unit}/s", digits(value), SI.get(power).copied().unwrap_or(""))
}

/// Bits per second with SI prefixes: `419 Mb/s`.
#[must_use]
pub fn bit_rate(bits_per_second: f64) -> String {
    rate(bits_per_second, "b")
}

/// Bytes per second with SI prefixes: `1.2 MB/s`.
#[must_use]
pub fn byte_rate(bytes_per_second: f64) -> String {
    rate(bytes_per_second, "B")
}

/// A count with narrow spaces between thousands: `12 400`.
#[must_use]
pub fn count(n: u64) -> String {
    let plain = n.to_string();
    let mut out = String::with_capacity(plain.len() * 2);
    for (at, digit) in plain.chars().enumerate() {
        if at > 0 && (plain.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// A count that was stopped at `cap`: `999+` when `n` reaches it.
#[must_use]
pub fn count_capped(n: u64, cap: u64) -> String {
    if n >= cap { format!("{}+", cap.saturating_sub(1)) } else { count(n) }
}

/// A share from 0 to 1 as `94.1 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    let rounded = (value * 10.0).round() / 10.0;
    if rounded.fract().abs() < 0.05 { format!("{rounded:.0} %") } else { format!("{rounded:.1} %") }
}

#[cfg(test)]
mod tests {
    use super::{bit_rate, byte_rate, bytes, count, count_capped, percent};

    #[test]
    fn sizes_are_iec_and_never_show_a_thousand_of_a_smaller_unit() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(1_048_575), "1 MiB");
        assert_eq!(bytes(212 << 30), "212 GiB");
        assert_eq!(bytes(u64::MAX), "16 EiB");
    }

    #[test]
    fn rates_are_si() {
        assert_eq!(bit_rate(419_000_000.0), "419 Mb/s");
        assert_eq!(byte_rate(1_240_000.0), "1.2 MB/s");
        assert_eq!(byte_rate(0.0), "0 B/s");
        assert_eq!(bit_rate(999_900.0), "1 Mb/s");
    }

    #[test]
    fn counts_group_thousands_and_stop_at_their_cap() {
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(count_capped(1000, 1000), "999+");
        assert_eq!(count_capped(34, 1000), "34");
    }

    #[test]
    fn shares_drop_a_zero_after_the_point() {
        assert_eq!(percent(0.941), "94.1 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.99999), "100 %");
    }
}
