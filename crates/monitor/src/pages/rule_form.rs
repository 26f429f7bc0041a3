//! The rule editor: what is typed is tried on the data that is there before it is kept. The address holds the rule, so
//! that it works without script and can be shared.

use std::time::Duration;

use kernel::operation::coerce;
use kernel::{Operation as _, Result};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{Button, Card, Clock, Column, Field, Form, PageHeader, Row, Tab, Table, Tabs, Tone, notice};

use super::check_form::team_options;
use super::with;
use crate::rule::preview::{Preview, PreviewRule};
use crate::rule::show::ShowRule;
use crate::rule::{Missing, Rule};

/// The page waits no longer for what it says in words; the figure has more time.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// The fields of the editor, in order.
const NAMES: [&str; 24] = [
    "name",
    "makes",
    "expr",
    "metric",
    "matchers",
    "over",
    "window",
    "together",
    "by",
    "compare",
    "threshold",
    "clear_threshold",
    "clear",
    "for",
    "keep_firing_for",
    "fire_n",
    "fire_m",
    "missing",
    "labels",
    "annotations",
    "severity",
    "team",
    "interval",
    "group",
];
/// Fields that a preview does not know.
const KEPT_ONLY: [&str; 2] = ["interval", "group"];

struct View {
    /// The rule that is changed, with its version.
    rule: Option<(i64, i64)>,
    by_form: bool,
    values: Vec<(&'static str, String)>,
    teams: Vec<(String, String)>,
    metrics: Vec<String>,
    preview: Option<std::result::Result<Preview, String>>,
    clock: Clock,
    csrf: String,
}

impl View {
    fn get(&self, name: &str) -> &str {
        self.values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    fn here(&self) -> String {
        self.rule.map_or_else(|| "/monitoring/rules/new".to_owned(), |(id, _)| format!("/monitoring/rules/{id}/change"))
    }

    fn filled(&self) -> Vec<(&str, &str)> {
        self.values.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (*name, value.as_str())).collect()
    }
}

/// `/monitoring/rules/new`
pub(super) fn create(page: &mut PageCx) -> Result<Content> {
    editor(page, None)
}

/// `/monitoring/rules/{id}/change`
pub(super) fn change(page: &mut PageCx) -> Result<Content> {
    let id = page.id("id")?;
    let detail = page.cx.call(&ShowRule { id })?;
    editor(page, Some(detail.rule))
}

fn editor(page: &mut PageCx, rule: Option<Rule>) -> Result<Content> {
    let typed = NAMES.iter().any(|name| page.param(name).is_some());
    let by_form = match page.param("by_form") {
        Some(said) => said == "1",
        None => rule.as_ref().is_some_and(|rule| rule.form.is_some()),
    };
    let stored = rule.as_ref().map(values).unwrap_or_default();
    let value = |name: &str| match (typed, page.param(name)) {
        (true, value) => value.unwrap_or_default().to_owned(),
        (false, _) => {
            stored.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()).unwrap_or_default()
        }
    };
    // Fields of the other way to say it do not count.
    let other = |name: &str| match by_form {
        true => matches!(name, "expr" | "clear"),
        false => ["metric", "matchers", "over", "window", "together", "by", "compare", "threshold", "clear_threshold"]
            .contains(&name),
    };
    let values: Vec<(&'static str, String)> = NAMES
        .iter()
        .map(|name| (*name, if other(name) { String::new() } else { value(name).replace("\r\n", "\n") }))
        .collect();
    let mut view = View {
        rule: rule.as_ref().map(|rule| (rule.id, rule.version)),
        by_form,
        values,
        teams: team_options(page, rule.as_ref().and_then(|rule| rule.team))?,
        metrics: Vec::new(),
        preview: None,
        clock: page.clock(),
        csrf: page.csrf.clone(),
    };
    if !view.get("expr").trim().is_empty() || !view.get("metric").trim().is_empty() {
        view.preview = Some(tried(page, &view)?);
    }
    if page.cx.reach(PreviewRule::NAME)?.everything {
        view.metrics = super::explore::metric_names(page)?;
    }
    let title = if view.rule.is_some() { "Change rule" } else { "New rule" };
    Ok(Content::new(title, draw(&view)))
}

/// Tries what was typed; a mistake is a sentence.
fn tried(page: &mut PageCx, view: &View) -> Result<std::result::Result<Preview, String>> {
    let given = view.filled().into_iter().filter(|(name, _)| !KEPT_ONLY.contains(name));
    let pairs: Vec<(String, String)> = given.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let registry = page.cx.kernel.registry();
    let Some(entry) = registry.operation(PreviewRule::NAME) else { return Ok(Err("There is no preview.".to_owned())) };
    let reach = page.cx.reach(PreviewRule::NAME)?;
    let read = coerce(&pairs, entry.input_schema()).and_then(|input| {
        serde_json::from_value::<PreviewRule>(input).map_err(|error| kernel::Error::invalid("rule", error.to_string()))
    });
    let seen = read.and_then(|rule| rule.seen_by(page.cx.kernel, &reach, page.cx.now, PATIENCE));
    Ok(seen.map_err(|error| match &error.field {
        Some(field) if field != "expr" => format!("{field}: {}", error.message),
        _ => error.message,
    }))
}

/// A rule as the editor shows it.
fn values(rule: &Rule) -> Vec<(&'static str, String)> {
    let length = |ms: i64| if ms > 0 { promql::format_duration(ms) } else { String::new() };
    let word = |value: &dyn erased::Word| value.word();
    let mut all = vec![
        ("name", rule.name.clone()),
        ("makes", rule.makes.as_str().to_owned()),
        ("for", length(rule.for_ms)),
        ("keep_firing_for", length(rule.keep_firing_ms)),
        ("fire_n", rule.fire_n.to_string()),
        ("fire_m", rule.fire_m.to_string()),
        ("missing", if rule.missing == Missing::Clear { "clear" } else { "keep" }.to_owned()),
        ("labels", rule.labels.lines()),
        ("annotations", rule.annotations.lines()),
        ("severity", rule.severity.as_str().to_owned()),
        ("team", rule.team.map(|team| team.to_string()).unwrap_or_default()),
        ("interval", promql::format_duration(rule.interval_ms)),
    ];
    match &rule.form {
        None => {
            all.push(("expr", rule.expr.clone()));
            all.push(("clear", rule.clear.clone().unwrap_or_default()));
        }
        Some(form) => all.extend([
            ("metric", form.metric.clone()),
            ("matchers", form.matchers.clone()),
            ("over", word(&form.over)),
            ("window", form.window.clone()),
            ("together", word(&form.together)),
            ("by", form.by.join(", ")),
            ("compare", word(&form.compare)),
            ("threshold", form.threshold.to_string()),
            ("clear_threshold", form.clear_threshold.map(|value| value.to_string()).unwrap_or_default()),
        ]),
    }
    all
}

mod erased {
    //! The stable word of a choice.

