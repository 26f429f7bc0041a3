//! Silences: those in force or to come, and the form that sets one.

use kernel::address::with_query;
use std::collections::BTreeMap;

use kernel::{Operation as _, Ref, Resolved, Result};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{
    Button, Card, Clock, Column, Empty, Field, Form, List, PageHeader, Row, Table, Tone, post_button, status,
};

use super::{ago, tabs};
use crate::silence::set::CreateSilence;
use crate::silence::update::UpdateSilence;
use crate::silence::{ListSilences, Silence, Silences};

/// An example of labels.
const EXAMPLE: &str = "alertname=\"HighLoad\", site=~\"oslo|bergen\"";
/// How long silences last that are set here.
const LENGTHS: [(&str, &str); 5] =
    [("30", "30 minutes"), ("60", "1 hour"), ("240", "4 hours"), ("1440", "1 day"), ("10080", "1 week")];

struct View {
    clock: Clock,
    now: kernel::Time,
    silences: Silences,
    covers: Vec<Vec<(String, String)>>,
    form: Option<Asked>,
    may_create: bool,
    may_change: bool,
    may_end: bool,
    ended: bool,
    csrf: String,
}

/// What is filled in.
enum Asked {
    New(Chosen),
    Change(Box<Silence>),
}

/// What the form is about to silence.
struct Chosen {
    field: &'static str,
    id: String,
    title: String,
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let ended = page.param("ended") == Some("true");
    let cursor = page.param("cursor").map(str::to_owned);
    let silences = page.cx.call(&ListSilences { ended, cursor, limit: None })?;
    let mut refs: Vec<Ref> = silences.items.iter().flat_map(Silence::subjects).collect();
    refs.sort();
    refs.dedup();
    let found = page.cx.resolve(&refs)?;
    let covers = silences.items.iter().map(|silence| targets(&found, silence)).collect();
    let view = View {
        clock: page.clock(),
        now: page.cx.now,
        covers,
        form: asked(page, &silences)?,
        may_create: page.cx.may(CreateSilence::NAME),
        may_change: page.cx.may(UpdateSilence::NAME),
        may_end: page.cx.may("monitor.silence.end"),
        ended,
        csrf: page.csrf.clone(),
        silences,
    };
    Ok(Content::new("Silences", draw(&view)))
}

/// Names and pages of what a silence covers.
fn targets(found: &BTreeMap<Ref, Resolved>, silence: &Silence) -> Vec<(String, String)> {
    let shown = |one: &Ref| match found.get(one) {
        Some(known) => (known.title.clone(), known.href.clone()),
        None => (one.to_string(), "#".to_owned()),
    };
    silence.subjects().iter().map(shown).collect()
}

/// The form that an address asks for: `change` a silence of this page, or set one.
fn asked(page: &mut PageCx, silences: &Silences) -> Result<Option<Asked>> {
    if let Some(id) = page.param("change").and_then(|text| text.parse::<i64>().ok()) {
        let found = silences.items.iter().find(|one| one.id == id && one.until > page.cx.now);
        return Ok(found.map(|found| Asked::Change(Box::new(found.clone()))));
    }
    Ok(chosen(page)?.map(Asked::New))
}

fn chosen(page: &mut PageCx) -> Result<Option<Chosen>> {
    let empty = page.param("new").filter(|new| *new == "labels").map(|_| "");
    if let Some(labels) = page.param("matchers").or(empty) {
        return Ok(Some(Chosen { field: "matchers", id: labels.to_owned(), title: "by labels".to_owned() }));
    }
    for (field, kind) in [("check", "check"), ("asset", "asset"), ("team", "team")] {
        let Some(id) = page.param(field).and_then(|text| text.parse::<i64>().ok()) else { continue };
        let subject = Ref::new(kind, id);
        let title = page.cx.resolve(std::slice::from_ref(&subject))?.remove(&subject).map(|found| found.title);
        return Ok(Some(Chosen { field, id: id.to_string(), title: title.unwrap_or_else(|| subject.to_string()) }));
    }
    Ok(None)
}

fn draw(view: &View) -> Markup {
    let mut head = PageHeader::new("Silences")
        .crumb("Monitoring", Some("/monitoring"))
        .subtitle(html! { "Nobody is told and no incident opens; checks go on and everything is recorded." })
        .action(Button::link("Calendar", "/monitoring/maintenance#calendar").icon("calendar"));
    if view.may_create {
        head = head.action(Button::link("Silence by labels", "/monitoring/silences?new=labels").icon("bell").key("c"));
    }
    html! {
        (head)
        (tabs("/monitoring/silences"))
        @match &view.form {
            Some(Asked::New(chosen)) if view.may_create => (form(view, chosen)),
            Some(Asked::Change(silence)) if view.may_change => (change(view, silence)),
            _ => {}
        }
        (list(view))
    }
}

fn form(view: &View, chosen: &Chosen) -> Markup {
    let what = match chosen.field {
        "matchers" => labels(&chosen.id).required(),
        field => Field::hidden(field, chosen.id.clone()),
    };
    let form = Form::post("/do/monitor.silence.create", view.csrf.clone())
        .back("/monitoring/silences")
        .field(what)
        .field(Field::select("minutes", "For", LENGTHS).value("60").required())
        .field(why(""))
        .action(Button::submit("Silence").primary())
        .action(Button::link("Cancel", "/monitoring/silences"));
    html! { (Card::new(format!("Silence {}", chosen.title)).body(html! { (form) })) }
}

