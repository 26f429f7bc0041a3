//! The pages of monitoring: the board, alert groups, checks, silences.

use std::collections::BTreeMap;

use kernel::{Result, Time};
use maud::{Markup, html};
use web::domain::{Create, Group as NavGroup, Place};
use web::page::PageCx;
use web::ui::{Clock, Tone};
use web::{Page, ui};

use crate::check::Severity;
use crate::ground;
use crate::machine::State;

mod alert;
mod board;
mod calendar;
mod causes;
mod check;
mod check_fields;
mod check_form;
mod check_list;
pub(crate) mod explore;
mod figure;
mod group;
mod listed;
mod maintenance;
mod map;
mod members;
mod places;
pub(crate) mod proposals;
mod rule;
mod rule_files;
mod rule_form;
mod rule_list;
mod scrape;
mod scrapes;
mod silences;
mod window_form;

pub(crate) fn all() -> Vec<Page> {
    vec![
        Page::console("/monitoring", "monitor.group.list", board::page),
        Page::console("/monitoring/groups/{id}", "monitor.group.show", group::page),
        Page::console("/monitoring/groups/{id}/alerts", "monitor.group.alerts", members::page),
        Page::console("/monitoring/alerts/{id}", "monitor.alert.explain", alert::page),
        Page::console("/monitoring/checks", "monitor.check.list", check_list::page),
        Page::console("/monitoring/checks/new", "monitor.check.create", check_form::page),
        Page::console("/monitoring/checks/{id}", "monitor.check.show", check::page),
        Page::console("/monitoring/rules", "monitor.rule.list", rule_list::page),
        Page::console("/monitoring/rules/new", "monitor.rule.create", rule_form::create).asks(rule_form::CREATE),
        Page::console("/monitoring/rules/files", "monitor.rule.export", rule_files::page),
        Page::console("/monitoring/rules/{id}", "monitor.rule.show", rule::page).asks(rule::EARLY),
        Page::console("/monitoring/rules/{id}/change", "monitor.rule.update", rule_form::change)
            .asks(rule_form::CHANGE),
        Page::console("/monitoring/explore", "monitor.metrics.query", explore::page),
        Page::console("/monitoring/maintenance", "monitor.maintenance.list", maintenance::page),
        Page::console("/monitoring/proposals", "monitor.proposal.list", proposals::page),
        Page::console("/monitoring/scrapes", "monitor.scrape.list", scrapes::page),
        Page::console("/monitoring/scrapes/new", "monitor.scrape.create", scrapes::new),
        Page::console("/monitoring/scrapes/import", "monitor.scrape.import", scrapes::import),
        Page::console("/monitoring/scrapes/{id}", "monitor.scrape.show", scrape::page),
        Page::console("/monitoring/silences", "monitor.silence.list", silences::page),
    ]
}

pub(crate) fn nav() -> Vec<Place> {
    vec![Place {
        group: NavGroup::Respond,
        label: "Monitoring",
        icon: "monitoring",
        href: "/monitoring",
        grant: "monitor.group.list",
    }]
}

pub(crate) fn creates() -> Vec<Create> {
    vec![
        Create { label: "Check", href: "/monitoring/checks/new", grant: "monitor.check.create" },
        Create { label: "Rule", href: "/monitoring/rules/new", grant: "monitor.rule.create" },
    ]
}

/// How a state looks, and its word.
pub(crate) fn looks(state: State, open: bool, paused: bool) -> (Tone, &'static str) {
    if paused {
        return (Tone::Idle, if open { "Paused, alert out" } else { "Paused" });
    }
    match (state, open) {
        (State::Firing, _) => (Tone::Critical, "Firing"),
        (State::Flapping, true) => (Tone::Critical, "Flapping"),
        (State::Flapping, false) => (Tone::Warn, "Flapping"),
        (State::Pending, _) => (Tone::Warn, "Pending"),
        (State::NoData, true) => (Tone::Critical, "Firing, no data"),
        (State::NoData, false) => (Tone::Warn, "No data"),
        (State::Stale, true) => (Tone::Critical, "Firing, stale"),
        (State::Stale, false) => (Tone::Idle, "Stale"),
        (State::Error, true) => (Tone::Critical, "Firing, probe fails"),
        (State::Error, false) => (Tone::Warn, "Probe fails"),
        (State::Waiting, _) => (Tone::Idle, "Waiting"),
        (State::Keeping, _) => (Tone::Critical, "Firing, well again"),
        (State::Unreachable, _) => (Tone::Critical, "Unreachable"),
        (State::Degraded, true) => (Tone::Critical, "Firing, degraded"),
        (State::Degraded, false) => (Tone::Warn, "Degraded"),
        (State::Ok, _) => (Tone::Ok, "OK"),
    }
}

