//! `/people/rotas/{id}/edit`: the rotations of a rota as a form, with a preview of what they would mean. The form is sent by GET
//! to this page, so that nothing is stored before it was seen; what the preview shows is what its button saves.

use kernel::{Error, Operation, Result};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{Button, Card, Field, Form, PageHeader, Split, Tone, columns, notice};

use super::rota_strip::{Window, strips};
use crate::rota::list::one;
use crate::rota::roster::Roster;
use crate::rota::text::LAYERS_MAX;
use crate::rota::{Hours, Kind, Length, Rota, Rotation, change, reached, store, text, time};
use crate::{Persons, UpdateRota};

/// Most logins beside the form.
const LOGINS_MAX: usize = 40;

/// A rotation as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Draft {
    name: String,
    kind: String,
    length: String,
    start: String,
    people: String,
    hours: String,
    adds: bool,
    order: String,
}

/// What a preview shows, or why there is none.
type Preview = std::result::Result<(Roster, Window), String>;

struct View<'a> {
    rota: &'a Rota,
    zone: String,
    drafts: Vec<Draft>,
    preview: Preview,
    logins: Vec<String>,
    csrf: &'a str,
    here: String,
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let id = page.id("id")?;
    let rota = reached(page.cx, id, UpdateRota::NAME)?;
    let sent = page.param("kind.0").is_some();
    let zone = page.param("time_zone").unwrap_or(&rota.time_zone).to_owned();
    let drafts = if sent { typed(page) } else { kept(page, &rota)? };
    let preview = match preview(page, &rota, &zone, &drafts) {
        Ok(shown) => Ok(shown),
        Err(error) if error.kind == kernel::ErrorKind::Internal => return Err(error),
        Err(error) => Err(in_words(&error)),
    };
    let logins = logins(page, &rota)?;
    let view =
        View { rota: &rota, zone, drafts, preview, logins, csrf: &page.csrf, here: format!("/people/rotas/{id}") };
    Ok(Content::new(format!("Rotations of {}", rota.name), body(&view)))
}

/// The drafts of the query.
fn typed(page: &PageCx) -> Vec<Draft> {
    let read = |place: usize| {
        let field = |name: &str| page.param(&format!("{name}.{place}")).unwrap_or_default().trim().to_owned();
        Draft {
            name: field("name"),
            kind: field("kind"),
            length: field("length"),
            start: field("start"),
            people: field("people"),
            hours: field("hours"),
            adds: !field("adds").is_empty(),
            order: field("order"),
        }
    };
    let mut drafts: Vec<Draft> = (0..LAYERS_MAX).map(read).filter(|draft| !draft.people.is_empty()).collect();
    drafts.sort_by_key(|draft| draft.order.parse::<i64>().unwrap_or(i64::MAX));
    drafts
}

/// The drafts of a rota as it is kept.
fn kept(page: &mut PageCx, rota: &Rota) -> Result<Vec<Draft>> {
    let people = store::people(page.cx.tx, &rota.participants())?;
    let login = |text: &String| {
        let number = text.strip_prefix("user:").and_then(|id| id.parse::<i64>().ok());
        let known = number.and_then(|id| people.get(&id)).filter(|one| one.active);
        known.map_or_else(|| text.clone(), |one| one.login.clone())
    };
    let draft = |one: &Rotation| Draft {
        name: one.name.clone(),
        kind: kind_word(one.kind).to_owned(),
        length: one.length.as_ref().map(ToString::to_string).unwrap_or_default(),
        start: one.start.strip_suffix(":00").filter(|start| start.len() == 16).unwrap_or(&one.start).to_owned(),
        people: one.participants.iter().map(login).collect::<Vec<_>>().join("\n"),
        hours: one.restrictions.iter().map(Hours::line).collect::<Vec<_>>().join("\n"),
        adds: one.adds,
        order: String::new(),
    };
    Ok(rota.rotations.iter().map(draft).collect())
}

/// What people sign in with who may well take turns: those of the rota's team, else the first that the reader sees.
fn logins(page: &mut PageCx, rota: &Rota) -> Result<Vec<String>> {
    let members = match rota.team {
        Some(team) => crate::members(page.cx.tx, team)?,
        None => Vec::new(),
    };
    let members = store::people(page.cx.tx, &members)?;
    if !members.is_empty() {
        return Ok(members.into_values().map(|one| one.login).take(LOGINS_MAX).collect());
    }
    let people = Persons::load(page.cx, &[])?;
    Ok(people.logins().into_iter().take(LOGINS_MAX).map(str::to_owned).collect())
}

const KINDS: [(&str, &str, Kind); 4] = [
    ("weekly", "Weeks", Kind::Weekly),
    ("daily", "Days", Kind::Daily),
    ("hourly", "Hours", Kind::Hourly),
    ("custom", "A duration", Kind::Custom),
];

fn kind_word(kind: Kind) -> &'static str {
    KINDS.iter().find(|(_, _, known)| *known == kind).map_or("custom", |(word, _, _)| word)
}

