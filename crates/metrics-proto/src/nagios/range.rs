//! Threshold ranges: `10`, `10:`, `~:10`, `10:20`, `@10:20`.

use super::performance::number;

/// A threshold. The ends belong to the range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Lower end; negative infinity for `~`.
    pub start: f64,
    /// Upper end; infinity if none was given.
    pub end: f64,
    /// With `@`: a value inside alerts. Without: a value outside does.
    pub inside: bool,
}

impl Range {
    /// Reads a range; `None` if it is none or its start is above its end.
    pub fn read(text: &str) -> Option<Self> {
        let (inside, bounds) = text.strip_prefix('@').map_or((false, text), |rest| (true, rest));
        let (start, end) = bounds.split_once(':').unwrap_or(("0", bounds));
        let start = match start {
            "~" => f64::NEG_INFINITY,
            "" => 0.0,
            start => number(start)?,
        };
        let end = match end {
            "" if bounds.contains(':') => f64::INFINITY,
            end => number(end)?,
        };
        (start <= end).then_some(Self { start, end, inside })
    }

    /// Whether a value in the same unit alerts.
    pub fn alerts(&self, value: f64) -> bool {
        (self.start..=self.end).contains(&value) == self.inside
    }

    /// The range in a unit that is `factor` times smaller; `None` if an end becomes too large for a double.
    pub(super) fn times(self, factor: f64) -> Option<Self> {
        let scaled = Self { start: self.start * factor, end: self.end * factor, inside: self.inside };
        let sound = |before: f64, after: f64| before.is_infinite() || after.is_finite();
        (sound(self.start, scaled.start) && sound(self.end, scaled.end)).then_some(scaled)
    }
}
