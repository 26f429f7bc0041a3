//! How long a turn is: a number of hours, days or weeks, or a duration.

use jiff::Span;
use kernel::{Error, Result};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

use super::{Kind, span_seconds};
use crate::rota::wall::{DAY, HOUR};

/// The longest turn, in seconds of wall time.
const LENGTH_MAX: i64 = 366 * DAY;

/// The length of a turn as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Length {
    /// A number of what the kind says.
    Count(i64),
    /// A duration: ISO 8601 such as `PT12H`, or words such as `12h`.
    Text(String),
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Read;

        impl Visitor<'_> for Read {
            type Value = Length;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a whole number, or a duration such as 12h or P1W")
            }

            fn visit_i64<E: de::Error>(self, count: i64) -> std::result::Result<Length, E> {
                Ok(Length::Count(count))
            }

            fn visit_u64<E: de::Error>(self, count: u64) -> std::result::Result<Length, E> {
                Ok(Length::Count(i64::try_from(count).unwrap_or(i64::MAX)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Length, E> {
                let text = text.trim();
                Ok(text.parse().map_or_else(|_| Length::Text(text.to_owned()), Length::Count))
            }
        }

        deserializer.deserialize_any(Read)
    }
}

impl JsonSchema for Length {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Length".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["integer", "string"] })
    }

    fn inline_schema() -> bool {
        true
    }
}

impl std::fmt::Display for Length {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// The length in seconds of wall time, from an hour to 366 days.
pub(super) fn seconds(field: &str, kind: Kind, length: Option<&Length>) -> Result<i64> {
    let unit = match kind {
        Kind::Hourly | Kind::Custom => HOUR,
        Kind::Daily => DAY,
        Kind::Weekly => 7 * DAY,
    };
    let seconds = match length {
        None if kind == Kind::Custom => {
            return Err(Error::invalid(field, "Say how long a turn is, for example 12h or P3D."));
        }
        None => Some(unit),
        Some(Length::Count(count)) => Some(count.saturating_mul(unit)),
        Some(Length::Text(text)) => text.parse::<Span>().ok().as_ref().and_then(span_seconds),
    };
    match seconds {
        Some(seconds @ HOUR..=LENGTH_MAX) => Ok(seconds),
        Some(_) => Err(Error::invalid(field, "A turn is at least an hour and at most 366 days long.")),
        None => Err(Error::invalid(
            field,
            "This is no length of a turn. Write a whole number, or a duration such as 12h, P1W or PT12H, without months or years.",
        )),
    }
}
