//! The board: what is wrong now.

use kernel::address::with_query;
use kernel::limits::COUNT_MAX;
use kernel::{LiveList, Result};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{
    Button, Card, Clock, Column, Empty, Filter, List, PageHeader, Row, Sorted, Stat, Table, Tone, count_capped, stats,
    status,
};

use super::{Names, ago, looks, severity, tabs};
use crate::check::{self, Check, Severity};
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
    asked: Asked,
}

/// What the address asks for.
#[derive(Clone, Debug, Default, PartialEq)]
struct Asked {
    q: String,
    severity: String,
    acknowledged: String,
    silenced: String,
    team: String,
    sort: String,
    cursor: String,
}

impl Asked {
    fn read(page: &PageCx) -> Self {
        let text = |name: &str| page.param(name).unwrap_or_default().to_owned();
        Self {
            q: text("q"),
            severity: text("severity"),
            acknowledged: text("acknowledged"),
            silenced: text("silenced"),
            team: text("team"),
            sort: text("sort"),
            cursor: text("cursor"),
        }
    }

    fn list(&self) -> ListGroups {
        ListGroups {
            state: Some(GroupState::Open),
            q: Some(self.q.clone()),
            severity: Severity::parse(&self.severity),
            acknowledged: self.acknowledged.parse().ok(),
            silenced: self.silenced.parse().ok(),
            team: self.team.parse().ok(),
            oldest: self.sort == "oldest",
            cursor: Some(self.cursor.clone()),
            ..ListGroups::default()
        }
    }

    /// The conditions: name in the address, value, and what is shown of it.
    fn parts(&self) -> [(&'static str, &String); 6] {
        [
            ("q", &self.q),
            ("severity", &self.severity),
            ("acknowledged", &self.acknowledged),
            ("silenced", &self.silenced),
            ("team", &self.team),
            ("sort", &self.sort),
        ]
    }

    fn href(&self) -> String {
        let mut pairs: Vec<(&str, &str)> = self.parts().iter().map(|(name, value)| (*name, value.as_str())).collect();
        pairs.push(("cursor", &self.cursor));
        with_query("/monitoring", &pairs)
    }

    /// The same with another value of one condition, from the first page on.
    fn put(&self, name: &str, value: &str) -> String {
        let mut next = Self { cursor: String::new(), ..self.clone() };
        let field = match name {
            "q" => &mut next.q,
            "severity" => &mut next.severity,
            "acknowledged" => &mut next.acknowledged,
            "silenced" => &mut next.silenced,
            "team" => &mut next.team,
            _ => &mut next.sort,
        };
        value.clone_into(field);
        next.href()
    }
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let asked = Asked::read(page);
    let groups = page.cx.call(&asked.list())?;
    let reach = page.cx.actor.reach("monitor.check.list", page.cx.now).unwrap_or_default();
    let troubled = store::checks::troubled(page.cx.tx, &reach, TROUBLED_MAX)?;
    let states = check::states::states(page.cx, &COUNTED, &reach)?;
    let mut assets: Vec<i64> = groups.items.iter().filter_map(|group| group.asset).collect();
    assets.extend(troubled.iter().filter_map(|check| check.asset));
    let mut teams: Vec<i64> = groups.items.iter().filter_map(|group| group.team).collect();
    teams.extend(asked.team.parse::<i64>().ok());
    let names = Names::load(page, &assets, &teams)?;
    let view = View { clock: page.clock(), groups, troubled, states, capped: !reach.everything, names, asked };
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
    let asked = &view.asked;
    let (sorted, other) = if asked.sort == "oldest" { (Sorted::Up, "") } else { (Sorted::Down, "oldest") };
    let columns = [
        Column::new("State"),
        Column::new("What").main(),
        Column::new("Likely cause").wide(),
        Column::new("Alerts").num(),
        Column::new("Team").wide(),
        Column::new("Acknowledged").wide(),
        Column::new("Age").sort(asked.put("sort", other), sorted),
    ];
    let rows = view.groups.items.iter().map(|group| row(view, group));
    let table = Table::new("Open alert groups").columns(columns).rows(rows);
    let total = u64::try_from(view.groups.count).unwrap_or(0);
    let first = (!asked.cursor.is_empty()).then(|| Asked { cursor: String::new(), ..asked.clone() }.href());
    let next = view.groups.next.clone().map(|cursor| Asked { cursor, ..asked.clone() }.href());
    let list = List::new("groups", table)
        .filter(filter(view))
        .total(format!("{} open", count_capped(total, 1_000)))
        .paging(next, first)
        .live(refs(&view.groups.items), asked.href())
        .empty(empty(asked));
    html! { (list) }
}

fn filter(view: &View) -> Filter {
    let asked = &view.asked;
    let mut filter = Filter::new("/monitoring", asked.q.clone()).placeholder("Words of the title, label=value");
    for (name, value) in asked.parts().into_iter().filter(|(name, value)| *name != "q" && !value.is_empty()) {
        filter = filter.keep(name, value.clone());
        let words = match (name, value.as_str()) {
            ("acknowledged", "true") => "Acknowledged".to_owned(),
            ("acknowledged", _) => "Nobody is on it".to_owned(),
            ("silenced", "true") => "Silenced".to_owned(),
            ("silenced", _) => "Not silenced".to_owned(),
            ("team", id) => {
                let known = id.parse().ok().and_then(|id: i64| view.names.teams.get(&id).cloned());
                format!("Team: {}", known.unwrap_or_else(|| id.to_owned()))
            }
            ("severity", "critical") => "Critical".to_owned(),
            ("severity", _) => "Warning".to_owned(),
            _ => continue,
        };
        filter = filter.chip(words, asked.put(name, ""));
    }
    for (name, value, words) in [
        ("severity", "critical", "Critical"),
        ("acknowledged", "false", "Nobody is on it"),
        ("silenced", "false", "Not silenced"),
    ] {
        if asked.parts().iter().any(|(known, now)| *known == name && now.is_empty()) {
            filter = filter.suggest(words, asked.put(name, value));
        }
    }
    filter
}

fn empty(asked: &Asked) -> Empty {
    let unfiltered = Asked { sort: asked.sort.clone(), ..Asked::default() };
    if unfiltered != (Asked { cursor: String::new(), ..asked.clone() }) {
        return Empty::new("No open group fits", "Take away a condition, or look for another word.")
            .action(Button::link("Show all open groups", "/monitoring"));
    }
    Empty::new(
        "Nothing is wrong",
        "Alerts with one cause show here as one group, with what was seen and what changed before.",
    )
    .action(Button::link("Create a check", "/monitoring/checks/new").primary())
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
        .cell(match group.team {
            Some(team) => {
                html! { a.plain href=(view.asked.put("team", &team.to_string())) { (view.names.team(Some(team))) } }
            }
            None => view.names.team(None),
        })
        .cell(acknowledged)
        .cell(view.clock.short(group.opened_at.timestamp()))
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
            .text(super::seen(&check.evidence))
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
        asked(groups, troubled, Asked::default())
    }

