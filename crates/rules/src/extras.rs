//! What is beyond Prometheus' rules, kept in annotations so that Prometheus can still read the file.

use crate::Pairs;

/// What the names of our annotations begin with.
pub const PREFIX: &str = "mainstay_";

/// Most evaluations that n of m looks at.
const WINDOW_MAX: usize = 100;

/// What it means when the series of an alert give no value any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Missing {
    /// Nothing is known, and the alert stays as it is.
    #[default]
    Keep,
    /// The alert ends, as in Prometheus.
    Clear,
}

/// What a rule says beyond Prometheus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extras {
    /// `mainstay_clear`: once it fires, the alert ends only when this expression gives its series.
    pub clear: Option<String>,
    /// `mainstay_fire`, written `3 of 5`: true at so many of so many evaluations.
    pub fire: (usize, usize),
    /// `mainstay_missing`: `keep` or `clear`.
    pub missing: Missing,
}

impl Default for Extras {
    fn default() -> Self {
        Self { clear: None, fire: (1, 1), missing: Missing::Keep }
    }
}

impl Extras {
    /// Reads them from annotations; other names that begin with [`PREFIX`] are left to others.
    ///
    /// # Errors
    /// Names the annotation that cannot be read.
    pub fn of(annotations: &Pairs) -> Result<Self, String> {
        let said = |name: &str| {
            let full = |known: &str| known.strip_prefix(PREFIX) == Some(name);
            annotations.iter().find(|(known, _)| full(known)).map(|(_, value)| value.trim())
        };
        let mut extras = Self::default();
        if let Some(text) = said("clear") {
            crate::expression::parse(text)
                .map_err(|error| format!("annotation \"mainstay_clear\": could not parse expression: {error}"))?;
            extras.clear = Some(text.to_owned());
        }
        if let Some(text) = said("fire") {
            extras.fire = n_of_m(text).ok_or_else(|| {
                format!("annotation \"mainstay_fire\": \"{text}\" is not like 3 of 5, at most of {WINDOW_MAX}")
            })?;
        }
        match said("missing") {
            None | Some("keep") => {}
            Some("clear") => extras.missing = Missing::Clear,
            Some(other) => {
                return Err(format!("annotation \"mainstay_missing\": \"{other}\" is neither keep nor clear"));
            }
        }
        Ok(extras)
    }

    /// As annotations; what is usual is not written.
    pub fn annotations(&self) -> Pairs {
        let mut all = Pairs::new();
        let mut put = |name: &str, value: String| all.push((format!("{PREFIX}{name}"), value));
        if let Some(clear) = &self.clear {
            put("clear", clear.clone());
        }
        if self.fire != (1, 1) {
            put("fire", format!("{} of {}", self.fire.0, self.fire.1));
        }
        if self.missing == Missing::Clear {
            put("missing", "clear".to_owned());
        }
        all
    }
}

fn n_of_m(text: &str) -> Option<(usize, usize)> {
    let (n, m) = text.split_once(" of ")?;
    let (n, m) = (n.trim().parse().ok()?, m.trim().parse().ok()?);
    ((1..=m).contains(&n) && m <= WINDOW_MAX).then_some((n, m))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extras_travel_in_annotations_and_come_back() {
        let extras = Extras { clear: Some("load < 2".into()), fire: (3, 5), missing: Missing::Clear };
        let mut annotations = extras.annotations();
        annotations.push(("summary".into(), "x".into()));
        assert_eq!(Extras::of(&annotations), Ok(extras));
        assert_eq!(Extras::default().annotations(), Pairs::new());
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (name, value) in
            [("clear", "load <"), ("fire", "5 of 3"), ("fire", "3"), ("fire", "0 of 2"), ("missing", "x")]
        {
            let pairs = vec![(format!("{PREFIX}{name}"), value.to_owned())];
            assert!(Extras::of(&pairs).unwrap_err().contains(&format!("mainstay_{name}")), "{name} {value}");
        }
        assert_eq!(Extras::of(&vec![("mainstay_team".into(), "2".into())]), Ok(Extras::default()));
    }
}
