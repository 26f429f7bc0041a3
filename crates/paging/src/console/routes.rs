//! `/on-call/routes`: the tree, a form that adds to it, and the preview of who would be told.

use std::collections::BTreeMap;

use kernel::{Operation, Result};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{
    Button, Card, Clock, Column, Dialog, Empty, Field, Form, PageHeader, Row, Split, Table, Tone, columns, notice,
    post_button, status,
};

use super::tabs;
use crate::policy::list::ListPolicies;
use crate::route::Node;
use crate::route::change::{AddRoute, MoveRoute};
use crate::route::list::ListRoutes;
use crate::route::preview::{Planned, Preview, PreviewRoute};

/// What forms about routes offer.
#[derive(Clone, Debug, Default)]
pub(super) struct Choices {
    pub(super) policies: Vec<(i64, String)>,
    pub(super) teams: Vec<(i64, String)>,
    pub(super) places: Vec<(i64, String)>,
    pub(super) nodes: Vec<(i64, String)>,
}

impl Choices {
    pub(super) fn load(page: &mut PageCx, nodes: &[Node]) -> Result<Self> {
        let policies = page.cx.call(&ListPolicies {})?.items;
        Ok(Self {
            policies: policies.into_iter().map(|one| (one.id, one.name)).collect(),
            teams: people::team_choices(page.cx)?,
            places: people::place_choices(page.cx)?,
            nodes: nodes.iter().map(|one| (one.id, one.name.clone())).collect(),
        })
    }

    /// What a route leads to, in words.
    fn policy(&self, node: &Node) -> String {
        match node.policy {
            Some(id) => named(&self.policies, id),
            None if node.parent.is_some() => "As above".into(),
            None => "Default".into(),
        }
    }
}

fn named(all: &[(i64, String)], id: i64) -> String {
    all.iter().find(|(known, _)| *known == id).map_or_else(|| id.to_string(), |(_, name)| name.clone())
}

/// Options with a first choice of nothing.
pub(super) fn options(empty: &str, all: &[(i64, String)]) -> Vec<(String, String)> {
    let first = std::iter::once((String::new(), empty.to_owned()));
    first.chain(all.iter().map(|(id, name)| (id.to_string(), name.clone()))).collect()
}

struct View {
    nodes: Vec<Node>,
    choices: Choices,
    asked: Asked,
    preview: Option<std::result::Result<Preview, String>>,
    may: bool,
    csrf: String,
    clock: Clock,
}

/// What is asked of the preview.
#[derive(Default)]
struct Asked {
    labels: String,
    severity: String,
    team: String,
    place: String,
    at: String,
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let nodes = page.cx.call(&ListRoutes {})?.items;
    let text = |name: &str| page.param(name).unwrap_or_default().to_owned();
    let asked = Asked {
        labels: text("labels"),
        severity: text("severity"),
        team: text("team"),
        place: text("place"),
        at: text("at"),
    };
    let preview =
        if asked.severity.is_empty() || !page.cx.may(PreviewRoute::NAME) { None } else { Some(preview(page, &asked)) };
    let may = page.cx.may(AddRoute::NAME);
    let choices = Choices::load(page, &nodes)?;
    let view = View { nodes, choices, asked, preview, may, csrf: page.csrf.clone(), clock: page.clock() };
    Ok(Content::new("Routes", draw(&view)))
}

fn preview(page: &mut PageCx, asked: &Asked) -> std::result::Result<Preview, String> {
    let pair = |part: &str| {
        part.split_once('=').map(|(name, value)| (name.trim().to_owned(), value.trim().trim_matches('"').to_owned()))
    };
    let labels: BTreeMap<String, String> = asked.labels.split([',', '\n']).filter_map(pair).collect();
    let at = match asked.at.as_str() {
        "" => None,
        text => {
            let wall: jiff::civil::DateTime =
                text.parse().map_err(|_| "This is no time. Write it like 2026-03-02T22:00.".to_owned())?;
            let moment = wall.to_zoned(page.zone.clone()).map_err(|error| error.to_string())?;
            Some(kernel::Time(moment.timestamp().as_microsecond()))
        }
    };
    let asked = PreviewRoute {
        labels,
        severity: asked.severity.clone(),
        team: asked.team.parse().ok(),
        place: asked.place.parse().ok(),
        kind: String::new(),
        at,
    };
    page.cx.call(&asked).map_err(|error| error.message)
}

