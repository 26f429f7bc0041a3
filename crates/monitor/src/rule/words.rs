//! Names and texts of a rule: an object, or lines `name: text` as a form sends them.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Names with texts, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(pub Vec<(String, String)>);

impl Words {
    /// As lines `name: text`; the further lines of a text are indented.
    pub fn lines(&self) -> String {
        let line = |(name, text): &(String, String)| format!("{name}: {}\n", text.trim_end().replace('\n', "\n  "));
        self.0.iter().map(line).collect()
    }

    /// Reads lines.
    fn parse(text: &str) -> Result<Self, String> {
        let mut all: Vec<(String, String)> = Vec::new();
        for line in text.lines() {
            if line.trim().is_empty() {
                continue;
            }
            if line.starts_with([' ', '\t'])
                && let Some((_, last)) = all.last_mut()
            {
                last.push('\n');
                last.push_str(line.strip_prefix("  ").unwrap_or(line.trim_start()));
                continue;
            }
            let pair = line.split_once(':').ok_or_else(|| format!("\"{line}\" is not like name: text"))?;
            all.push((pair.0.trim().to_owned(), pair.1.trim().to_owned()));
        }
        Ok(Self(all))
    }
}

impl Serialize for Words {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, text) in &self.0 {
            map.serialize_entry(name, text)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Words;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts, or lines \"name: text\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Words, E> {
                Words::parse(text).map_err(E::custom)
            }
            fn visit_unit<E: de::Error>(self) -> Result<Words, E> {
                Ok(Words::default())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Words, A::Error> {
                let mut all = Words::default();
                while let Some(pair) = map.next_entry()? {
                    all.0.push(pair);
                }
                Ok(all)
            }
        }
        deserializer.deserialize_any(V)
    }
}

impl JsonSchema for Words {
    fn schema_name() -> Cow<'static, str> {
        "Words".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["object", "string"], "additionalProperties": { "type": "string" } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_and_lines_say_the_same() {
        let lines = "summary: {{ $labels.x }}: down\ndescription: first\n  second\n\n";
        let words: Words = serde_json::from_value(lines.into()).unwrap();
        let object = serde_json::json!({"summary": "{{ $labels.x }}: down", "description": "first\nsecond"});
        assert_eq!(words, serde_json::from_value(object.clone()).unwrap());
        assert_eq!(serde_json::to_value(&words).unwrap(), object);
        assert_eq!(Words::parse(&words.lines()), Ok(words));
        assert!(serde_json::from_value::<Words>("no colon".into()).is_err());
    }
}
