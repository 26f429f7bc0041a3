//! Attributes of resources, scopes and points as labels.

use std::borrow::Cow;

use base64::Engine;

use super::{Naming, Options, OtlpError};
use crate::wire::{Reader, WireError};

/// Nested deeper, an attribute's value is refused.
const DEPTH_MAX: usize = 16;

/// Keys and values as they were sent; the value as text.
pub(super) type Attributes<'a> = Vec<(&'a str, Cow<'a, str>)>;

/// Reads one `KeyValue` into `into`.
pub(super) fn push<'a>(message: &'a [u8], options: &Options, into: &mut Attributes<'a>) -> Result<(), OtlpError> {
    if into.len() >= options.attributes_max {
        return Err(OtlpError::Limit {
            what: "attributes of one resource or scope",
            max: options.attributes_max as u64,
        });
    }
    let (key, value) = key_value(message)?;
    into.push((key, text(value, 0)?));
    Ok(())
}

/// Turns attributes into labels: keys become label names, and values whose keys become the same name are joined with `;`
/// in the order of their keys (the specification's rule). Labels without a value are left out.
pub(super) fn labels<'a>(
    attributes: &mut Attributes<'a>,
    naming: Naming,
    into: &mut Vec<(Cow<'a, str>, Cow<'a, str>)>,
) {
    attributes.sort_by_key(|(key, _)| *key);
    let start = into.len();
    for (key, value) in attributes.drain(..) {
        let Some(name) = naming.label(key).filter(|_| !value.is_empty()) else { continue };
        match into.iter_mut().skip(start).find(|(known, _)| *known == name) {
            Some((_, joined)) => {
                let joined = joined.to_mut();
                joined.push(';');
                joined.push_str(&value);
            }
            None => into.push((name, value)),
        }
    }
}

fn key_value(message: &[u8]) -> Result<(&str, &[u8]), WireError> {
    let (mut key, mut any): (&str, &[u8]) = ("", &[]);
    let mut reader = Reader::new(message);
    while let Some((field, value)) = reader.field()? {
        match field {
            1 => key = value.text()?,
            2 => any = value.bytes()?,
            _ => {}
        }
    }
    Ok((key, any))
}

/// An `AnyValue` as text: lists and maps as JSON, bytes as base64.
fn text(message: &[u8], depth: usize) -> Result<Cow<'_, str>, WireError> {
    let mut reader = Reader::new(message);
    let mut text = Cow::Borrowed("");
    while let Some((field, value)) = reader.field()? {
        text = match field {
            1 => Cow::Borrowed(value.text()?),
            2 => Cow::Borrowed(if value.uint()? == 0 { "false" } else { "true" }),
            3 => Cow::Owned(value.int()?.to_string()),
            4 => Cow::Owned(double(value.double()?)),
            5 | 6 => {
                let mut json = String::new();
                collection(field, value.bytes()?, depth + 1, &mut json)?;
                Cow::Owned(json)
            }
            7 => Cow::Owned(base64::engine::general_purpose::STANDARD.encode(value.bytes()?)),
            _ => text,
        };
    }
    Ok(text)
}

fn collection(field: u32, message: &[u8], depth: usize, json: &mut String) -> Result<(), WireError> {
    if depth > DEPTH_MAX {
        return Err(WireError::Depth);
    }
    json.push(if field == 5 { '[' } else { '{' });
    let mut first = true;
    let mut reader = Reader::new(message);
    while let Some((number, value)) = reader.field()? {
        if number != 1 {
            continue;
        }
        if !std::mem::take(&mut first) {
            json.push(',');
        }
        let any = if field == 5 {
            value.bytes()?
        } else {
            let (key, any) = key_value(value.bytes()?)?;
            push_json_text(key, json);
            json.push(':');
            any
        };
        json_value(any, depth, json)?;
    }
    json.push(if field == 5 { ']' } else { '}' });
    Ok(())
}

fn json_value(message: &[u8], depth: usize, json: &mut String) -> Result<(), WireError> {
    let kind = Reader::new(message).field()?.map(|(field, _)| field);
    match (kind, text(message, depth)?) {
        (None, _) => json.push_str("null"),
        (Some(2 | 3 | 5 | 6), plain) => json.push_str(&plain),
        (Some(4), number) if number.bytes().any(|byte| byte.is_ascii_digit()) => json.push_str(&number),
        (_, words) => push_json_text(&words, json),
    }
    Ok(())
}

fn push_json_text(words: &str, json: &mut String) {
    json.push_str(&serde_json::Value::from(words).to_string());
}

/// As JSON writes numbers: exponents only for the very small and the very large.
fn double(value: f64) -> String {
    let size = value.abs();
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else if size != 0.0 && !(1e-6..1e21).contains(&size) {
        format!("{value:e}").replace('e', if size > 1.0 { "e+" } else { "e" })
    } else {
        format!("{value}")
    }
}
