//! Explore: any question in PromQL, drawn and in numbers. The address is the question and its time, so it can be shared.

pub(crate) mod answer;
pub(crate) mod figure;

use kernel::address::with_query;
use kernel::{Operation as _, Result};
use maud::{Markup, html};
use promql::{FUNCTIONS, ParseOptions, ValueType, parse_with};
use web::page::{Content, PageCx};
use web::ui::{Button, Empty, PageHeader, Tone, notice};

use self::figure::Question;
use super::tabs;
use crate::live::Monitor;
use crate::metrics::query::QueryMetrics;

/// Spans of time that are offered: minutes and words.
const SPANS: [(&str, &str); 8] = [
    ("15", "15 min"),
    ("60", "1 hour"),
    ("360", "6 hours"),
    ("1440", "1 day"),
    ("10080", "7 days"),
    ("43200", "30 days"),
    ("129600", "90 days"),
    ("525600", "1 year"),
];
/// Names of metrics that are offered while typing, without script.
const NAMES_MAX: usize = 400;
/// Aggregations and words, which are offered like functions.
const WORDS: &str = "avg bottomk count count_values group max min quantile stddev stdvar sum topk";
/// Questions to begin with.
const EXAMPLES: [(&str, &str); 4] = [
    ("Busy processors", "100 - 100 * avg by (asset) (rate(node_cpu_seconds_total{mode=\"idle\"}[5m]))"),
    ("Memory in use, in percent", "100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)"),
    ("File systems, fullest first", "sort_desc(100 * (1 - node_filesystem_avail_bytes / node_filesystem_size_bytes))"),
    ("Checks that fail now", "mainstay_check_up == 0"),
];

#[derive(Default)]
struct View {
    query: String,
    minutes: String,
    /// A span of its own, as zooming leaves it: milliseconds since 1970.
    span: Option<(i64, i64)>,
    names: Vec<String>,
    /// The numbers, for those without script.
    numbers: Option<Markup>,
    /// The figure, for those without script.
    figure: Option<Markup>,
    /// The reader's zone, as browsers know it.
    zone: String,
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let query = page.param("query").unwrap_or_default().trim().to_owned();
    let minutes = page.param("minutes").filter(|minutes| SPANS.iter().any(|(known, _)| known == minutes));
    let minutes = minutes.unwrap_or("60").to_owned();
    let time = |name: &str| page.param(name).and_then(|text| text.parse::<i64>().ok());
    let span = time("from").zip(time("to")).filter(|(from, to)| from < to);
    let reach = page.cx.reach(QueryMetrics::NAME)?;
    let names = if reach.everything { metric_names(page)? } else { Vec::new() };
    // Browsers with script fetch the numbers when the page is there; nobody's reader waits for them.
    let numbers = if page.param("numbers").is_some() && !query.is_empty() {
        let at_ms = span.map_or(page.cx.now.millis(), |(_, to)| to);
        Some(answer::draw(&answer::ask(page.cx.kernel, &reach, &query, at_ms)?))
    } else {
        None
    };
    let zone = page.zone.iana_name().unwrap_or("UTC").to_owned();
    let question = Question { query: &query, minutes: &minutes, span };
    let figure = numbers.as_ref().map(|_| figure::draw(page.cx.kernel, &reach, &question, &page.clock(), &zone));
    let view = View { query, minutes, span, names, numbers, figure, zone };
    Ok(Content::new("Explore", draw(&view)))
}

pub(super) fn metric_names(page: &mut PageCx) -> Result<Vec<String>> {
    let monitor = page.cx.kernel.get::<Monitor>()?;
    let all = monitor.series.label_values(tsdb::NAME_LABEL, &[], (i64::MIN, i64::MAX), tsdb::Limits::default());
    // Too many names to offer is no reason not to answer.
    let mut names = all.unwrap_or_default();
    names.truncate(NAMES_MAX);
    Ok(names)
}

fn draw(view: &View) -> Markup {
    let options = ParseOptions { experimental: true, ..ParseOptions::default() };
    html! {
        (PageHeader::new("Explore").crumb("Monitoring", Some("/monitoring"))
            .subtitle(html! { "Every metric, in PromQL. The address of this page is the question: share it." }))
        (tabs("/monitoring/explore"))
        (question(view))
        @if view.query.is_empty() {
            (examples())
        } @else {
            @match parse_with(&view.query, options) {
                Err(error) => (mistake(&view.query, &error.to_string())),
                Ok(expr) => (shown(view, matches!(expr.value_type(), ValueType::Vector | ValueType::Scalar))),
            }
        }
    }
}

