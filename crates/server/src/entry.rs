//! The way in: first set-up by one-time link, sign-in, sign-out.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use kernel::operation::coerce;
use kernel::{Call, Error, ErrorKind, Result, Via};
use maud::{Markup, html};
use serde_json::{Value, json};
use web::ui::{Button, Field, Form, Tone, notice};

use crate::form::Submitted;
use crate::session::{COOKIE, Credentials, same_site};
use crate::{Shared, door, pages, respond, source};

/// How long a session cookie is kept by the browser, in seconds; the server ends sessions by its own clock.
const COOKIE_SECONDS: i64 = 7 * 24 * 3600;

fn session_cookie(parts: &Parts, token: &str) -> String {
    let secure = if source::is_secure(parts) { "; Secure" } else { "" };
    format!("{COOKIE}={token}; Path=/; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Lax{secure}")
}

/// `GET /setup?secret=..`
pub(crate) async fn setup_page(State(app): State<Shared>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let credentials = Credentials::of(&parts);
    let asking = credentials.clone();
    let done = app.blocking(move |app| {
        if !app.kernel.db.read(people::setup::waits)? {
            return Ok(respond::see_other("/sign-in"));
        }
        let form = Submitted::parse(parts.uri.query().unwrap_or_default().as_bytes())?;
        Ok(pages::bare(&asking, StatusCode::OK, "Set up", true, &setup_form(&form, None)))
    });
    done.await.unwrap_or_else(|error| refused(&credentials, "Set up", &error))
}

