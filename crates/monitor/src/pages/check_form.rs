//! The form that makes a check, one shape a kind, and the fields that a change shares with it.

use kernel::Result;
use kernel::address::with_query;
use maud::{Markup, html};
use serde_json::Value;
use web::page::{Content, PageCx};
use web::ui::{Button, Card, Field, Filter, Form, PageHeader, Tab, Tabs};

use super::check_fields;
use super::places::Places;
use crate::check::{Check, Severity};
use crate::probe::Kind;

/// The kinds as they are chosen.
const GROUPS: [(&str, &[Kind]); 5] = [
    ("Network", &[Kind::Http, Kind::Tls, Kind::Tcp, Kind::Icmp, Kind::Dns, Kind::Ssh]),
    ("Mail", &[Kind::Smtp, Kind::Imap]),
    ("Databases", &[Kind::Postgres, Kind::Mysql]),
    (
        "Machine",
        &[Kind::Process, Kind::Unit, Kind::FileSystem, Kind::FillUp, Kind::File, Kind::Log, Kind::Plugin, Kind::Silent],
    ),
    ("Jobs", &[Kind::Heartbeat]),
];

/// Most assets that the form offers at a time; others are found by a word.
const ASSETS_MAX: usize = 200;

struct View {
    kind: Kind,
    asset: String,
    assets: Vec<(String, String)>,
    /// There are more assets than the form offers.
    more: bool,
    find: String,
    places: Places,
    teams: Vec<(String, String)>,
    csrf: String,
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let kind = page.param("kind").and_then(Kind::parse).unwrap_or(Kind::Http);
    let asset = page.param("asset").unwrap_or_default().to_owned();
    let find = page.param("q").unwrap_or_default().trim().to_owned();
    let (assets, more) = asset_options(page, &asset, &find)?;
    let places = Places::load(page, &find, None)?;
    let more = more || (kind.server_sees() && places.more);
    let teams = team_options(page, None)?;
    let view = View { kind, asset, assets, more, find, places, teams, csrf: page.csrf.clone() };
    Ok(Content::new("New check", draw(&view)))
}

/// The assets to choose from: those that the actor may see and that the words fit, and the one that was asked for; and
/// whether there are more.
fn asset_options(page: &mut PageCx, asked: &str, find: &str) -> Result<(Vec<(String, String)>, bool)> {
    let mut options = vec![(String::new(), "Choose an asset".to_owned())];
    let mut more = false;
    if page.cx.may("assets.thing.list") {
        // Words only: a colon would name a field.
        let input = serde_json::json!({ "limit": ASSETS_MAX, "filter": find.replace([':', '"'], " ") });
        let found = page.cx.call_named("assets.thing.list", input)?;
        more = found.get("next").is_some_and(|next| !next.is_null());
        for item in found.get("items").and_then(Value::as_array).into_iter().flatten() {
            let id = item.get("id").and_then(Value::as_i64);
            if let (Some(id), Some(name)) = (id, item.get("name").and_then(Value::as_str)) {
                options.push((id.to_string(), name.to_owned()));
            }
        }
    }
    let known = options.iter().any(|(id, _)| id == asked);
    if let (false, Ok(id)) = (known, asked.parse::<i64>()) {
        let subject = kernel::Ref::new("asset", id);
        if let Some(found) = page.cx.resolve(std::slice::from_ref(&subject))?.remove(&subject) {
            options.push((id.to_string(), found.title));
        }
    }
    Ok((options, more))
}

/// The teams that the actor may see, and the one that is chosen now.
pub(super) fn team_options(page: &mut PageCx, chosen: Option<i64>) -> Result<Vec<(String, String)>> {
    let mut options = vec![(String::new(), "The asset's team".to_owned())];
    let mut teams = people::team_choices(page.cx)?;
    if let Some(chosen) = chosen.filter(|chosen| teams.iter().all(|(id, _)| id != chosen)) {
        teams.extend(people::names(page.cx.tx, "team", &[chosen])?);
    }
    options.extend(teams.into_iter().map(|(id, name)| (id.to_string(), name)));
    Ok(options)
}

