//! The page of one rule: how its evaluation goes, its alerts, what it would have done lately, and its text.

use kernel::address::with_query;
use kernel::{Error, LiveList, Operation as _, Result};
use maud::{Markup, html};
use web::page::{Asking, Content, Early, PageCx};
use web::ui::{
    Button, Card, Clock, Column, Facts, PageHeader, Row, Split, Table, Tone, columns, notice, pill, post_button, status,
};

use super::rule_form::PATIENCE;
use super::rule_list::looks;
use super::{Names, ago, severity};
use crate::rule::preview::{Preview, PreviewRule};
use crate::rule::show::{RuleAlert, RuleDetail, ShowRule};
use crate::rule::{Makes, Rule};
use crate::silence::set::CreateSilence;

struct View {
    clock: Clock,
    detail: RuleDetail,
    names: Names,
    may_change: bool,
    may_silence: bool,
    csrf: String,
    figure: Markup,
}

/// A rule, and what it would have done lately: nothing for those who may not try rules.
struct Tried {
    detail: RuleDetail,
    seen: Option<Result<Preview>>,
}

/// `/monitoring/rules/{id}`
pub(super) const EARLY: Early = Early {
    ask: |asking| {
        let show = ShowRule { id: asking.id("id")? };
        let detail = asking.kernel.read_as(asking.actor, |cx| cx.call(&show))?;
        let seen = seen(asking, &detail.rule);
        Ok(Box::new(Tried { detail, seen }))
    },
    render: |page, asked| {
        let tried = asked.downcast::<Tried>().map_err(|_| Error::internal("rule-not-tried", "another answer"))?;
        made(page, *tried)
    },
};

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let id = page.id("id")?;
    let detail = page.cx.call(&ShowRule { id })?;
    let seen = seen(&page.asking(), &detail.rule);
    made(page, Tried { detail, seen })
}

fn made(page: &mut PageCx, Tried { detail, seen }: Tried) -> Result<Content> {
    let assets: Vec<i64> = detail.rule.asset.into_iter().collect();
    let teams: Vec<i64> = detail.rule.team.into_iter().collect();
    let names = Names::load(page, &assets, &teams)?;
    let may_change = page.cx.may("monitor.rule.update");
    let may_silence = page.cx.may(CreateSilence::NAME);
    let clock = page.clock();
    let figure = match seen {
        None => html! {},
        Some(Ok(shown)) => super::figure::of_preview(preview_source(&detail.rule), &shown, &clock),
        Some(Err(error)) => notice(Tone::Warn, &error.message),
    };
    let view = View { clock, detail, names, may_change, may_silence, csrf: page.csrf.clone(), figure };
    Ok(Content::new(view.detail.rule.name.clone(), draw(&view)))
}

fn draw(view: &View) -> Markup {
    let rule = &view.detail.rule;
    let here = format!("/monitoring/rules/{}", rule.id);
    let shown = html! {
        @if let Some(error) = &rule.standing.error { (notice(Tone::Warn, error)) }
        @if let Some(slow) = &rule.standing.slow { (notice(Tone::Warn, slow)) }
        @if rule.makes == Makes::Alert { (alerts(view)) }
    };
    let main = html! {
        (web::ui::live("rule-state", &format!("rule:{} {}", rule.id, LiveList::Alerts), &here, &shown))
        (view.figure)
        (Card::new("As it stands in a rule file").body(html! { pre.code dir="ltr" { (view.detail.text) } }))
    };
    html! {
        (head(view, &here))
        (columns(Split::Wide, &main, &facts(view)))
    }
}

/// What the rule compares, and when it fires, in the last six hours; why not, when that cannot be said.
fn seen(asking: &Asking, rule: &Rule) -> Option<Result<Preview>> {
    let reach = asking.actor.reach(PreviewRule::NAME, asking.now)?;
    let ask = serde_json::json!({
        "makes": rule.makes.as_str(), "name": rule.name, "expr": rule.expr, "clear": rule.clear,
        "for": promql::format_duration(rule.for_ms), "keep_firing_for": promql::format_duration(rule.keep_firing_ms),
        "fire_n": rule.fire_n, "fire_m": rule.fire_m, "missing": rule.missing,
    });
    let asked =
        serde_json::from_value::<PreviewRule>(ask).map_err(|error| Error::internal("rule-preview", error.to_string()));
    Some(asked.and_then(|asked| asked.seen_by(asking.kernel, &reach, asking.now, PATIENCE)))
}

