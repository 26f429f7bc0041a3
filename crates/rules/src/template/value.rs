//! What templates calculate with.

use std::collections::BTreeMap;

use promql::{Labels, Sample, format_float};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Labels(Labels),
    Sample(Box<Sample>),
    List(Vec<Value>),
    /// `args`.
    Map(BTreeMap<String, Value>),
    /// The `.` of an alert: `.Labels`, `.Value`, `.ExternalLabels`, `.ExternalURL`.
    Root,
    /// Milliseconds since 1970 UTC.
    Time(i64),
    /// Milliseconds.
    Duration(i64),
}

impl Value {
    /// What it is called in messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::Labels(_) => "labels",
            Self::Sample(_) => "sample",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Root => "data",
            Self::Time(_) => "time",
            Self::Duration(_) => "duration",
        }
    }

    /// What counts as true: what is neither zero nor empty.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(value) | Self::Duration(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::Labels(labels) => !labels.is_empty(),
            Self::List(all) => !all.is_empty(),
            Self::Map(all) => !all.is_empty(),
            Self::Sample(_) | Self::Root | Self::Time(_) => true,
        }
    }

    /// As it is written out.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Nil => "<no value>".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) => format_float(*value),
            Self::Text(text) => text.clone(),
            Self::Labels(labels) => {
                let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}:{value}")).collect();
                format!("map[{}]", pairs.join(" "))
            }
            Self::Sample(sample) => {
                let labels = Self::Labels(sample.labels.clone()).shown();
                format!("map[Labels:{labels} Value:{}]", format_float(sample.value))
            }
            Self::List(all) => format!("[{}]", all.iter().map(Self::shown).collect::<Vec<_>>().join(" ")),
            Self::Map(all) => {
                let pairs: Vec<String> = all.iter().map(|(name, value)| format!("{name}:{}", value.shown())).collect();
                format!("map[{}]", pairs.join(" "))
            }
            Self::Root => "{}".to_owned(),
            Self::Time(ms) => super::dates::time(*ms),
            Self::Duration(ms) => super::dates::duration(*ms),
        }
    }

    /// As a number, texts read as numbers.
    pub(super) fn number(&self) -> Result<f64, String> {
        match self {
            Self::Float(value) => Ok(*value),
            Self::Int(value) => Ok(*value as f64),
            Self::Duration(ms) => Ok(*ms as f64 / 1e3),
            Self::Text(text) => promql::parse_float(text).ok_or_else(|| format!("\"{text}\" is no number")),
            other => Err(format!("can't convert {} to float", other.kind())),
        }
    }

    pub(super) fn text(&self) -> Result<&str, String> {
        match self {
            Self::Text(text) => Ok(text),
            other => Err(format!("wrong type for value; expected string; got {}", other.kind())),
        }
    }

    pub(super) fn samples(&self) -> Result<Vec<Sample>, String> {
        let Self::List(all) = self else {
            return Err(format!("wrong type for value; expected samples; got {}", self.kind()));
        };
        let sample = |one: &Self| match one {
            Self::Sample(sample) => Ok((**sample).clone()),
            other => Err(format!("wrong type for value; expected a sample; got {}", other.kind())),
        };
        all.iter().map(sample).collect()
    }
}
