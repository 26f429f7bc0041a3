//! Texts of a configuration that are written without quotes: to YAML `1001` and `true` are no texts, to Prometheus they are.

use serde_json::Value;

/// The text of a value: a text, a whole number or a flag. A number with a fraction is none, as `1.10` and `1.1` cannot be
/// told apart any more.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// A value in which only texts stand where Prometheus has nothing else.
pub(super) fn texts(value: &Value) -> Value {
    match value {
        Value::Array(all) => all.iter().map(texts).collect(),
        Value::Object(all) => all.iter().map(|(name, value)| (name.clone(), texts(value))).collect(),
        one => text(one).map_or_else(|| one.clone(), Value::String),
    }
}

/// A rule for relabelling: its modulus alone is a number.
pub(super) fn of_rule(value: &Value) -> Value {
    let mut rule = texts(value);
    if let (Some(modulus), Some(rule)) = (value.get("modulus"), rule.as_object_mut()) {
        rule.insert("modulus".into(), modulus.clone());
    }
    rule
}
