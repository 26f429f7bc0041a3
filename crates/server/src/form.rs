//! Forms: `POST /do/<operation>` from any page. Text becomes typed by the operation's schema, then goes through the one
//! door. What was refused comes back on the page it was sent from, with everything that was typed; a form that is on no
//! page comes back as one drawn from the declaration.

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::operation::coerce;
use kernel::{Answer, Call, Effect, Entry, Error, ErrorKind, Result, Via};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::page::{Audience, Content};
use web::ui::{Again, Flash, Tone, Undo};

use crate::session::{Credentials, FLASH, Who, same_site};
use crate::{Shared, door, form_page, pages, respond};

/// A submitted form: fields of the operation, and the marks that are ours (they begin with `_`).
#[derive(Clone, Debug, Default)]
pub(crate) struct Submitted {
    pub(crate) fields: Vec<(String, String)>,
    marks: Vec<(String, String)>,
}

/// Fields of one form.
const FIELDS_MAX: usize = 1_000;

impl Submitted {
    /// Reads a form's body or a query.
    ///
    /// # Errors
    /// It has more fields than any form of ours.
    pub(crate) fn parse(body: &[u8]) -> Result<Self> {
        if body.iter().filter(|byte| **byte == b'&').count() >= FIELDS_MAX {
            return Err(Error::over_limit(format!("A form has at most {FIELDS_MAX} fields. Send less at once.")));
        }
        let (marks, fields) =
            door::pairs(&String::from_utf8_lossy(body)).into_iter().partition(|(key, _)| key.starts_with('_'));
        Ok(Self { fields, marks })
    }

    pub(crate) fn mark(&self, name: &str) -> Option<&str> {
        self.marks.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Whether what was typed into a field of an operation does not come back, as it is a secret. Texts of several lines come back
/// to who typed them: nobody types them twice.
pub(crate) fn is_never_shown(entry: &Entry, field: &str) -> bool {
    entry.secrets.contains(&field) && !matches!(field, "headers" | "body" | "send" | "arguments")
}

/// One message for the next page, in a cookie.
#[derive(Deserialize, Serialize)]
struct Message {
    tone: String,
    text: String,
    undo: Option<i64>,
}

/// The cookie that shows a message on the next page.
pub(crate) fn flash_cookie(tone: Tone, text: &str, undo: Option<i64>) -> String {
    let message = Message { tone: tone.as_str().into(), text: kernel::text::shorten(text, 400), undo };
    let packed = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&message).unwrap_or_default());
    format!("{FLASH}={packed}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax")
}

/// Reads the message a cookie carries; anything odd is no message.
///
/// `here` is the page that shows it: what is put back from there comes back there.
pub(crate) fn read_flash(cookie: &str, here: &str) -> Option<Flash> {
    let message: Message = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cookie).ok()?).ok()?;
    let mut flash = pages::flash_of(Tone::parse(&message.tone)?, &message.text);
    flash.undo = message.undo.map(|audit| Undo {
        action: "/do/kernel.audit.undo".into(),
        fields: [("id", audit.to_string()), ("_back", here.to_owned()), ("_done", "Put back.".to_owned())]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
    });
    Some(flash)
}

/// `POST /do/{operation}`
pub(crate) async fn submit(State(app): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = match door::body(&app, body).await {
        Ok(bytes) => bytes,
        Err(error) => return respond::error(&error),
    };
    let done = app.blocking(move |app| Ok(answer(app, &parts, &bytes.bytes)));
    done.await.unwrap_or_else(|error| respond::error(&error))
}

fn wants_json(parts: &Parts) -> bool {
    parts
        .headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.starts_with("application/json"))
}

fn answer(app: &Shared, parts: &Parts, body: &Bytes) -> Response {
    let credentials = Credentials::of(parts);
    let who = match credentials.resolve(&app.kernel) {
        Ok(who) => who,
        Err(error) => return respond::error(&error),
    };
    let form = match Submitted::parse(body) {
        Ok(form) => form,
        Err(error) => return pages::failed(app, parts, &credentials, &who, &error),
    };
    let name = parts.uri.path().strip_prefix("/do/").unwrap_or_default();
    // What strangers may call has doors of its own, which count their tries.
    let entry = app.kernel.registry().operation(name).filter(|entry| entry.access != kernel::Access::Anyone);
    let Some(entry) = entry else {
        return pages::failed(app, parts, &credentials, &who, &Error::not_found("This form"));
    };
    let done = guard(parts, &credentials, &who, &form).and_then(|()| run(app, &who, entry, &form));
    match done {
        Ok(done) if wants_json(parts) => {
            respond::json(StatusCode::OK, &json!({ "output": done.output, "audit": done.audit }))
        }
        Ok(done) => {
            match form_page::once(entry, &form, &done.output).or_else(|| form_page::noted(entry, &form, &done.output)) {
                Some(body) => {
                    let content = Content::new(form_page::title(entry), body);
                    pages::framed(app, parts, &credentials, &who, Audience::Console, StatusCode::OK, &content)
                }
                None => succeeded(&form, &done),
            }
        }
        Err(error) if wants_json(parts) => respond::error(&error),
        Err(error) if error.kind == ErrorKind::SignIn => pages::failed(app, parts, &credentials, &who, &error),
        Err(error) if error.kind == ErrorKind::Held => {
            let mut response = respond::see_other(form.mark("_back").unwrap_or("/"));
            respond::cookie(&mut response, &flash_cookie(Tone::Info, &error.message, None));
            response
        }
        Err(error) => refused(app, parts, &credentials, &who, entry, &form, &error),
    }
}

