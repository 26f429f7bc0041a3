//! Names of OpenTelemetry as names of Prometheus (OpenTelemetry specification, "Prometheus and OpenMetrics
//! Compatibility", "OTLP Metric points to Prometheus").

use std::borrow::Cow;

/// How names are turned. The words of Prometheus' `translation_strategy` are in the comments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Naming {
    /// `http.server.duration` in seconds is `http_server_duration_seconds` (`UnderscoreEscapingWithSuffixes`).
    #[default]
    UnderscoresWithSuffixes,
    /// It is `http.server.duration_seconds` (`NoUTF8EscapingWithSuffixes`).
    Utf8WithSuffixes,
    /// It is `http_server_duration` (`UnderscoreEscapingWithoutSuffixes`).
    Underscores,
    /// It stays `http.server.duration` (`NoTranslation`).
    Utf8,
}

impl Naming {
    fn keeps_utf8(self) -> bool {
        matches!(self, Self::Utf8WithSuffixes | Self::Utf8)
    }

    fn adds_suffixes(self) -> bool {
        matches!(self, Self::UnderscoresWithSuffixes | Self::Utf8WithSuffixes)
    }

    /// The name of a metric; `None` if nothing is left of it.
    pub(super) fn metric(self, name: &str, unit: &str, suffix: Suffix) -> Option<String> {
        let ratio = unit == "1" && suffix == Suffix::Gauge;
        let last = match suffix {
            _ if !self.adds_suffixes() => None,
            Suffix::Total => Some("total"),
            _ if ratio => Some("ratio"),
            _ => None,
        };
        let (unit, per) = if self.adds_suffixes() { unit_words(unit) } else { Default::default() };
        let turned = if self.keeps_utf8() {
            let mut turned = without_end(name, last.unwrap_or_default()).to_owned();
            for word in [unit, per] {
                add_end(&mut turned, &word);
            }
            add_end(&mut turned, last.unwrap_or_default());
            turned
        } else {
            underscored(name, &unit, &per, last)
        };
        turned.bytes().any(|byte| byte != b'_').then_some(turned)
    }

    /// The name of a label; `None` if nothing is left of it.
    pub(super) fn label(self, key: &str) -> Option<Cow<'_, str>> {
        if key.bytes().all(|byte| byte == b'_') {
            return None;
        }
        let plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && !key.contains("__");
        let digit = key.starts_with(|first: char| first.is_ascii_digit());
        if self.keeps_utf8() || (plain && !digit) {
            return Some(Cow::Borrowed(key));
        }
        let mut label = String::with_capacity(key.len() + 4);
        if digit {
            label.push_str("key_");
        }
        for char in key.chars() {
            let fine = char.is_ascii_alphanumeric();
            if fine || !label.ends_with('_') {
                label.push(if fine { char } else { '_' });
            }
        }
        label.bytes().any(|byte| byte != b'_').then_some(Cow::Owned(label))
    }
}

/// What the kind of a metric adds to its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Suffix {
    /// A cumulative sum that only grows: `_total`.
    Total,
    /// A gauge, or a sum that goes up and down: `_ratio` if its unit is `1` (a gauge's only).
    Gauge,
    /// Nothing.
    Plain,
}

/// `name_unit_per_unit_total`, words that are there already not repeated.
fn underscored(name: &str, unit: &str, per: &str, last: Option<&str>) -> String {
    let stays = |char: char| char.is_ascii_alphanumeric() || char == ':';
    let mut words: Vec<&str> = name.split(|char| !stays(char)).filter(|word| !word.is_empty()).collect();
    // `per` is two words; a name such as `io_per_second` holds them one after the other.
    let has_per = !per.is_empty() && format!("_{}_", words.join("_")).contains(&format!("_{per}_"));
    if !unit.is_empty() && !words.contains(&unit) {
        words.push(unit);
    }
    if !per.is_empty() && !has_per {
        words.push(per);
    }
    if let Some(last) = last {
        words.retain(|word| *word != last);
        words.push(last);
    }
    let joined = words.join("_");
    if joined.starts_with(|first: char| first.is_ascii_digit()) { format!("_{joined}") } else { joined }
}

/// The name without a last word and the sign before it.
fn without_end<'a>(name: &'a str, word: &str) -> &'a str {
    let before = name.strip_suffix(word).filter(|before| !word.is_empty() && !before.is_empty());
    let sign = |char: char| matches!(char, '_' | '.' | '-' | '/');
    before.and_then(|before| before.strip_suffix(sign)).filter(|before| !before.is_empty()).unwrap_or(name)
}

fn add_end(name: &mut String, word: &str) {
    if !word.is_empty() && without_end(name, word).len() == name.len() {
        name.push('_');
        name.push_str(word);
    }
}

