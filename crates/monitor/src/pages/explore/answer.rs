//! The numbers of a question at one moment, asked for by the page when it is there: no reader of the database waits for
//! the metrics.

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::{Asked, Handle, Kernel, Reach, Result, Said};
use maud::{Markup, html};
use promql::{Answer, Labels, Value, When, format_value};
use web::ui::{Card, Column, Row, Table, Tone, notice};

use crate::ground;
use crate::limits::EXPLORE_ROWS_MAX;
use crate::metrics::limits;
use crate::metrics::query::answer;

/// Longest wait for the numbers.
const PATIENCE: Duration = Duration::from_secs(10);

/// What there is to show.
pub(super) struct Numbers {
    pub(super) answer: std::result::Result<Answer, String>,
    pub(super) assets: BTreeMap<i64, String>,
}

/// `/monitoring/explore/answer`
pub(crate) fn part(kernel: &Handle, asked: &Asked) -> Said {
    let at_ms = asked.field("to").and_then(|to| to.parse().ok()).unwrap_or_else(|| kernel.now().millis());
    let query = asked.field("query").unwrap_or_default();
    let (status, markup) = match ask(kernel, &asked.reach, query, at_ms) {
        Ok(numbers) => (200, draw(&numbers)),
        Err(error) => (503, notice(Tone::Warn, &error.message)),
    };
    let (content_type, body) = ("text/html; charset=utf-8", markup.into_string().into_bytes());
    Said { status, content_type, headers: Vec::new(), body }
}

/// Asks for the values at a moment, and for the names of the assets they are about.
pub(super) fn ask(kernel: &Kernel, reach: &Reach, query: &str, at_ms: i64) -> Result<Numbers> {
    let answer = answer(kernel, reach, (query, ""), When::Instant(at_ms), &limits(PATIENCE))?;
    let answer = answer.map_err(|error| error.to_string());
    let ids: Vec<i64> = series(&answer).filter_map(|(labels, _)| labels.get("asset")?.parse().ok()).collect();
    let assets = kernel.db.read(|tx| ground::asset_names(tx, &ids))?;
    Ok(Numbers { answer, assets })
}

/// The series of an answer with the value that a table shows, as many as it shows.
fn series(answer: &std::result::Result<Answer, String>) -> impl Iterator<Item = (&Labels, f64)> {
    let samples = match answer.as_ref().map(|answer| &answer.value) {
        Ok(Value::Vector(all)) => all.as_slice(),
        _ => &[],
    };
    samples.iter().take(EXPLORE_ROWS_MAX).map(|sample| (&sample.labels, sample.value))
}

pub(super) fn draw(numbers: &Numbers) -> Markup {
    match &numbers.answer {
        Err(error) => notice(Tone::Warn, error),
        Ok(answer) => html! {
            @for warning in &answer.warnings { (notice(Tone::Warn, warning)) }
            @for info in &answer.infos { (notice(Tone::Idle, info)) }
            (table(numbers, answer))
        },
    }
}

fn table(numbers: &Numbers, answer: &Answer) -> Markup {
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
            let rows = series(&numbers.answer).map(|(labels, value)| row(numbers, labels, value));
            let table = Table::new("Values now")
                .columns([Column::new("Series").main(), Column::new("Asset"), Column::new("Value").num()])
                .rows(rows);
            let more = all.len().saturating_sub(EXPLORE_ROWS_MAX);
            html! { (card(all.len()).flush(html! { (table) @if more > 0 { p.muted { (more) " more are not listed. Narrow the question, or use topk." } } })) }
        }
    }
}

fn row(numbers: &Numbers, labels: &Labels, value: f64) -> Row {
    let asset = labels.get("asset").and_then(|id| id.parse::<i64>().ok());
    let others = labels.filtered(|name| name != "asset");
    let name = crate::metrics::legend(&others);
    Row::new(name)
        .main()
        .cell(html! {
            @if let Some(id) = asset {
                a href={ "/assets/" (id) } dir="auto" { (numbers.assets.get(&id).cloned().unwrap_or_else(|| format!("asset {id}"))) }
            }
        })
        .text(&short(value))
}

/// A value as people read it: four decimals are enough for a table, and four digits where it is small; the API has all of
/// them.
pub(crate) fn short(value: f64) -> String {
    if !value.is_finite() || value == value.trunc() || value.abs() >= 1e15 {
        return format_value(value);
    }
    if value.abs() < 1e-3 {
        return format!("{value:.3e}").parse().map_or_else(|_| format_value(value), format_value);
    }
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::HOSTILE;

    fn drawn(value: Value) -> String {
        let (warnings, infos, stats) = (vec![HOSTILE.into()], vec![HOSTILE.into()], promql::Stats::default());
        let answer = Ok(Answer { value, warnings, infos, stats });
        draw(&Numbers { answer, assets: BTreeMap::from([(7, HOSTILE.to_owned())]) }).into_string()
    }

    fn sample(text: &str) -> promql::Sample {
        promql::Sample { labels: Labels::from_pairs([("__name__", text), ("asset", "7")]), at_ms: 0, value: 1.5 }
    }

    #[test]
    fn numbers_draw_nothing_one_many_and_hostile_text() {
        assert!(drawn(Value::Vector(Vec::new())).contains("Nothing answers now"));
        assert!(drawn(Value::Vector(vec![sample("up")])).contains("1.5"));
        let many = drawn(Value::Vector(vec![sample("up"); 5_000]));
        assert!(many.contains("4900 more") && many.len() < 60_000, "{}", many.len());
        for value in [Value::Vector(vec![sample(HOSTILE)]), Value::Text(0, HOSTILE.into()), Value::Scalar(0, f64::NAN)]
        {
            assert!(!drawn(value).contains("<script>alert"));
        }
        let failed = Numbers { answer: Err(HOSTILE.into()), assets: BTreeMap::new() };
        assert!(!draw(&failed).into_string().contains("<script>alert"));
    }

    #[test]
    fn values_are_short_in_the_table() {
        assert_eq!(short(0.000_190_476_190_480_348_15), "0.0001905");
        assert_eq!(
            [97.46666666, 100.0, 0.0001, 1e20, f64::NAN, 2.5].map(short),
            ["97.4667", "100", "0.0001", "100000000000000000000", "NaN", "2.5"]
        );
    }
}
