//! Permission: every operation is tried as nobody, as a stranger, and as each role.

use kernel::{Access, Actor, ErrorKind, Ident};
use serde_json::{Value, json};

use crate::house::House;

/// An input that decodes for most operations: every required field gets something of its type.
pub(crate) fn plausible(schema: &Value) -> Value {
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut input = serde_json::Map::new();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if required.contains(&name.as_str()) {
            input.insert(name.clone(), value_for(property));
        }
    }
    Value::Object(input)
}

fn value_for(schema: &Value) -> Value {
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
    }
    if let Some(first) =
        schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array()).and_then(|values| values.first())
    {
        return first.get("const").cloned().unwrap_or_else(|| value_for(first));
    }
    let kind = schema["type"]
        .as_str()
        .or_else(|| schema["type"].as_array().and_then(|kinds| kinds.first()).and_then(Value::as_str));
    match kind {
        Some("integer" | "number") => json!(999_999),
        Some("boolean") => json!(false),
        Some("array") => json!([]),
        Some("object") => plausible(schema),
        Some("string") if schema["format"] == "date-time" => json!("2026-03-02T08:00:00Z"),
        Some("string") if schema["pattern"].is_string() => json!("asset:999999"),
        _ => json!("x"),
    }
}

fn stranger() -> Actor {
    Actor { ident: Ident::User(987_654), name: "Stranger".into(), ..Actor::nobody() }
}

#[test]
fn nobody_may_call_only_what_is_made_for_anyone() {
    let house = House::new();
    for entry in house.world.kernel.registry().operations() {
        let answer = house.world.call(&Actor::nobody(), entry.name, plausible(entry.input_schema()));
        match entry.access {
            Access::Anyone => {}
            _ => assert_eq!(answer.unwrap_err().kind, ErrorKind::SignIn, "{}", entry.name),
        }
    }
}

#[test]
fn only_sign_in_and_setup_are_made_for_anyone() {
    let house = House::new();
    let open: Vec<&str> = house
        .world
        .kernel
        .registry()
        .operations()
        .filter(|entry| entry.access == Access::Anyone)
        .map(|entry| entry.name)
        .collect();
    assert_eq!(open, ["people.session.sign-in", "people.setup.complete"]);
}

#[test]
fn a_stranger_without_grants_is_denied_every_granted_operation() {
    let house = House::new();
    for entry in house.world.kernel.registry().operations().filter(|entry| entry.access == Access::Grant) {
        let error = house.world.call(&stranger(), entry.name, plausible(entry.input_schema())).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Denied, "{}", entry.name);
    }
}

#[test]
fn a_role_is_denied_exactly_what_it_does_not_hold_and_nothing_breaks() {
    let house = House::new();
    let now = house.world.clock.now();
    for (role, actor) in &house.people {
        for entry in house.world.kernel.registry().operations() {
            if entry.name == "people.session.sign-out-everywhere" {
                continue;
            }
            let held = entry.access != Access::Grant || actor.reach(entry.name, now).is_some();
            match house.world.call(actor, entry.name, plausible(entry.input_schema())) {
                Ok(_) => assert!(held, "{role} could call {}", entry.name),
                Err(error) if error.kind == ErrorKind::Internal => {
                    panic!("{role} {}: {error} {:?}", entry.name, error.cause)
                }
                Err(error) if !held => assert_eq!(error.kind, ErrorKind::Denied, "{role} {}", entry.name),
                Err(_) => {}
            }
        }
    }
}

#[test]
fn hostile_text_in_every_field_never_breaks_an_operation() {
    let house = House::new();
    let admin = house.admin();
    let texts = [
        "<script>alert(1)</script>",
        "'; DROP TABLE people_users; --",
        "\u{202e}\u{0}\u{feff}🙂",
        "%00../../etc/passwd",
        &"a".repeat(60_000),
    ];
    for entry in
        house.world.kernel.registry().operations().filter(|entry| entry.name != "people.session.sign-out-everywhere")
    {
        let schema = entry.input_schema();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let textual = property["type"] == "string"
                || property["type"].as_array().is_some_and(|kinds| kinds.contains(&json!("string")));
            if !textual || name == "password" {
                continue;
            }
            for text in texts {
                let mut input = plausible(schema);
                input[name.as_str()] = json!(text);
                if let Err(error) = house.world.call(&admin, entry.name, input) {
                    assert_ne!(error.kind, ErrorKind::Internal, "{} {name}: {:?}", entry.name, error.cause);
                }
            }
            let mut input = plausible(schema);
            input[name.as_str()] = json!("x".repeat(1_000_000));
            assert!(house.world.call(&admin, entry.name, input).is_err(), "{} took 1 MB in {name}", entry.name);
        }
    }
}
