//! The rule editor: what is typed is tried on the data that is there before it is kept. The address holds the rule, so
//! that it works without script and can be shared.

use kernel::address::with_query;
use std::time::Duration;

use kernel::operation::coerce;
use kernel::{Error, Operation as _, Result};
use maud::{Markup, html};
use web::page::{Asked, Asking, Content, Early, PageCx};
use web::ui::{Card, Clock, PageHeader, Split, Tab, Tabs, columns};

use super::check_form::team_options;
use super::{asset_named, asset_numbers};
use crate::rule::Rule;
use crate::rule::preview::{Preview, PreviewRule};
use crate::rule::show::ShowRule;
use crate::rule::update::UpdateRule;

mod fields;
mod outcome;
mod values;

use fields::form;
use outcome::outcome;
use values::values;

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

/// What was typed, or what the rule says, and what came of trying it.
struct Tried {
    rule: Option<Rule>,
    by_form: bool,
    values: Vec<(&'static str, String)>,
    preview: Option<std::result::Result<Preview, String>>,
}

/// `/monitoring/rules/new`
pub(super) const CREATE: Early = Early { ask: |asking| boxed(tried(asking, None)), render };

/// `/monitoring/rules/{id}/change`
pub(super) const CHANGE: Early = Early {
    ask: |asking| {
        let show = ShowRule { id: asking.id("id")? };
        let rule = asking.kernel.read_as(asking.actor, |cx| {
            cx.authorise(UpdateRule::NAME, UpdateRule::ACCESS)?;
            cx.call(&show)
        })?;
        boxed(tried(asking, Some(rule.rule)))
    },
    render,
};

fn boxed(tried: Result<Tried>) -> Result<Asked> {
    tried.map(|tried| Box::new(tried) as Asked)
}

/// The page of a new rule.
pub(super) fn create(page: &mut PageCx) -> Result<Content> {
    let tried = tried(&page.asking(), None)?;
    editor(page, tried)
}

/// The page of one that is changed.
pub(super) fn change(page: &mut PageCx) -> Result<Content> {
    let id = page.id("id")?;
    let rule = page.cx.call(&ShowRule { id })?.rule;
    let tried = tried(&page.asking(), Some(rule))?;
    editor(page, tried)
}

fn render(page: &mut PageCx, asked: Asked) -> Result<Content> {
    let tried = asked.downcast::<Tried>().map_err(|_| Error::internal("rule-not-tried", "another answer"))?;
    editor(page, *tried)
}

fn tried(asking: &Asking, rule: Option<Rule>) -> Result<Tried> {
    let typed = NAMES.iter().any(|name| asking.param(name).is_some());
    let by_form = match asking.param("by_form") {
        Some(said) => said == "1",
        None => rule.as_ref().is_some_and(|rule| rule.form.is_some()),
    };
    let stored = rule.as_ref().map(values).unwrap_or_default();
    let value = |name: &str| match (typed, asking.param(name)) {
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
    let says = |name: &str| values.iter().any(|(known, value)| *known == name && !value.trim().is_empty());
    let preview = if says("expr") || says("metric") { Some(seen(asking, &values)?) } else { None };
    Ok(Tried { rule, by_form, values, preview })
}

/// Tries what was typed; a mistake is a sentence.
fn seen(asking: &Asking, values: &[(&'static str, String)]) -> Result<std::result::Result<Preview, String>> {
    let given = values.iter().filter(|(name, value)| !value.is_empty() && !KEPT_ONLY.contains(name));
    let pairs: Vec<(String, String)> = given.map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let registry = asking.kernel.registry();
    let Some(entry) = registry.operation(PreviewRule::NAME) else { return Ok(Err("There is no preview.".to_owned())) };
    let reach = asking.actor.reach(PreviewRule::NAME, asking.now);
    let reach = reach.ok_or_else(|| Error::denied(PreviewRule::NAME))?;
    let read = coerce(&pairs, entry.input_schema()).and_then(|mut input| {
        registry.numbers(entry, &mut input)?;
        serde_json::from_value::<PreviewRule>(input).map_err(|error| Error::invalid("rule", error.to_string()))
    });
    let seen = read.and_then(|rule| rule.seen_by(asking.kernel, &reach, asking.now, PATIENCE));
    Ok(seen.map_err(|error| match &error.field {
        Some(field) if field != "expr" => format!("{field}: {}", error.message),
        _ => error.message,
    }))
}

fn editor(page: &mut PageCx, tried: Tried) -> Result<Content> {
    let rule = tried.rule.as_ref();
    let mut view = View {
        rule: rule.map(|rule| (rule.id, rule.version)),
        by_form: tried.by_form,
        values: tried.values,
        teams: team_options(page, rule.and_then(|rule| rule.team))?,
        metrics: Vec::new(),
        preview: tried.preview,
        clock: page.clock(),
        csrf: page.csrf.clone(),
    };
    if let Some(Ok(preview)) = &mut view.preview {
        let texts = preview.series.iter().map(|line| line.name.as_str());
        let ids = asset_numbers(texts.chain(preview.fired.iter().map(|one| one.name.as_str())));
        let names = crate::ground::asset_names(page.cx.tx, &ids)?;
        for name in preview
            .series
            .iter_mut()
            .map(|line| &mut line.name)
            .chain(preview.fired.iter_mut().map(|one| &mut one.name))
        {
            *name = asset_named(name, &names);
        }
    }
    if page.cx.reach(PreviewRule::NAME)?.everything {
        view.metrics = super::explore::metric_names(page)?;
    }
    let title = if view.rule.is_some() { "Change rule" } else { "New rule" };
    Ok(Content::new(title, draw(&view)))
}

fn draw(view: &View) -> Markup {
    let title = if view.rule.is_some() { "Change rule" } else { "New rule" };
    let way = |by_form: &'static str| {
        let kept = view.filled().into_iter().filter(|(name, _)| ["name", "for", "severity", "team"].contains(name));
        let all: Vec<(&str, &str)> = kept.chain([("by_form", by_form)]).collect();
        with_query(&view.here(), &all)
    };
    html! {
        (PageHeader::new(title).crumb("Monitoring", Some("/monitoring")).crumb("Rules", Some("/monitoring/rules"))
            .subtitle(html! { "Tried on the data of the last six hours before it is kept." }))
        (Tabs::new("Ways to say it", [
            Tab::new("PromQL", way("0")).current(!view.by_form),
            Tab::new("Form", way("1")).current(view.by_form),
        ]))
        (columns(Split::Beside, &html! { (Card::new("Rule").body(html! { (form(view)) })) },
            &html! { div.stack id="rule-preview" aria-live="polite" { (outcome(view)) } }))
    }
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
}