/// Where the figure of a rule comes from.
fn preview_source(rule: &Rule) -> String {
    let clear = rule.clear.clone().unwrap_or_default();
    let makes = rule.makes.as_str();
    let ms = |ms: i64| promql::format_duration(ms);
    let (wait, keep) = (ms(rule.for_ms), ms(rule.keep_firing_ms));
    let (n, m) = (rule.fire_n.to_string(), rule.fire_m.to_string());
    let all = [
        ("makes", makes),
        ("name", rule.name.as_str()),
        ("expr", rule.expr.as_str()),
        ("clear", clear.as_str()),
        ("for", wait.as_str()),
        ("keep_firing_for", keep.as_str()),
        ("fire_n", n.as_str()),
        ("fire_m", m.as_str()),
        ("missing", if rule.missing == crate::rule::Missing::Clear { "clear" } else { "keep" }),
    ];
    with_query("/api/v1/monitor/rules/preview", &all)
}

fn head(view: &View, here: &str) -> PageHeader {
    let rule = &view.detail.rule;
    let id = rule.id.to_string();
    let (tone, word) = looks(rule);
    let mut head = PageHeader::new(rule.name.clone())
        .crumb("Monitoring", Some("/monitoring"))
        .crumb("Rules", Some("/monitoring/rules"))
        .pill(pill(tone, &word))
        .subtitle(html! { code dir="ltr" { (kernel::text::shorten(rule.expr.trim(), 200)) } });
    if view.may_silence && rule.makes == Makes::Alert {
        let labels = format!("alertname={}", serde_json::Value::from(rule.name.as_str()));
        let to = with_query("/monitoring/silences", &[("matchers", &labels)]);
        head = head.action(Button::link("Silence", to).icon("bell"));
    }
    if view.may_change {
        let (action, label, icon) = match rule.paused {
            true => ("/do/monitor.rule.resume", "Resume", "play"),
            false => ("/do/monitor.rule.pause", "Pause", "pause"),
        };
        let pause = Button::submit(label).icon(icon).key("p");
        let delete = Button::submit("Delete").danger().confirm("Delete this rule? Its alerts end without proof.");
        head = head
            .action(Button::link("Change", format!("{here}/change")).key("e"))
            .action(post_button(action, &view.csrf, &[("id", &id), ("_back", here)], &pause))
            .action(post_button(
                "/do/monitor.rule.delete",
                &view.csrf,
                &[("id", &id), ("_back", "/monitoring/rules"), ("_done", "The rule was deleted."), ("_undo", "1")],
                &delete,
            ));
    }
    head
}

fn alerts(view: &View) -> Markup {
    let all = &view.detail.alerts;
    let card = Card::new("Alerts").count(all.len());
    if all.is_empty() {
        return html! { (card.body(html! { p { "None is pending or out." } })) };
    }
    let rows = all.iter().map(|alert| {
        let name = words(alert);
        let (tone, word) = match (alert.unknown, alert.state.as_str()) {
            (true, _) => (Tone::Warn, "No data"),
            (_, "firing") => (Tone::Critical, "Firing"),
            _ => (Tone::Warn, "Pending"),
        };
        let summary = alert.annotations.get("summary").or_else(|| alert.annotations.get("description"));
        let row = Row::new(name);
        let row = match alert.check {
            Some(check) => row.href(format!("/monitoring/checks/{check}")),
            None => row,
        };
        row.cell(status(tone, word))
            .main()
            .text(summary.map_or("", String::as_str))
            .text(&alert.value)
            .cell(ago(&view.clock, alert.active_at))
    });
    let columns = [
        Column::new("State"),
        Column::new("Labels").main(),
        Column::new("What it says"),
        Column::new("Value").num(),
        Column::new("True since"),
    ];
    html! { (card.flush(html! { (Table::new("Alerts").columns(columns).rows(rows)) })) }
}

fn words(alert: &RuleAlert) -> String {
    let pairs = alert.labels.iter().filter(|(name, _)| *name != "alertname");
    let text = pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ");
    if text.is_empty() { "no labels".to_owned() } else { text }
}