/// Refuses what no form of ours sent.
pub(crate) fn guard(parts: &Parts, credentials: &Credentials, who: &Who, form: &Submitted) -> Result<()> {
    same_site(&parts.method, &parts.headers)?;
    who.check_csrf(form.mark("_csrf").or(credentials.csrf_header()))
}

/// The fields of a form with people as numbers: where `_person` names a field, it holds a login or a name as somebody typed it.
pub(crate) fn with_people(app: &Shared, who: &Who, form: &Submitted) -> Result<Vec<(String, String)>> {
    let typed: Vec<&str> =
        form.marks.iter().filter(|(key, _)| key == "_person").map(|(_, value)| value.as_str()).collect();
    let mut fields = form.fields.clone();
    for (name, text) in fields.iter_mut().filter(|(name, _)| typed.contains(&name.as_str())) {
        if !text.trim().is_empty() {
            let found = app.kernel.read_as(&who.actor, |cx| people::typed_person(cx, text));
            *text = found.map_err(|error| error.at(name))?.to_string();
        }
    }
    Ok(fields)
}

fn run(app: &Shared, who: &Who, entry: &Entry, form: &Submitted) -> Result<Answer> {
    if let Some(password) = form.mark("_password") {
        let prove = Call::new(
            who.actor.clone(),
            "people.session.prove",
            json!({ "session": who.session, "password": password }),
            Via::Page,
        );
        app.kernel.dispatch(prove)?;
    }
    let input = coerce(&with_people(app, who, form)?, entry.input_schema())?;
    let actor = if form.mark("_password").is_some() {
        let proof = kernel::Proof::At(app.kernel.now());
        std::sync::Arc::new(kernel::Actor { proof, ..who.actor.as_ref().clone() })
    } else {
        who.actor.clone()
    };
    let call = Call {
        confirmed: form.mark("_confirm") == Some("1"),
        idempotency_key: form.mark("_once").map(str::to_owned),
        ..Call::new(actor, entry.name, input, Via::Page)
    };
    app.kernel.dispatch(call)
}

fn succeeded(form: &Submitted, done: &Answer) -> Response {
    let field = |name: &str| match done.output.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let back = form.mark("_back").unwrap_or("/").replace("{id}", &field("id")).replace("{ref}", &field("ref"));
    let undo = done.audit.filter(|_| !done.changes.is_empty() && form.mark("_undo") == Some("1"));
    let mut response = respond::see_other(&back);
    respond::cookie(&mut response, &flash_cookie(Tone::Ok, form.mark("_done").unwrap_or("Saved."), undo));
    response
}

fn refused(
    app: &Shared,
    parts: &Parts,
    credentials: &Credentials,
    who: &Who,
    entry: &Entry,
    form: &Submitted,
    error: &Error,
) -> Response {
    let status = respond::status(error.kind);
    if matches!(error.kind, ErrorKind::Invalid | ErrorKind::Conflict | ErrorKind::OverLimit | ErrorKind::NotFound) {
        let fields = form.fields.iter().filter(|(name, _)| !is_never_shown(entry, name)).cloned().collect();
        let again = Again::new(parts.uri.path(), fields, error.field.clone(), error.message.as_str());
        let again = again.sent_by(form.mark("_form"));
        if let Some(page) = pages::refilled(app, parts, credentials, who, status, again) {
            return page;
        }
    }
    let body = form_page::view(entry, form, who, Some(error));
    let frame = pages::frame_for(who, Audience::Console, app.kernel.now());
    pages::framed(app, parts, credentials, who, frame, status, &Content::new("That did not work", body))
}

/// `GET /do/{operation}`: the form drawn from the declaration, filled from the query.
pub(crate) async fn page(State(app): State<Shared>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let done = app.blocking(move |app| {
        let name = parts.uri.path().strip_prefix("/do/").unwrap_or_default().to_owned();
        let credentials = Credentials::of(&parts);
        let who = credentials.resolve(&app.kernel)?;
        let registry = app.kernel.registry();
        let Some(entry) = registry.operation(&name).filter(|entry| entry.effect != Effect::Read) else {
            return Ok(pages::failed(app, &parts, &credentials, &who, &Error::not_found("This form")));
        };
        let form = Submitted::parse(parts.uri.query().unwrap_or_default().as_bytes())?;
        let render = |page: &mut web::page::PageCx| {
            page.cx.authorise(entry.name, entry.access)?;
            Ok(Content::new(form_page::title(entry), form_page::view(entry, &form, &who, None)))
        };
        Ok(pages::show(app, &parts, "", "", Audience::Console, render))
    });
    done.await.unwrap_or_else(|error| respond::error(&error))
}
