//! Bulk edit: the ticked rows of a list, one operation, a preview of the difference, then the same calls for real.

use std::collections::BTreeMap;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use kernel::operation::coerce;
use kernel::{Access, Answer, Call, Entry, Error, FieldChange, Ref, Result, Via};
use maud::{Markup, html};
use serde_json::Value;
use web::page::{Audience, Content};
use web::ui::{Button, Card, Difference, Field, Form, PageHeader, Tone, differences, notice};

use crate::form::{self, Submitted};
use crate::form_page;
use crate::session::{Credentials, Who};
use crate::{Shared, door, pages, respond};

/// Rows in one bulk call.
const ROWS_MAX: usize = 100;

/// What became of one row.
struct Outcome {
    subject: String,
    result: Result<Answer>,
}

/// `POST /_bulk`
pub(crate) async fn submit(State(app): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = match door::body(&app, body).await {
        Ok(bytes) => bytes,
        Err(error) => return respond::error(&error),
    };
    let done = app.blocking(move |app| {
        Ok(match Submitted::parse(&bytes.bytes) {
            Ok(form) => answer(app, &parts, &form),
            Err(error) => respond::error(&error),
        })
    });
    done.await.unwrap_or_else(|error| respond::error(&error))
}

fn answer(app: &Shared, parts: &Parts, form: &Submitted) -> Response {
    let credentials = Credentials::of(parts);
    let who = match credentials.resolve(&app.kernel) {
        Ok(who) => who,
        Err(error) => return respond::error(&error),
    };
    let done = form::guard(parts, &credentials, &who, form).and_then(|()| work(app, &who, form));
    match done {
        Ok(Done::Preview(body)) => pages::framed(
            app,
            parts,
            &credentials,
            &who,
            Audience::Console,
            StatusCode::OK,
            &Content::new("Preview", body),
        ),
        Ok(Done::Applied(kept, failed)) => {
            let mut response = respond::see_other(form.mark("_back").unwrap_or("/"));
            let (tone, text) = match &failed {
                None => (Tone::Ok, format!("{kept} changed.")),
                Some(first) => (Tone::Critical, format!("{kept} changed; the rest was refused: {first}")),
            };
            respond::cookie(&mut response, &form::flash_cookie(tone, &text, None));
            response
        }
        Err(error) => pages::failed(app, parts, &credentials, &who, &error),
    }
}

enum Done {
    Preview(Markup),
    Applied(usize, Option<String>),
}

fn work(app: &Shared, who: &Who, form: &Submitted) -> Result<Done> {
    let field = |name: &str| form.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let name = field("op").ok_or_else(|| Error::invalid("op", "Choose what to do with the rows."))?;
    let entry = app.kernel.registry().operation(&name).filter(|entry| entry.access != Access::Anyone);
    let entry = entry.ok_or_else(|| Error::not_found("This action"))?;
    let refs: Vec<Ref> =
        form.fields.iter().filter(|(key, _)| key == "ref").map(|(_, value)| value.parse()).collect::<Result<_>>()?;
    if refs.is_empty() || refs.len() > ROWS_MAX {
        return Err(Error::invalid("ref", format!("Tick 1 to {ROWS_MAX} rows first.")));
    }
    let known = entry.input_schema().get("properties").and_then(Value::as_object);
    let belongs = |key: &str| key != "id" && known.is_some_and(|known| known.contains_key(key));
    let fields: Vec<(String, String)> = form::with_people(app, who, form)?
        .into_iter()
        .filter(|(key, value)| belongs(key) && !value.is_empty())
        .collect();
    let apply = form.mark("_apply") == Some("1");
    let outcomes: Vec<Outcome> = refs.iter().map(|one| row(app, who, entry, &fields, one, !apply)).collect();
    if !apply {
        let titles = titles(app, who, &refs, &outcomes)?;
        return Ok(Done::Preview(preview(entry, form, who, &fields, &refs, &outcomes, &titles)));
    }
    let kept = outcomes.iter().filter(|outcome| outcome.result.is_ok()).count();
    let failed = outcomes.iter().find_map(|outcome| {
        outcome.result.as_ref().err().map(|error| format!("{}: {}", outcome.subject, error.message))
    });
    Ok(Done::Applied(kept, failed))
}

