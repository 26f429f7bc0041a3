//! OpenAPI 3.1, drawn from the registry.

use kernel::{Access, Effect, Entry, Registry};
use serde_json::{Map, Value, json};

/// The description of REST: one path item per operation, schemas as the operations declare them.
pub fn document(registry: &Registry) -> Value {
    let mut paths = Map::new();
    for entry in registry.operations() {
        let path = paths.entry(format!("/api/v1{}", entry.route.path)).or_insert_with(|| json!({}));
        if let Some(methods) = path.as_object_mut() {
            methods.insert(entry.route.method.as_str().to_ascii_lowercase(), operation(entry));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Mainstay", "version": env!("CARGO_PKG_VERSION"), "description": "The IT department in one program. Every operation of the console and the command line is here." },
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": { "Error": { "type": "object", "required": ["error"], "properties": { "error": {
                "type": "object", "required": ["kind", "message"],
                "properties": { "kind": { "type": "string" }, "message": { "type": "string" }, "field": { "type": ["string", "null"] },
                    "ref": { "type": ["string", "null"], "description": "What to look at: the approval that a held call waits for." } } } } } },
            "responses": { "Error": { "description": "Refused or failed.", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } } } }
        }
    })
}

fn operation(entry: &Entry) -> Value {
    let schema = entry.input_schema();
    let in_path = |name: &str| entry.route.path.contains(&format!("{{{name}}}"));
    let properties = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let reads = entry.effect == Effect::Read;
    let (mut parameters, mut body, mut body_required) = (Vec::new(), Map::new(), Vec::new());
    for (name, property) in properties {
        if in_path(&name) || reads {
            let place = if in_path(&name) { "path" } else { "query" };
            let needed = in_path(&name) || required.contains(&name.as_str());
            parameters.push(json!({ "name": name, "in": place, "required": needed, "description": property.get("description"), "schema": property }));
        } else {
            if required.contains(&name.as_str()) {
                body_required.push(name.clone());
            }
            body.insert(name, property);
        }
    }
    if !reads {
        for (name, about) in [
            ("Idempotency-Key", "A retry with the same key answers the first result."),
            ("Mainstay-Dry-Run", "Any value: only answer the difference."),
        ] {
            parameters.push(json!({ "name": name, "in": "header", "required": false, "description": about, "schema": { "type": "string" } }));
        }
    }
    let mut value = json!({
        "operationId": entry.name,
        "summary": entry.summary(),
        "tags": [entry.name.split('.').next()],
        "x-mainstay-effect": entry.effect.as_str(),
        "parameters": parameters,
        "responses": {
            "200": { "description": "Done.", "content": { "application/json": { "schema": entry.output_schema() } } },
            "default": { "$ref": "#/components/responses/Error" }
        }
    });
    let extra = value.as_object_mut();
    if let Some(fields) = extra {
        if !body.is_empty() {
            let schema = json!({ "type": "object", "properties": body, "required": body_required });
            let content = json!({ "application/json": { "schema": schema } });
            fields.insert("requestBody".into(), json!({ "required": !body_required.is_empty(), "content": content }));
        }
        if entry.access == Access::Anyone {
            fields.insert("security".into(), json!([]));
        }
    }
    value
}
