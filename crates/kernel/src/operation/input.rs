//! Input from outside: bounded, cleaned of NUL, coerced from text by schema, with absent and null kept apart.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::limits;
use crate::reference::Ref;

/// A field of a change: left alone, emptied, or set. In JSON: absent, null, or a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// Absent: stays as it is.
    #[default]
    Keep,
    /// Null: becomes empty.
    Clear,
    /// A value.
    Set(T),
}

impl<T: Clone> Change<T> {
    /// The field after the change.
    pub fn apply(&self, current: Option<T>) -> Option<T> {
        match self {
            Self::Keep => current,
            Self::Clear => None,
            Self::Set(value) => Some(value.clone()),
        }
    }

    /// True when the field stays.
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Ok(Option::<T>::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

impl<T: Serialize> Serialize for Change<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Keep | Self::Clear => serializer.serialize_none(),
            Self::Set(value) => serializer.serialize_some(value),
        }
    }
}

impl<T: JsonSchema> JsonSchema for Change<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Change_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Option::<T>::json_schema(generator)
    }

    fn inline_schema() -> bool {
        true
    }
}

/// Strips NUL and refuses texts and nestings beyond the limits.
pub(super) fn clean(value: &mut Value, field_bytes_max: usize) -> Result<()> {
    let mut total = 0;
    walk(value, "input", 0, field_bytes_max, &mut total)
}

fn walk(value: &mut Value, name: &str, depth: usize, max: usize, total: &mut usize) -> Result<()> {
    if depth > limits::INPUT_DEPTH_MAX {
        return Err(
            Error::over_limit(format!("This is nested deeper than {} levels.", limits::INPUT_DEPTH_MAX)).at(name)
        );
    }
    match value {
        Value::String(text) => {
            if text.len() > max {
                return Err(
                    Error::over_limit(format!("This is {} bytes long; at most {max} fit here.", text.len())).at(name)
                );
            }
            if text.contains('\0') {
                *text = text.replace('\0', "");
            }
            *total += text.len();
        }
        Value::Array(items) => {
            for item in items {
                walk(item, name, depth + 1, max, total)?;
            }
        }
        Value::Object(fields) => {
            for (key, field) in fields.iter_mut() {
                *total += key.len();
                walk(field, key, depth + 1, max, total)?;
            }
        }
        _ => *total += 8,
    }
    if *total > limits::INPUT_BYTES_MAX {
        return Err(Error::over_limit(format!("The request is larger than {} bytes.", limits::INPUT_BYTES_MAX)));
    }
    Ok(())
}

/// Refuses fields that the operation does not have, naming those it has.
pub(super) fn refuse_unknown(input: &Value, schema: &Value) -> Result<()> {
    let Some(fields) = input.as_object() else {
        return Err(Error::invalid("input", "The input must be a JSON object."));
    };
    let known = schema.get("properties").and_then(Value::as_object);
    for key in fields.keys() {
        if !known.is_some_and(|known| known.contains_key(key)) {
            let names: Vec<&str> = known.map(|known| known.keys().map(String::as_str).collect()).unwrap_or_default();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(Error::invalid(
                &crate::text::shorten(key, 60),
                format!("There is no such field. Known fields: {names}."),
            ));
        }
    }
    Ok(())
}

/// Turns texts from a query string, a form or a command line into typed JSON, by the input schema. A field that
/// repeats becomes a list; an empty text for a field that is not text becomes null.
pub fn coerce(pairs: &[(String, String)], schema: &Value) -> Result<Value> {
    let mut object = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object);
    for (key, text) in pairs {
        let property = properties.and_then(|known| known.get(key)).unwrap_or(&Value::Null);
        // What may be a list or an object is an object when it looks like one.
        let whole =
            text.trim_start().starts_with('[') || has_type(property, "object") && text.trim_start().starts_with('{');
        if has_type(property, "array") && !whole {
            let items = property.get("items").unwrap_or(&Value::Null);
            let list = object.entry(key.clone()).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(list) = list {
                for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
                    list.push(typed(key, part, items)?);
                }
            }
        } else {
            object.insert(key.clone(), typed(key, text, property)?);
        }
    }
    Ok(Value::Object(object))
}

