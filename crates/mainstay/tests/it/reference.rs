//! The generated reference: pages under docs/reference are what the declarations say. `UPDATE_REFERENCE=1` writes them.

use std::fmt::Write as _;
use std::path::PathBuf;

use kernel::{Access, Effect, Registry};
use serde_json::Value;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference")
}

fn kind_of(property: &Value) -> String {
    let one = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match &property["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => kinds.iter().map(one).collect::<Vec<_>>().join(" or "),
        _ => "value".into(),
    }
}

fn cell(text: &str) -> String {
    text.split("\n\n").next().unwrap_or_default().replace('\n', " ").replace('|', "\\|")
}

fn operations(registry: &Registry, domain: &str) -> String {
    let mut out = format!(
        "# Operations of {domain}\n\nMade from the declarations; a test keeps it true. Each operation is a REST call, a command and a form.\n"
    );
    for entry in registry.operations().filter(|entry| entry.name.split('.').next() == Some(domain)) {
        let schema = entry.input_schema();
        let access = match entry.access {
            Access::Anyone => "anyone",
            Access::SignedIn => "whoever is signed in",
            Access::Grant => "whoever holds a grant for it",
        };
        let effect = match entry.effect {
            Effect::Read => "reads",
            Effect::Write if entry.guarded => "changes records: some calls need confirmation",
            Effect::Write => "changes records",
            Effect::Dangerous => "can do harm: needs confirmation",
        };
        let _ = write!(
            out,
            "\n## {}\n\n{}\n\n`{} /api/v1{}` · `mainstay {}` · {effect} · for {access}\n",
            entry.name,
            schema["description"].as_str().unwrap_or_default(),
            entry.route.method.as_str(),
            entry.route.path,
            entry.name.replace('.', " ")
        );
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let properties = schema["properties"].as_object().cloned().unwrap_or_default();
        if !properties.is_empty() {
            out.push_str("\n| field | type | needed | what it is |\n|---|---|---|---|\n");
        }
        for (name, property) in &properties {
            let needed = if required.contains(&name.as_str()) { "yes" } else { "" };
            let _ = writeln!(
                out,
                "| `{name}` | {} | {needed} | {} |",
                kind_of(property),
                cell(property["description"].as_str().unwrap_or_default())
            );
        }
    }
    out
}

fn events(registry: &Registry) -> String {
    let mut out = "# Events\n\nMade from the declarations; a test keeps it true. An event is kept in the timelines of everything it names.\n\n| event | an example of its line in a timeline |\n|---|---|\n".to_owned();
    for event in registry.domains().iter().flat_map(|domain| &domain.events) {
        let _ = writeln!(out, "| `{}` | {} |", event.name, cell(&(event.sample)().unwrap().title));
    }
    out
}

fn settings(registry: &Registry) -> String {
    let mut out = "# Settings\n\nMade from the declarations; a test keeps it true.\n".to_owned();
    for setting in registry.settings() {
        let schema = (setting.schema)();
        let default = serde_json::to_string_pretty(&(setting.default)()).unwrap();
        let _ = write!(
            out,
            "\n## {}\n\n{}\n\nDefault:\n\n```json\n{default}\n```\n",
            setting.key,
            schema["description"].as_str().unwrap_or_default()
        );
    }
    out
}

#[test]
fn the_reference_is_what_the_declarations_say() {
    let registry = mainstay::domains::registry().unwrap();
    let mut pages = vec![("events.md".to_owned(), events(&registry)), ("settings.md".to_owned(), settings(&registry))];
    for domain in registry.domains().iter().filter(|domain| !domain.operations.is_empty()) {
        pages.push((format!("{}.md", domain.name), operations(&registry, domain.name)));
    }
    for (name, text) in pages {
        let path = folder().join(&name);
        if std::env::var("UPDATE_REFERENCE").is_ok() {
            std::fs::create_dir_all(folder()).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == text, "docs/reference/{name} is out of date: run the tests once with UPDATE_REFERENCE=1");
    }
}
