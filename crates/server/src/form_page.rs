//! A form drawn from an operation's declaration: for operations without a page of their own, for what was refused, and
//! for confirming what can do harm.

use kernel::{Effect, Entry, Error, ErrorKind};
use maud::{Markup, html};
use serde_json::Value;
use web::ui::{Button, Card, Field, Form, PageHeader, Tone, code, notice};

use crate::form::{Submitted, is_never_shown};
use crate::session::Who;

/// `desk.ticket.open` -> `Open ticket`.
pub(crate) fn title(entry: &Entry) -> String {
    let mut words = entry.name.rsplit('.');
    let verb = words.next().unwrap_or_default().replace('-', " ");
    let noun = words.next().unwrap_or_default().replace('-', " ");
    // "fleet.stop.all" is said the other way round.
    let mut text = if verb == "all" { format!("{noun} {verb}") } else { format!("{verb} {noun}") };
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// Outputs that are shown once and never again.
const ONCE: [&str; 3] = ["token", "signing_key", "feed"];

/// The page for an answer with a secret that is not shown again; `None` when there is none, or when the form leads to a
/// page of the new thing, which shows it.
pub(crate) fn once(entry: &Entry, form: &Submitted, output: &Value) -> Option<Markup> {
    let back = form.mark("_back").filter(|back| crate::respond::local(back)).unwrap_or("/");
    let secret = ONCE.iter().find_map(|field| output.get(*field)).and_then(Value::as_str)?;
    if back.contains("{id}") {
        return None;
    }
    Some(html! {
        (PageHeader::new("Keep this now").subtitle(html! { (entry.summary()) }))
        (notice(Tone::Warn, "This secret is shown once and never again. Copy it to where it is needed, then go on."))
        (Card::new(title(entry)).body(html! { (code(secret)) (Button::link("I have it", back).primary()) }))
    })
}

/// The page for an answer that tells what was left undone, as `notes`; `None` when there are none.
pub(crate) fn noted(entry: &Entry, form: &Submitted, output: &Value) -> Option<Markup> {
    let back = form.mark("_back").filter(|back| crate::respond::local(back)).unwrap_or("/");
    let notes: Vec<&str> = output.get("notes")?.as_array()?.iter().filter_map(Value::as_str).collect();
    if notes.is_empty() || back.contains("{id}") {
        return None;
    }
    Some(html! {
        (PageHeader::new(title(entry)).subtitle(html! { "It is done, but not all of it. This is what to look at." }))
        (Card::new("What to look at").count(notes.len()).body(html! {
            ul.lines { @for note in &notes { li dir="auto" { (note) } } }
            (Button::link("Go on", back).primary())
        }))
    })
}

fn label(name: &str) -> String {
    let mut text = name.replace('_', " ");
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// Fields that a page fills in by itself: they travel unseen in a form that comes back.
const UNSEEN: [&str; 4] = ["id", "source", "expected_version", "external_key"];

/// The page: what happened, the form with what was typed, one button.
pub(crate) fn view(entry: &Entry, form: &Submitted, who: &Who, error: Option<&Error>) -> Markup {
    let dangerous = entry.effect == Effect::Dangerous;
    let asks_proof = error.is_some_and(|error| error.kind == ErrorKind::Unconfirmed) || dangerous;
    let plain = error.filter(|error| error.field.is_none());
    let mut drawn = Form::post(format!("/do/{}", entry.name), who.csrf.as_str());
    if let Some(back) = form.mark("_back") {
        drawn = drawn.back(back);
    }
    for mark in ["_done", "_undo", "_once", "_person"] {
        if let Some(value) = form.mark(mark) {
            drawn = drawn.field(Field::hidden(mark, value));
        }
    }
    for field in fields(entry, form, error) {
        drawn = drawn.field(field);
    }
    for (name, value) in form.fields.iter().filter(|(name, _)| unseen(name, error)) {
        drawn = drawn.field(Field::hidden(name, value));
    }
    if asks_proof {
        drawn = drawn.field(Field::hidden("_confirm", "1"));
        if who.actor.user().is_some() {
            drawn = drawn.field(
                Field::password("_password", "Your password")
                    .required()
                    .help("This can do harm, so it needs a proof of who you are."),
            );
        }
    }
    let button = if dangerous { Button::submit(title(entry)).danger() } else { Button::submit(title(entry)).primary() };
    drawn = drawn
        .action(button)
        .action(Button::link("Cancel", form.mark("_back").filter(|back| crate::respond::local(back)).unwrap_or("/")));
    html! {
        (PageHeader::new(title(entry)).subtitle(html! { (entry.summary()) }))
        @if let Some(error) = plain { (notice(Tone::Critical, &error.message)) }
        (Card::new(title(entry)).body(html! { (drawn) }))
    }
}

fn fields(entry: &Entry, form: &Submitted, error: Option<&Error>) -> Vec<Field> {
    let schema = entry.input_schema();
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let properties = schema.get("properties").and_then(Value::as_object);
    let sent = |name: &str| form.fields.iter().any(|(key, _)| key == name);
    properties
        .into_iter()
        .flatten()
        .map(|(name, property)| (name, property, required.contains(&name.as_str())))
        // A form that came back asks what its page asked, and what was missing; not everything the operation takes.
        .filter(|(name, _, required)| error.is_none() || *required || sent(name) || concerns(error, name))
        .filter(|(name, _, _)| !unseen(name, error) || !sent(name) && error.is_none())
        .map(|(name, property, required)| field(entry, form, error, name, property, required))
        .collect()
}

/// Whether an error is about a field or a part of it.
fn concerns(error: Option<&Error>, name: &str) -> bool {
    let at = error.and_then(|error| error.field.as_deref());
    at.is_some_and(|at| at == name || at.starts_with(&format!("{name}.")))
}

fn unseen(name: &str, error: Option<&Error>) -> bool {
    UNSEEN.contains(&name) && !concerns(error, name)
}

fn field(
    entry: &Entry,
    form: &Submitted,
    error: Option<&Error>,
    name: &str,
    property: &Value,
    required: bool,
) -> Field {
    let values: Vec<&str> =
        form.fields.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect();
    let secret = is_never_shown(entry, name);
    let value = if secret { String::new() } else { values.join(",") };
    let kind = property.get("type").and_then(Value::as_str).unwrap_or_default();
    let choices = property.get("enum").and_then(Value::as_array);
    let drawn = match (choices, kind) {
        _ if secret => Field::password(name, label(name)),
        (Some(choices), _) => {
            let options: Vec<(String, String)> =
                choices.iter().filter_map(Value::as_str).map(|one| (one.to_owned(), label(one))).collect();
            Field::select(name, label(name), options)
        }
        (None, "boolean") => Field::select(name, label(name), [("true", "Yes"), ("false", "No")]),
        (None, "integer" | "number") => Field::input("text", name, label(name)),
        _ if value.contains('\n') || matches!(name, "detail" | "text" | "body" | "yaml" | "notes") => {
            Field::textarea(name, label(name))
        }
        _ => Field::text(name, label(name)),
    };
    let message = error.filter(|_| concerns(error, name)).map(|error| error.message.clone());
    let help = property.get("description").and_then(Value::as_str).unwrap_or_default();
    let drawn = if required { drawn.required() } else { drawn };
    let drawn = drawn.value(value).error(message);
    if help.is_empty() { drawn } else { drawn.help(help) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
    struct Make {}

    impl kernel::Operation for Make {
        const NAME: &'static str = "test.token.make";
        const ROUTE: kernel::Route = kernel::post("/test");
        const ACCESS: kernel::Access = kernel::Access::Grant;
        const EFFECT: Effect = Effect::Write;
        type Output = ();
        fn run(&self, _: &mut kernel::Cx) -> kernel::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_secret_that_is_not_shown_again_gets_a_page_unless_the_form_leads_to_one() {
        let entry = Entry::of::<Make>();
        let form = |text: &str| Submitted::parse(text.as_bytes()).unwrap();
        let output = json!({ "id": 1, "token": "mst_<b>" });
        let page = once(&entry, &form("_back=/me"), &output).unwrap().into_string();
        assert!(page.contains("mst_&lt;b&gt;"), "{page}");
        assert!(once(&entry, &form("_back=/fleet/tokens/{id}"), &output).is_none());
        assert!(once(&entry, &form("_back=/me"), &json!({ "id": 1 })).is_none());
    }
}
