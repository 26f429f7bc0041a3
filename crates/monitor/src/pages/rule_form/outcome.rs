//! What came of trying a rule: the figure, when it would have fired, and keeping it.

use kernel::address::with_query;
use maud::{Markup, html};
use web::ui::{Button, Card, Column, Field, Form, Row, Table, Tone, notice};

use super::{KEPT_ONLY, View};
use crate::pages::{ago, figure};
use crate::rule::preview::Preview;

pub(super) fn outcome(view: &View) -> Markup {
    let shown = match &view.preview {
        None => {
            return html! { (Card::new("Preview").body(html! { p { "Say what is wrong: the last six hours of it are drawn here, with when the rule would have fired." } })) };
        }
        Some(Err(error)) => return mistake(view.get("expr"), error),
        Some(Ok(shown)) => shown,
    };
    let given: Vec<(&str, &str)> = view.filled().into_iter().filter(|(name, _)| !KEPT_ONLY.contains(name)).collect();
    html! {
        @for warning in &shown.warnings { (notice(Tone::Warn, warning)) }
        (figure::of_preview(with_query("/api/v1/monitor/rules/preview", &given), shown, &view.clock))
        (fired(view, shown))
        (keep(view))
    }
}

/// What is wrong, and where: the place is marked under the expression.
fn mistake(expr: &str, error: &str) -> Markup {
    let place = error.split(": ").next().and_then(|place| place.split_once(':'));
    let place = place.and_then(|(line, column)| Some((line.parse::<usize>().ok()?, column.parse::<usize>().ok()?)));
    let marked = place.and_then(|(line, column)| Some((expr.lines().nth(line.checked_sub(1)?)?, column)));
    html! {
        (notice(Tone::Warn, error))
        @if let Some((line, column)) = marked {
            pre.mistake { (line) "\n" (" ".repeat(column.saturating_sub(1).min(line.len()))) "^" }
        }
    }
}

fn fired(view: &View, shown: &Preview) -> Markup {
    let series = match shown.series_count {
        0 => "No series answers now: the name may be wrong, or nothing measures it.".to_owned(),
        1 => "One series is looked at.".to_owned(),
        count => format!("{count} series are looked at."),
    };
    let card = Card::new("It would have fired").count(shown.fired.len());
    if shown.fired.is_empty() {
        return html! { (card.body(html! { p { "Not once in the last six hours. " (series) } p { code dir="ltr" { (shown.expr) } } })) };
    }
    let rows = shown.fired.iter().map(|one| {
        let long = web::ui::duration((one.to - one.from) / 1_000);
        Row::new(one.name.clone())
            .main()
            .cell(ago(&view.clock, kernel::Time(one.from * 1_000)))
            .text(&long)
            .text(&one.value)
    });
    let columns =
        [Column::new("Series").main(), Column::new("Began"), Column::new("Lasted"), Column::new("Value").num()];
    html! {
        (card.note(html! { span.muted { (series) " " (shown.firing_now) " out now." } })
            .flush(html! { (Table::new("Alerts it would have made").columns(columns).rows(rows)) }))
    }
}

/// Keeps exactly what was tried.
fn keep(view: &View) -> Markup {
    let (action, word) = match view.rule {
        Some(_) => ("/do/monitor.rule.update", "Save"),
        None => ("/do/monitor.rule.create", "Create rule"),
    };
    let mut form = Form::post(action, view.csrf.clone()).back("/monitoring/rules/{id}");
    if let Some((id, version)) = view.rule {
        form = form
            .field(Field::hidden("id", id.to_string()))
            .field(Field::hidden("expected_version", version.to_string()));
        // What was emptied is emptied in the rule too.
        for name in ["for", "keep_firing_for", "labels", "annotations"] {
            if view.get(name).is_empty() {
                form = form.field(Field::hidden(name, ""));
            }
        }
        if view.get(if view.by_form { "clear_threshold" } else { "clear" }).is_empty() {
            form = form.field(Field::hidden(if view.by_form { "clear_threshold" } else { "clear" }, ""));
        }
    }
    let kept = view.filled().into_iter().filter(|(name, _)| !(view.rule.is_some() && *name == "group"));
    for (name, value) in kept {
        form = form.field(Field::hidden(name, value));
    }
    html! { (Card::new("Keep it").body(html! { p { "As it was tried above." } (form.action(Button::submit(word).primary())) })) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_marked_where_it_is() {
        let page = mistake("sum(\n  up ==", "2:8: parse error: unexpected end of input").into_string();
        assert!(page.contains("  up ==\n       ^"), "{page}");
    }
}
