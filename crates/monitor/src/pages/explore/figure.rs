//! The figure of a question, asked for by the page when it is there: no reader of the database waits for the metrics.

use jiff::tz::TimeZone;
use kernel::address::with_query;
use kernel::{Asked, Handle, Kernel, Reach, Said};
use maud::{Markup, html};
use web::ui::{Chart, Charts, Clock, Range, Tone, notice};

use crate::charts::{ChartData, drawn};
use crate::ground;
use crate::metrics::chart::ChartMetrics;
use crate::pages::{asset_named, asset_numbers};

/// What is drawn: a question, the minutes up to now, and a span of its own, as zooming leaves it.
pub(super) struct Question<'a> {
    pub(super) query: &'a str,
    pub(super) minutes: &'a str,
    pub(super) span: Option<(i64, i64)>,
}

/// `/monitoring/explore/figure`
pub(crate) fn part(kernel: &Handle, asked: &Asked) -> Said {
    let text = |name: &str| asked.field(name).unwrap_or_default();
    let ms = |name: &str| text(name).parse::<i64>().ok();
    let question = Question { query: text("query"), minutes: text("minutes"), span: ms("from").zip(ms("to")) };
    let zone = TimeZone::get(text("zone")).unwrap_or(TimeZone::UTC);
    let clock = Clock::new(kernel.now().timestamp(), zone);
    let body = draw(kernel, &asked.reach, &question, &clock, text("zone")).into_string().into_bytes();
    Said { status: 200, content_type: "text/html; charset=utf-8", headers: Vec::new(), body }
}

/// Where the part comes from.
pub(super) fn source(question: &Question<'_>, zone: &str) -> String {
    let (from, to) = question.span.map_or_else(Default::default, |(from, to)| (from.to_string(), to.to_string()));
    let all = [("query", question.query), ("minutes", question.minutes), ("zone", zone), ("from", &from), ("to", &to)];
    with_query("/monitoring/explore/figure", &all)
}

/// The figure with its way through time; why there is none when it cannot be drawn.
pub(super) fn draw(kernel: &Kernel, reach: &Reach, question: &Question<'_>, clock: &Clock, zone: &str) -> Markup {
    let now_ms = kernel.now().millis();
    let minutes = question.minutes.parse::<i64>().ok().filter(|minutes| (1..=600_000).contains(minutes)).unwrap_or(60);
    let span: Vec<(String, String)> = question
        .span
        .iter()
        .flat_map(|(from, to)| [("from".to_owned(), from.to_string()), ("to".to_owned(), to.to_string())])
        .collect();
    let range = Range::around(&span, (now_ms - minutes * 60_000, now_ms), now_ms);
    let mut asked = ChartMetrics::of(question.query.to_owned(), None, (Some(range.from_ms), Some(range.to_ms)));
    let data = match asked.draw(kernel, reach, kernel.now()) {
        Ok(data) => drawn(named(kernel, data)),
        Err(error) => return html! { div id="figures" { (notice(Tone::Warn, &error.message)) } },
    };
    let numbers = with_query("/api/v1/monitor/metrics/chart", &[("query", question.query)]);
    let here = with_query("/monitoring/explore", &[("query", question.query), ("minutes", question.minutes)]);
    let chart = Chart::new("figure-answer", "Answer over time", numbers, data, clock).tall();
    let set = Charts::new("figures", here, range, clock, html! { (chart) });
    let whole = Question { span: None, ..*question };
    html! { (set.live("", source(&whole, zone))) }
}

/// Names of assets in place of their numbers, which say nothing to people.
fn named(kernel: &Kernel, mut data: ChartData) -> ChartData {
    let ids = asset_numbers(data.series.iter().map(|line| line.name.as_str()));
    if !ids.is_empty() {
        // Without their names the numbers stay.
        let names = kernel.db.read(|tx| ground::asset_names(tx, &ids)).unwrap_or_default();
        for line in &mut data.series {
            line.name = asset_named(&line.name, &names);
        }
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::HOSTILE;

    #[test]
    fn the_source_of_the_part_holds_the_question_and_its_time_and_nothing_foreign() {
        let question = Question { query: HOSTILE, minutes: "60", span: Some((5, 9)) };
        let source = source(&question, "Europe/Berlin");
        assert!(source.contains("from=5&to=9") && source.contains("zone=Europe%2FBerlin"), "{source}");
        assert!(!source.contains('<') && !source.contains('"'), "{source}");
    }
}
