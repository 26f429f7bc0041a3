//! Typed inputs: what was given, checked against what the runbook asks for, with defaults filled in.

use std::collections::BTreeMap;

use kernel::{Error, Result};
use serde_json::Value;

use crate::book::{Book, Input, InputKind};

/// Values by name.
pub(crate) type Values = BTreeMap<String, Value>;

/// Longest text of an input, in characters.
const TEXT_CHARS_MAX: usize = 2_000;

/// Why a value does not fit an input.
pub(crate) fn fits(input: &Input, value: &Value) -> std::result::Result<(), String> {
    match (input.kind, value) {
        (InputKind::Text, Value::String(text)) => {
            if text.starts_with('-') {
                return Err("A text that begins with a dash could be taken for an option.".to_owned());
            }
            kernel::text::line("text", text, TEXT_CHARS_MAX).map(|_| ()).map_err(|error| error.message)
        }
        (InputKind::Number, Value::Number(_)) | (InputKind::Boolean, Value::Bool(_)) => Ok(()),
        (InputKind::Choice, Value::String(text)) if input.choices.contains(text) => Ok(()),
        (InputKind::Choice, _) => Err(format!("Choose one of {}.", input.choices.join(", "))),
        (InputKind::Asset, Value::Number(number)) if number.as_i64().is_some_and(|id| id > 0) => Ok(()),
        (InputKind::Asset, _) => Err("Give the number of an asset.".to_owned()),
        (InputKind::Text, _) => Err("Give a text.".to_owned()),
        (InputKind::Number, _) => Err("Give a number.".to_owned()),
        (InputKind::Boolean, _) => Err("Give true or false.".to_owned()),
    }
}

/// What somebody gave, in the types the runbook asks for: forms send texts, and assets may come as references.
fn typed(input: &Input, value: &Value) -> Value {
    let Value::String(text) = value else { return value.clone() };
    let text = text.trim();
    match input.kind {
        InputKind::Number => serde_json::from_str(text).ok().filter(Value::is_number).unwrap_or_else(|| value.clone()),
        InputKind::Boolean => {
            serde_json::from_str(text).ok().filter(Value::is_boolean).unwrap_or_else(|| value.clone())
        }
        InputKind::Asset => {
            let digits = text.strip_prefix("asset:").unwrap_or(text);
            digits.parse::<i64>().map_or_else(|_| value.clone(), Value::from)
        }
        InputKind::Text | InputKind::Choice => value.clone(),
    }
}

/// The values a run works with.
///
/// # Errors
/// Something is missing, not asked for, or does not fit; the field is `inputs.NAME`.
pub(crate) fn resolve(book: &Book, given: &Values, asset: Option<i64>) -> Result<Values> {
    if let Some(name) = given.keys().find(|name| !book.inputs.contains_key(*name)) {
        let known: Vec<&str> = book.inputs.keys().map(String::as_str).collect();
        let what = format!("The runbook does not ask for \"{name}\". It asks for: {}.", known.join(", "));
        return Err(Error::invalid(&format!("inputs.{name}"), what));
    }
    let mut values = Values::new();
    for (name, input) in &book.inputs {
        let field = format!("inputs.{name}");
        let target = (book.target.as_ref() == Some(name)).then_some(asset).flatten().map(Value::from);
        let value = given.get(name).filter(|value| !value.is_null()).map(|value| typed(input, value));
        let Some(value) = value.or(target).or_else(|| input.default.clone()) else {
            if input.required || book.target.as_ref() == Some(name) {
                return Err(Error::invalid(&field, "This is required."));
            }
            continue;
        };
        fits(input, &value).map_err(|why| Error::invalid(&field, why))?;
        values.insert(name.clone(), value);
    }
    Ok(values)
}

/// The asset that the steps run on.
pub(crate) fn target(book: &Book, values: &Values) -> Option<i64> {
    values.get(book.target.as_ref()?)?.as_i64()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn book() -> Book {
        crate::book::parse::parse(
            "name: a\ntitle: A\ntarget: machine\ninputs:\n  machine: {type: asset}\n  unit: {type: text, required: true}\n  \
             level: {type: choice, choices: [low, high], default: low}\n  count: {type: number}\n  force: {type: boolean}\n\
             steps:\n  - name: s\n    service: {unit: {input: unit}, verb: restart}\n",
        )
        .unwrap()
    }

    fn values(value: Value) -> Values {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn texts_from_forms_become_what_the_runbook_asks_for() {
        let given = values(json!({"machine": "asset:7", "unit": "a.service", "count": "3", "force": "true"}));
        let found = resolve(&book(), &given, None).unwrap();
        let expected = json!({"machine": 7, "unit": "a.service", "count": 3, "force": true, "level": "low"});
        assert_eq!(json!(found), expected);
        assert_eq!(target(&book(), &found), Some(7));
    }

    #[test]
    fn the_machine_of_the_alert_is_used_when_none_is_given() {
        let found = resolve(&book(), &values(json!({"unit": "a.service"})), Some(9)).unwrap();
        assert_eq!(target(&book(), &found), Some(9));
    }

    #[test]
    fn what_is_missing_unknown_or_could_be_an_option_is_refused_by_name() {
        for (given, field) in [
            (json!({"machine": 1}), "inputs.unit"),
            (json!({"unit": "a"}), "inputs.machine"),
            (json!({"machine": 1, "unit": "a", "colour": 1}), "inputs.colour"),
            (json!({"machine": 1, "unit": "--help"}), "inputs.unit"),
            (json!({"machine": 1, "unit": "a\nb"}), "inputs.unit"),
            (json!({"machine": 1, "unit": "a", "level": "middle"}), "inputs.level"),
            (json!({"machine": 1, "unit": "a", "count": "many"}), "inputs.count"),
            (json!({"machine": "asset:x", "unit": "a"}), "inputs.machine"),
            (json!({"machine": 1, "unit": {"input": "x"}}), "inputs.unit"),
        ] {
            let error = resolve(&book(), &values(given.clone()), None).unwrap_err();
            assert_eq!(error.field.as_deref(), Some(field), "{given}");
        }
    }
}