fn depth(nodes: &[Node], node: &Node) -> usize {
    let (mut depth, mut next) = (0, node.parent);
    while let Some(parent) = next.filter(|_| depth < 10) {
        depth += 1;
        next = nodes.iter().find(|one| one.id == parent).and_then(|one| one.parent);
    }
    depth
}

/// What a route wants, in words.
fn wants(node: &Node, choices: &Choices) -> String {
    let one = &node.wanted;
    let mut all = Vec::new();
    if !one.matchers.is_empty() {
        all.push(one.matchers.clone());
    }
    if !one.severity.is_empty() {
        all.push(one.severity.clone());
    }
    for (ids, names) in [(&one.teams, &choices.teams), (&one.places, &choices.places)] {
        all.extend(ids.iter().map(|id| named(names, *id).trim().to_owned()));
    }
    all.extend(one.kinds.iter().cloned());
    if !one.hours.is_empty() {
        all.push(one.hours.clone());
    }
    let mut text = if all.is_empty() { "Everything".to_owned() } else { all.join(" · ") };
    if !one.mute.is_empty() {
        text.push_str(&format!(" · muted {}", one.mute));
    }
    if node.goes_on {
        text.push_str(" · continues");
    }
    text
}

fn draw(view: &View) -> Markup {
    let mut header = PageHeader::new("Routes").crumb("On call", Some("/on-call")).subtitle(
        html! { "From the top: the first route that fits an alert group decides, and the deepest below it." },
    );
    if view.may {
        header = header.action(
            Button::link("New route", "/do/paging.route.add").opens("new-route").primary().icon("plus").key("n"),
        );
    }
    let main = html! {
        (tree(view))
        @match &view.preview {
            Some(Ok(found)) => { (shown(found, &view.clock)) }
            Some(Err(why)) => { (notice(Tone::Critical, why)) }
            None => {}
        }
    };
    html! {
        (header)
        (tabs("/on-call/routes"))
        (columns(Split::Wide, &main, &ask(view)))
        @if view.may {
            (Dialog::new("new-route", "New route").body(form(&Node { id: 0, parent: None, position: 0, name: String::new(), wanted: Default::default(), policy: None, goes_on: false, version: 1 }, &view.choices, &view.csrf)))
        }
    }
}

fn tree(view: &View) -> Markup {
    let row = |node: &Node| {
        let to = format!("/on-call/routes/{}", node.id);
        let indent = "└ ".repeat(usize::from(depth(&view.nodes, node) > 0));
        let pad = "\u{2003}".repeat(depth(&view.nodes, node).saturating_sub(1));
        let id = node.id.to_string();
        let move_by = |down: &str, icon: &'static str, label: &str| {
            let fields = [("id", id.as_str()), ("down", down), ("_back", "/on-call/routes"), ("_done", "Moved.")];
            post_button(
                "/do/paging.route.move",
                &view.csrf,
                &fields,
                &Button::submit(format!("{label}: {}", node.name)).icon_only(icon).small().quiet(),
            )
        };
        Row::new(node.name.as_str())
            .href(to.as_str())
            .cell(html! { (pad) (indent) a href=(to) dir="auto" { (node.name) } })
            .text(&wants(node, &view.choices))
            .text(&view.choices.policy(node))
            .cell(
                html! { @if view.may { (move_by("false", "arrow-up", "Up")) (move_by("true", "arrow-down", "Down")) } },
            )
    };
    let table = Table::new("Routes")
        .columns([
            Column::new("Route").main(),
            Column::new("Takes").wide(),
            Column::new("Policy"),
            Column::new("Order"),
        ])
        .rows(view.nodes.iter().map(row));
    let empty = Empty::new(
        "No route yet",
        "Every alert group is told to its team, and to whom the setting paging.default names. A route says otherwise for some.",
    );
    html! {
        (Card::new("The tree").count(view.nodes.len()).flush(html! {
            @if view.nodes.is_empty() { (empty) } @else { (table) div.in { p { "What no route takes goes to the default." } } }
        }))
    }
}