fn setup_form(form: &Submitted, error: Option<&Error>) -> Markup {
    let value = |name: &str| {
        form.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let message =
        |name: &str| error.filter(|error| error.field.as_deref() == Some(name)).map(|error| error.message.clone());
    let general = error
        .filter(|error| error.field.is_none() || error.field.as_deref() == Some("secret"))
        .map(|error| error.message.clone());
    let text = |name: &str, label: &str, help: &str| {
        let field = Field::text(name, label).value(value(name)).required().error(message(name));
        if help.is_empty() { field } else { field.help(help) }
    };
    let secret = value("secret");
    html! {
        h1 { "Set up Mainstay" }
        @if secret.is_empty() {
            (notice(Tone::Warn, "Open the one-time link that \"mainstay up\" printed. It ends with a secret that this page needs."))
        } @else {
            p { "Name your organisation and the first administrator. Everything can be changed later." }
            (Form::post("/setup", "")
                .error(general)
                .field(Field::hidden("secret", secret))
                .field(text("organisation", "Organisation", ""))
                .field(text("name", "Your name", ""))
                .field(text("login", "Login", "Lower case letters, digits, dots and dashes."))
                .field(Field::input("email", "email", "E-mail").value(value("email")).required().error(message("email")))
                .field(Field::password("password", "Password").required().help("At least 12 characters. A sentence is easy to remember.").error(message("password")))
                .action(Button::submit("Create administrator").primary()))
        }
    }
}

/// A refusal as a page: whoever stands here looks through a browser.
fn refused(credentials: &Credentials, title: &str, error: &Error) -> Response {
    if error.kind == ErrorKind::Internal {
        tracing::error!(error = error.message, cause = error.cause, "the way in failed");
    }
    let body = html! {
        h1 { (title) }
        (notice(Tone::Warn, &error.message))
        p { (Button::link("Start again", "/sign-in")) }
    };
    pages::bare(credentials, respond::status(error.kind), title, false, &body)
}

async fn form_of(app: &Shared, parts: &Parts, body: Body) -> Result<Submitted> {
    let body = door::body(app, body).await?;
    same_site(&parts.method, &parts.headers)?;
    Submitted::parse(&body.bytes)
}

/// Signs in and answers the redirect with the new session's cookie.
fn open_session(app: &Shared, parts: &Parts, login: &str, password: &str, next: &str) -> Result<Response> {
    let nobody = std::sync::Arc::new(kernel::Actor::nobody());
    let agent =
        parts.headers.get(axum::http::header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let from = source::of(parts).unwrap_or_else(|| "this machine".to_owned());
    let origin = format!("{from} · {}", kernel::text::shorten(agent, 150));
    let input = json!({ "login": login, "password": password, "origin": origin });
    let done = source::sign_in(app, parts, Call::new(nobody, crate::api::SIGN_IN, input, Via::Page))?;
    let token =
        done.output.get("token").and_then(Value::as_str).ok_or_else(|| Error::internal("sign-in-without-token", ""))?;
    let mut response = respond::see_other(next);
    respond::cookie(&mut response, &session_cookie(parts, token));
    Ok(response)
}

/// `POST /setup`
pub(crate) async fn setup(State(app): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let credentials = Credentials::of(&parts);
    let form = match form_of(&app, &parts, body).await {
        Ok(form) => form,
        Err(error) => return refused(&credentials, "Set up", &error),
    };
    let done = app.blocking(move |app| {
        let entry = app
            .kernel
            .registry()
            .operation("people.setup.complete")
            .ok_or_else(|| Error::internal("setup-missing", ""))?;
        let field = |name: &str| {
            form.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let nobody = std::sync::Arc::new(kernel::Actor::nobody());
        let made = coerce(&form.fields, entry.input_schema())
            .and_then(|input| app.kernel.dispatch(Call::new(nobody, entry.name, input, Via::Page)));
        match made {
            Ok(_) => open_session(app, &parts, &field("login"), &field("password"), "/"),
            Err(error) => Ok(pages::bare(
                &Credentials::of(&parts),
                respond::status(error.kind),
                "Set up",
                true,
                &setup_form(&form, Some(&error)),
            )),
        }
    });
    done.await.unwrap_or_else(|error| refused(&credentials, "Set up", &error))
}

fn sign_in_form(login: &str, next: &str, error: Option<&Error>) -> Markup {
    html! {
        h1 { "Sign in" }
        (Form::post("/sign-in", "")
            .error(error.map(|error| error.message.clone()))
            .field(Field::hidden("next", next))
            .field(Field::text("login", "Login").value(login).required())
            .field(Field::password("password", "Password").required())
            .action(Button::submit("Sign in").primary()))
    }
}

/// `GET /sign-in?next=..`
pub(crate) async fn sign_in_page(State(app): State<Shared>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let credentials = Credentials::of(&parts);
    let asking = credentials.clone();
    let done = app.blocking(move |app| {
        if app.kernel.db.read(people::setup::waits)? {
            return Ok(respond::see_other("/setup"));
        }
        let query = door::query(&parts);
        let next = query.iter().find(|(key, _)| key == "next").map_or("/", |(_, value)| value.as_str());
        Ok(pages::bare(&asking, StatusCode::OK, "Sign in", false, &sign_in_form("", next, None)))
    });
    done.await.unwrap_or_else(|error| refused(&credentials, "Sign in", &error))
}

/// `POST /sign-in`
pub(crate) async fn sign_in(State(app): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let credentials = Credentials::of(&parts);
    let form = match form_of(&app, &parts, body).await {
        Ok(form) => form,
        Err(error) => return refused(&credentials, "Sign in", &error),
    };
    let _turn = match source::turn(&app).await {
        Ok(turn) => turn,
        Err(error) => return refused(&credentials, "Sign in", &error),
    };
    let done = app.blocking(move |app| {
        let field = |name: &str| {
            form.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let (login, next) = (field("login"), field("next"));
        match open_session(app, &parts, &login, &field("password"), &next) {
            Ok(response) => Ok(response),
            Err(error) => Ok(pages::bare(
                &Credentials::of(&parts),
                respond::status(error.kind),
                "Sign in",
                false,
                &sign_in_form(&login, &next, Some(&error)),
            )),
        }
    });
    done.await.unwrap_or_else(|error| refused(&credentials, "Sign in", &error))
}

/// `POST /signout`
pub(crate) async fn sign_out(State(app): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let credentials = Credentials::of(&parts);
    let form = match form_of(&app, &parts, body).await {
        Ok(form) => form,
        Err(error) => return refused(&credentials, "Sign out", &error),
    };
    let asking = credentials.clone();
    let done = app.blocking(move |app| {
        let who = asking.resolve(&app.kernel)?;
        who.check_csrf(form.mark("_csrf"))?;
        if let Some(session) = who.session {
            app.kernel.dispatch(Call::new(
                who.actor,
                "people.session.sign-out",
                json!({ "session": session }),
                Via::Page,
            ))?;
        }
        let mut response = respond::see_other("/sign-in");
        respond::cookie(&mut response, &format!("{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"));
        Ok(response)
    });
    done.await.unwrap_or_else(|error| refused(&credentials, "Sign out", &error))
}