fn row(app: &Shared, who: &Who, entry: &Entry, fields: &[(String, String)], subject: &Ref, dry_run: bool) -> Outcome {
    let mut fields = fields.to_vec();
    fields.push(("id".into(), subject.id.to_string()));
    let result = coerce(&fields, entry.input_schema()).and_then(|input| {
        let call = Call { dry_run, ..Call::new(who.actor.clone(), entry.name, input, Via::Page) };
        app.kernel.dispatch(call)
    });
    Outcome { subject: subject.to_string(), result }
}

/// Fields whose number names somebody or something, and the kind of noun it is.
const NAMING: [(&str, &str); 5] =
    [("owner", "user"), ("requester", "user"), ("team", "team"), ("place", "place"), ("asset", "asset")];

/// What a number in a change names.
fn named(field: &str, value: &Value) -> Option<Ref> {
    let (_, kind) = NAMING.iter().find(|(name, _)| *name == field)?;
    format!("{kind}:{}", value.as_i64()?).parse().ok()
}

/// Titles of the rows and of all they point at, as far as this actor may see them.
type Titles = BTreeMap<Ref, String>;

fn titles(app: &Shared, who: &Who, refs: &[Ref], outcomes: &[Outcome]) -> Result<Titles> {
    let changes = outcomes.iter().filter_map(|outcome| outcome.result.as_ref().ok()).flat_map(|answer| &answer.changes);
    let values = changes.flat_map(|change| [named(&change.field, &change.old), named(&change.field, &change.new)]);
    let mut wanted: Vec<Ref> = values.flatten().chain(refs.iter().cloned()).collect();
    wanted.sort();
    wanted.dedup();
    app.kernel.read_as(&who.actor, |cx| {
        let found = cx.resolve(&wanted)?;
        Ok(found.into_iter().map(|(one, resolved)| (one, resolved.title)).collect())
    })
}

fn shown(field: &str, value: &Value, titles: &Titles) -> Option<String> {
    if let Some(title) = named(field, value).and_then(|one| titles.get(&one)) {
        return Some(title.clone());
    }
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn preview(
    entry: &Entry,
    form: &Submitted,
    who: &Who,
    fields: &[(String, String)],
    refs: &[Ref],
    outcomes: &[Outcome],
    titles: &Titles,
) -> Markup {
    let difference = |change: &FieldChange| Difference {
        subject: Some(match titles.get(&change.subject) {
            Some(title) => format!("{} {title}", change.subject.id),
            None => change.subject.to_string(),
        }),
        field: change.field.clone(),
        old: shown(&change.field, &change.old, titles),
        new: shown(&change.field, &change.new, titles),
    };
    let changes: Vec<Difference> = outcomes
        .iter()
        .filter_map(|outcome| outcome.result.as_ref().ok())
        .flat_map(|answer| &answer.changes)
        .map(difference)
        .collect();
    let refused: Vec<String> = outcomes
        .iter()
        .filter_map(|outcome| outcome.result.as_ref().err().map(|error| format!("{}: {error}", outcome.subject)))
        .collect();
    let back = form.mark("_back").filter(|back| respond::local(back)).unwrap_or("/");
    let mut drawn = Form::post("/_bulk", who.csrf.as_str())
        .back(back)
        .field(Field::hidden("op", entry.name))
        .field(Field::hidden("_apply", "1"));
    for one in refs {
        drawn = drawn.field(Field::hidden("ref", one.to_string()));
    }
    for (key, value) in fields {
        drawn = drawn.field(Field::hidden(key, value));
    }
    let count = outcomes.len() - refused.len();
    drawn = drawn.action(Button::submit(format!("Apply to {count}")).primary()).action(Button::link("Cancel", back));
    html! {
        (PageHeader::new(format!("{}: preview", form_page::title(entry))).subtitle(html! { "Nothing is changed yet." }))
        @for line in &refused { (notice(Tone::Warn, line)) }
        @if changes.is_empty() { (notice(Tone::Info, "Nothing would change.")) } @else { (Card::new("What changes").flush(differences(&changes))) }
        (Card::new("Apply").body(html! { (drawn) }))
    }
}