fn draw(view: &View) -> Markup {
    let to = |kind: Kind| {
        let fields = [("kind", kind.as_str()), ("asset", view.asset.as_str()), ("q", view.find.as_str())];
        with_query("/monitoring/checks/new", &fields)
    };
    let group = GROUPS.iter().find(|(_, kinds)| kinds.contains(&view.kind)).copied().unwrap_or(("", &[]));
    let groups = GROUPS.iter().filter_map(|(title, kinds)| {
        let first = kinds.first()?;
        Some(Tab::new(*title, to(*first)).current(*title == group.0))
    });
    let kinds = group.1.iter().map(|kind| Tab::new(kind.title(), to(*kind)).current(*kind == view.kind));
    let mut form = Form::post("/do/monitor.check.create", view.csrf.clone())
        .back("/monitoring/checks/{id}")
        .field(Field::hidden("kind", view.kind.as_str()))
        .field(
            Field::select("asset", "Asset", view.assets.clone())
                .value(view.asset.clone())
                .required()
                .help("What the check is about, and whose team is told."),
        );
    form = check_fields::put(form, view.kind, None);
    if view.kind.server_sees() {
        let typed = form.typed("vantages");
        form = form.part(view.places.ticks(&view.asset, typed.as_deref()));
    }
    form = form.field(Field::text("name", "Name").help("Left empty, it is what the check looks at.").length_max(120));
    for part in rule_fields(view.kind, None, &view.teams) {
        form = form.fields(part);
    }
    let form =
        form.action(Button::submit("Create check").primary()).action(Button::link("Cancel", "/monitoring/checks"));
    html! {
        (PageHeader::new("New check").crumb("Monitoring", Some("/monitoring")).crumb("Checks", Some("/monitoring/checks"))
            .subtitle(html! { "Looked at again and again; an alert when it is not as it should be." }))
        (Tabs::new("Groups of kinds", groups))
        @if group.1.len() > 1 { (Tabs::new("Kinds of checks", kinds)) }
        @if view.more || !view.find.is_empty() {
            p { "There are more assets than the lists below can hold. Find the ones you mean by a word of their names." }
            (Filter::new("/monitoring/checks/new", view.find.clone()).placeholder("Words of the asset's name")
                .keep("kind", view.kind.as_str()))
        }
        (Card::new(view.kind.title()).body(html! { (form) }))
    }
}

/// The fields that say when it is an alert, in rows.
pub(super) fn rule_fields(kind: Kind, check: Option<&Check>, teams: &[(String, String)]) -> Vec<Vec<Field>> {
    let usual = kind.usual_rule();
    let number = |name: &str, label: &str, value: Option<i64>, usual: &str| {
        let value = value.map(|value| value.to_string()).unwrap_or_default();
        Field::input("number", name, label).value(value).placeholder(usual)
    };
    let severity = check.map_or(Severity::Critical, |check| check.severity);
    vec![
        vec![
            number(
                "interval_s",
                "Every (seconds)",
                check.map(|check| check.interval_s),
                &kind.usual_interval_s().to_string(),
            ),
            number(
                "clear_k",
                "Good results that end the alert",
                check.map(|check| check.clear_k),
                &usual.2.to_string(),
            ),
        ],
        vec![
            number("fire_n", "Bad results that make an alert", check.map(|check| check.fire_n), &usual.0.to_string()),
            number("fire_m", "Of the last", check.map(|check| check.fire_m), &usual.1.to_string()),
        ],
        vec![
            number("for_s", "Bad for so long first (seconds)", check.map(|check| check.for_ms / 1_000), "0"),
            number(
                "keep_firing_s",
                "Stays out when well (seconds)",
                check.map(|check| check.keep_firing_ms / 1_000),
                "0",
            ),
        ],
        vec![
            Field::select("severity", "Severity", [("critical", "Critical"), ("warning", "Warning")])
                .value(severity.as_str()),
            Field::select("team", "Team that is told", teams.to_vec())
                .value(check.and_then(|check| check.team).map(|team| team.to_string()).unwrap_or_default()),
        ],
        vec![
            Field::text("labels", "Labels")
                .value(check.map(|check| pairs(&check.labels)).unwrap_or_default())
                .placeholder("tier=web, env=production")
                .mono()
                .help("Alerts are routed by them."),
        ],
    ]
}

/// Labels as they are typed.
fn pairs(labels: &crate::Labels) -> String {
    labels.0.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::HOSTILE;

    #[test]
    fn every_kind_has_a_form_and_hostile_names_stay_text() {
        for kind in Kind::ALL {
            let view = View {
                kind,
                asset: "417".into(),
                assets: vec![("417".into(), HOSTILE.into())],
                more: true,
                find: HOSTILE.into(),
                places: Places::sample(HOSTILE),
                teams: vec![("2".into(), HOSTILE.into())],
                csrf: "token".into(),
            };
            let html = draw(&view).into_string();
            assert!(html.contains(&format!("value=\"{}\"", kind.as_str())), "{html}");
            assert!(html.contains("value=\"417\" selected") && !html.contains("<script>alert"));
        }
    }
}