fn facts(view: &View) -> Markup {
    let rule = &view.detail.rule;
    let standing = &rule.standing;
    let took = std::time::Duration::from_micros(standing.took_us).as_secs_f64() * 1_000.0;
    let (tone, word) = severity(rule.severity);
    let mut facts = Facts::new()
        .text("Makes", if rule.makes == Makes::Alert { "alerts" } else { "a series" })
        .text("Group", &rule.group)
        .text("Every", &promql::format_duration(rule.interval_ms));
    if let Some(file) = &rule.file {
        facts = facts.row("File", html! { a href=(with_query("/monitoring/rules", &[("file", file)])) { (file) } });
    }
    if rule.makes == Makes::Alert {
        facts = facts.row("Severity", status(tone, word)).row("Team", view.names.team(rule.team));
        for (label, ms) in [("Must be true for", rule.for_ms), ("Stays out for", rule.keep_firing_ms)] {
            if ms > 0 {
                facts = facts.text(label, &promql::format_duration(ms));
            }
        }
        if rule.fire_m > 1 {
            facts = facts.text("Fires at", &format!("{} of {} evaluations", rule.fire_n, rule.fire_m));
        }
        if let Some(clear) = &rule.clear {
            facts = facts.mono("Ends at", clear);
        }
        let missing = match rule.missing {
            crate::rule::Missing::Keep => "keeps the alert as it is",
            crate::rule::Missing::Clear => "ends the alert",
        };
        facts = facts.text("Missing data", missing);
        if let Some(taken) = &rule.taken_as {
            facts = facts.text("Taken as", taken);
        }
    }
    if let Some(asset) = rule.asset {
        facts = facts.row("About", view.names.asset(Some(asset)));
    }
    if let Some(at) = standing.evaluated_at {
        facts = facts
            .row("Evaluated", ago(&view.clock, at))
            .text("Took", &format!("{took:.1} ms"))
            .text("Samples read", &standing.samples.to_string());
    }
    if standing.missed > 0 {
        facts = facts.text("Evaluations missed", &standing.missed.to_string());
    }
    html! { (Card::new("At a glance").tight(html! { (facts) })) }
}

#[cfg(test)]
impl Rule {
    /// An example.
    pub(crate) fn sample(name: &str) -> Self {
        use crate::rule::words::Words;
        use crate::rule::{Missing, Standing};
        Self {
            id: 3,
            name: name.into(),
            makes: Makes::Alert,
            group: name.into(),
            group_id: 1,
            file: Some(name.into()),
            expr: "node_load1 > 4".into(),
            form: None,
            clear: Some(name.into()),
            for_ms: 300_000,
            keep_firing_ms: 0,
            fire_n: 1,
            fire_m: 1,
            missing: Missing::Keep,
            labels: Words(vec![("severity".into(), name.into())]),
            annotations: Words(vec![("summary".into(), name.into())]),
            severity: crate::check::Severity::Warning,
            team: Some(2),
            asset: None,
            paused: false,
            version: 1,
            created_at: kernel::Time(0),
            updated_at: kernel::Time(0),
            interval_ms: 30_000,
            taken_as: Some("overloaded, as it compares node_load1".into()),
            standing: Standing {
                health: "ok".into(),
                evaluated_at: Some(kernel::Time(0)),
                firing: 1,
                ..Standing::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::HOSTILE;

    fn drawn(name: &str, alerts: usize) -> String {
        let map = |text: &str| std::collections::BTreeMap::from([("summary".to_owned(), text.to_owned())]);
        let alert = RuleAlert {
            labels: map(name),
            annotations: map(name),
            state: "firing".into(),
            value: "4.5".into(),
            active_at: kernel::Time(0),
            unknown: false,
            check: Some(7),
        };
        let mut rule = Rule::sample(name);
        rule.standing.slow = Some(format!("The group is slow: {name}"));
        let detail = RuleDetail { rule, alerts: vec![alert; alerts], text: name.into() };
        let view = View {
            clock: Clock::utc_us(0),
            detail,
            names: Names::default(),
            may_change: true,
            may_silence: true,
            csrf: "t".into(),
            figure: html! {},
        };
        draw(&view).into_string()
    }

    #[test]
    fn a_rule_draws_quiet_busy_and_hostile() {
        assert!(drawn("HighLoad", 0).contains("None is pending or out"));
        assert!(drawn("HighLoad", 0).contains("The group is slow: HighLoad"));
        assert!(drawn("HighLoad", 200).contains("/monitoring/checks/7"));
        assert!(!drawn(HOSTILE, 1).contains("<script>alert"));
    }
}
