//! The server's own addresses: health, metrics, static files, the gallery, calendars, OpenAPI.

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use kernel::Error;

use crate::compress::{self, Packed};
use crate::session::{Credentials, FromLoopback};
use crate::{Shared, metrics, openapi, respond};

/// `GET /healthz`: the process runs.
pub(crate) async fn healthz() -> Response {
    respond::with_type(StatusCode::OK, "text/plain; charset=utf-8", "ok\n")
}

/// `GET /readyz`: the database answers, and the background work runs.
pub(crate) async fn readyz(State(app): State<Shared>) -> Response {
    let ready = app.blocking(|app| {
        app.kernel.db.read(kernel::meta::epoch)?;
        match app.kernel.down().as_slice() {
            [] => Ok(()),
            down => Err(Error::unavailable(format!("This stopped and begins again soon: {}.", down.join(", ")))),
        }
    });
    match ready.await {
        Ok(_) => respond::with_type(StatusCode::OK, "text/plain; charset=utf-8", "ready\n"),
        Err(error) => respond::with_type(
            StatusCode::SERVICE_UNAVAILABLE,
            "text/plain; charset=utf-8",
            format!("{}\n", error.message),
        ),
    }
}

/// `GET /metrics`: our own figures as Prometheus text, for this machine and for tokens.
pub(crate) async fn metrics(State(app): State<Shared>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let done = app.blocking(move |app| {
        let who = Credentials::of(&parts).resolve(&app.kernel)?;
        if parts.extensions.get::<FromLoopback>().is_none() && who.actor.ident == kernel::Ident::Nobody {
            return Err(Error::sign_in());
        }
        Ok(respond::with_type(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", metrics::text(app)?))
    });
    done.await.unwrap_or_else(|error| respond::error(&error))
}

/// `GET /_static/..`
pub(crate) async fn asset(headers: HeaderMap, uri: axum::http::Uri) -> Response {
    let Some(asset) = web::assets::find(uri.path()) else {
        return respond::with_type(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", "no such file\n");
    };
    let accepts = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let takes = |name: &str| accepts.split(',').any(|part| part.trim().split(';').next() == Some(name));
    let (encoding, bytes) = match () {
        () if takes("br") && !asset.brotli.is_empty() => (Some("br"), asset.brotli),
        () if takes("gzip") && !asset.gzip.is_empty() => (Some("gzip"), asset.gzip),
        () => (None, asset.bytes),
    };
    let mut response = respond::with_type(StatusCode::OK, asset.content_type, bytes);
    respond::set(&mut response, header::CACHE_CONTROL, web::assets::CACHE_CONTROL);
    respond::set(&mut response, header::VARY, "Accept-Encoding");
    if let Some(encoding) = encoding {
        respond::set(&mut response, header::CONTENT_ENCODING, encoding);
    }
    response
}

/// `GET /favicon.ico`
pub(crate) async fn favicon() -> Response {
    respond::see_other(web::assets::logo_href())
}

/// `GET /_ui/charts/{name}`: the numbers of a figure in the gallery.
pub(crate) async fn gallery_numbers(Path(name): Path<String>) -> Response {
    match web::gallery::chart_numbers(&name) {
        Some(data) => respond::json(StatusCode::OK, &serde_json::json!(data)),
        None => respond::error(&Error::not_found("This figure")),
    }
}

/// `GET /_ui`: every component in every state, for those who are signed in.
pub(crate) async fn gallery(State(app): State<Shared>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let done = app.blocking(move |app| {
        if Credentials::of(&parts).resolve(&app.kernel)?.actor.user().is_none() {
            return Ok(respond::see_other("/sign-in?next=/_ui"));
        }
        let made = || Packed::new("text/html; charset=utf-8", web::gallery::page().into_string());
        let mut response = app.gallery.get_or_init(made).answer(compress::accepted(&parts.headers));
        respond::set(&mut response, header::CONTENT_SECURITY_POLICY, web::assets::CONTENT_SECURITY_POLICY);
        Ok(response)
    });
    done.await.unwrap_or_else(|error| respond::error(&error))
}

/// `GET /calendar/{secret}.ics`: who is on call, for whoever has the address of a calendar.
pub(crate) async fn calendar(State(app): State<Shared>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let done = app.blocking(move |app| {
        let name = parts.uri.path().strip_prefix("/calendar/").unwrap_or_default();
        let secret = name.strip_suffix(".ics").unwrap_or(name);
        let now = app.kernel.now();
        let text = app.kernel.db.read(|tx| people::rota::feed::calendar(tx, secret, now))?;
        let text = text.ok_or_else(|| Error::not_found("This calendar"))?;
        let mut response = respond::with_type(StatusCode::OK, "text/calendar; charset=utf-8", text);
        respond::set(&mut response, header::CACHE_CONTROL, "private, max-age=300");
        Ok(response)
    });
    done.await.unwrap_or_else(|error| respond::error(&error))
}

/// `GET /api/v1/openapi.json`: strangers may read it, so it is made once and away from the network threads.
pub(crate) async fn openapi(State(app): State<Shared>, headers: HeaderMap) -> Response {
    let accepted = compress::accepted(&headers);
    if let Some(made) = app.openapi.get() {
        return made.answer(accepted);
    }
    let done = app.blocking(move |app| {
        let made = || Packed::new("application/json", openapi::document(app.kernel.registry()).to_string());
        Ok(app.openapi.get_or_init(made).answer(accepted))
    });
    done.await.unwrap_or_else(|error| respond::error(&error))
}