fn ask(view: &View) -> Markup {
    let asked = &view.asked;
    let severity = if asked.severity.is_empty() { "critical" } else { asked.severity.as_str() };
    let form = Form::get("/on-call/routes")
        .field(
            Field::select("severity", "Severity", [("critical", "Critical"), ("warning", "Warning")])
                .value(severity)
                .required(),
        )
        .field(Field::text("labels", "Labels").value(asked.labels.as_str()).mono().placeholder("site=oslo, job=node"))
        .field(Field::select("team", "Team", options("No team", &view.choices.teams)).value(asked.team.as_str()))
        .field(Field::select("place", "Place", options("No place", &view.choices.places)).value(asked.place.as_str()))
        .field(Field::input("datetime-local", "at", "When").value(asked.at.as_str()).help("Now when left empty."))
        .action(Button::submit("Who would be told?").primary());
    html! { (Card::new("Try it").body(html! { p { "Nothing is sent: this shows who would be told, by the routes as they are." } (form) })) }
}

fn shown(found: &Preview, clock: &Clock) -> Markup {
    let visits = found.decision.visits.iter().map(|visit| {
        let (tone, word) = if visit.fits { (Tone::Ok, "Fits") } else { (Tone::Idle, "Passed by") };
        Row::new(visit.name.as_str()).cell(status(tone, word)).main().text(&visit.why)
    });
    let looked = Table::new("Routes that were looked at")
        .columns([Column::new("Result"), Column::new("Route").main(), Column::new("Why")])
        .rows(visits);
    html! {
        @for one in &found.policies { (planned(one, clock)) }
        @if !looked.is_empty() { (Card::new("Routes that were looked at").flush(html! { (looked) })) }
    }
}

fn planned(one: &Planned, clock: &Clock) -> Markup {
    let rows = one.steps.iter().map(|step| {
        let who = html! {
            @if step.who.is_empty() { (status(Tone::Warn, "Nobody")) } @else { span dir="auto" { (step.who.join(", ")) } }
            @for why in &step.why { div.none dir="auto" { (why) } }
        };
        Row::new(format!("Step {}", step.step)).main().cell(clock.at(step.at.timestamp())).cell(who)
    });
    let table =
        Table::new("Steps").columns([Column::new("Step").main(), Column::new("When"), Column::new("Who")]).rows(rows);
    html! {
        (Card::new(format!("{} leads to {}", one.route, one.name)).flush(html! {
            @if one.muted { div.in { (notice(Tone::Planned, "A mute time without an end holds it back.")) } }
            (table)
        }))
    }
}

/// Several numbers in one field: a list of one is a choice, more are written.
fn numbers(name: &str, label: &str, empty: &str, all: &[(i64, String)], held: &[i64]) -> Field {
    if held.len() > 1 {
        let text: Vec<String> = held.iter().map(ToString::to_string).collect();
        return Field::text(name, label).value(text.join(", ")).help("By number, with commas.");
    }
    let value = held.first().map(ToString::to_string).unwrap_or_default();
    Field::select(name, label, options(empty, all)).value(value)
}

