//! REST: one handler for every operation, routed by the registry.

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, Method, StatusCode, header};
use axum::response::Response;
use kernel::operation::coerce;
use kernel::{Call, Entry, Error, Registry, Result};
use serde_json::{Map, Value, json};

use crate::session::{Credentials, same_site};
use crate::{Shared, door, respond, source};

/// The operation that strangers call to come in.
pub(crate) const SIGN_IN: &str = "people.session.sign-in";
/// Where REST has it.
const SIGN_IN_PATH: &str = "/api/v1/people/sessions";

/// `ANY /api/v1/...`
pub(crate) async fn call(State(app): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = match door::body(&app, body).await {
        Ok(bytes) => bytes,
        Err(error) => return respond::error(&error),
    };
    let signs_in = parts.method == Method::POST && parts.uri.path() == SIGN_IN_PATH;
    let turn = if signs_in { Some(source::turn(&app).await) } else { None };
    if let Some(Err(error)) = &turn {
        return respond::error(error);
    }
    let answered = app.blocking(move |app| answer(app, &parts, &bytes.bytes)).await;
    answered.unwrap_or_else(|error| respond::error(&error))
}

fn answer(app: &Shared, parts: &Parts, body: &[u8]) -> Result<Response> {
    let credentials = Credentials::of(parts);
    let who = credentials.resolve(&app.kernel)?;
    let path = parts.uri.path().strip_prefix("/api/v1").unwrap_or_default();
    let (entry, fields) = find(app.kernel.registry(), parts.method.as_str(), path)?;
    if who.needs_csrf && entry.effect != kernel::Effect::Read {
        same_site(&parts.method, &parts.headers)?;
        who.check_csrf(credentials.csrf_header())?;
    }
    let input = input(entry, parts, body, fields)?;
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let call = Call {
        idempotency_key: text("idempotency-key"),
        dry_run: text("mainstay-dry-run").is_some(),
        confirmed: text("mainstay-confirm").as_deref() == Some("yes"),
        ..Call::new(who.actor, entry.name, input, if who.needs_csrf { kernel::Via::Page } else { who.via })
    };
    let dry_run = call.dry_run;
    let done = if entry.name == SIGN_IN { source::sign_in(app, parts, call)? } else { app.kernel.dispatch(call)? };
    if dry_run {
        return Ok(respond::json(
            StatusCode::OK,
            &json!({ "dry_run": true, "changes": done.changes, "output": done.output }),
        ));
    }
    let mut response = respond::json(StatusCode::OK, &done.output);
    if let Some(audit) = done.audit {
        respond::set(&mut response, HeaderName::from_static("mainstay-audit"), &audit.to_string());
    }
    if done.replayed {
        respond::set(&mut response, HeaderName::from_static("mainstay-replayed"), "true");
    }
    Ok(response)
}

/// `GET /_series/asset/{asset}/{panel}`: the numbers of a chart, under the address that pages name.
pub(crate) async fn series(State(app): State<Shared>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let answered = app.blocking(move |app| {
        let who = Credentials::of(&parts).resolve(&app.kernel)?;
        let entry =
            app.kernel.registry().operation("monitor.chart.read").ok_or_else(|| Error::not_found("This chart"))?;
        let fields = fits("/_series/asset/{asset}/{panel}", parts.uri.path()).unwrap_or_default();
        let input = input(entry, &parts, &[], fields)?;
        let done = app.kernel.dispatch(Call::new(who.actor, entry.name, input, kernel::Via::Page))?;
        Ok(respond::json(StatusCode::OK, &done.output))
    });
    answered.await.unwrap_or_else(|error| respond::error(&error))
}

/// The operation of a method and path, with the path's fields. The one with the fewest fields in its path wins.
pub(crate) fn find<'r>(registry: &'r Registry, method: &str, path: &str) -> Result<(&'r Entry, Vec<(String, String)>)> {
    let mut path_exists = false;
    let mut best: Option<(&Entry, Vec<(String, String)>)> = None;
    for entry in registry.operations() {
        let Some(fields) = fits(entry.route.path, path) else { continue };
        path_exists = true;
        let better = best.as_ref().is_none_or(|(_, known)| fields.len() < known.len());
        if entry.route.method.as_str() == method && better {
            best = Some((entry, fields));
        }
    }
    match best {
        Some(found) => Ok(found),
        None if path_exists => {
            Err(Error::invalid("method", format!("This path does not take {method}. See /api/v1/openapi.json.")))
        }
        None => Err(Error::not_found("This path of the API")),
    }
}

/// The fields of a path, if it fits the pattern.
pub(crate) fn fits(pattern: &str, path: &str) -> Option<Vec<(String, String)>> {
    let mut fields = Vec::new();
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(fields),
            (Some(wanted), Some(given)) => match wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                Some(name) if !given.is_empty() => {
                    let value = door::pairs(given).into_iter().next().map(|(key, _)| key).unwrap_or_default();
                    fields.push((name.to_owned(), value));
                }
                None if wanted == given => {}
                _ => return None,
            },
            _ => return None,
        }
    }
}

fn input(entry: &Entry, parts: &Parts, body: &[u8], path: Vec<(String, String)>) -> Result<Value> {
    let mut fields = match coerce(&door::query(parts), entry.input_schema())? {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    if !body.is_empty() {
        let is_json = parts
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_none_or(|kind| kind.starts_with("application/json"));
        if !is_json {
            return Err(Error::invalid("content-type", "Send the input as application/json."));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(given)) => fields.extend(given),
            Ok(_) => return Err(Error::invalid("body", "The body must be a JSON object.")),
            Err(error) => return Err(Error::invalid("body", format!("The body is not JSON: {error}."))),
        }
    }
    if let Value::Object(path) = coerce(&path, entry.input_schema())? {
        fields.extend(path);
    }
    Ok(Value::Object(fields))
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn paths_fit_by_segment_and_fields_are_decoded() {
        assert_eq!(fits("/desk/tickets/{id}/reply", "/desk/tickets/12/reply"), Some(vec![("id".into(), "12".into())]));
        assert_eq!(fits("/a/{key}", "/a/x%2Fy"), Some(vec![("key".into(), "x/y".into())]));
        let referred = Some(vec![("id".into(), "ticket:12".into())]);
        assert_eq!(fits("/desk/tickets/{id}", "/desk/tickets/ticket:12"), referred);
        assert_eq!(fits("/desk/tickets/{id}", "/desk/tickets/ticket%3A12"), referred);
        assert_eq!(fits("/desk/tickets/{id}", "/desk/tickets/"), None);
        assert_eq!(fits("/desk/tickets", "/desk/tickets/1"), None);
    }
}
