//! Labels of checks and alerts: names with values by which alerts are routed and windows fit. The names are those of
//! Prometheus (letters, digits and `_`, not beginning with a digit), so that rules' labels need no translation.

use std::collections::BTreeMap;

use kernel::{Error, Result};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use crate::limits::{LABEL_NAME_CHARS_MAX, LABEL_VALUE_CHARS_MAX, LABELS_MAX};
use crate::rule::words::Words;

/// Severities of alerts that are looked at and told to nobody.
const QUIET: [&str; 4] = ["none", "info", "information", "debug"];

/// Labels: name to value.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Labels(pub BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Labels {
    /// Reads an object, lines, or `name=value` one by one or as a list.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Words::of_lines(deserializer).map(|words| Self(words.0.into_iter().collect()))
    }
}

/// What may be given where labels are asked for.
pub(crate) fn asked(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["object", "array", "string", "null"],
        "items": { "type": "string" },
        "additionalProperties": { "type": "string" }
    })
}

impl Labels {
    /// The value of a label.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Refuses names that are none, values that are too long, and too many of them; the error is at `field`.
    pub(crate) fn check(&self, field: &str) -> Result<()> {
        if self.0.len() > LABELS_MAX {
            return Err(Error::invalid(field, format!("At most {LABELS_MAX} labels fit here. Leave some out.")));
        }
        for (name, value) in &self.0 {
            if !is_name(name) {
                return Err(Error::invalid(
                    field,
                    format!(
                        "\"{}\" is no name of a label. Use letters, digits and _.",
                        kernel::text::shorten(name, 60)
                    ),
                ));
            }
            if value.chars().count() > LABEL_VALUE_CHARS_MAX || value.chars().any(char::is_control) {
                return Err(Error::invalid(
                    field,
                    format!("The value of {name} must be one line of at most {LABEL_VALUE_CHARS_MAX} characters."),
                ));
            }
        }
        Ok(())
    }

    /// Their severity says that nobody is to be told: `none`, `info`, `information` or `debug`.
    pub(crate) fn is_quiet(&self) -> bool {
        let quiet = |said: &str| QUIET.iter().any(|word| said.trim().eq_ignore_ascii_case(word));
        self.get("severity").is_some_and(quiet)
    }

    /// Adds a label unless there is one of that name.
    pub(crate) fn or(&mut self, name: &str, value: &str) {
        if !self.0.contains_key(name) {
            self.0.insert(name.to_owned(), value.to_owned());
        }
    }

    /// As it is stored.
    pub(crate) fn text(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| Error::internal("labels-not-json", error))
    }

    /// An example, for events.
    pub(crate) fn sample() -> Self {
        let all = [("alertname", "Web server runs"), ("asset", "web-01"), ("severity", "critical")];
        Self(all.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

/// True for `[a-zA-Z_][a-zA-Z0-9_]*`.
pub(crate) fn is_name(name: &str) -> bool {
    let first = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    first && name.len() <= LABEL_NAME_CHARS_MAX && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// What a filter box asks for: words, and labels as `name=value` (or `name=` for any value).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) words: Vec<String>,
    pub(crate) labels: Vec<(String, String)>,
}

impl Asked {
    /// Reads the text of a filter box, at most eight parts of it.
    pub(crate) fn read(text: Option<&str>) -> Self {
        let mut asked = Self::default();
        for part in text.unwrap_or_default().split_whitespace().take(8) {
            match part.split_once('=').filter(|(name, _)| !name.is_empty()) {
                Some((name, value)) => asked.labels.push((name.to_owned(), value.to_owned())),
                None => asked.words.push(part.to_owned()),
            }
        }
        asked
    }

    /// What the stored labels must hold, as patterns of text.
    pub(crate) fn patterns(&self) -> Vec<String> {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let one = |(name, value): &(String, String)| match value.as_str() {
            "" => format!("{}:", quoted(name)),
            value => format!("{}:{}", quoted(name), quoted(value)),
        };
        self.labels.iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        Labels(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn names_of_labels_are_those_of_prometheus_and_values_are_one_line() {
        assert!(labels(&[("team_1", "ops"), ("_x", "")]).check("labels").is_ok());
        let long = "x".repeat(LABEL_VALUE_CHARS_MAX + 1);
        for (name, value) in [("", "x"), ("1a", "x"), ("a-b", "x"), ("a", "x\ny"), ("ä", "x"), ("a", long.as_str())] {
            let error = labels(&[(name, value)]).check("labels").unwrap_err();
            assert_eq!(error.field.as_deref(), Some("labels"), "{name:?} {value:?}");
        }
        let many = Labels((0..=LABELS_MAX).map(|n| (format!("l{n}"), String::new())).collect());
        assert!(many.check("labels").is_err());
    }

    #[test]
    fn a_severity_below_a_warning_is_told_to_nobody() {
        for (said, quiet) in [("none", true), ("Info", true), ("information", true), ("DEBUG", true), (" none ", true)]
            .into_iter()
            .chain([("warning", false), ("critical", false), ("page", false), ("", false), ("informer", false)])
        {
            assert_eq!(labels(&[("severity", said)]).is_quiet(), quiet, "{said:?}");
        }
        assert!(!labels(&[("level", "none")]).is_quiet());
    }

    #[test]
    fn what_a_check_says_itself_is_not_overwritten() {
        let mut own = labels(&[("severity", "page")]);
        own.or("severity", "critical");
        own.or("asset", "web-01");
        assert_eq!((own.get("severity"), own.get("asset")), (Some("page"), Some("web-01")));
    }
}
