//! A word of a command: written out, or the whole value of an input. Nothing in between, so that an input can never
//! become syntax.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// As it is written.
    Plain(String),
    /// The value of the input of this name.
    Input(String),
}

impl Word {
    /// The text of the word with these inputs; `None` when there is no such input or it has no value.
    pub fn text(&self, inputs: &BTreeMap<String, Value>) -> Option<String> {
        match self {
            Self::Plain(text) => Some(text.clone()),
            Self::Input(name) => match inputs.get(name)? {
                Value::String(text) => Some(text.clone()),
                Value::Null => None,
                other => Some(other.to_string()),
            },
        }
    }

    /// The name of the input, if it is one.
    pub fn input(&self) -> Option<&str> {
        if let Self::Input(name) = self { Some(name) } else { None }
    }
}

impl Serialize for Word {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Plain(text) => serializer.serialize_str(text),
            Self::Input(name) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("input", name)?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordVisitor)
    }
}

struct WordVisitor;

impl<'de> Visitor<'de> for WordVisitor {
    type Value = Word;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a whole number, or {input: name}")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Word, E> {
        Ok(Word::Plain(text.to_owned()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Word, E> {
        Ok(Word::Plain(number.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Word, E> {
        Ok(Word::Plain(number.to_string()))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Word, E> {
        Err(E::custom(format!("a text, not the truth value {flag}; put it into quotation marks")))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Word, A::Error> {
        let entry: Option<(String, String)> = map.next_entry()?;
        match (entry, map.next_key::<String>()?) {
            (Some((key, name)), None) if key == "input" => Ok(Word::Input(name)),
            (Some((key, _)), None) => {
                Err(A::Error::custom(format!("only {{input: name}} fits here, not {{{key}: ..}}")))
            }
            _ => Err(A::Error::custom("only {input: name} fits here, with one key")),
        }
    }
}
