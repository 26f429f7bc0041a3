//! The figure of a check on its own page and on that of its alert group.

use kernel::address::with_query;
use kernel::{Operation as _, Result, Time};
use maud::{Markup, html};
use web::page::PageCx;
use web::ui::{Chart, Charts, Clock, Range};

use super::rule_form::PATIENCE;
use crate::charts::check::ReadCheckChart;
use crate::charts::{ChartData, around, check, drawn};
use crate::check::Check;
use crate::probe::Probe;
use crate::rule::preview::Preview;

/// So long before an alert group opened, and after it ended, its figure reaches.
const AROUND_MS: i64 = 30 * 60_000;

/// The figure of a check with the choice of its range, on the page of the check.
pub(super) fn of_check(page: &mut PageCx, check: &Check) -> Result<Markup> {
    let filling = matches!(check.probe, Probe::FileSystem { .. } | Probe::FillUp { .. });
    let range = Range::read(&page.query, page.cx.now.millis(), if filling { "7d" } else { "6h" });
    let here = format!("/monitoring/checks/{}", check.id);
    let chart = chart(page, check, "Over time".to_owned(), range, None)?;
    let refs = format!("{} alert:{}", check.reference(), check.alert);
    Ok(html! { (Charts::new("figures", here.clone(), range, &page.clock(), chart).live(refs, here)) })
}

/// The figure of the check whose alert opened a group, from before it opened until after it ended.
pub(super) fn of_group(
    page: &mut PageCx,
    group: i64,
    check: &Check,
    opened: Time,
    ended: Option<Time>,
) -> Result<Markup> {
    let now_ms = page.cx.now.millis();
    let until_ms = ended.map_or(now_ms, |at| (at.millis() + AROUND_MS).min(now_ms));
    let range =
        Range::around(&page.query, (opened.millis() - AROUND_MS, until_ms.max(opened.millis() + 60_000)), now_ms);
    let link = format!("/monitoring/checks/{}", check.id);
    let chart = chart(page, check, format!("Around the start: {}", check.name), range, Some(link))?;
    let here = format!("/monitoring/groups/{group}");
    Ok(html! { (Charts::new("figures", here, range, &page.clock(), chart)) })
}

/// What a rule would have done, from its preview.
pub(super) fn of_preview(source: String, seen: &Preview, clock: &Clock) -> Markup {
    let data = ChartData {
        from: seen.from,
        to: seen.to,
        series: seen.series.clone(),
        bands: seen.bands.clone(),
        marks: seen.marks.clone(),
        thresholds: Vec::new(),
        notes: Vec::new(),
    };
    let chart = Chart::new("figure-preview", "The last six hours", source, drawn(data), clock).tall();
    html! { (chart.link("Explore", with_query("/monitoring/explore", &[("query", &seen.expr)]))) }
}

/// The chart alone, with a link to the check if there is one; its samples are read when the page's transaction is over.
fn chart(page: &mut PageCx, check: &Check, title: String, range: Range, link: Option<String>) -> Result<Markup> {
    let span = (Time(range.from_ms.saturating_mul(1_000)), Time(range.to_ms.saturating_mul(1_000)));
    let around = around::check(page.cx, check, span)?;
    let reach = page.cx.actor.reach(ReadCheckChart::NAME, page.cx.now).unwrap_or_default();
    let (check, clock) = (check.clone(), page.clock());
    Ok(page.later.add(move |kernel| {
        let data = check::draw(kernel, &reach, &check, (span, PATIENCE), around)?;
        let source = format!("/api/v1/monitor/checks/{}/chart", check.id);
        let chart = Chart::new("figure-check", title, source, drawn(data), &clock);
        let chart = link.into_iter().fold(chart, |chart, link| chart.link("Check", link));
        Ok(html! { (chart) })
    }))
}
