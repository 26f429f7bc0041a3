//! Time as a value: microseconds since 1970 in UTC. The only reader of the wall clock is `Clock::System`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A moment: microseconds since 1970-01-01T00:00:00Z. In JSON it is an RFC 3339 text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(pub i64);

/// One second in microseconds.
pub const SECOND: i64 = 1_000_000;
/// One minute in microseconds.
pub const MINUTE: i64 = 60 * SECOND;
/// One hour in microseconds.
pub const HOUR: i64 = 60 * MINUTE;
/// One day of 24 hours in microseconds.
pub const DAY: i64 = 24 * HOUR;

impl Time {
    /// Microseconds since 1970.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since 1970, rounded down.
    pub fn millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This moment moved by microseconds; saturates at the ends.
    #[must_use]
    pub fn plus(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// Microseconds from `earlier` to this moment.
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Parses RFC 3339, for example `2026-11-21T08:00:00Z`.
    pub fn parse(text: &str) -> Result<Self> {
        text.parse::<jiff::Timestamp>().map(|at| Self(at.as_microsecond())).map_err(|_| {
            Error::invalid("time", format!("\"{text}\" is not a time. Write it like 2026-11-21T08:00:00Z."))
        })
    }

    /// As a jiff timestamp; times outside jiff's range become its ends.
    pub fn timestamp(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.timestamp())
    }
}

impl Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(|error| serde::de::Error::custom(error.message))
    }
}

impl JsonSchema for Time {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date-time" })
    }

    fn inline_schema() -> bool {
        true
    }
}

/// Where "now" comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's wall clock.
    System,
    /// A clock that tests move by hand.
    Fake(Arc<AtomicI64>),
}

impl Clock {
    /// A fake clock that stands at `at`.
    pub fn fake(at: Time) -> Self {
        Self::Fake(Arc::new(AtomicI64::new(at.0)))
    }

    /// The present moment.
    pub fn now(&self) -> Time {
        match self {
            Self::System => Time(jiff::Timestamp::now().as_microsecond()),
            Self::Fake(at) => Time(at.load(Ordering::SeqCst)),
        }
    }

    /// Moves a fake clock; the system clock does not move.
    pub fn advance(&self, micros: i64) {
        if let Self::Fake(at) = self {
            at.fetch_add(micros, Ordering::SeqCst);
        }
    }
}
