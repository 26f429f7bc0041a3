//! Units of performance data, brought to their base.

/// The base unit of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// A plain number, and every unit nobody knows.
    None,
    /// `s` (and `ns`, `us`, `ms`, `m`, `h`, `d`).
    Seconds,
    /// `B` with `K` to `Y` (powers of 1000) and `Ki` to `Yi` (powers of 1024).
    Bytes,
    /// `b`, in the same steps.
    Bits,
    /// `%`, from 0 to 100.
    Percent,
    /// `c`: a counter that only grows.
    Counter,
    /// `A` and its steps.
    Amperes,
    /// `V` and its steps.
    Volts,
    /// `W` and its steps.
    Watts,
    /// `C` and `F` stand for degrees in some plugins; `C` alone is taken.
    Celsius,
    /// `Hz` and its steps.
    Hertz,
}

impl Unit {
    /// The word that ends a metric's name in this unit; empty if there is none.
    pub fn word(self) -> &'static str {
        match self {
            Self::None | Self::Counter => "",
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
            Self::Bits => "bits",
            Self::Percent => "percent",
            Self::Amperes => "amperes",
            Self::Volts => "volts",
            Self::Watts => "watts",
            Self::Celsius => "celsius",
            Self::Hertz => "hertz",
        }
    }

    /// The base unit, and by what a value in the unit as written is multiplied.
    pub(super) fn read(text: &str) -> (Self, f64) {
        let time = match text {
            "s" => Some(1.0),
            "ms" => Some(1e-3),
            "us" | "µs" | "μs" => Some(1e-6),
            "ns" => Some(1e-9),
            "m" | "min" => Some(60.0),
            "h" => Some(3_600.0),
            "d" => Some(86_400.0),
            _ => None,
        };
        if let Some(factor) = time {
            return (Self::Seconds, factor);
        }
        match text {
            "%" => return (Self::Percent, 1.0),
            "c" => return (Self::Counter, 1.0),
            "C" => return (Self::Celsius, 1.0),
            _ => {}
        }
        let ends = [
            ("B", Self::Bytes),
            ("b", Self::Bits),
            ("Hz", Self::Hertz),
            ("A", Self::Amperes),
            ("V", Self::Volts),
            ("W", Self::Watts),
        ];
        let known = ends.iter().find_map(|(end, unit)| Some((*unit, step(text.strip_suffix(end)?, *unit)?)));
        known.unwrap_or((Self::None, 1.0))
    }
}

/// The factor of the letters before a unit.
fn step(letters: &str, unit: Unit) -> Option<f64> {
    let data = matches!(unit, Unit::Bytes | Unit::Bits);
    let power = match letters {
        "" => return Some(1.0),
        "n" if !data => return Some(1e-9),
        "u" if !data => return Some(1e-6),
        "m" if !data => return Some(1e-3),
        "k" | "K" | "ki" | "Ki" => 1,
        "M" | "Mi" | "m" | "mi" => 2,
        "G" | "Gi" | "g" | "gi" => 3,
        "T" | "Ti" | "t" | "ti" => 4,
        "P" | "Pi" | "p" | "pi" => 5,
        "E" | "Ei" | "e" | "ei" => 6,
        "Z" | "Zi" | "z" | "zi" => 7,
        "Y" | "Yi" | "y" | "yi" => 8,
        _ => return None,
    };
    let base: f64 = if letters.ends_with('i') { 1_024.0 } else { 1_000.0 };
    Some(base.powi(power))
}
