//! The axis of values: where it begins and ends, its round steps, and the words of units.

const IEC: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
const SI: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];
/// Beyond this a value is drawn at the edge, so that sums and differences stay finite.
const VALUE_MAX: f64 = 1e300;

/// How values of a size are written: divided by `by`, followed by `word`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Measure {
    by: f64,
    word: String,
    binary: bool,
}

impl Measure {
    /// The measure in which a value of this size has one to four digits before its point.
    pub(super) fn of(size: f64, unit: &str) -> Self {
        let size = size.abs();
        let plain = |by: f64, word: &str| Self { by, word: word.to_owned(), binary: false };
        match unit {
            "B" | "bytes" => {
                let (by, power) = power_of(size, 1024.0, IEC.len() - 1);
                Self { by, word: IEC.get(power).copied().unwrap_or("B").to_owned(), binary: true }
            }
            "B/s" | "b/s" | "bit/s" => {
                let (by, power) = power_of(size, 1000.0, SI.len() - 1);
                let tail = if unit == "B/s" { "B/s" } else { "b/s" };
                plain(by, &format!("{}{tail}", SI.get(power).copied().unwrap_or("")))
            }
            "s" | "seconds" => match size {
                0.0 => plain(1.0, "s"),
                _ if size < 1e-3 => plain(1e-6, "µs"),
                _ if size < 1.0 => plain(1e-3, "ms"),
                _ if size < 120.0 => plain(1.0, "s"),
                _ if size < 7_200.0 => plain(60.0, "min"),
                _ if size < 172_800.0 => plain(3_600.0, "h"),
                _ => plain(86_400.0, "d"),
            },
            "ms" if size >= 1_000.0 => plain(1_000.0, "s"),
            "%" | "ms" => plain(1.0, unit),
            _ if size < 10_000.0 => plain(1.0, unit),
            _ => {
                let (by, power) = power_of(size, 1000.0, SI.len() - 1);
                let prefix = SI.get(power).copied().unwrap_or("");
                plain(by, format!("{prefix} {unit}").trim())
            }
        }
    }

    /// The word behind the numbers: `GiB`, `ms`, `k`.
    pub(super) fn word(&self) -> &str {
        &self.word
    }
}

fn power_of(size: f64, step: f64, most: usize) -> (f64, usize) {
    let (mut by, mut power) = (1.0, 0);
    while size / by >= step && power < most {
        by *= step;
        power += 1;
    }
    (by, power)
}

/// About three digits, without a tail of zeros.
fn plain(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e16).contains(&size) {
        return format!("{value:.2e}");
    }
    let digits = match size {
        _ if size >= 100.0 => 0,
        _ if size >= 10.0 => 1,
        _ if size >= 0.1 => 2,
        _ => 5,
    };
    trimmed(&format!("{value:.digits$}")).to_owned()
}

fn trimmed(text: &str) -> &str {
    let bare = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    if bare == "-0" { "0" } else { bare }
}

/// A value and its unit as people read them: bytes IEC, rates SI, times in the unit that fits.
pub(super) fn readable(value: f64, unit: &str) -> String {
    if !value.is_finite() {
        return "no value".to_owned();
    }
    let measure = Measure::of(value, unit);
    format!("{} {}", plain(value / measure.by), measure.word).trim_end().to_owned()
}

/// Where an axis begins and ends, and its steps.
#[derive(Debug, Clone)]
pub(super) struct Scale {
    pub(super) low: f64,
    pub(super) high: f64,
    step: f64,
    pub(super) measure: Measure,
}

impl Scale {
    /// An axis for these values. It begins at zero, unless the values stand close together far from it; a share of a
    /// hundred that is mostly used shows the hundred.
    pub(super) fn of(values: impl Iterator<Item = f64>, unit: &str) -> Self {
        let finite = values.filter(|value| value.is_finite()).map(|value| value.clamp(-VALUE_MAX, VALUE_MAX));
        let (mut low, mut high) =
            finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            (low, high) = (0.0, 0.0);
        }
        let close = unit != "%" && low > 0.0 && high > low && high - low < 0.1 * low;
        if !close {
            (low, high) = (low.min(0.0), high.max(0.0));
        }
        if unit == "%" && low >= 0.0 && high > 60.0 && high <= 100.0 {
            high = 100.0;
        }
        if high <= low {
            high = low + 1.0;
        }
        let measure = Measure::of(low.abs().max(high.abs()), unit);
        let step = round_step((high - low) / measure.by, measure.binary) * measure.by;
        Self { low: (low / step + 1e-9).floor() * step, high: (high / step - 1e-9).ceil() * step, step, measure }
    }

    /// How far up the axis a value stands, from 0 to 1 as long as it fits.
    pub(super) fn share(&self, value: f64) -> f64 {
        (value.clamp(-VALUE_MAX, VALUE_MAX) - self.low) / (self.high - self.low)
    }

    /// The lines of the grid: how far up each stands, and its number.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let scaled = self.step / self.measure.by;
        let even = |digits: &i32| {
            let shifted = scaled * 10_f64.powi(*digits);
            (shifted - shifted.round()).abs() < 1e-6 * shifted
        };
        let digits = usize::try_from((0..9).find(even).unwrap_or(9)).unwrap_or(0);
        let values = (0..=10_u32).map(|nth| self.low + f64::from(nth) * self.step);
        let shown = values.take_while(|value| *value <= self.high + self.step / 2.0);
        shown
            .map(|value| {
                let number = format!("{:.digits$}", value / self.measure.by);
                (
                    self.share(value),
                    if number.trim_matches(['-', '0', '.']).is_empty() { "0".to_owned() } else { number },
                )
            })
            .collect()
    }
}

