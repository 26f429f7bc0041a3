//! The form that makes a check, one shape a kind, and the fields that a change shares with it.

use kernel::Result;
use maud::{Markup, html};
use serde_json::Value;
use web::page::{Content, PageCx};
use web::ui::{Button, Card, Field, Filter, Form, PageHeader, Tab, Tabs};

use crate::check::{Check, Severity};
use crate::probe::{Kind, Probe};

/// Most assets that the form offers at a time; others are found by a word.
const ASSETS_MAX: usize = 200;

struct View {
    kind: Kind,
    asset: String,
    assets: Vec<(String, String)>,
    /// There are more assets than the form offers.
    more: bool,
    find: String,
    teams: Vec<(String, String)>,
    csrf: String,
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let kind = page.param("kind").and_then(Kind::parse).unwrap_or(Kind::Process);
    let asset = page.param("asset").unwrap_or_default().to_owned();
    let find = page.param("q").unwrap_or_default().trim().to_owned();
    let (assets, more) = asset_options(page, &asset, &find)?;
    let view = View { kind, asset, assets, more, find, teams: team_options(page, None)?, csrf: page.csrf.clone() };
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
    let tabs = Kind::ALL.map(|kind| {
        let to = [("kind", kind.as_str()), ("asset", view.asset.as_str()), ("q", view.find.as_str())];
        let to = super::with("/monitoring/checks/new", &to);
        Tab::new(kind.title(), to).current(kind == view.kind)
    });
    let mut form = Form::post("/do/monitor.check.create", view.csrf.clone())
        .back("/monitoring/checks/{id}")
        .field(Field::hidden("kind", view.kind.as_str()))
        .field(
            Field::select("asset", "Asset", view.assets.clone())
                .value(view.asset.clone())
                .required()
                .help("Its agent looks. A check of another machine's port or web address is made here too."),
        );
    for field in probe_fields(view.kind, None) {
        form = form.field(field);
    }
    form = form.field(Field::text("name", "Name").help("Left empty, it is what the check looks at.").length_max(120));
    for part in rule_fields(None, &view.teams) {
        form = form.fields(part);
    }
    let form =
        form.action(Button::submit("Create check").primary()).action(Button::link("Cancel", "/monitoring/checks"));
    html! {
        (PageHeader::new("New check").crumb("Monitoring", Some("/monitoring")).crumb("Checks", Some("/monitoring/checks"))
            .subtitle(html! { "Looked at again and again; an alert when it is not as it should be." }))
        (Tabs::new("Kinds of checks", tabs))
        @if view.more || !view.find.is_empty() {
            p { "There are more assets than the list below can hold. Find the one you mean by a word of its name." }
            (Filter::new("/monitoring/checks/new", view.find.clone()).placeholder("Words of the asset's name")
                .keep("kind", view.kind.as_str()))
        }
        (Card::new(view.kind.title()).body(html! { (form) }))
    }
}

/// The fields of a kind, filled from a probe when there is one.
pub(super) fn probe_fields(kind: Kind, probe: Option<&Probe>) -> Vec<Field> {
    match (kind, probe) {
        (Kind::Process, probe) => {
            let (name, line, count) = match probe {
                Some(Probe::Process { process, command_line, min_count }) => (
                    process.clone().unwrap_or_default(),
                    command_line.clone().unwrap_or_default(),
                    min_count.to_string(),
                ),
                _ => (String::new(), String::new(), String::new()),
            };
            vec![
                Field::text("process", "Process")
                    .value(name)
                    .placeholder("nginx")
                    .mono()
                    .help("The name as ps shows it."),
                Field::text("command_line", "Or a text in its command line")
                    .value(line)
                    .mono()
                    .help("For scripts and Java, where the name says nothing."),
                Field::input("number", "min_count", "Fewest that must run").value(count).placeholder("1"),
            ]
        }
        (Kind::Tcp, probe) => {
            let (host, port) = match probe {
                Some(Probe::Tcp { host, port }) => (host.clone(), port.to_string()),
                _ => ("localhost".to_owned(), String::new()),
            };
            vec![
                Field::text("host", "Host").value(host).required().mono(),
                Field::input("number", "port", "Port").value(port).required(),
            ]
        }
        (Kind::Http, probe) => http_fields(probe),
        (Kind::FileSystem, probe) => {
            let (mount, most) = match probe {
                Some(Probe::FileSystem { mount, max_used_percent }) => (mount.clone(), max_used_percent.to_string()),
                _ => ("/".to_owned(), String::new()),
            };
            vec![
                Field::text("mount", "Mount point").value(mount).required().mono(),
                Field::input("number", "max_used_percent", "Highest percentage in use").value(most).placeholder("90"),
            ]
        }
        (Kind::Unit, probe) => {
            let unit = if let Some(Probe::Unit { unit }) = probe { unit.clone() } else { String::new() };
            vec![Field::text("unit", "Unit").value(unit).required().mono().placeholder("nginx.service")]
        }
        (Kind::Rule, _) => Vec::new(),
        (Kind::Silent, probe) => {
            let after = if let Some(Probe::Silent { silent_after_s }) = probe {
                silent_after_s.to_string()
            } else {
                String::new()
            };
            vec![Field::input("number", "silent_after_s", "Seconds without a message").value(after).placeholder("120")]
        }
    }
}

fn http_fields(probe: Option<&Probe>) -> Vec<Field> {
    let (url, codes, contains) = match probe {
        Some(Probe::Http { url, expect_status, contains }) => {
            let codes: Vec<String> = expect_status.iter().map(ToString::to_string).collect();
            (url.clone(), codes.join(", "), contains.clone().unwrap_or_default())
        }
        _ => (String::new(), String::new(), String::new()),
    };
    vec![
        Field::input("url", "url", "Address")
            .value(url)
            .required()
            .mono()
            .placeholder("https://intranet.example.org/health"),
        Field::text("expect_status", "Good status codes")
            .value(codes)
            .placeholder("200, 204")
            .help("Left empty, 200 to 299 are good."),
        Field::text("contains", "Text that the answer must hold").value(contains),
    ]
}

/// The fields that say when it is an alert, in rows.
pub(super) fn rule_fields(check: Option<&Check>, teams: &[(String, String)]) -> Vec<Vec<Field>> {
    let number = |name: &str, label: &str, value: Option<i64>, usual: &str| {
        let value = value.map(|value| value.to_string()).unwrap_or_default();
        Field::input("number", name, label).value(value).placeholder(usual)
    };
    let severity = check.map_or(Severity::Critical, |check| check.severity);
    vec![
        vec![
            number("interval_s", "Every (seconds)", check.map(|check| check.interval_s), "10"),
            number("clear_k", "Good results that end the alert", check.map(|check| check.clear_k), "2"),
        ],
        vec![
            number("fire_n", "Bad results that make an alert", check.map(|check| check.fire_n), "2"),
            number("fire_m", "Of the last", check.map(|check| check.fire_m), "3"),
        ],
        vec![
            Field::select("severity", "Severity", [("critical", "Critical"), ("warning", "Warning")])
                .value(severity.as_str()),
            Field::select("team", "Team that is told", teams.to_vec())
                .value(check.and_then(|check| check.team).map(|team| team.to_string()).unwrap_or_default()),
        ],
    ]
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
                teams: vec![("2".into(), HOSTILE.into())],
                csrf: "token".into(),
            };
            let html = draw(&view).into_string();
            assert!(html.contains(&format!("value=\"{}\"", kind.as_str())), "{html}");
            assert!(html.contains("value=\"417\" selected") && !html.contains("<script>alert"));
        }
    }
}
