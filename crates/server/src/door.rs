//! The router, and what happens to every request around its handler: host check, headers, a limit on bodies and time.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{any, get, post};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Body as _;
use kernel::{Error, Result};
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    Shared, api, bulk, compress, endpoint, entry, form, home, live, own, pages, palette, respond, secret_page,
};

/// Largest request body.
const BODY_BYTES_MAX: usize = kernel::limits::INPUT_BYTES_MAX;
/// Bodies up to this size take no turn.
const SMALL_BYTES: u64 = 64 * 1024;
/// Larger bodies in memory at once.
pub(crate) const LARGE_AT_ONCE: usize = 16;
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(20);

/// The console, the portal, REST and the rest, as one service.
pub fn router(app: &Shared) -> Router {
    let mut router = Router::new()
        .route("/", get(home::page))
        .route("/setup", get(entry::setup_page).post(entry::setup))
        .route("/sign-in", get(entry::sign_in_page).post(entry::sign_in))
        .route("/signout", post(entry::sign_out))
        .route("/do/{operation}", get(form::page).post(form::submit))
        .route("/_bulk", post(bulk::submit))
        .route("/_palette", get(palette::search))
        .route("/_live", get(live::stream))
        .route("/_panel/{name}/{kind}/{id}", get(pages::panel))
        .route("/_series/asset/{asset}/{panel}", get(api::series))
        .route("/_ui", get(own::gallery))
        .route("/_ui/charts/{name}", get(own::gallery_numbers))
        .route("/_static/{*path}", get(own::asset))
        .route("/favicon.ico", get(own::favicon))
        .route("/calendar/{file}", get(own::calendar))
        .route("/healthz", get(own::healthz))
        .route("/readyz", get(own::readyz))
        .route("/metrics", get(own::metrics))
        .route("/api/v1/openapi.json", get(own::openapi))
        .route("/api/v1/{*path}", any(api::call));
    for (index, page) in app.site.pages.iter().enumerate() {
        router = router.route(page.path, get(move |state, request| pages::page(state, index, request)));
    }
    for (index, door) in app.site.doors.iter().enumerate() {
        let show = move |state, request| secret_page::show(state, index, request);
        router = router.route(door.path, get(show).post(move |state, request| secret_page::act(state, index, request)));
    }
    for one in app.kernel.registry().endpoints() {
        let path = one.path;
        router = router.route(path, any(move |state, request| endpoint::call(state, path, request)));
    }
    router.fallback(pages::not_found).layer(middleware::from_fn_with_state(app.clone(), around)).with_state(app.clone())
}

async fn around(axum::extract::State(app): axum::extract::State<Shared>, request: Request, next: Next) -> Response {
    let packed = compress::accepted(request.headers());
    let mut response = if known_host(&app, &request) {
        compress::apply(next.run(request).await, packed).await
    } else {
        respond::with_type(
            StatusCode::MISDIRECTED_REQUEST,
            "text/plain; charset=utf-8",
            "This console does not answer to that host name.\n",
        )
    };
    respond::harden(&mut response);
    response
}

/// Guards a console on loopback against names that were made to point at it (DNS rebinding).
fn known_host(app: &Shared, request: &Request) -> bool {
    if app.hosts.is_empty() {
        return true;
    }
    let Some(host) = request.headers().get(header::HOST).and_then(|value| value.to_str().ok()) else { return true };
    let name = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
        .map_or(host, |(name, _)| name);
    app.hosts.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// A body that arrived whole. While it is held, others of its size wait.
pub(crate) struct Taken {
    pub(crate) bytes: Bytes,
    _turn: Option<OwnedSemaphorePermit>,
}

/// The whole body, bounded in size and time. Large ones take turns: strangers may send them too.
pub(crate) async fn body(app: &Shared, body: Body) -> Result<Taken> {
    body_within(app, body, BODY_BYTES_MAX).await
}

/// The same with a bound of its own.
pub(crate) async fn body_within(app: &Shared, body: Body, bytes_max: usize) -> Result<Taken> {
    let small = body.size_hint().upper().is_some_and(|bytes| bytes <= SMALL_BYTES);
    let turn = if small { None } else { Some(large_turn(app).await?) };
    Ok(Taken { bytes: whole(body, bytes_max).await?, _turn: turn })
}

async fn large_turn(app: &Shared) -> Result<OwnedSemaphorePermit> {
    match tokio::time::timeout(BODY_TIME, app.large.clone().acquire_owned()).await {
        Ok(Ok(turn)) => Ok(turn),
        _ => Err(Error::unavailable("Too many large requests at this moment. Try again shortly.")),
    }
}

async fn whole(body: Body, bytes_max: usize) -> Result<Bytes> {
    let collected = tokio::time::timeout(BODY_TIME, Limited::new(body, bytes_max).collect()).await;
    match collected {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            Err(Error::over_limit(format!("The request is larger than {bytes_max} bytes. Send less at once.")))
        }
        Ok(Err(error)) => Err(Error::invalid("body", "The request's body did not arrive whole.").because(error)),
        Err(_) => Err(Error::over_limit("The request's body took longer than 20 seconds to arrive.")),
    }
}

/// Decodes `a=1&b=2`, in order, repeats kept (application/x-www-form-urlencoded, WHATWG URL section 5).
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    let decode = |part: &str| {
        let bytes = part.as_bytes();
        let mut out = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let [first, tail @ ..] = rest {
            rest = tail;
            match (*first, tail) {
                (b'+', _) => out.push(b' '),
                (b'%', [high, low, after @ ..]) => {
                    match (char::from(*high).to_digit(16), char::from(*low).to_digit(16)) {
                        (Some(high), Some(low)) => {
                            out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                            rest = after;
                        }
                        _ => out.push(b'%'),
                    }
                }
                (byte, _) => out.push(byte),
            }
        }
        String::from_utf8_lossy(&out).into_owned()
    };
    text.split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(key, value)| (decode(key), decode(value)))
        .collect()
}

/// The decoded query string.
pub(crate) fn query(parts: &Parts) -> Vec<(String, String)> {
    pairs(parts.uri.query().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_decode_in_order_and_broken_escapes_stay_text() {
        let decoded = pairs("a=1+2&b=%C3%A5&b=%zz&c&=x&d=%4");
        let expected = [("a", "1 2"), ("b", "å"), ("b", "%zz"), ("c", ""), ("", "x"), ("d", "%4")];
        assert_eq!(decoded, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
        assert_eq!(
            pairs(&format!("q={}", kernel::address::percent("a b&å=%"))),
            [("q".to_owned(), "a b&å=%".to_owned())]
        );
    }
}