/// The form of a route; a new one has the number 0.
pub(super) fn form(node: &Node, choices: &Choices, csrf: &str) -> Markup {
    let new = node.id == 0;
    let nodes: Vec<(i64, String)> = choices.nodes.iter().filter(|(id, _)| *id != node.id).cloned().collect();
    let some = |id: Option<i64>| id.map(|id| id.to_string()).unwrap_or_default();
    let wanted = &node.wanted;
    let form =
        Form::post(if new { "/do/paging.route.add" } else { "/do/paging.route.update" }, csrf).back("/on-call/routes");
    let form = if new {
        form
    } else {
        form.field(Field::hidden("id", node.id.to_string()))
            .field(Field::hidden("expected_version", node.version.to_string()))
    };
    let severities = [("", "Any"), ("critical", "Critical"), ("warning", "Warning")];
    let form = form
        .field(
            Field::text("name", "Name")
                .value(node.name.as_str())
                .required()
                .length_max(100)
                .placeholder("Oslo at night"),
        )
        .fields([
            Field::select(
                "policy",
                "Tell by",
                options(if node.parent.is_none() { "The default" } else { "As the route above" }, &choices.policies),
            )
            .value(some(node.policy)),
            Field::select("parent", "Stands below", options("The top", &nodes)).value(some(node.parent)),
        ])
        .field(
            Field::text("matchers", "Labels")
                .value(wanted.matchers.as_str())
                .mono()
                .placeholder("site=\"oslo\", job=~\"node.*\""),
        )
        .fields([
            Field::select("severity", "Severity", severities).value(wanted.severity.as_str()),
            Field::text("kinds", "Kinds of assets").value(wanted.kinds.join(", ")).placeholder("switch, router"),
        ])
        .fields([
            numbers("teams", "Team", "Any team", &choices.teams, &wanted.teams),
            numbers("places", "Place and below", "Any place", &choices.places, &wanted.places),
        ])
        .fields([
            Field::text("hours", "In force")
                .value(wanted.hours.as_str())
                .placeholder("mon-fri 08:00-16:00 Europe/Oslo")
                .help("Always when empty."),
            Field::text("mute", "Muted")
                .value(wanted.mute.as_str())
                .placeholder("sat-sun")
                .help("What still lasts at its end is told then."),
        ])
        .field(Field::hidden("continue", "false"))
        .field(Field::checkbox("continue", "Look at later routes too").checked(node.goes_on))
        .part(html! { input type="hidden" name="_done" value="Route saved."; })
        .action(Button::submit(if new { "Add route" } else { "Save route" }).primary());
    html! { (form) }
}

/// True when the actor may move routes; for the page of one.
pub(super) fn may_change(page: &PageCx) -> bool {
    page.cx.may(MoveRoute::NAME)
}

#[cfg(test)]
mod tests {
    use super::super::{HOSTILE, check};
    use super::*;
    use crate::route::preview::Told;
    use crate::route::{Decision, Visit, Wanted};

    fn node(id: i64, parent: Option<i64>, text: &str) -> Node {
        let wanted = Wanted {
            matchers: text.into(),
            hours: text.into(),
            mute: text.into(),
            kinds: vec![text.into()],
            teams: vec![1, 2],
            ..Wanted::default()
        };
        Node { id, parent, position: 1, name: text.into(), wanted, policy: Some(7), goes_on: true, version: 1 }
    }

    fn view(nodes: Vec<Node>, text: &str, preview: Option<std::result::Result<Preview, String>>) -> View {
        let all = vec![(1, text.to_owned())];
        let choices = Choices { policies: all.clone(), teams: all.clone(), places: all.clone(), nodes: all };
        View {
            nodes,
            choices,
            asked: Asked::default(),
            preview,
            may: true,
            csrf: "t".into(),
            clock: Clock::utc_us(kernel::world::START.0),
        }
    }

    #[test]
    fn the_tree_draws_nothing_one_many_and_hostile_text() {
        check(&draw(&view(vec![], "x", None)), &["No route yet", "Who would be told?"]);
        let nodes = vec![node(1, None, HOSTILE), node(2, Some(1), HOSTILE)];
        let visit = Visit { node: 1, name: HOSTILE.into(), depth: 0, fits: true, why: HOSTILE.into() };
        let told = Told { at: kernel::world::START, step: 1, who: vec![], people: vec![], why: vec![HOSTILE.into()] };
        let planned =
            Planned { policy: 1, name: HOSTILE.into(), route: HOSTILE.into(), muted: true, steps: vec![told] };
        let preview = Preview { decision: Decision { visits: vec![visit], chosen: vec![] }, policies: vec![planned] };
        check(&draw(&view(nodes, HOSTILE, Some(Ok(preview)))), &["└ ", "continues", "Nobody", "Fits"]);
        check(&draw(&view(vec![], HOSTILE, Some(Err(HOSTILE.into())))), &["Try it"]);
    }
}