pub(crate) fn severity(severity: Severity) -> (Tone, &'static str) {
    match severity {
        Severity::Critical => (Tone::Critical, "Critical"),
        Severity::Warning => (Tone::Warn, "Warning"),
    }
}

/// What was seen, without the moment before it: for rows that say when.
fn seen(evidence: &str) -> &str {
    let stamp = evidence.split_once(" UTC: ").filter(|(at, _)| at.len() == 19 && at.starts_with("20"));
    stamp.map_or(evidence, |(_, text)| text)
}

/// The crumbs' and tabs' way between the pages of monitoring.
fn tabs(current: &str) -> ui::Tabs {
    let tab = |label: &str, to: &str| ui::Tab::new(label, to).current(current == to);
    ui::Tabs::new(
        "Parts of monitoring",
        [
            tab("Board", "/monitoring"),
            tab("Checks", "/monitoring/checks"),
            tab("Rules", "/monitoring/rules"),
            tab("Proposals", "/monitoring/proposals"),
            tab("Explore", "/monitoring/explore"),
            tab("Scraping", "/monitoring/scrapes"),
            tab("Silences", "/monitoring/silences"),
            tab("Maintenance", "/monitoring/maintenance"),
        ],
    )
}

/// Names that rows of a page show.
#[derive(Clone, Debug, Default)]
struct Names {
    assets: BTreeMap<i64, String>,
    teams: BTreeMap<i64, String>,
}

impl Names {
    fn load(page: &mut PageCx, assets: &[i64], teams: &[i64]) -> Result<Self> {
        Ok(Self { assets: ground::asset_names(page.cx.tx, assets)?, teams: people::names(page.cx.tx, "team", teams)? })
    }

    fn asset(&self, id: Option<i64>) -> Markup {
        let Some(id) = id else { return ui::nobody("No asset") };
        let name = self.assets.get(&id).cloned().unwrap_or_else(|| format!("asset {id}"));
        html! { a href={ "/assets/" (id) } dir="auto" { (name) } }
    }

    /// The name of an asset, where it is known.
    fn known(&self, id: Option<i64>) -> Option<&str> {
        self.assets.get(&id?).map(String::as_str)
    }

    fn team(&self, id: Option<i64>) -> Markup {
        match id.and_then(|id| self.teams.get(&id)) {
            Some(name) => html! { span dir="auto" { (name) } },
            None => ui::nobody("No team"),
        }
    }
}

/// The numbers of assets in texts such as `node_load1 asset=417, job=node`.
fn asset_numbers<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<i64> {
    let number = |word: &str| word.trim_end_matches(',').strip_prefix("asset=")?.parse::<i64>().ok();
    texts.flat_map(|text| text.split(' ').filter_map(number).collect::<Vec<i64>>()).collect()
}

/// Such a text with the names of the assets that are known in place of their numbers, which say nothing to people.
fn asset_named(text: &str, names: &BTreeMap<i64, String>) -> String {
    let word = |word: &str| -> Option<String> {
        let id = word.trim_end_matches(',').strip_prefix("asset=")?.parse::<i64>().ok()?;
        Some(format!("{}{}", names.get(&id)?, if word.ends_with(',') { "," } else { "" }))
    };
    text.split(' ').map(|one| word(one).unwrap_or_else(|| one.to_owned())).collect::<Vec<_>>().join(" ")
}

fn ago(clock: &Clock, at: Time) -> Markup {
    clock.ago(at.timestamp())
}

/// Texts that try to break pages, for tests.
#[cfg(test)]
pub(crate) const HOSTILE: &str = "<script>alert(1)</script>\"' onload=x \u{202e}🙂 %00 javascript:alert(1)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assets_are_called_by_their_names_where_they_are_known() {
        let text = "node_load1 asset=417, job=node asset=9 asset=x";
        assert_eq!(asset_numbers([text].into_iter()), [417, 9]);
        let names = BTreeMap::from([(417, "web-01".to_owned())]);
        assert_eq!(asset_named(text, &names), "node_load1 web-01, job=node asset=9 asset=x");
    }

    #[test]
    fn every_state_has_a_word_and_an_open_alert_never_looks_well() {
        for state in State::ALL {
            let (tone, word) = looks(state, true, false);
            assert!(!word.is_empty());
            assert!(state == State::Ok || state == State::Waiting || tone == Tone::Critical || state == State::Pending);
            assert_eq!(looks(state, false, true).1, "Paused");
        }
    }

    #[test]
    fn what_was_seen_is_shown_without_its_moment() {
        assert_eq!(seen("2026-11-22 11:56:36 UTC: connection refused"), "connection refused");
        assert_eq!(seen("the job said: at UTC: never"), "the job said: at UTC: never");
    }
}
