//! The board: what is wrong now.

use kernel::limits::COUNT_MAX;
use kernel::{LiveList, Result};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{Button, Card, Clock, Column, Empty, List, PageHeader, Row, Stat, Table, Tone, stats, status};

use super::{Names, ago, looks, severity, tabs};
use crate::check::{self, Check};
use crate::group::list::{Groups, ListGroups};
use crate::group::{Group, GroupState};
use crate::machine::State;
use crate::store;

/// The states that are counted.
const COUNTED: [State; 6] = [State::Firing, State::Flapping, State::NoData, State::Stale, State::Error, State::Ok];
/// Checks that are not well, on the board.
const TROUBLED_MAX: i64 = 50;

struct View {
    clock: Clock,
    groups: Groups,
    troubled: Vec<Check>,
    states: Vec<check::states::Counted>,
    /// Counting stopped at 1,000.
    capped: bool,
    names: Names,
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let groups = page.cx.call(&ListGroups { state: Some(GroupState::Open), ..ListGroups::default() })?;
    let reach = page.cx.actor.reach("monitor.check.list", page.cx.now).unwrap_or_default();
    let troubled = store::checks::troubled(page.cx.tx, &reach, TROUBLED_MAX)?;
    let states = check::states::states(page.cx, &COUNTED, &reach)?;
    let mut assets: Vec<i64> = groups.items.iter().filter_map(|group| group.asset).collect();
    assets.extend(troubled.iter().filter_map(|check| check.asset));
    let teams: Vec<i64> = groups.items.iter().filter_map(|group| group.team).collect();
    let names = Names::load(page, &assets, &teams)?;
    let view = View { clock: page.clock(), groups, troubled, states, capped: !reach.everything, names };
    Ok(Content::new("Monitoring", draw(&view)))
}

fn draw(view: &View) -> Markup {
    html! {
        (PageHeader::new("Monitoring").action(Button::link("Check", "/monitoring/checks/new").primary().icon("plus").key("c")))
        (tabs("/monitoring"))
        (figures(view))
        (groups(view))
        (troubled(view))
    }
}

fn figures(view: &View) -> Markup {
    let count = |wanted: &[State]| -> i64 {
        view.states.iter().filter(|(state, paused, _)| !paused && wanted.contains(state)).map(|(.., count)| count).sum()
    };
    let paused: i64 = view.states.iter().filter(|(_, paused, _)| *paused).map(|(.., count)| count).sum();
    let figure = |label: &str, value: i64, note: &str, tone: Tone, to: &str| Stat {
        label: label.to_owned(),
        value: if view.capped && value >= COUNT_MAX { "999+".to_owned() } else { value.to_string() },
        note: note.to_owned(),
        spark: Vec::new(),
        tone: if value > 0 { tone } else { Tone::Ok },
        href: Some(to.to_owned()),
    };
    stats(&[
        figure("Open groups", view.groups.count, "one cause each", Tone::Critical, "/monitoring"),
        figure(
            "Firing",
            count(&[State::Firing, State::Flapping]),
            "checks",
            Tone::Critical,
            "/monitoring/checks?state=firing",
        ),
        figure(
            "Not known",
            count(&[State::NoData, State::Stale, State::Error]),
            "no data, stale, probe fails",
            Tone::Warn,
            "/monitoring/checks?state=no_data",
        ),
        figure("OK", count(&[State::Ok]), "checks", Tone::Ok, "/monitoring/checks?state=ok"),
        figure("Paused", paused, "nobody looks", Tone::Idle, "/monitoring/checks?paused=true"),
    ])
}

fn groups(view: &View) -> Markup {
    let columns = [
        Column::new("State"),
        Column::new("What").main(),
        Column::new("Likely cause").wide(),
        Column::new("Alerts").num(),
        Column::new("Team").wide(),
        Column::new("Acknowledged").wide(),
        Column::new("Since"),
    ];
    let rows = view.groups.items.iter().map(|group| row(view, group));
    let table = Table::new("Open alert groups").columns(columns).rows(rows);
    let refs = refs(&view.groups.items);
    let list = List::new("groups", table).total(format!("{} open", view.groups.count)).live(refs, "/monitoring").empty(
        Empty::new(
            "Nothing is wrong",
            "Alerts with one cause show here as one group, with what was seen and what changed before.",
        )
        .action(Button::link("Create a check", "/monitoring/checks/new").primary()),
    );
    html! { (list) }
}

fn refs(groups: &[Group]) -> String {
    let own: Vec<String> = groups.iter().map(|group| group.reference().to_string()).collect();
    format!("{} {}", LiveList::Alerts, own.join(" ")).trim().to_owned()
}

fn row(view: &View, group: &Group) -> Row {
    let (tone, word) = severity(group.severity);
    let acknowledged = match &group.acknowledged_by {
        Some(name) => web::ui::person(name, None),
        None => web::ui::nobody("Nobody yet"),
    };
    Row::new(group.title.clone())
        .href(format!("/monitoring/groups/{}", group.id))
        .cell(status(if group.silenced { Tone::Planned } else { tone }, if group.silenced { "Silenced" } else { word }))
        .main()
        .cell(view.names.asset(group.asset))
        .text(&group.open_alerts.to_string())
        .cell(view.names.team(group.team))
        .cell(acknowledged)
        .cell(ago(&view.clock, group.opened_at))
}

fn troubled(view: &View) -> Markup {
    if view.troubled.is_empty() {
        return html! {};
    }
    let rows = view.troubled.iter().map(|check| {
        let (tone, word) = looks(check.state, check.open, check.paused);
        Row::new(check.name.clone())
            .href(format!("/monitoring/checks/{}", check.id))
            .cell(status(tone, word))
            .main()
            .cell(view.names.asset(check.asset))
            .text(&check.evidence)
            .cell(ago(&view.clock, check.since))
    });
    let columns = [
        Column::new("State"),
        Column::new("Check").main(),
        Column::new("Asset"),
        Column::new("What was seen").wide(),
        Column::new("Since"),
    ];
    let table = Table::new("Checks that are not well").columns(columns).rows(rows);
    html! { (Card::new("Checks that are not well").count(view.troubled.len()).flush(html! { (table) })) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::HOSTILE;

    fn view(groups: Vec<Group>, troubled: Vec<Check>) -> String {
        let count = i64::try_from(groups.len()).unwrap();
        let groups = Groups { items: groups, next: None, count, count_capped: false };
        let names = Names { assets: [(417, HOSTILE.to_owned())].into(), teams: [(2, "Servers".to_owned())].into() };
        let states = vec![(State::Firing, false, 3), (State::Ok, true, 1)];
        draw(&View { clock: Clock::utc_us(1_772_438_400_000_000), groups, troubled, states, capped: true, names })
            .into_string()
    }

    #[test]
    fn the_board_draws_nothing_one_many_and_hostile_text() {
        assert!(view(vec![], vec![]).contains("Nothing is wrong"));
        let one = view(vec![Group::sample("Web fails on web-01")], vec![Check::sample("Web")]);
        assert!(one.contains("Web fails on web-01") && one.contains("/monitoring/groups/9"));
        let many = view(vec![Group::sample("x"); 50], vec![Check::sample("y"); 50]);
        assert!(many.len() < 120_000, "{}", many.len());
        let hostile = view(vec![Group::sample(HOSTILE)], vec![Check::sample(HOSTILE)]);
        assert!(!hostile.contains("<script>alert"));
    }
}
