//! The list of checks.

use kernel::Result;
use kernel::address::with_query;
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{Button, Clock, Column, Empty, Filter, PageHeader, Row, Table, status, tag};

use super::listed::Listed;
use super::{Names, ago, looks, tabs};
use crate::check::Check;
use crate::check::list::{Checks, ListChecks};
use crate::machine::State;
use crate::probe::Kind;

/// Labels of a check in its row.
const LABELS_SHOWN: usize = 2;

struct View {
    clock: Clock,
    checks: Checks,
    names: Names,
    asked: Asked,
    csrf: String,
}

/// What the address asks for.
#[derive(Clone, Debug, Default)]
struct Asked {
    q: String,
    kind: String,
    state: String,
    paused: String,
    asset: String,
    cursor: String,
}

impl Asked {
    fn href(&self) -> String {
        with_query(
            "/monitoring/checks",
            &[
                ("q", &self.q),
                ("kind", &self.kind),
                ("state", &self.state),
                ("paused", &self.paused),
                ("asset", &self.asset),
                ("cursor", &self.cursor),
            ],
        )
    }
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let text = |name: &str| page.param(name).unwrap_or_default().to_owned();
    let asked = Asked {
        q: text("q"),
        kind: text("kind"),
        state: text("state"),
        paused: text("paused"),
        asset: text("asset"),
        cursor: text("cursor"),
    };
    let checks = page.cx.call(&ListChecks {
        q: Some(asked.q.clone()),
        asset: asked.asset.parse().ok(),
        kind: Kind::parse(&asked.kind),
        state: State::parse(&asked.state),
        paused: asked.paused.parse().ok(),
        cursor: Some(asked.cursor.clone()),
        limit: None,
    })?;
    let assets: Vec<i64> = checks.items.iter().filter_map(|check| check.asset).collect();
    let teams: Vec<i64> = checks.items.iter().filter_map(|check| check.team.or(check.asset_team)).collect();
    let names = Names::load(page, &assets, &teams)?;
    let view = View { clock: page.clock(), checks, names, asked, csrf: page.csrf.clone() };
    Ok(Content::new("Checks", draw(&view)))
}

fn draw(view: &View) -> Markup {
    let columns = [
        Column::new("State"),
        Column::new("Check").main(),
        Column::new("Asset"),
        Column::new("Kind").wide(),
        Column::new("Every").num().wide(),
        Column::new("Labels").extra(),
        Column::new("Team").extra(),
        Column::new("Since").wide(),
    ];
    let rows = view.checks.items.iter().map(|check| row(view, check));
    let table = Table::new("Checks").columns(columns).rows(rows);
    let page = |cursor: String| Asked { cursor, ..view.asked.clone() }.href();
    let listed = Listed {
        noun: "check",
        count: view.checks.count,
        here: view.asked.href(),
        next: view.checks.next.clone().map(page),
        first: (!view.asked.cursor.is_empty()).then(|| page(String::new())),
        csrf: view.csrf.clone(),
    };
    let list = listed.around(table, filter(view), empty(view));
    html! {
        (PageHeader::new("Checks").crumb("Monitoring", Some("/monitoring"))
            .action(Button::link("Check", "/monitoring/checks/new").primary().icon("plus").key("c")))
        (tabs("/monitoring/checks"))
        (list)
    }
}

fn filter(view: &View) -> Filter {
    let asked = &view.asked;
    let mut filter = Filter::new("/monitoring/checks", asked.q.clone()).placeholder("Words of the name, label=value");
    for (name, value) in
        [("kind", &asked.kind), ("state", &asked.state), ("paused", &asked.paused), ("asset", &asked.asset)]
    {
        if !value.is_empty() {
            let mut without = Asked { cursor: String::new(), ..asked.clone() };
            match name {
                "kind" => without.kind.clear(),
                "state" => without.state.clear(),
                "paused" => without.paused.clear(),
                _ => without.asset.clear(),
            }
            filter = filter.keep(name, value.clone()).chip(format!("{name}: {value}"), without.href());
        }
    }
    if asked.state.is_empty() {
        for state in [State::Firing, State::NoData, State::Stale] {
            let to = Asked { state: state.as_str().into(), cursor: String::new(), ..asked.clone() };
            filter = filter.suggest(looks(state, false, false).1, to.href());
        }
    }
    filter
}

fn empty(view: &View) -> Empty {
    let unfiltered = Asked::default().href() == Asked { cursor: String::new(), ..view.asked.clone() }.href();
    if unfiltered {
        Empty::new("No checks yet", "A check looks at something on an asset again and again: a process, a port, a web address, a file system. Create the first one.")
            .action(Button::link("Create a check", "/monitoring/checks/new").primary())
    } else {
        Empty::new("No check fits", "Take away a condition, or look for another word.")
            .action(Button::link("Show all checks", "/monitoring/checks"))
    }
}

fn row(view: &View, check: &Check) -> Row {
    let (tone, word) = looks(check.state, check.open, check.paused);
    Row::new(check.name.clone())
        .reference(check.reference().to_string())
        .href(format!("/monitoring/checks/{}", check.id))
        .cell(status(tone, word))
        .main()
        .cell(view.names.asset(check.asset))
        .cell(tag(check.probe.kind().title()))
        .text(&web::ui::duration(check.interval_s))
        .cell(labels(check))
        .cell(view.names.team(check.team.or(check.asset_team)))
        .cell(ago(&view.clock, check.since))
}

/// The first labels of a check, each of which leads to all checks that have it.
fn labels(check: &Check) -> Markup {
    html! {
        @if check.labels.0.is_empty() { (web::ui::nobody("None")) }
        @for (name, value) in check.labels.0.iter().take(LABELS_SHOWN) {
            a.tag href=(with_query("/monitoring/checks", &[("q", &format!("{name}={value}"))])) dir="auto" { (name) "=" (value) } " "
        }
        @if check.labels.0.len() > LABELS_SHOWN { "…" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::HOSTILE;

    fn drawn(items: Vec<Check>, asked: Asked) -> String {
        let checks = Checks { count: 1, next: Some("3~x".into()), count_capped: false, items };
        let view = View { clock: Clock::utc_us(0), checks, names: Names::default(), asked, csrf: "token".into() };
        draw(&view).into_string()
    }

    #[test]
    fn the_list_draws_nothing_one_many_and_hostile_text() {
        assert!(drawn(vec![], Asked::default()).contains("No checks yet"));
        assert!(drawn(vec![], Asked { q: "x".into(), ..Asked::default() }).contains("No check fits"));
        let one = drawn(vec![Check::sample("Web")], Asked::default());
        assert!(one.contains("check:3") && one.contains("monitor.check.pause"));
        assert!(drawn(vec![Check::sample("Web"); 50], Asked::default()).len() < 120_000);
        let hostile =
            drawn(vec![Check::sample(HOSTILE)], Asked { q: HOSTILE.into(), kind: HOSTILE.into(), ..Asked::default() });
        assert!(!hostile.contains("<script>alert"));
    }
}
