//! The list of rules.

use kernel::Result;
use kernel::address::with_query;
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{Button, Clock, Column, Empty, Filter, PageHeader, Row, Table, Tone, status, tag};

use super::listed::Listed;
use super::{Names, ago, tabs};
use crate::rule::list::{ListRules, Rules};
use crate::rule::{Makes, Rule};

struct View {
    clock: Clock,
    rules: Rules,
    names: Names,
    asked: Asked,
    csrf: String,
}

/// What the address asks for.
#[derive(Clone, Debug, Default)]
struct Asked {
    q: String,
    makes: String,
    file: String,
    group: String,
    cursor: String,
}

impl Asked {
    fn href(&self) -> String {
        let all = [
            ("q", self.q.as_str()),
            ("makes", &self.makes),
            ("file", &self.file),
            ("group", &self.group),
            ("cursor", &self.cursor),
        ];
        with_query("/monitoring/rules", &all)
    }
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let text = |name: &str| page.param(name).unwrap_or_default().to_owned();
    let asked =
        Asked { q: text("q"), makes: text("makes"), file: text("file"), group: text("group"), cursor: text("cursor") };
    let rules = page.cx.call(&ListRules {
        q: Some(asked.q.clone()),
        makes: Makes::parse(&asked.makes),
        file: Some(asked.file.clone()),
        group: Some(asked.group.clone()),
        paused: None,
        cursor: Some(asked.cursor.clone()),
        limit: None,
    })?;
    let teams: Vec<i64> = rules.items.iter().filter_map(|rule| rule.team).collect();
    let names = Names::load(page, &[], &teams)?;
    let view = View { clock: page.clock(), rules, names, asked, csrf: page.csrf.clone() };
    Ok(Content::new("Rules", draw(&view)))
}

fn draw(view: &View) -> Markup {
    let columns = [
        Column::new("State"),
        Column::new("Rule").main(),
        Column::new("Group"),
        Column::new("File").wide(),
        Column::new("Took").num().wide(),
        Column::new("Team").extra(),
        Column::new("Evaluated"),
    ];
    let table = Table::new("Rules").columns(columns).rows(view.rules.items.iter().map(|rule| row(view, rule)));
    let page = |cursor: String| Asked { cursor, ..view.asked.clone() }.href();
    let listed = Listed {
        noun: "rule",
        count: view.rules.count,
        here: view.asked.href(),
        next: view.rules.next.clone().map(page),
        first: (!view.asked.cursor.is_empty()).then(|| page(String::new())),
        csrf: view.csrf.clone(),
    };
    let list = listed.around(table, filter(view), empty(view));
    html! {
        (PageHeader::new("Rules").crumb("Monitoring", Some("/monitoring"))
            .subtitle(html! { "Conditions over series, in PromQL or as a form, evaluated again and again." })
            .action(Button::link("Files and tests", "/monitoring/rules/files"))
            .action(Button::link("Rule", "/monitoring/rules/new").primary().icon("plus").key("c")))
        (tabs("/monitoring/rules"))
        (list)
    }
}

fn filter(view: &View) -> Filter {
    let asked = &view.asked;
    let mut filter = Filter::new("/monitoring/rules", asked.q.clone()).placeholder("Words of the name");
    for (name, value) in [("makes", &asked.makes), ("file", &asked.file), ("group", &asked.group)] {
        if !value.is_empty() {
            let mut without = Asked { cursor: String::new(), ..asked.clone() };
            match name {
                "makes" => without.makes.clear(),
                "file" => without.file.clear(),
                _ => without.group.clear(),
            }
            filter = filter.keep(name, value.clone()).chip(format!("{name}: {value}"), without.href());
        }
    }
    if asked.makes.is_empty() {
        for (word, makes) in [("Alerts", "alert"), ("Recorded series", "record")] {
            let to = Asked { makes: makes.into(), cursor: String::new(), ..asked.clone() };
            filter = filter.suggest(word, to.href());
        }
    }
    filter
}

fn empty(view: &View) -> Empty {
    let unfiltered = Asked::default().href() == Asked { cursor: String::new(), ..view.asked.clone() }.href();
    if unfiltered {
        Empty::new("No rules yet", "A rule alerts when an expression over series is true for long enough. Write one, or import the rule files you have.")
            .action(Button::link("Create a rule", "/monitoring/rules/new").primary())
            .action(Button::link("Import a rule file", "/monitoring/rules/files"))
    } else {
        Empty::new("No rule fits", "Take away a condition, or look for another word.")
            .action(Button::link("Show all rules", "/monitoring/rules"))
    }
}

/// How a rule stands, and its word.
pub(super) fn looks(rule: &Rule) -> (Tone, String) {
    let standing = &rule.standing;
    match (rule.paused, standing.health.as_str()) {
        (true, _) => (Tone::Idle, "Paused".into()),
        (_, "err") => (Tone::Warn, "Fails".into()),
        _ if standing.slow.is_some() && standing.firing == 0 => (Tone::Warn, "Slow".into()),
        (_, "unknown") => (Tone::Idle, "Waiting".into()),
        _ if standing.firing > 0 => (Tone::Critical, format!("{} out", standing.firing)),
        _ if standing.pending > 0 => (Tone::Warn, format!("{} pending", standing.pending)),
        _ if rule.makes == Makes::Record => (Tone::Ok, format!("{} series", standing.series)),
        _ => (Tone::Ok, "OK".into()),
    }
}

fn row(view: &View, rule: &Rule) -> Row {
    let (tone, word) = looks(rule);
    let took = std::time::Duration::from_micros(rule.standing.took_us).as_secs_f64() * 1_000.0;
    let evaluated = rule.standing.evaluated_at;
    Row::new(rule.name.clone())
        .reference(format!("rule:{}", rule.id))
        .href(format!("/monitoring/rules/{}", rule.id))
        .cell(status(tone, &word))
        .main()
        .cell(html! { a href=(with_query("/monitoring/rules", &[("group", &rule.group)])) dir="auto" { (rule.group) } })
        .cell(html! { @match &rule.file { Some(file) => (tag(file)), None => span.muted { "own" } } })
        .text(&if evaluated.is_some() { format!("{took:.1} ms") } else { String::new() })
        .cell(view.names.team(rule.team))
        .cell(html! { @match evaluated { Some(at) => (ago(&view.clock, at)), None => span.muted { "not yet" } } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::HOSTILE;

    fn drawn(items: Vec<Rule>, asked: Asked) -> String {
        let rules = Rules { count: 1, next: Some("3~x".into()), count_capped: false, items };
        let view = View { clock: Clock::utc_us(0), rules, names: Names::default(), asked, csrf: "token".into() };
        draw(&view).into_string()
    }

    #[test]
    fn the_list_draws_nothing_one_many_and_hostile_text() {
        assert!(drawn(vec![], Asked::default()).contains("No rules yet"));
        assert!(drawn(vec![], Asked { q: "x".into(), ..Asked::default() }).contains("No rule fits"));
        let one = drawn(vec![Rule::sample("HighLoad")], Asked::default());
        assert!(one.contains("rule:3") && one.contains("1 out"));
        assert!(drawn(vec![Rule::sample("HighLoad"); 50], Asked::default()).len() < 120_000);
        let asked = Asked { q: HOSTILE.into(), file: HOSTILE.into(), ..Asked::default() };
        assert!(!drawn(vec![Rule::sample(HOSTILE)], asked).contains("<script>alert"));
    }
}