    fn asked(groups: Vec<Group>, troubled: Vec<Check>, asked: Asked) -> String {
        let count = i64::try_from(groups.len()).unwrap();
        let groups = Groups { items: groups, next: None, count, count_capped: false };
        let names = Names { assets: [(417, HOSTILE.to_owned())].into(), teams: [(2, "Servers".to_owned())].into() };
        let states = vec![(State::Firing, false, 3), (State::Ok, true, 1)];
        let view =
            View { clock: Clock::utc_us(1_772_438_400_000_000), groups, troubled, states, capped: true, names, asked };
        draw(&view).into_string()
    }

    #[test]
    fn the_board_draws_nothing_one_many_and_hostile_text() {
        assert!(view(vec![], vec![]).contains("Nothing is wrong"));
        let one = view(vec![Group::sample("Web fails on web-01")], vec![Check::sample("Web")]);
        assert!(one.contains("Web fails on web-01") && one.contains("/monitoring/groups/9"));
        let many = view(vec![Group::sample("x"); 50], vec![Check::sample("y"); 50]);
        assert!(many.len() < 120_000, "{}", many.len());
        let hostile = Asked { q: HOSTILE.into(), team: HOSTILE.into(), severity: HOSTILE.into(), ..Asked::default() };
        let hostile = asked(vec![Group::sample(HOSTILE)], vec![Check::sample(HOSTILE)], hostile);
        assert!(!hostile.contains("<script>alert"));
    }

    #[test]
    fn the_board_filters_and_sorts_by_its_address_and_says_when_nothing_fits() {
        let some = Asked { severity: "critical".into(), team: "2".into(), sort: "oldest".into(), ..Asked::default() };
        let page = asked(vec![Group::sample("Web fails")], vec![], some.clone());
        assert!(
            page.contains("Team: Servers") && page.contains("href=\"/monitoring?severity=critical&amp;sort=oldest\""),
            "{page}"
        );
        assert!(page.contains("severity=critical&amp;acknowledged=false&amp;team=2&amp;sort=oldest"));
        assert!(page.contains("href=\"/monitoring?severity=critical&amp;team=2\""), "newest first again: {page}");
        assert!(asked(vec![], vec![], some).contains("No open group fits"));
        let sorted = Asked { sort: "oldest".into(), ..Asked::default() };
        assert!(asked(vec![], vec![], sorted).contains("Nothing is wrong"));
    }
}
