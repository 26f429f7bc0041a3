//! Names and texts, of rules and as labels: an object, lines `name: text` as a form sends them, or `name=value`. Whatever takes
//! labels reads them here.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::labels::is_name;

/// Names with texts, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(pub Vec<(String, String)>);

impl Words {
    /// As lines `name: text`; the further lines of a text are indented.
    pub fn lines(&self) -> String {
        let line = |(name, text): &(String, String)| format!("{name}: {}\n", text.trim_end().replace('\n', "\n  "));
        self.0.iter().map(line).collect()
    }

    /// Reads lines, of which one may also be a list `name=value, name=value`; or an object in JSON.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.trim_start().starts_with('{') {
            let all: BTreeMap<String, String> =
                serde_json::from_str(text).map_err(|error| format!("this is no object of texts in JSON: {error}"))?;
            return Ok(Self(all.into_iter().collect()));
        }
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
            match line.find([':', '=']) {
                Some(at) if line.get(at..).is_some_and(|rest| rest.starts_with('=')) => all.extend(list(line)?),
                _ => all.push(pair(line, ':')?),
            }
        }
        Ok(Self(all))
    }

    /// Reads labels of checks and targets, which are never several lines: a blank before one means nothing.
    fn parse_lines(text: &str) -> Result<Self, String> {
        Self::parse(&text.lines().map(str::trim).collect::<Vec<_>>().join("\n"))
    }

    /// Reads labels of checks and targets from whatever says them.
    pub(crate) fn of_lines<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(V(Self::parse_lines))
    }
}

/// A list `name=value, name=value`; a comma that no name follows belongs to the value.
fn list(line: &str) -> Result<Vec<(String, String)>, String> {
    let names = |part: &str| part.split_once('=').is_some_and(|(name, _)| is_name(name.trim()));
    let parts: Vec<&str> = line.split(',').filter(|part| !part.trim().is_empty()).collect();
    match parts.iter().all(|part| names(part)) {
        true => parts.into_iter().map(|part| pair(part, '=')).collect(),
        false => Ok(vec![pair(line, '=')?]),
    }
}

fn pair(text: &str, between: char) -> Result<(String, String), String> {
    let shown = kernel::text::shorten(text.trim(), 60);
    let pair = text.split_once(between).filter(|(name, _)| !name.trim().is_empty());
    let (name, value) = pair.ok_or_else(|| format!("\"{shown}\" is not like name=value or name: value"))?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
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

/// Reads words; texts as this says.
struct V(fn(&str) -> Result<Words, String>);

impl<'de> Visitor<'de> for V {
    type Value = Words;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("name=value, lines \"name: text\", or an object of texts")
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Words, E> {
        self.0(text).map_err(E::custom)
    }
    fn visit_unit<E: de::Error>(self) -> Result<Words, E> {
        Ok(Words::default())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Words, A::Error> {
        let mut all = Words::default();
        while let Some(text) = seq.next_element::<String>()? {
            all.0.extend(self.0(&text).map_err(de::Error::custom)?.0);
        }
        Ok(all)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Words, A::Error> {
        let mut all = Words::default();
        while let Some(pair) = map.next_entry()? {
            all.0.push(pair);
        }
        Ok(all)
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(V(Self::parse))
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

    #[test]
    fn labels_are_said_in_whatever_way_is_at_hand() {
        let expected = Words(vec![("severity".into(), "critical".into()), ("site".into(), "oslo, north".into())]);
        for said in [
            serde_json::json!({"severity": "critical", "site": "oslo, north"}),
            serde_json::json!(["severity=critical", "site=oslo, north"]),
            serde_json::json!(["severity: critical", "site: oslo, north"]),
            serde_json::json!("severity=critical\nsite=oslo, north\n"),
            serde_json::json!("severity: critical\nsite: oslo, north"),
            serde_json::json!("{\"severity\": \"critical\", \"site\": \"oslo, north\"}"),
        ] {
            assert_eq!(serde_json::from_value::<Words>(said.clone()).unwrap(), expected, "{said}");
        }
        let blank = serde_json::json!("severity: critical\r\n  site: oslo, north\n\tteam=ops\n");
        let labels: crate::Labels = serde_json::from_value(blank).unwrap();
        assert_eq!(
            ["severity", "site", "team"].map(|name| labels.get(name)),
            [Some("critical"), Some("oslo, north"), Some("ops")]
        );
        let list = |text: &str| Words::parse(text).unwrap().0.len();
        assert_eq!([list("a=1,b=2"), list("a=1, b=2,"), list("a=1,2"), list("url=http://x/?b=2")], [2, 2, 1, 1]);
        for wrong in ["plain", "=x", ": x", "{\"a\": 1}", "{nonsense"] {
            assert!(Words::parse(wrong).is_err(), "{wrong}");
        }
    }
}
