//! Answers: statuses, JSON errors, security headers, cookies.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use kernel::{Error, ErrorKind};
use serde_json::{Value, json};

/// The status for a class of error.
pub(crate) fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::SignIn => StatusCode::UNAUTHORIZED,
        ErrorKind::Denied => StatusCode::FORBIDDEN,
        ErrorKind::Unconfirmed => StatusCode::PRECONDITION_REQUIRED,
        ErrorKind::OverLimit => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorKind::Held => StatusCode::ACCEPTED,
    }
}

/// A response with a body of a type.
pub(crate) fn with_type(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// JSON.
pub(crate) fn json(status: StatusCode, value: &Value) -> Response {
    let mut response = with_type(status, "application/json", value.to_string());
    set(&mut response, header::CACHE_CONTROL, "no-store");
    response
}

/// An error as JSON: kind, message, the field it is about, and the thing to look at, such as the approval of a held call.
pub(crate) fn error(error: &Error) -> Response {
    let (kind, subject) = (error.kind.as_str(), error.subject.as_ref().map(ToString::to_string));
    let value = json!({ "error": { "kind": kind, "message": error.message, "field": error.field, "ref": subject } });
    json(status(error.kind), &value)
}

/// A page.
pub(crate) fn page(status: StatusCode, markup: maud::Markup) -> Response {
    let mut response = with_type(status, "text/html; charset=utf-8", markup.into_string());
    set(&mut response, header::CACHE_CONTROL, "no-store");
    set(&mut response, header::CONTENT_SECURITY_POLICY, web::assets::CONTENT_SECURITY_POLICY);
    response
}

/// Go there and look.
pub(crate) fn see_other(to: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    set(&mut response, header::LOCATION, if local(to) { to } else { "/" });
    response
}

/// True for a path of this server: what may be redirected to.
pub(crate) fn local(path: &str) -> bool {
    path.starts_with('/') && !path.starts_with("//") && !path.starts_with("/\\") && !path.chars().any(char::is_control)
}

/// Sets a header whose value may come from outside; what is no header value is left out.
pub(crate) fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// Adds a cookie header.
pub(crate) fn cookie(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// What every answer carries.
pub(crate) fn harden(response: &mut Response) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
    ] {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use kernel::Ref;

    use super::*;

    #[test]
    fn a_program_reads_from_the_error_what_to_look_at() {
        let mut held = Error::of_kind(ErrorKind::Held, "It waits.");
        held.subject = Some(Ref::new("approval", 17));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let read = |one: &Error| {
            let body = runtime.block_on(error(one).into_body().collect()).unwrap().to_bytes();
            serde_json::from_slice::<Value>(&body).unwrap()
        };
        assert_eq!(read(&held)["error"]["ref"], "approval:17");
        assert_eq!(read(&Error::conflict("Else."))["error"]["ref"], Value::Null);
    }
}
