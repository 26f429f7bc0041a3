//! Explore: any question in PromQL, drawn and in numbers. The address is the question, so it can be shared.

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::{Operation as _, Reach, Result};
use maud::{Markup, html};
use promql::{Answer, Labels, Value, When, format_value};
use web::page::{Content, PageCx};
use web::ui::{Button, Card, Chart, Charts, Column, Empty, PageHeader, Range, Row, Table, Tone, notice};

use super::{tabs, with};
use crate::charts::drawn;
use crate::ground;
use crate::limits::EXPLORE_ROWS_MAX;
use crate::live::Monitor;
use crate::metrics::chart::ChartMetrics;
use crate::metrics::limits;
use crate::metrics::query::{QueryMetrics, evaluate};

/// Spans of time that are offered: minutes and words.
const SPANS: [(&str, &str); 6] = [
    ("15", "15 min"),
    ("60", "1 hour"),
    ("360", "6 hours"),
    ("1440", "1 day"),
    ("10080", "7 days"),
    ("43200", "30 days"),
];
/// Names of metrics that are offered while typing.
const NAMES_MAX: usize = 400;
/// The page waits no longer for its table; the figure has more time.
const PATIENCE: Duration = Duration::from_secs(5);
/// Questions to begin with.
const EXAMPLES: [(&str, &str); 4] = [
    ("Busy processors", "100 - 100 * avg by (asset) (rate(node_cpu_seconds_total{mode=\"idle\"}[5m]))"),
    ("Memory in use, in percent", "100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)"),
    ("File systems, fullest first", "sort_desc(100 * (1 - node_filesystem_avail_bytes / node_filesystem_size_bytes))"),
    ("Checks that fail now", "mainstay_check_up == 0"),
];

struct View {
    query: String,
    minutes: String,
    names: Vec<String>,
    assets: BTreeMap<i64, String>,
    answer: Option<std::result::Result<Answer, String>>,
    figure: Markup,
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let query = page.param("query").unwrap_or_default().trim().to_owned();
    let minutes = page.param("minutes").filter(|minutes| SPANS.iter().any(|(known, _)| known == minutes));
    let minutes = minutes.unwrap_or("60").to_owned();
    let reach = page.cx.reach(QueryMetrics::NAME)?;
    let answer = if query.is_empty() {
        None
    } else {
        let when = When::Instant(page.cx.now.millis());
        let answer = evaluate(page.cx.kernel, &reach, &query, when, &limits(PATIENCE))?;
        Some(answer.map_err(|error| error.to_string()))
    };
    let ids: Vec<i64> = series(&answer).filter_map(|(labels, _)| labels.get("asset")?.parse().ok()).collect();
    let assets = ground::asset_names(page.cx.tx, &ids)?;
    let names = if reach.everything { metric_names(page)? } else { Vec::new() };
    let is_drawn = matches!(&answer, Some(Ok(answer)) if matches!(answer.value, Value::Vector(_) | Value::Scalar(..)));
    let figure = if is_drawn {
        figure(page, &reach, &query, &minutes)
    } else {
        html! {}
    };
    let view = View { query, minutes, names, assets, answer, figure };
    Ok(Content::new("Explore", draw(&view)))
}

/// The answer over time; why there is none when it cannot be drawn.
fn figure(page: &PageCx, reach: &Reach, query: &str, minutes: &str) -> Markup {
    let now_ms = page.cx.now.millis();
    let from_ms = now_ms - 60_000 * minutes.parse::<i64>().unwrap_or(60);
    let range = Range::around(&page.query, (from_ms, now_ms), now_ms);
    let mut asked = ChartMetrics::of(query.to_owned(), None, (Some(range.from_ms), Some(range.to_ms)));
    let data = match asked.draw(page.cx.kernel, reach, page.cx.now) {
        Ok(data) => drawn(data),
        Err(error) => return notice(Tone::Warn, &error.message),
    };
    let source = with("/api/v1/monitor/metrics/chart", &[("query", query)]);
    let here = with("/monitoring/explore", &[("query", query), ("minutes", minutes)]);
    let chart = Chart::new("figure-answer", "Answer over time", source, data, &page.clock()).tall();
    html! { (Charts::new("figures", here, range, &page.clock(), html! { (chart) })) }
}