/// `By/s` is (`bytes`, `per_second`). What is in braces is a remark and counts for nothing (UCUM, "annotations").
fn unit_words(unit: &str) -> (String, String) {
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let (main, per) = (main.trim(), per.trim());
    let remark = |text: &str| text.is_empty() || text.contains(['{', '}']);
    let main = if remark(main) { String::new() } else { unit_word(main).map_or_else(|| cleaned(main), str::to_owned) };
    let per = if remark(per) { String::new() } else { per_word(per).map_or_else(|| cleaned(per), str::to_owned) };
    (main, if per.is_empty() { per } else { format!("per_{per}") })
}

fn cleaned(unit: &str) -> String {
    let words = unit.split(|char: char| !char.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_")
}

/// UCUM codes and the words of Prometheus (the specification's table).
fn unit_word(code: &str) -> Option<&'static str> {
    Some(match code {
        "d" => "days",
        "h" => "hours",
        "min" => "minutes",
        "s" => "seconds",
        "ms" => "milliseconds",
        "us" => "microseconds",
        "ns" => "nanoseconds",
        "By" => "bytes",
        "KiBy" => "kibibytes",
        "MiBy" => "mebibytes",
        "GiBy" => "gibibytes",
        "TiBy" => "tibibytes",
        "KBy" => "kilobytes",
        "MBy" => "megabytes",
        "GBy" => "gigabytes",
        "TBy" => "terabytes",
        "m" => "meters",
        "V" => "volts",
        "A" => "amperes",
        "J" => "joules",
        "W" => "watts",
        "g" => "grams",
        "Cel" => "celsius",
        "Hz" => "hertz",
        "%" => "percent",
        "1" => "",
        _ => return None,
    })
}

fn per_word(code: &str) -> Option<&'static str> {
    Some(match code {
        "s" => "second",
        "m" => "minute",
        "h" => "hour",
        "d" => "day",
        "w" => "week",
        "mo" => "month",
        "y" => "year",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, unit: &str, suffix: Suffix, expected: [&str; 4]) {
        let all = [Naming::UnderscoresWithSuffixes, Naming::Utf8WithSuffixes, Naming::Underscores, Naming::Utf8];
        let turned = all.map(|naming| naming.metric(name, unit, suffix).unwrap());
        assert_eq!(turned, expected.map(str::to_owned), "{name} in {unit:?}");
    }

    #[test]
    fn metrics_are_named_as_each_strategy_says() {
        use Suffix::{Gauge, Plain, Total};
        check(
            "http.server.duration",
            "s",
            Plain,
            [
                "http_server_duration_seconds",
                "http.server.duration_seconds",
                "http_server_duration",
                "http.server.duration",
            ],
        );
        check(
            "requests.count",
            "1",
            Total,
            ["requests_count_total", "requests.count_total", "requests_count", "requests.count"],
        );
        check(
            "cpu.utilization",
            "1",
            Gauge,
            ["cpu_utilization_ratio", "cpu.utilization_ratio", "cpu_utilization", "cpu.utilization"],
        );
        check("io", "By/s", Gauge, ["io_bytes_per_second", "io_bytes_per_second", "io", "io"]);
        check("packets", "{packet}", Total, ["packets_total", "packets_total", "packets", "packets"]);
        check(
            "total.bytes.seen",
            "By",
            Total,
            ["bytes_seen_total", "total.bytes.seen_bytes_total", "total_bytes_seen", "total.bytes.seen"],
        );
        check("x_total", "", Total, ["x_total", "x_total", "x_total", "x_total"]);
        check("2xx", "", Plain, ["_2xx", "2xx", "_2xx", "2xx"]);
        check("a..b--c", "widget/x", Plain, ["a_b_c_widget_per_x", "a..b--c_widget_per_x", "a_b_c", "a..b--c"]);
        check("køer", "", Plain, ["k_er", "køer", "k_er", "køer"]);
    }

    #[test]
    fn a_name_of_which_nothing_is_left_is_none() {
        assert_eq!(Naming::default().metric("...", "", Suffix::Plain), None);
        assert_eq!(Naming::Utf8.metric("", "", Suffix::Plain), None);
        assert_eq!(Naming::default().label("___"), None);
        assert_eq!(Naming::default().label("ø"), None);
    }

    #[test]
    fn labels_are_cleaned_unless_utf8_stays() {
        let label = |key| Naming::default().label(key).unwrap().into_owned();
        assert_eq!(label("http.method"), "http_method");
        assert_eq!(label("http__method"), "http_method");
        assert_eq!(label("2nd"), "key_2nd");
        assert_eq!(label("a@b$c"), "a_b_c");
        assert_eq!(Naming::Utf8.label("http.method").unwrap(), "http.method");
    }
}