/// A step that people would choose, about a quarter of the range.
fn round_step(range: f64, binary: bool) -> f64 {
    let rough = range / 4.0;
    if binary && rough >= 1.0 {
        return 2_f64.powf(rough.log2().ceil());
    }
    let power = 10_f64.powf(rough.log10().floor());
    let choice = [1.0, 2.0, 2.5, 5.0].into_iter().find(|choice| choice * power >= rough * (1.0 - 1e-9));
    choice.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::{Scale, readable};

    #[test]
    fn values_are_written_in_the_unit_that_fits() {
        let cases = [
            (0.0, "B", "0 B"),
            (1_536.0, "B", "1.5 KiB"),
            (17_179_869_184.0, "bytes", "16 GiB"),
            (419e6, "b/s", "419 Mb/s"),
            (1_240.0, "B/s", "1.24 kB/s"),
            (0.000_25, "s", "250 µs"),
            (0.034, "s", "34 ms"),
            (90.0, "s", "90 s"),
            (5_400.0, "s", "90 min"),
            (1_500.0, "ms", "1.5 s"),
            (43.21, "%", "43.2 %"),
            (1.5, "", "1.5"),
            (12_400.0, "", "12.4 k"),
            (2.5e6, "requests", "2.5 M requests"),
            (-3.0, "", "-3"),
            (-0.000_001, "%", "-1.00e-6 %"),
            (f64::NAN, "s", "no value"),
        ];
        for (value, unit, expected) in cases {
            assert_eq!(readable(value, unit), expected, "{value} {unit}");
        }
    }

    #[test]
    fn ticks_are_round_in_the_unit_that_is_shown() {
        let cases: [(&[f64], &str, &[&str], &str); 12] = [
            (&[], "", &["0", "0.25", "0.50", "0.75", "1.00"], ""),
            (&[0.0, 0.0], "%", &["0", "0.25", "0.50", "0.75", "1.00"], "%"),
            (&[3.0, 71.0], "%", &["0", "25", "50", "75", "100"], "%"),
            (&[3.0, 17.0], "%", &["0", "5", "10", "15", "20"], "%"),
            (&[13.1e9, 16.9e9], "B", &["0", "4", "8", "12", "16"], "GiB"),
            (&[280e6, 400e6], "b/s", &["0", "100", "200", "300", "400"], "Mb/s"),
            (&[0.004, 0.031], "s", &["0", "10", "20", "30", "40"], "ms"),
            (&[0.5, 3.2], "", &["0", "1", "2", "3", "4"], ""),
            (&[-3.0, 5.0], "", &["-4", "-2", "0", "2", "4", "6"], ""),
            (&[21.0, 22.4], "°C", &["21.0", "21.5", "22.0", "22.5"], "°C"),
            (&[f64::NAN, f64::INFINITY, 8.0], "", &["0", "2", "4", "6", "8"], ""),
            (&[100_000.0, 1_000_000.0], "", &["0", "0.25", "0.50", "0.75", "1.00"], "M"),
        ];
        for (values, unit, expected, word) in cases {
            let scale = Scale::of(values.iter().copied(), unit);
            let numbers: Vec<String> = scale.ticks().into_iter().map(|(_, number)| number).collect();
            assert_eq!(
                (numbers.as_slice(), scale.measure.word()),
                (&expected.map_owned()[..], word),
                "{values:?} {unit}"
            );
        }
    }

    trait Owned {
        fn map_owned(&self) -> Vec<String>;
    }
    impl Owned for &[&str] {
        fn map_owned(&self) -> Vec<String> {
            self.iter().map(|text| (*text).to_owned()).collect()
        }
    }

    #[test]
    fn every_value_stands_on_the_axis_however_large_or_small() {
        for values in [[1e-12, 3e-12], [1e300, -1e300], [f64::MAX, 0.0], [5.0, 5.0], [1e15, 1e15 + 1.0]] {
            let scale = Scale::of(values.into_iter(), "");
            for value in values {
                assert!((-0.001..=1.001).contains(&scale.share(value)), "{values:?} {scale:?}");
            }
            assert!((2..=11).contains(&scale.ticks().len()), "{values:?} {:?}", scale.ticks());
        }
    }
}