pub(super) fn metric_names(page: &mut PageCx) -> Result<Vec<String>> {
    let monitor = page.cx.kernel.get::<Monitor>()?;
    let all = monitor.series.label_values(tsdb::NAME_LABEL, &[], (i64::MIN, i64::MAX), tsdb::Limits::default());
    // Too many names to offer is no reason not to answer.
    let mut names = all.unwrap_or_default();
    names.truncate(NAMES_MAX);
    Ok(names)
}

/// The series of an answer with the value that a table shows, as many as it shows.
fn series(answer: &Option<std::result::Result<Answer, String>>) -> impl Iterator<Item = (&Labels, f64)> {
    let value = answer.as_ref().and_then(|answer| answer.as_ref().ok()).map(|answer| &answer.value);
    let samples = match value {
        Some(Value::Vector(all)) => all.as_slice(),
        _ => &[],
    };
    samples.iter().take(EXPLORE_ROWS_MAX).map(|sample| (&sample.labels, sample.value))
}

fn draw(view: &View) -> Markup {
    html! {
        (PageHeader::new("Explore").crumb("Monitoring", Some("/monitoring"))
            .subtitle(html! { "Every metric, in PromQL. The address of this page is the question: share it." }))
        (tabs("/monitoring/explore"))
        (question(view))
        @match &view.answer {
            None => (examples()),
            Some(Err(error)) => (mistake(&view.query, error)),
            Some(Ok(answer)) => (shown(view, answer)),
        }
    }
}

fn question(view: &View) -> Markup {
    html! {
        form.ask-metrics method="get" action="/monitoring/explore" {
            input.control.mono type="text" name="query" value=(view.query) list="metric-names" required autocomplete="off" spellcheck="false"
                autocapitalize="off" autofocus[view.query.is_empty()] aria-label="Question in PromQL" placeholder="rate(node_network_receive_bytes_total[5m])";
            datalist id="metric-names" { @for name in &view.names { option value=(name) {} } }
            select.control name="minutes" aria-label="Span of time" {
                @for (minutes, words) in SPANS { option value=(minutes) selected[minutes == view.minutes] { (words) } }
            }
            (Button::submit("Ask").primary())
        }
    }
}

