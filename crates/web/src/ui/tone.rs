//! Tone: how good or bad something is, in one of seven words that every domain uses.

use std::fmt;

/// How good or bad something is. Each tone has a shape, a colour and, from the caller, a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// Fine: green disc with a tick.
    Ok,
    /// Somebody or something is on it: teal half disc.
    Working,
    /// Will hurt if left: amber triangle.
    Warn,
    /// Hurts now: vermilion octagon.
    Critical,
    /// New, or worth knowing: blue diamond.
    Info,
    /// Agreed for later: purple square.
    Planned,
    /// Unknown, off or waiting for somebody else: grey ring.
    #[default]
    Idle,
}

impl Tone {
    /// Every tone, best known first.
    pub const ALL: [Self; 7] =
        [Self::Ok, Self::Working, Self::Warn, Self::Critical, Self::Info, Self::Planned, Self::Idle];

    /// The word used in addresses, JSON and CSS classes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Working => "working",
            Self::Warn => "warn",
            Self::Critical => "critical",
            Self::Info => "info",
            Self::Planned => "planned",
            Self::Idle => "idle",
        }
    }

    /// The tone of a word written by [`Tone::as_str`]; `None` for any other word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tone| tone.as_str() == word)
    }

    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Ok => "t-ok",
            Self::Working => "t-working",
            Self::Warn => "t-warn",
            Self::Critical => "t-critical",
            Self::Info => "t-info",
            Self::Planned => "t-planned",
            Self::Idle => "t-idle",
        }
    }
}

impl fmt::Display for Tone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Tone;

    #[test]
    fn every_tone_is_read_back_from_its_word() {
        for tone in Tone::ALL {
            assert_eq!(Tone::parse(tone.as_str()), Some(tone));
            assert_eq!(tone.class(), format!("t-{tone}"));
        }
        assert_eq!(Tone::parse("green"), None);
    }
}
