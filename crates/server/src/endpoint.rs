//! Others' protocols: one handler for every address that a domain declares.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kernel::{Actor, Asked, Effect, Endpoint, Error, Reach, Result, Said};

use crate::lanes::Lane;
use crate::session::{Credentials, same_site};
use crate::{Shared, api, door, respond};

/// Tells the work that the client has gone, when the handler is dropped.
struct Gone(Arc<AtomicBool>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Who asks, and how far their grant reaches.
struct Asker {
    actor: Arc<Actor>,
    reach: Reach,
}

/// A request for the endpoint of that path. Who may not ask is told so before their body is read.
pub(crate) async fn call(State(app): State<Shared>, path: &'static str, request: Request) -> Response {
    done(&app, path, request).await.unwrap_or_else(|error| refused(&app, path, &error))
}

/// What is refused here is said as the protocol says it.
fn refused(app: &Shared, path: &str, error: &Error) -> Response {
    match endpoint(app, path).ok().and_then(|found| found.refused) {
        Some(words) => response(words(respond::status(error.kind).as_u16(), error)),
        None => respond::error(error),
    }
}

fn endpoint<'a>(app: &'a Shared, path: &str) -> Result<&'a Endpoint> {
    app.kernel.registry().endpoints().find(|one| one.path == path).ok_or_else(|| Error::not_found("This address"))
}

async fn done(app: &Shared, path: &'static str, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let found = endpoint(app, path)?;
    let methods: Vec<&str> = found.methods.iter().map(|method| method.as_str()).collect();
    if !methods.contains(&parts.method.as_str()) {
        let mut response = respond::with_type(StatusCode::METHOD_NOT_ALLOWED, "text/plain; charset=utf-8", "");
        respond::set(&mut response, header::ALLOW, &methods.join(", "));
        return Ok(response);
    }
    let limit = found.body_bytes_max;
    let lane = if reads(app, found) { Lane::Queries } else { Lane::Pushes };
    let gone = Gone(Arc::default());
    let flag = gone.0.clone();
    if has_no_body(&parts) {
        return app
            .blocking_in(lane, move |app| {
                let found = endpoint(app, path)?;
                let asker = asker(app, found, &parts)?;
                let asked = asked(found, &parts, asker, &[], flag);
                Ok(response((found.answer)(&app.kernel, &asked)))
            })
            .await;
    }
    let (parts, asker) = app
        .blocking_in(lane, move |app| {
            let asker = asker(app, endpoint(app, path)?, &parts)?;
            Ok((parts, asker))
        })
        .await?;
    let body = door::body_within(app, body, limit).await?;
    app.blocking_in(lane, move |app| {
        let found = endpoint(app, path)?;
        let asked = asked(found, &parts, asker, &body.bytes, flag);
        Ok(response((found.answer)(&app.kernel, &asked)))
    })
    .await
}

/// True if nothing follows the head: who asks is then looked up and answered in one turn.
fn has_no_body(parts: &Parts) -> bool {
    let length = parts.headers.get(header::CONTENT_LENGTH);
    parts.method == Method::GET
        && length.is_none_or(|length| length.as_bytes() == b"0")
        && !parts.headers.contains_key(header::TRANSFER_ENCODING)
}

fn reads(app: &Shared, endpoint: &Endpoint) -> bool {
    app.kernel.registry().operation(endpoint.grant).is_some_and(|entry| entry.effect == Effect::Read)
}

fn asker(app: &Shared, endpoint: &Endpoint, parts: &Parts) -> Result<Asker> {
    if endpoint.grant.is_empty() {
        // The address itself is the key: a session or token that comes with it opens nothing more.
        return Ok(Asker { actor: Arc::new(Actor::nobody()), reach: Reach::default() });
    }
    let credentials = Credentials::of(parts).or_bearer(|| password(parts));
    let who = credentials.resolve(&app.kernel)?;
    if who.needs_csrf && !reads(app, endpoint) {
        same_site(&parts.method, &parts.headers)?;
        who.check_csrf(credentials.csrf_header())?;
    }
    let reach = app.kernel.reach(&who.actor, endpoint.grant, who.via)?;
    Ok(Asker { actor: who.actor, reach })
}

fn asked(endpoint: &Endpoint, parts: &Parts, asker: Asker, body: &[u8], gone: Arc<AtomicBool>) -> Asked {
    let text = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let content_type = text(header::CONTENT_TYPE);
    let is_form = content_type.as_deref().is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let mut fields = door::query(parts);
    if is_form {
        fields.extend(door::pairs(&String::from_utf8_lossy(body)));
    }
    Asked {
        actor: asker.actor,
        reach: asker.reach,
        path: api::fits(endpoint.path, parts.uri.path()).unwrap_or_default(),
        fields,
        content_type,
        content_encoding: text(header::CONTENT_ENCODING),
        body: if is_form { Vec::new() } else { body.to_vec() },
        gone,
    }
}

/// A token given as the password of HTTP's basic scheme (RFC 7617), which is all that some clients can send.
fn password(parts: &Parts) -> Option<String> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let plain = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
    plain.split_once(':').map(|(_, password)| password.to_owned())
}

fn response(said: Said) -> Response {
    let mut response = Response::new(Body::from(said.body));
    *response.status_mut() = StatusCode::from_u16(said.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(said.content_type));
    respond::set(&mut response, header::CACHE_CONTROL, "no-store");
    for (name, value) in said.headers {
        if let Ok(name) = HeaderName::try_from(name) {
            respond::set(&mut response, name, &value);
        }
    }
    response
}
