//! Pages that a secret in their address opens, for whoever is not signed in: a link in a mail. `GET` shows, `POST` acts.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use kernel::{Error, Result};
use maud::html;
use web::page::{Content, Door};
use web::ui::{Tone, notice};

use crate::form::Submitted;
use crate::session::{Credentials, same_site};
use crate::{Shared, door, pages, respond};

fn door(app: &Shared, index: usize) -> Result<&Door> {
    app.site.doors.get(index).ok_or_else(|| Error::internal("door-missing", index))
}

fn secret(parts: &Parts) -> &str {
    parts.uri.path().rsplit('/').next().unwrap_or_default()
}

/// `GET` of a door.
pub(crate) async fn show(State(app): State<Shared>, index: usize, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let done = app.blocking(move |app| {
        let made = (door(app, index)?.show)(&app.kernel, secret(&parts));
        Ok(answer(&parts, made))
    });
    done.await.unwrap_or_else(|error| respond::error(&error))
}

/// `POST` of a door.
pub(crate) async fn act(State(app): State<Shared>, index: usize, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = match door::body_within(&app, body, 16 * 1024).await {
        Ok(body) => body,
        Err(error) => return respond::error(&error),
    };
    let done = app.blocking(move |app| {
        let made = same_site(&parts.method, &parts.headers)
            .and_then(|()| Submitted::parse(&body.bytes))
            .and_then(|form| (door(app, index)?.act)(&app.kernel, secret(&parts), &form.fields));
        Ok(answer(&parts, made))
    });
    done.await.unwrap_or_else(|error| respond::error(&error))
}

/// The page, or what went wrong as one: whoever stands here looks through a browser.
fn answer(parts: &Parts, made: Result<Content>) -> Response {
    let credentials = Credentials::of(parts);
    match made {
        Ok(content) => pages::bare(&credentials, StatusCode::OK, &content.title, false, &content.body),
        Err(error) => {
            if error.kind == kernel::ErrorKind::Internal {
                tracing::error!(error = error.message, cause = error.cause, "a page behind a link failed");
            }
            let body = html! { h1 { "That did not work" } (notice(Tone::Warn, &error.message)) };
            pages::bare(&credentials, respond::status(error.kind), "That did not work", false, &body)
        }
    }
}