impl Draft {
    fn rotation(&self, place: usize) -> Result<Rotation> {
        let field = |name: &str| format!("rotations[{place}].{name}");
        let kind = KINDS.iter().find(|(word, _, _)| *word == self.kind).map(|(_, _, kind)| *kind);
        let length = match self.length.as_str() {
            "" => None,
            text => Some(text.parse().map_or_else(|_| Length::Text(text.to_owned()), Length::Count)),
        };
        let lines = |text: &str| -> Vec<String> {
            text.split(['\n', '\r', ',']).map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
        };
        let hours = self.hours.lines().map(str::trim).filter(|line| !line.is_empty());
        Ok(Rotation {
            name: self.name.clone(),
            kind: kind.ok_or_else(|| Error::invalid(&field("kind"), "Choose what the length counts."))?,
            length,
            start: self.start.clone(),
            participants: lines(&self.people),
            restrictions: hours.map(|line| Hours::parse(&field("restrictions"), line)).collect::<Result<Vec<_>>>()?,
            adds: self.adds,
        })
    }
}

fn preview(page: &mut PageCx, rota: &Rota, zone: &str, drafts: &[Draft]) -> Result<(Roster, Window)> {
    let known = text::zone(zone)?;
    let wanted = drafts.iter().enumerate().map(|(place, draft)| draft.rotation(place)).collect::<Result<Vec<_>>>()?;
    let rotations = change::rotations(page.cx, &wanted, zone, &rota.participants())?;
    let now = page.cx.now.timestamp();
    let window = Window::at(&known, now, now);
    let drafted = Rota { time_zone: zone.trim().to_owned(), rotations, ..rota.clone() };
    let roster = one(page.cx, drafted, time(window.from), time(window.to))?;
    Ok((roster, window))
}

/// An error about a part of a rotation, as somebody reads it who sees a form.
fn in_words(error: &Error) -> String {
    let field = error.field.as_deref().unwrap_or_default();
    let part = field.strip_prefix("rotations[").and_then(|rest| rest.split_once(']'));
    match part.and_then(|(place, rest)| Some((place.parse::<usize>().ok()?, rest))) {
        Some((place, rest)) => {
            let name = rest.trim_start_matches('.').split(['.', '[']).next().unwrap_or_default();
            let name = if name.is_empty() { String::new() } else { format!(", {name}") };
            format!("Rotation {}{name}: {}", place + 1, error.message)
        }
        None => error.message.clone(),
    }
}

fn body(view: &View<'_>) -> Markup {
    let header = PageHeader::new(format!("Rotations of {}", view.rota.name))
        .crumb("On call", Some("/people/rotas"))
        .crumb(view.rota.name.as_str(), Some(&view.here))
        .subtitle(html! { "Later rotations lie on top: they replace those before them wherever they are in force." });
    html! { (header) (columns(Split::Wide, &html! { (preview_part(view)) (form(view)) }, &help(view))) }
}

fn form(view: &View<'_>) -> Markup {
    let mut form = Form::get(format!("{}/edit", view.here)).swap("preview").field(
        Field::text("time_zone", "Time zone").value(view.zone.as_str()).required().help("Hand-offs follow its clocks."),
    );
    let empty = Draft { kind: "weekly".into(), ..Draft::default() };
    let more = (view.drafts.len() < LAYERS_MAX).then_some(&empty);
    for (place, draft) in view.drafts.iter().chain(more).enumerate() {
        form = form.part(
            html! { h3 { @if place < view.drafts.len() { "Rotation " (place + 1) } @else { "One more rotation" } } },
        );
        for row in rows(place, draft) {
            form = form.fields(row);
        }
        form = form.field(
            Field::checkbox(format!("adds.{place}"), "On call together with the rotations below it")
                .checked(draft.adds),
        );
    }
    let form =
        form.action(Button::submit("Preview").primary().key("p")).action(Button::link("Cancel", view.here.as_str()));
    html! { (Card::new("Rotations").body(html! { (form) })) }
}

fn rows(place: usize, draft: &Draft) -> Vec<Vec<Field>> {
    let kinds = KINDS.map(|(word, label, _)| (word, label));
    let at = |name: &str| format!("{name}.{place}");
    vec![
        vec![
            Field::text(at("name"), "Name").value(draft.name.as_str()).length_max(80).placeholder("Nights"),
            Field::input("number", at("order"), "Place, 1 lies at the bottom").value((place + 1).to_string()),
        ],
        vec![
            Field::select(at("kind"), "Turns are counted in", kinds).value(draft.kind.as_str()).required(),
            Field::text(at("length"), "Length of a turn")
                .value(draft.length.as_str())
                .length_max(40)
                .placeholder("1, 12h or P3D"),
        ],
        vec![
            Field::input("datetime-local", at("start"), "First turn begins").value(draft.start.as_str()),
            Field::textarea(at("hours"), "In force only")
                .value(draft.hours.as_str())
                .mono()
                .placeholder("mon-fri 08:00-16:00"),
        ],
        vec![
            Field::textarea(at("people"), "Who takes turns, in order")
                .value(draft.people.as_str())
                .help("One login in each line. Left empty, the rotation goes away."),
        ],
    ]
}

