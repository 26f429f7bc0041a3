//! What monitoring adds to the page of an asset: health and figures.

use kernel::{Ref, Result, Time};
use maud::{Markup, html};
use web::page::{PageCx, Panel, PanelPlace};
use web::ui::{Button, Card, Chart, Charts, Clock, Column, Range, Row, Table, Tone, grid, stamped, status};

use crate::alert::ListAlerts;
use crate::charts;
use crate::check::Check;
use crate::check::list::{Checks, ListChecks};
use crate::live::Monitor;
use crate::pages::looks;
use kernel::Operation as _;

/// Checks that the panel lists.
const ROWS: usize = 20;

pub(crate) fn all() -> Vec<Panel> {
    vec![
        Panel {
            name: "monitor.health",
            about: "asset",
            title: "Health",
            place: PanelPlace::Main,
            grant: "monitor.check.list",
            render: health,
        },
        Panel {
            name: "monitor.proposals",
            about: "asset",
            title: "Proposed checks",
            place: PanelPlace::Main,
            grant: crate::proposal::list::ListProposals::OPERATION,
            render: crate::pages::proposals::panel,
        },
        Panel {
            name: "monitor.charts",
            about: "asset",
            title: "Figures",
            place: PanelPlace::Main,
            grant: charts::ReadChart::NAME,
            render: figures,
        },
    ]
}

fn health(page: &mut PageCx, subject: &Ref) -> Result<Option<Markup>> {
    let asset = subject.id;
    let checks = page.cx.call(&ListChecks { asset: Some(asset), limit: Some(ROWS), ..ListChecks::default() })?;
    let out = if page.cx.may(ListAlerts::NAME) {
        page.cx.call(&ListAlerts { asset: Some(asset), open: Some(true), ..ListAlerts::default() })?.count
    } else {
        0
    };
    let may_create = page.cx.may("monitor.check.create");
    Ok(Some(draw_health(asset, &checks, out, may_create, &page.clock())))
}

fn draw_health(asset: i64, checks: &Checks, out: i64, may_create: bool, clock: &Clock) -> Markup {
    let (tone, word) = match (out, checks.count) {
        (0, 0) => (Tone::Idle, "Nobody looks".to_owned()),
        (0, _) => (Tone::Ok, "No alert is out".to_owned()),
        (1, _) => (Tone::Critical, "1 alert is out".to_owned()),
        _ => (Tone::Critical, format!("{out} alerts are out")),
    };
    let mut card = Card::new("Health").id("monitor-health").count(checks.count).note(status(tone, &word));
    if may_create {
        card = card.action(Button::link("Check", format!("/monitoring/checks/new?asset={asset}")).small().icon("plus"));
    }
    if checks.count > 0 {
        card = card.link("All checks", &format!("/monitoring/checks?asset={asset}"));
    }
    card = card.live(format!("asset:{asset}"), format!("/_panel/monitor.health/asset/{asset}"));
    if checks.items.is_empty() {
        return html! { (card.body(html! { p { "Nothing is looked at here yet. Create a check: of a process, a port, a web address or a file system." } })) };
    }
    let rows = checks.items.iter().map(|check| row(check, clock));
    let columns =
        [Column::new("State"), Column::new("Check").main(), Column::new("What was seen").wide(), Column::new("Since")];
    let table = Table::new("Checks of this asset").columns(columns).rows(rows);
    html! { (card.flush(html! { (table) })) }
}

fn row(check: &Check, clock: &Clock) -> Row {
    let (tone, word) = looks(check.state, check.open, check.paused);
    Row::new(check.name.clone())
        .href(format!("/monitoring/checks/{}", check.id))
        .cell(status(tone, word))
        .main()
        .text(stamped(&check.evidence).map_or(check.evidence.as_str(), |found| found.after()))
        .cell(clock.ago(check.since.timestamp()))
}

fn figures(page: &mut PageCx, subject: &Ref) -> Result<Option<Markup>> {
    let (asset, clock) = (subject.id, page.clock());
    let range = Range::read(&page.query, page.cx.now.millis(), "1h");
    let shown: Vec<charts::Panel> = charts::Panel::ALL.iter().take(4).map(|(panel, ..)| *panel).collect();
    let span = (Time(range.from_ms.saturating_mul(1_000)), Time(range.to_ms.saturating_mul(1_000)));
    let asked = page.param("range").is_some() || range.zoomed;
    let around = charts::around(page.cx, asset, span)?;
    Ok(Some(page.later.add(move |kernel| {
        let all = charts::panels(kernel, asset, &shown, span, &around)?;
        let measured =
            all.iter().flat_map(|data| &data.series).any(|line| line.points.iter().any(|(_, value)| value.is_some()));
        // Nobody measures it: empty figures would say nothing.
        if !asked && !measured && !kernel.get::<Monitor>()?.assets_with_agents().contains(&asset) {
            return Ok(html! {});
        }
        Ok(draw_figures(asset, range, &clock, all))
    })))
}

fn draw_figures(asset: i64, range: Range, clock: &Clock, all: Vec<charts::ChartData>) -> Markup {
    let charts = charts::Panel::ALL.iter().zip(all).map(|((_, word, title), data)| {
        let source = format!("/_series/asset/{asset}/{word}");
        Chart::new(format!("figure-{word}"), *title, source, charts::drawn(data), clock)
    });
    let charts = Charts::new(
        "figures",
        format!("/assets/{asset}"),
        range,
        clock,
        grid(&html! { @for chart in charts { (chart) } }),
    );
    html! { (charts.live(format!("asset:{asset}"), format!("/_panel/monitor.charts/asset/{asset}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::HOSTILE;

    #[test]
    fn health_draws_nothing_one_many_and_hostile_text() {
        let drawn = |items: Vec<Check>, out: i64| {
            let count = i64::try_from(items.len()).unwrap();
            let checks = Checks { items, next: None, count, count_capped: false };
            draw_health(417, &checks, out, true, &Clock::utc_us(0)).into_string()
        };
        assert!(drawn(vec![], 0).contains("Nobody looks"));
        assert!(drawn(vec![Check::sample("Web")], 1).contains("1 alert is out"));
        assert!(drawn(vec![Check::sample("Web"); 20], 3).contains("3 alerts are out"));
        assert!(!drawn(vec![Check::sample(HOSTILE)], 0).contains("<script>alert"));
    }

    #[test]
    fn four_figures_name_their_sources_and_are_whole_without_script() {
        let data = charts::ChartData {
            from: 0,
            to: 3_600_000,
            series: vec![charts::Line {
                name: HOSTILE.into(),
                unit: HOSTILE.into(),
                points: vec![(0, Some(1.0)), (9_000, Some(2.0))],
            }],
            bands: vec![],
            marks: vec![charts::ChartMark { at: 60_000, title: HOSTILE.into(), tone: HOSTILE.into() }],
            thresholds: vec![],
            notes: vec![HOSTILE.into()],
        };
        let clock = Clock::utc_us(3_600_000_000);
        let html = draw_figures(417, Range::read(&[], 3_600_000, "1h"), &clock, vec![data; 4]).into_string();
        assert!(html.contains("<path class=\"d1\"") && html.contains("/assets/417?range=24h"), "{html}");
        assert!(!html.contains("<script>alert"));
        for word in ["cpu", "memory", "disk", "network"] {
            assert!(html.contains(&format!("/_series/asset/417/{word}")), "{word}");
        }
    }
}