fn labels(value: &str) -> Field {
    Field::text("matchers", "Labels")
        .value(value)
        .length_max(1_000)
        .help(format!("Alerts whose labels pass all of these, as in Alertmanager: {EXAMPLE}. Also != and !~."))
}

fn why(value: &str) -> Field {
    Field::text("reason", "Why")
        .value(value)
        .required()
        .help("For those who wonder why nobody was told.")
        .length_max(300)
}

fn change(view: &View, silence: &Silence) -> Markup {
    let lengths = std::iter::once(("", "As it is")).chain(LENGTHS);
    let form = Form::post("/do/monitor.silence.update", view.csrf.clone())
        .back("/monitoring/silences")
        .field(Field::hidden("_done", "The silence was changed."))
        .field(Field::hidden("_undo", "1"))
        .field(Field::hidden("id", silence.id.to_string()))
        .field(Field::hidden("expected_version", silence.version.to_string()))
        .field(Field::select("minutes", "Ends, from now on, in", lengths))
        .field(labels(silence.matchers.as_str()))
        .field(why(&silence.reason))
        .action(Button::submit("Save").primary())
        .action(Button::link("Cancel", "/monitoring/silences"));
    html! { (Card::new("Change the silence").body(html! { (form) })) }
}

fn list(view: &View) -> Markup {
    let columns = [
        Column::new("State"),
        Column::new("Why").main(),
        Column::new("Covers").wide(),
        Column::new("By").wide(),
        Column::new("Ends"),
        Column::new(""),
    ];
    let rows = view.silences.items.iter().zip(&view.covers).map(|(silence, covers)| row(view, silence, covers));
    let table = Table::new("Silences").columns(columns).rows(rows);
    let more = if view.ended {
        ("Hide ended ones", "/monitoring/silences")
    } else {
        ("Show ended ones", "/monitoring/silences?ended=true")
    };
    let ended = if view.ended { "true" } else { "" };
    let next = view
        .silences
        .next
        .as_ref()
        .map(|cursor| with_query("/monitoring/silences", &[("ended", ended), ("cursor", cursor)]));
    let list = List::new("silences", table).total(format!("{} {}", view.silences.count, if view.silences.count == 1 { "silence" } else { "silences" })).paging(next, None).empty(Empty::new(
        "No silences",
        "Before planned work, open an asset or a check and press Silence, or silence by labels: alerts of it are then recorded without telling anybody.",
    ));
    html! { (list) p { a href=(more.1) { (more.0) } } }
}

fn row(view: &View, silence: &Silence, covers: &[(String, String)]) -> Row {
    let (tone, word) = match (silence.until <= view.now, silence.from > view.now) {
        (true, _) => (Tone::Idle, "Ended"),
        (_, true) => (Tone::Planned, "Planned"),
        _ => (Tone::Working, "In force"),
    };
    let runs = silence.until > view.now;
    let change = if runs && view.may_change {
        let to = with_query("/monitoring/silences", &[("change", &silence.id.to_string())]);
        html! { (Button::link("Change", to).small()) }
    } else {
        html! {}
    };
    let end = if runs && view.may_end {
        let id = silence.id.to_string();
        let done = "The silence was ended.";
        let fields = [("id", id.as_str()), ("_back", "/monitoring/silences"), ("_done", done), ("_undo", "1")];
        post_button("/do/monitor.silence.end", &view.csrf, &fields, &Button::submit("End now").small())
    } else {
        html! {}
    };
    Row::new(silence.reason.clone())
        .cell(status(tone, word))
        .main()
        .cell(html! {
            @for (at, (title, to)) in covers.iter().enumerate() { @if at > 0 { ", " } a href=(web::ui::href(to)) dir="auto" { (title) } }
            @if !silence.matchers.is_empty() {
                @if !covers.is_empty() { ", " }
                code dir="ltr" { (silence.matchers.as_str()) }
            }
        })
        .cell(web::ui::person(&silence.created_by, None))
        .cell(ago(&view.clock, silence.until))
        .cell(html! { (change) (end) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::HOSTILE;

    fn drawn(items: Vec<Silence>, text: &str) -> String {
        let covers = vec![vec![(text.to_owned(), format!("javascript:{text}"))]; items.len()];
        let view = View {
            clock: Clock::utc_us(0),
            now: kernel::Time(5),
            covers,
            silences: Silences { items, next: None, count: 0, count_capped: false },
            form: Some(Asked::New(Chosen { field: "asset", id: "417".into(), title: text.to_owned() })),
            may_create: true,
            may_change: true,
            may_end: true,
            ended: false,
            csrf: "token".into(),
        };
        draw(&view).into_string()
    }

    #[test]
    fn a_silence_by_labels_shows_them_and_can_be_changed_while_it_lasts() {
        let mut silence = Silence::sample("Rollout");
        silence.matchers = "site=\"oslo\"".to_owned().into();
        let page = drawn(vec![silence.clone()], "x");
        assert!(page.contains("site=&quot;oslo&quot;") && page.contains("/monitoring/silences?change=2"));
        silence.until = kernel::Time(1);
        assert!(!drawn(vec![silence], "x").contains("?change=2"));
    }

    #[test]
    fn silences_draw_nothing_one_many_and_hostile_text() {
        assert!(drawn(vec![], "x").contains("No silences"));
        assert!(drawn(vec![Silence::sample("Update")], "x").contains("End now"));
        assert!(drawn(vec![Silence::sample("Update"); 50], "x").len() < 120_000);
        let hostile = drawn(vec![Silence::sample(HOSTILE)], HOSTILE);
        assert!(!hostile.contains("<script>alert") && !hostile.contains("href=\"javascript:"));
    }
}