fn examples() -> Markup {
    let empty = Empty::new("Ask for anything that is measured", "Type a metric's name, or begin with one of these.");
    html! {
        (empty)
        ul.examples {
            @for (words, query) in EXAMPLES { li { a href=(with("/monitoring/explore", &[("query", query)])) { (words) } code { (query) } } }
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

fn shown(view: &View, answer: &Answer) -> Markup {
    html! {
        @for warning in &answer.warnings { (notice(Tone::Warn, warning)) }
        @for info in &answer.infos { (notice(Tone::Idle, info)) }
        (view.figure)
        (numbers(view, answer))
    }
}

fn numbers(view: &View, answer: &Answer) -> Markup {
    let stats = &answer.stats;
    let note = html! { span.muted { (stats.samples) " samples read" @for note in &stats.notes { ", " (note) } } };
    let card = |count: usize| Card::new("Now").count(count).note(note.clone());
    match &answer.value {
        Value::Scalar(_, value) => html! { (card(1).body(html! { p.mono { (format_value(*value)) } })) },
        Value::Text(_, text) => html! { (card(1).body(html! { p dir="auto" { (text) } })) },
        Value::Matrix(all) => html! {
            (card(all.len()).body(html! { p { "These are samples as they came, of " (all.len()) " series. To draw them, ask for a value of each moment, such as rate(..) or avg_over_time(..)." } }))
        },
        Value::Vector(all) if all.is_empty() => html! {
            (card(0).body(html! { p { "Nothing answers now. The name may be wrong, nothing measures it, or you may not see whose it is." } }))
        },
        Value::Vector(all) => {
            let rows = series(&view.answer).map(|(labels, value)| row(view, labels, value));
            let table = Table::new("Values now")
                .columns([Column::new("Series").main(), Column::new("Asset"), Column::new("Value").num()])
                .rows(rows);
            let more = all.len().saturating_sub(EXPLORE_ROWS_MAX);
            html! { (card(all.len()).flush(html! { (table) @if more > 0 { p.muted { (more) " more are not listed. Narrow the question, or use topk." } } })) }
        }
    }
}

fn row(view: &View, labels: &Labels, value: f64) -> Row {
    let asset = labels.get("asset").and_then(|id| id.parse::<i64>().ok());
    let others = labels.filtered(|name| name != "asset");
    let name = crate::metrics::legend(&others);
    Row::new(name)
        .main()
        .cell(html! {
            @if let Some(id) = asset {
                a href={ "/assets/" (id) } dir="auto" { (view.assets.get(&id).cloned().unwrap_or_else(|| format!("asset {id}"))) }
            }
        })
        .text(&short(value))
}

/// A value as people read it: four decimals are enough for a table, the figure and the API have all of them.
fn short(value: f64) -> String {
    if !value.is_finite() || value == value.trunc() || !(1e-3..1e15).contains(&value.abs()) {
        return format_value(value);
    }
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::HOSTILE;

    fn shown_as(query: &str, answer: Option<std::result::Result<Value, String>>) -> String {
        let answer = answer.map(|answer| {
            answer.map(|value| Answer {
                value,
                warnings: vec![HOSTILE.into()],
                infos: Vec::new(),
                stats: promql::Stats::default(),
            })
        });
        let view = View {
            query: query.to_owned(),
            minutes: "60".into(),
            names: vec![HOSTILE.into()],
            assets: BTreeMap::from([(7, HOSTILE.to_owned())]),
            answer,
            figure: html! {},
        };
        draw(&view).into_string()
    }

    fn sample(text: &str) -> promql::Sample {
        promql::Sample { labels: Labels::from_pairs([("__name__", text), ("asset", "7")]), at_ms: 0, value: 1.5 }
    }

    #[test]
    fn explore_draws_nothing_one_many_and_hostile_text() {
        assert!(shown_as("", None).contains("Busy processors"));
        assert!(shown_as("up", Some(Ok(Value::Vector(Vec::new())))).contains("Nothing answers now"));
        assert!(shown_as("up", Some(Ok(Value::Vector(vec![sample("up")])))).contains("1.5"));
        let many = shown_as("up", Some(Ok(Value::Vector(vec![sample("up"); 5_000]))));
        assert!(many.contains("4900 more") && many.len() < 60_000, "{}", many.len());
        for value in [Value::Vector(vec![sample(HOSTILE)]), Value::Text(0, HOSTILE.into()), Value::Scalar(0, f64::NAN)]
        {
            assert!(!shown_as(HOSTILE, Some(Ok(value))).contains("<script>alert"));
        }
    }

    #[test]
    fn values_are_short_in_the_table() {
        assert_eq!(
            [97.46666666, 100.0, 0.0001, 1e20, f64::NAN, 2.5].map(short),
            ["97.4667", "100", "0.0001", "100000000000000000000", "NaN", "2.5"]
        );
    }

    #[test]
    fn a_mistake_is_marked_where_it_is() {
        let page = shown_as("sum(", Some(Err("1:5: parse error: unexpected end of input".into())));
        assert!(page.contains("sum(\n    ^"), "{page}");
        assert!(!shown_as("x", Some(Err(HOSTILE.into()))).contains("<script>alert"));
    }
}