fn question(view: &View) -> Markup {
    let functions = FUNCTIONS.iter().map(|function| function.name).chain(WORDS.split(' '));
    let functions = functions.collect::<Vec<_>>().join(" ");
    html! {
        form.ask-metrics method="get" action="/monitoring/explore" {
            div.field-complete {
                input.control.mono type="text" name="query" value=(view.query) list="metric-names" required autocomplete="off" spellcheck="false"
                    autocapitalize="off" autofocus[view.query.is_empty()] aria-label="Question in PromQL" data-promql=(functions)
                    placeholder="rate(node_network_receive_bytes_total[5m])";
            }
            datalist id="metric-names" { @for name in &view.names { option value=(name) {} } }
            select.control name="minutes" aria-label="Span of time" {
                @if view.span.is_some() { option value="" selected { "As zoomed" } }
                @for (minutes, words) in SPANS { option value=(minutes) selected[view.span.is_none() && minutes == view.minutes] { (words) } }
            }
            (Button::submit("Ask").primary())
            @if !view.query.is_empty() {
                button.btn type="button" data-do="copy-link" { "Copy link" }
            }
        }
    }
}

fn examples() -> Markup {
    let empty = Empty::new("Ask for anything that is measured", "Type a metric's name, or begin with one of these.");
    html! {
        (empty)
        ul.examples {
            @for (words, query) in EXAMPLES { li { a href=(with_query("/monitoring/explore", &[("query", query)])) { (words) } code { (query) } } }
        }
    }
}

/// What is wrong, and where: the place is marked under the question.
fn mistake(query: &str, error: &str) -> Markup {
    let place = error.split(": ").next().and_then(|place| place.split_once(':'));
    let column = place.filter(|(line, _)| *line == "1").and_then(|(_, column)| column.parse::<usize>().ok());
    html! {
        (notice(Tone::Warn, error))
        @if let Some(column) = column {
            pre.mistake { (query) "\n" (" ".repeat(column.saturating_sub(1).min(query.len()))) "^" }
        }
    }
}

fn shown(view: &View, is_drawn: bool) -> Markup {
    let (from, to) = view.span.map_or_else(Default::default, |(from, to)| (from.to_string(), to.to_string()));
    let minutes = if view.span.is_some() { "" } else { view.minutes.as_str() };
    let asked = [("query", view.query.as_str()), ("minutes", minutes), ("from", &from), ("to", &to)];
    let question = Question { query: &view.query, minutes: &view.minutes, span: view.span };
    let part = with_query("/monitoring/explore/answer", &[("query", &view.query), ("to", &to)]);
    let here = with_query("/monitoring/explore", &[&asked[..], &[("numbers", "here")]].concat());
    html! {
        @match &view.figure {
            _ if !is_drawn => {},
            Some(figure) => (figure),
            None => div.lazy id="figures" data-lazy=(figure::source(&question, &view.zone)) aria-busy="true" {
                p.problem { "Drawing the answer … " a href=(here) { "Open it" } }
            },
        }
        @match &view.numbers {
            Some(numbers) => (numbers),
            None => div.lazy id="explore-answer" data-lazy=(part) aria-busy="true" {
                p.problem { "Loading the numbers … " a href=(here) { "Open the numbers" } }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::HOSTILE;

    fn drawn(query: &str, span: Option<(i64, i64)>) -> String {
        let (query, minutes, names) = (query.to_owned(), "60".to_owned(), vec![HOSTILE.into()]);
        draw(&View { query, minutes, span, names, ..View::default() }).into_string()
    }

    #[test]
    fn explore_draws_nothing_a_question_and_hostile_text() {
        assert!(drawn("", None).contains("Busy processors"));
        let page = drawn("up", None);
        assert!(
            page.contains("data-lazy=\"/monitoring/explore/figure?query=up")
                && page.contains("data-lazy=\"/monitoring/explore/answer?query=up\""),
            "{page}"
        );
        assert!(page.contains("numbers=here"), "without script a link asks for both: {page}");
        assert!(!drawn(HOSTILE, None).contains("<script>alert"));
        assert!(!drawn("up[5m]", None).contains("explore/figure"), "samples as they came are not drawn");
    }

    #[test]
    fn a_zoomed_time_is_part_of_the_address() {
        let page = drawn("up", Some((1_000, 2_000)));
        assert!(page.contains("from=1000&amp;to=2000") && page.contains("As zoomed"), "{page}");
    }

    #[test]
    fn a_mistake_is_marked_where_it_is() {
        let page = drawn("sum(", None);
        assert!(page.contains("sum(\n    ^"), "{page}");
    }
}