fn preview_part(view: &View<'_>) -> Markup {
    let inside = match &view.preview {
        Err(message) => html! { div.in { (notice(Tone::Critical, message)) } },
        Ok((roster, _)) if roster.rota.rotations.is_empty() => {
            html! { div.in { (notice(Tone::Info, "Without a rotation nobody is on call.")) (save(view, roster)) } }
        }
        Ok((roster, window)) => html! { (strips(roster, window)) div.in { (save(view, roster)) } },
    };
    html! { (Card::new("Preview of two weeks").id("preview").note(html! { "nothing is saved yet" }).flush(inside)) }
}

fn save(view: &View<'_>, roster: &Roster) -> Markup {
    let same = roster.rota.rotations == view.rota.rotations && roster.rota.time_zone == view.rota.time_zone;
    if same {
        return html! { p { "This is how the rota is now." } };
    }
    let rotations = serde_json::json!(roster.rota.rotations).to_string();
    let form = Form::post("/do/people.rota.update", view.csrf)
        .back(view.here.as_str())
        .field(Field::hidden("id", view.rota.id.to_string()))
        .field(Field::hidden("expected_version", view.rota.version.to_string()))
        .field(Field::hidden("time_zone", roster.rota.time_zone.as_str()))
        .field(Field::hidden("rotations", rotations))
        .part(html! {
            input type="hidden" name="_done" value="The rota is changed.";
            input type="hidden" name="_undo" value="1";
        })
        .action(Button::submit("Save what the preview shows").primary());
    html! { (form) }
}

fn help(view: &View<'_>) -> Markup {
    html! {
        (Card::new("How turns go").body(html! {
            p { "A turn begins at the same time of the clock on the wall, whatever summer time does. Nobody is on call before the first turn." }
            p { "In force only: one line for each time, such as " code { "mon-fri 08:00-16:00" } " or " code { "18:00-08:00" } ". Empty means always." }
            p { "Where a rotation is not in force, the one below it counts." }
        }))
        @if !view.logins.is_empty() {
            (Card::new("Logins").body(html! { p.mono dir="ltr" { (view.logins.join(" ")) } }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::rota::tests::{roster, rota};
    use super::super::tests::{HOSTILE, check};
    use super::*;

    fn drawn(name: &str, drafts: Vec<Draft>, preview: Preview) -> Markup {
        let rota = rota(name);
        body(&View {
            rota: &rota,
            zone: "Europe/Oslo".into(),
            drafts,
            preview,
            logins: vec!["ada".into()],
            csrf: "t",
            here: "/people/rotas/1".into(),
        })
    }

    fn draft(hours: &str) -> Draft {
        Draft {
            kind: "daily".into(),
            start: "2026-03-02T08:00".into(),
            people: "ada\n grace ".into(),
            hours: hours.into(),
            ..Draft::default()
        }
    }

    #[test]
    fn the_form_shows_what_would_be_and_saves_only_that() {
        let mut changed = roster(HOSTILE, &[]);
        changed.rota.time_zone = "UTC".into();
        let now = kernel::world::START.timestamp();
        let window = Window::at(&changed.zone, now, now);
        let page = drawn(HOSTILE, vec![draft("mon-fri 08:00-16:00")], Ok((changed, window)));
        check(&page, &["Save what the preview shows", "name=\"kind.0\"", "One more rotation", "mon-fri 08:00-16:00"]);
        let same = roster("Infra", &[]);
        let window = Window::at(&same.zone, now, now);
        check(&drawn("Infra", vec![], Ok((same, window))), &["This is how the rota is now."]);
        let refused = drawn("Infra", vec![draft("x")], Err(HOSTILE.into()));
        check(&refused, &["name=\"people.0\""]);
        assert!(!refused.0.contains("Save what the preview shows"));
    }

    #[test]
    fn what_was_typed_becomes_a_rotation_or_an_error_that_says_where() {
        let read = draft("sat,sun 10:00-12:00\n18:00-08:00").rotation(0).unwrap();
        assert_eq!(read.participants, ["ada", "grace"]);
        assert_eq!(
            read.restrictions.iter().map(Hours::line).collect::<Vec<_>>(),
            ["sat,sun 10:00-12:00", "18:00-08:00"]
        );
        let error = draft("someday").rotation(2).unwrap_err();
        assert_eq!(error.field.as_deref(), Some("rotations[2].restrictions"));
        assert!(in_words(&error).starts_with("Rotation 3, restrictions: "), "{}", in_words(&error));
        assert_eq!(in_words(&Error::invalid("time_zone", "No.")), "No.");
        assert!(Draft { kind: "x".into(), ..draft("") }.rotation(0).is_err());
    }
}