pub(crate) fn has_type(schema: &Value, wanted: &str) -> bool {
    let direct = match schema.get("type") {
        Some(Value::String(name)) => name == wanted,
        Some(Value::Array(names)) => names.iter().any(|name| name == wanted),
        _ => false,
    };
    let nested = |key: &str| {
        schema.get(key).and_then(Value::as_array).is_some_and(|any| any.iter().any(|one| has_type(one, wanted)))
    };
    direct || nested("anyOf") || nested("oneOf")
}

fn typed(key: &str, text: &str, schema: &Value) -> Result<Value> {
    if has_type(schema, "string") || schema.is_null() {
        let nullable = has_type(schema, "null");
        return Ok(if text.is_empty() && nullable { Value::Null } else { Value::String(text.to_owned()) });
    }
    if text.is_empty() {
        return Ok(Value::Null);
    }
    // Whether this is a reference to the right kind is known where the operation is.
    if has_type(schema, "integer") && text.parse::<Ref>().is_ok() {
        return Ok(Value::String(text.to_owned()));
    }
    if has_type(schema, "integer") || has_type(schema, "number") {
        let number = text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<f64>().map(Value::from));
        return number
            .map_err(|_| Error::invalid(key, format!("\"{}\" is not a number.", crate::text::shorten(text, 40))));
    }
    if has_type(schema, "boolean") {
        return match text {
            "true" | "on" | "yes" | "1" => Ok(Value::Bool(true)),
            "false" | "off" | "no" | "0" => Ok(Value::Bool(false)),
            _ => Err(Error::invalid(key, "Write true or false.")),
        };
    }
    if has_type(schema, "object") || has_type(schema, "array") {
        return serde_json::from_str(text).map_err(|error| Error::invalid(key, format!("This is not JSON: {error}.")));
    }
    // A field of any type: JSON when it is JSON, else the text.
    Ok(serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_typed_by_the_schema() {
        let schema = serde_json::json!({"properties": {
            "n": {"type": ["integer", "null"]}, "b": {"type": "boolean"}, "s": {"type": "string"}, "l": {"type": "array", "items": {"type": "integer"}}, "any": {"description": "x"}, "word": true,
            "pairs": {"type": ["object", "array", "string"], "items": {"type": "string"}}, "object": {"type": ["object", "array", "string"], "items": {"type": "string"}}
        }});
        let pairs = [
            ("n", "12"),
            ("b", "on"),
            ("s", "007"),
            ("l", "1,2"),
            ("l", "3"),
            ("any", "{\"a\": 1}"),
            ("word", "plain"),
            ("pairs", "a=1,b=2"),
            ("pairs", "c=3"),
            ("object", "{\"a\": \"1\", \"b\": \"2\"}"),
        ]
        .map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(
            coerce(&pairs, &schema).unwrap(),
            serde_json::json!({"n": 12, "b": true, "s": "007", "l": [1, 2, 3], "any": {"a": 1}, "word": "plain",
                "pairs": ["a=1", "b=2", "c=3"], "object": "{\"a\": \"1\", \"b\": \"2\"}"})
        );
        let referred = coerce(&[("n".into(), "asset:5".into()), ("l".into(), "asset:5,6".into())], &schema).unwrap();
        assert_eq!(referred, serde_json::json!({"n": "asset:5", "l": ["asset:5", 6]}), "the operation knows of what");
        let wrong = coerce(&[("n".into(), "many".into())], &schema).unwrap_err();
        assert_eq!(wrong.field.as_deref(), Some("n"));
    }

    #[test]
    fn nul_is_stripped_and_oversize_is_refused_by_field() {
        let mut input = serde_json::json!({"a": "x\u{0}y"});
        clean(&mut input, 10).unwrap();
        assert_eq!(input, serde_json::json!({"a": "xy"}));
        let mut input = serde_json::json!({"a": {"b": "x".repeat(11)}});
        assert_eq!(clean(&mut input, 10).unwrap_err().field.as_deref(), Some("b"));
        let mut deep = Value::Null;
        for _ in 0..40 {
            deep = Value::Array(vec![deep]);
        }
        assert!(clean(&mut deep, 10).is_err());
    }
}