    pub(super) trait Word {
        fn word(&self) -> String;
    }

    impl<T: serde::Serialize> Word for T {
        fn word(&self) -> String {
            let value = serde_json::to_value(self).unwrap_or_default();
            value.as_str().unwrap_or_default().to_owned()
        }
    }
}

fn draw(view: &View) -> Markup {
    let title = if view.rule.is_some() { "Change rule" } else { "New rule" };
    let way = |by_form: &'static str| {
        let kept = view.filled().into_iter().filter(|(name, _)| ["name", "for", "severity", "team"].contains(name));
        let all: Vec<(&str, &str)> = kept.chain([("by_form", by_form)]).collect();
        with(&view.here(), &all)
    };
    html! {
        (PageHeader::new(title).crumb("Monitoring", Some("/monitoring")).crumb("Rules", Some("/monitoring/rules"))
            .subtitle(html! { "Tried on the data of the last six hours before it is kept." }))
        (Tabs::new("Ways to say it", [
            Tab::new("PromQL", way("0")).current(!view.by_form),
            Tab::new("Form", way("1")).current(view.by_form),
        ]))
        (Card::new("Rule").body(html! { (form(view)) }))
        div.stack id="rule-preview" { (outcome(view)) }
    }
}

fn form(view: &View) -> Form {
    let text = |name: &str, label: &str| Field::text(name, label).value(view.get(name));
    let mut form = Form::get(view.here())
        .swap("rule-preview")
        .as_typed()
        .field(Field::hidden("by_form", if view.by_form { "1" } else { "0" }))
        .fields([
            text("name", "Name").required().length_max(200).placeholder("HighLoad"),
            Field::select("makes", "Makes", [("alert", "Alerts"), ("record", "A series of that name")])
                .value(view.get("makes")),
        ]);
    form = if view.by_form { by_form(form, view) } else { by_expression(form, view) };
    form.fields([
        text("for", "Must be true for").placeholder("5m").help("Left empty, the alert is out at once."),
        text("keep_firing_for", "Stays out for").placeholder("0s").help("So long after it is not true any more."),
    ])
    .fields([
        Field::input("number", "fire_n", "True at").value(view.get("fire_n")).placeholder("1"),
        Field::input("number", "fire_m", "Of the last evaluations").value(view.get("fire_m")).placeholder("1"),
    ])
    .fields([
        Field::select("severity", "Severity", [("warning", "Warning"), ("critical", "Critical")])
            .value(view.get("severity")),
        Field::select("team", "Team that is told", view.teams.clone()).value(view.get("team")),
    ])
    .fields([
        Field::select("missing", "Missing data", [("keep", "Keeps the alert as it is"), ("clear", "Ends the alert")])
            .value(view.get("missing")),
        text("interval", "Evaluated every").placeholder("30s"),
    ])
    .field(
        Field::textarea("annotations", "Annotations")
            .value(view.get("annotations"))
            .mono()
            .placeholder("summary: {{ $labels.instance }} has a load of {{ $value | humanize }}")
            .help("A line each: name: text. Templates as in Prometheus."),
    )
    .field(Field::textarea("labels", "Labels").value(view.get("labels")).mono().placeholder("service: shop"))
    .action(Button::submit("Preview").primary())
    .action(Button::link(
        "Cancel",
        view.rule.map_or("/monitoring/rules".to_owned(), |(id, _)| format!("/monitoring/rules/{id}")),
    ))
}

