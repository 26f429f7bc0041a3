//! The figure of a check on its own page and on that of its alert group.

use kernel::{Operation as _, Result, Time};
use maud::{Markup, html};
use web::page::{Asking, PageCx};
use web::ui::{Chart, Charts, Clock, Range};

use super::rule_form::PATIENCE;
use crate::charts::check::ReadCheckChart;
use crate::charts::rule::Compared;
use crate::charts::{ChartData, check, drawn};
use crate::check::Check;
use crate::group::Group;
use crate::probe::Probe;
use crate::rule::preview::Preview;
use crate::store;

/// So long before an alert group opened, and after it ended, its figure reaches.
const AROUND_MS: i64 = 30 * 60_000;

/// The range that the page of a check shows.
fn range_of_check(query: &[(String, String)], now_ms: i64, check: &Check) -> Range {
    let filling = matches!(check.probe, Probe::FileSystem { .. } | Probe::FillUp { .. });
    Range::read(query, now_ms, if filling { "7d" } else { "6h" })
}

/// The range that the page of an alert group shows: from before it opened until after it ended.
fn range_of_group(query: &[(String, String)], now_ms: i64, opened: Time, ended: Option<Time>) -> Range {
    let until_ms = ended.map_or(now_ms, |at| (at.millis() + AROUND_MS).min(now_ms));
    Range::around(query, (opened.millis() - AROUND_MS, until_ms.max(opened.millis() + 60_000)), now_ms)
}

/// What the rule compares whose alert the page of a check is about; to be asked before the page.
pub(super) fn asked_of_check(asking: &Asking, id: i64) -> Result<Option<Compared>> {
    let check = asking.kernel.db.read(|tx| Ok(store::checks::by_id(tx, &[id])?.into_iter().next()))?;
    check.map_or(Ok(None), |check| asked(asking, &check, range_of_check(&asking.query, asking.now.millis(), &check)))
}

/// The same for the page of an alert group.
pub(super) fn asked_of_group(asking: &Asking, id: i64) -> Result<Option<Compared>> {
    let found = asking.kernel.db.read(|tx| {
        let Some(group) = store::groups::by_id(tx, id)? else { return Ok(None) };
        let check = store::checks::by_id(tx, &[group.check])?.into_iter().next();
        Ok(check.map(|check| (group, check)))
    });
    let Some((group, check)) = found? else { return Ok(None) };
    let range = range_of_group(&asking.query, asking.now.millis(), group.opened_at, group.ended_at);
    asked(asking, &check, range)
}

/// Series are asked within the reach of the asker; whether they may see the check, the page finds out.
fn asked(asking: &Asking, check: &Check, range: Range) -> Result<Option<Compared>> {
    let Some(reach) = asking.actor.reach(ReadCheckChart::NAME, asking.now) else { return Ok(None) };
    crate::charts::rule::compared(asking.kernel, &reach, check, span(range), PATIENCE)
}

fn span(range: Range) -> (Time, Time) {
    (Time(range.from_ms.saturating_mul(1_000)), Time(range.to_ms.saturating_mul(1_000)))
}

/// The figure of a check with the choice of its range, on the page of the check.
pub(super) fn of_check(page: &mut PageCx, check: &Check, compared: Option<Compared>) -> Result<Markup> {
    let range = range_of_check(&page.query, page.cx.now.millis(), check);
    let here = format!("/monitoring/checks/{}", check.id);
    let chart = chart(page, check, "Over time", range, compared)?;
    let refs = format!("{} alert:{}", check.reference(), check.alert);
    Ok(html! { (Charts::new("figures", here.clone(), range, &page.clock(), html! { (chart) }).live(refs, here)) })
}

/// The figure of the check whose alert opened a group, from before it opened until after it ended.
pub(super) fn of_group(page: &mut PageCx, group: &Group, check: &Check, compared: Option<Compared>) -> Result<Markup> {
    let range = range_of_group(&page.query, page.cx.now.millis(), group.opened_at, group.ended_at);
    let chart = chart(page, check, &format!("Around the start: {}", check.name), range, compared)?;
    let chart = chart.link("Check", format!("/monitoring/checks/{}", check.id));
    let here = format!("/monitoring/groups/{}", group.id);
    Ok(html! { (Charts::new("figures", here, range, &page.clock(), html! { (chart) })) })
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
    html! { (chart.link("Explore", super::with("/monitoring/explore", &[("query", &seen.expr)]))) }
}

fn chart(page: &mut PageCx, check: &Check, title: &str, range: Range, compared: Option<Compared>) -> Result<Chart> {
    let data = check::draw(page.cx, check, span(range), compared)?;
    let source = format!("/api/v1/monitor/checks/{}/chart", check.id);
    Ok(Chart::new("figure-check", title, source, drawn(data), &page.clock()))
}
