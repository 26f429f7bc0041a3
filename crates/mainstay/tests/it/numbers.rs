//! A number of a record is taken as lists show it, wherever one is wanted.

use std::sync::Arc;

use kernel::operation::coerce;
use kernel::{Call, Entry, Error, Result, Via};
use serde_json::Value;

use crate::access::plausible;
use crate::house::House;

/// The fields of an operation that hold a number, or several.
fn numeric(entry: &Entry) -> Vec<&str> {
    let number = |one: &Value| {
        let kind = &one["type"];
        kind == "integer" || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "integer"))
    };
    let fields = entry.input_schema()["properties"].as_object().into_iter().flatten();
    fields.filter(|(_, one)| number(one) || number(&one["items"])).map(|(name, _)| name.as_str()).collect()
}

/// What the command line makes of a text for a field, and what comes of it; nothing is kept.
fn tried(house: &House, entry: &Entry, field: &str, text: &str) -> Result<Value> {
    let mut input = plausible(entry.input_schema());
    let given = coerce(&[(field.to_owned(), text.to_owned())], entry.input_schema())?;
    input.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
    let call = Call::new(Arc::new(house.admin()), entry.name, input, Via::Cli);
    house.world.kernel.dispatch(Call { dry_run: true, confirmed: true, ..call }).map(|answer| answer.output)
}

#[test]
fn every_number_of_a_record_is_taken_as_lists_show_it_and_of_nothing_else() {
    let house = House::new();
    let registry = house.world.kernel.registry();
    let mut kinds = std::collections::BTreeSet::new();
    for entry in registry.operations() {
        for field in numeric(entry) {
            let Some(kind) = registry.kind_of(entry, field) else { continue };
            kinds.insert(kind);
            let outcome = |text: &str| {
                tried(&house, entry, field, text).map_err(|Error { kind, field, message, .. }| (kind, field, message))
            };
            let (plain, shown) = (outcome("999999"), outcome(&format!("{kind}:999999")));
            assert_eq!(shown.is_ok(), plain.is_ok(), "{} {field}: {shown:?}", entry.name);
            assert_eq!(shown.err(), plain.err(), "{} {field}", entry.name);
            let (_, at, message) = outcome("door:999999").unwrap_err();
            assert!(
                at.as_deref() == Some(field) && message.starts_with("This is door:999999."),
                "{} {field}: {message}",
                entry.name
            );
        }
    }
    for kind in ["asset", "ticket", "user", "team", "place", "check", "alert_group", "agent", "runbook", "rule"] {
        assert!(kinds.contains(kind), "no field is known to take the number of a {kind}");
    }
}

/// What is shown with a plain number everywhere, and so has no references.
const PLAIN: [&str; 10] = [
    "assets.relation.remove relation",
    "assets.relation.update relation",
    "paging.page.acknowledge id",
    "paging.page.show id",
    "people.feed.revoke id",
    "people.grant.revoke id",
    "people.rota.override-remove override_id",
    "people.session.prove session",
    "people.session.sign-out session",
    "people.token.revoke id",
];

#[test]
fn it_is_known_of_every_number_in_a_path_what_it_belongs_to() {
    let house = House::new();
    let registry = house.world.kernel.registry();
    for entry in registry.operations() {
        for field in numeric(entry) {
            let in_path = entry.route.path.contains(&format!("{{{field}}}"));
            let about = format!("{} {field}", entry.name);
            let plain = PLAIN.contains(&about.as_str());
            let known = registry.kind_of(entry, field).is_some();
            assert!(!in_path || known != plain, "{about}: say with x-kind what the number belongs to");
        }
    }
}