fn by_expression(form: Form, view: &View) -> Form {
    form.field(
        Field::textarea("expr", "Fires when")
            .value(view.get("expr"))
            .required()
            .mono()
            .placeholder("avg by (instance) (node_load1) > 4"),
    )
    .field(
        Field::text("clear", "Ends when")
            .value(view.get("clear"))
            .mono()
            .placeholder("avg by (instance) (node_load1) < 3")
            .help("Left empty, the alert ends when it is not true any more."),
    )
}

fn by_form(form: Form, view: &View) -> Form {
    let text = |name: &str, label: &str| Field::text(name, label).value(view.get(name));
    let over = [
        ("now", "The newest value"),
        ("rate", "Growth per second"),
        ("increase", "Growth over the window"),
        ("avg", "Mean over the window"),
        ("min", "Smallest in the window"),
        ("max", "Largest in the window"),
    ];
    let together = [
        ("each", "Each by itself"),
        ("sum", "Sum"),
        ("avg", "Mean"),
        ("min", "Smallest"),
        ("max", "Largest"),
        ("count", "How many"),
    ];
    let compare = [
        ("above", "above"),
        ("at_least", "at least"),
        ("below", "below"),
        ("at_most", "at most"),
        ("equal", "equal to"),
        ("not_equal", "other than"),
    ];
    form.fields([
        text("metric", "Metric").required().mono().suggest(view.metrics.clone()).placeholder("node_load1"),
        text("matchers", "Only series with").mono().placeholder("job=\"node\""),
    ])
    .fields([Field::select("over", "Take", over).value(view.get("over")), text("window", "Window").placeholder("5m")])
    .fields([
        Field::select("together", "Together", together).value(view.get("together")),
        text("by", "By labels").placeholder("instance"),
    ])
    .fields([
        Field::select("compare", "Is", compare).value(view.get("compare")),
        text("threshold", "Fires at").required().mono(),
        text("clear_threshold", "Ends at").mono(),
    ])
}

fn outcome(view: &View) -> Markup {
    let shown = match &view.preview {
        None => return html! {},
        Some(Err(error)) => return mistake(view.get("expr"), error),
        Some(Ok(shown)) => shown,
    };
    let given: Vec<(&str, &str)> = view.filled().into_iter().filter(|(name, _)| !KEPT_ONLY.contains(name)).collect();
    html! {
        @for warning in &shown.warnings { (notice(Tone::Warn, warning)) }
        (super::figure::of_preview(with("/api/v1/monitor/rules/preview", &given), shown, &view.clock))
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
            .cell(super::ago(&view.clock, kernel::Time(one.from * 1_000)))
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
    use crate::pages::HOSTILE;
    use crate::rule::preview::Fired;

    fn drawn(text: &str, by_form: bool, preview: Option<std::result::Result<Preview, String>>) -> String {
        let view = View {
            rule: Some((3, 1)),
            by_form,
            values: NAMES.iter().map(|name| (*name, text.to_owned())).collect(),
            teams: vec![("2".into(), text.into())],
            metrics: vec![text.into()],
            preview,
            clock: Clock::utc_us(0),
            csrf: "token".into(),
        };
        draw(&view).into_string()
    }

    #[test]
    fn the_editor_draws_both_ways_and_hostile_text_stays_text() {
        let fired = Fired { name: HOSTILE.into(), from: 0, to: 60_000, value: "1".into() };
        let shown =
            Preview { fired: vec![fired], expr: HOSTILE.into(), warnings: vec![HOSTILE.into()], ..Preview::default() };
        for by_form in [true, false] {
            let page = drawn(HOSTILE, by_form, Some(Ok(shown.clone())));
            assert!(!page.contains("<script>alert") && page.contains("Save"), "{page}");
        }
        assert!(drawn("x", true, None).contains("name=\"threshold\""));
    }

    #[test]
    fn a_mistake_is_marked_where_it_is() {
        let page = mistake("sum(\n  up ==", "2:8: parse error: unexpected end of input").into_string();
        assert!(page.contains("  up ==\n       ^"), "{page}");
    }

    #[test]
    fn a_rule_fills_the_editor() {
        let all = values(&Rule::sample("HighLoad"));
        assert!(all.contains(&("for", "5m".into())) && all.contains(&("expr", "node_load1 > 4".into())));
    }
}
