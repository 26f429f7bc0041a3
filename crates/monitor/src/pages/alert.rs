//! The page of one alert: why somebody did, or did not, get it.

use kernel::{Ref, Result};
use maud::{Markup, html};
use web::page::{Content, PageCx, PanelPlace, placed};
use web::ui::{
    Button, Card, Clock, Column, Entry, Facts, PageHeader, Row, Split, Table, Tone, columns, pill, status, timeline,
};

use super::{Names, ago, looks, severity};
use crate::alert::explain::{ExplainAlert, Explanation, Step};

struct View {
    clock: Clock,
    told: Explanation,
    names: Names,
    main: Markup,
    side: Markup,
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let id = page.id("id")?;
    let told = page.cx.call(&ExplainAlert { id })?;
    let assets: Vec<i64> = told.alert.asset.into_iter().collect();
    let teams: Vec<i64> = told.group.iter().filter_map(|group| group.team).collect();
    let names = Names::load(page, &assets, &teams)?;
    let parts = page.parts(&told.alert.reference());
    let view = View {
        clock: page.clock(),
        names,
        main: placed(&parts, PanelPlace::Main),
        side: placed(&parts, PanelPlace::Side),
        told,
    };
    Ok(Content::new(format!("Why: {}", view.told.alert.name), draw(&view)))
}

fn draw(view: &View) -> Markup {
    let alert = &view.told.alert;
    let (tone, word) = looks(alert.state, alert.open, alert.paused);
    let head = PageHeader::new(alert.name.clone())
        .crumb("Monitoring", Some("/monitoring"))
        .crumb(format!("Alert {}", alert.id), None)
        .pill(pill(tone, word))
        .subtitle(html! { (view.names.asset(alert.asset)) " · " span dir="auto" { (view.told.looks_at) } })
        .action(Button::link("Check", format!("/monitoring/checks/{}", alert.check)));
    let group = view.told.group.as_ref().map(|group| format!(" {}", group.reference())).unwrap_or_default();
    let live = format!("{} check:{}{group}", alert.reference(), alert.check);
    let body = columns(Split::Wide, &main(view), &side(view));
    html! {
        (head)
        (web::ui::live("alert", &live, &format!("/monitoring/alerts/{}", alert.id), &body))
    }
}

fn main(view: &View) -> Markup {
    html! {
        (Card::new("Why did, or didn't, I get this?").body(html! {
            p { strong dir="auto" { (view.clock.spoken(&view.told.verdict)) } }
            (timeline(&view.told.steps.iter().map(|step| entry(view, step)).collect::<Vec<Entry>>()))
        }))
        (view.main)
        (history(view))
        (results(view))
    }
}

fn entry(view: &View, step: &Step) -> Entry {
    let tone = match (step.about.as_str(), step.holds_back) {
        ("told", _) => told(view),
        (_, true) => Tone::Planned,
        ("state", _) => looks(view.told.alert.state, view.told.alert.open, view.told.alert.paused).0,
        _ => Tone::Info,
    };
    let word = match step.about.as_str() {
        "looked" => "What is looked at",
        "rule" => "When it fires",
        "state" => "How it stands",
        "silence" => "A silence holds it back",
        "maintenance" => "Maintenance holds it back",
        "flapping" => "It comes and goes",
        "unreachable" => "What it stands on is out",
        "waits" => "It waits",
        "group" => "Its group",
        "cause" => "The cause",
        _ => "Who was told",
    };
    Entry {
        tone,
        title: view.clock.plain(&super::causes::reason(&step.text)),
        href: step.to.as_ref().and_then(href),
        detail: Some(html! { (word) }),
        body: None,
        at: step.at.map_or_else(|| html! {}, |at| view.clock.when(at.timestamp())),
    }
}

/// Green is for what reached somebody, red for what should have and did not.
fn told(view: &View) -> Tone {
    match view.told.told.as_ref().map(|told| told.state.as_str()) {
        Some("told") => Tone::Ok,
        Some("failed" | "nobody" | "unknown") => Tone::Critical,
        Some("sending" | "waiting") => Tone::Warn,
        Some(_) => Tone::Planned,
        None if view.told.group.as_ref().is_some_and(|group| group.announced) => Tone::Info,
        None => Tone::Planned,
    }
}

fn href(to: &Ref) -> Option<String> {
    match to.kind.as_ref() {
        "alert_group" => Some(format!("/monitoring/groups/{}", to.id)),
        "asset" => Some(format!("/assets/{}", to.id)),
        "silence" => Some("/monitoring/silences".to_owned()),
        "maintenance" => Some("/monitoring/maintenance".to_owned()),
        _ => None,
    }
}

fn history(view: &View) -> Markup {
    let card = Card::new("How it stood");
    if view.told.transitions.is_empty() {
        return html! { (card.body(html! { p { "Nothing has changed yet." } })) };
    }
    let rows = view.told.transitions.iter().map(|one| {
        let (tone, word) = looks(one.to, one.fired, false);
        let note = match (one.fired, one.cleared) {
            (true, _) => "Fired",
            (_, true) => "Cleared",
            _ => "",
        };
        Row::new(word)
            .cell(status(tone, word))
            .text(note)
            .cell(html! { (view.clock.spoken(super::seen(&one.evidence))) })
            .cell(ago(&view.clock, one.at))
    });
    let columns = [Column::new("State"), Column::new(""), Column::new("What was seen").main(), Column::new("When")];
    html! { (card.flush(html! { (Table::new("Changes of state").columns(columns).rows(rows)) })) }
}

fn results(view: &View) -> Markup {
    if view.told.results.is_empty() {
        return html! {};
    }
    let rows = view.told.results.iter().map(|seen| {
        let (tone, word) = match seen.outcome.as_str() {
            "good" => (Tone::Ok, "Good"),
            "bad" => (Tone::Critical, "Bad"),
            "between" => (Tone::Warn, "Between"),
            _ => (Tone::Idle, "Not known"),
        };
        let value = seen.value.map(super::explore::answer::short).unwrap_or_default();
        Row::new(word)
            .cell(status(tone, word))
            .cell(html! { (view.clock.spoken(&seen.text)) })
            .text(&value)
            .cell(ago(&view.clock, seen.at))
    });
    let columns =
        [Column::new("Result"), Column::new("What was seen").main(), Column::new("Value").num(), Column::new("When")];
    html! { (Card::new("Newest results").flush(html! { (Table::new("Newest results").columns(columns).rows(rows)) })) }
}

fn side(view: &View) -> Markup {
    let alert = &view.told.alert;
    let (tone, word) = severity(alert.severity);
    let mut facts = Facts::new().row("Severity", status(tone, word)).row("Since", ago(&view.clock, alert.since));
    if let Some(at) = alert.fired_at {
        facts = facts.row("Fired", ago(&view.clock, at));
    }
    if let Some(group) = &view.told.group {
        facts = facts
            .row("Alert group", html! { a href={ "/monitoring/groups/" (group.id) } dir="auto" { (group.title) } })
            .row("Team", view.names.team(group.team));
    }
    for (name, value) in &alert.labels.0 {
        facts = facts.text(name.clone(), value);
    }
    html! {
        (Card::new("At a glance").tight(html! { (facts) }))
        (view.side)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::Alert;
    use crate::alert::told::Told;
    use crate::check::Severity;
    use crate::group::Group;
    use crate::labels::Labels;
    use crate::live::Seen;
    use crate::machine::State;
    use crate::pages::HOSTILE;

    fn drawn(text: &str, group: Option<Group>) -> String {
        shown(text, group, None)
    }

    fn shown(text: &str, group: Option<Group>, state: Option<&str>) -> String {
        let alert = Alert {
            id: 3,
            check: 3,
            asset: Some(417),
            name: text.into(),
            severity: Severity::Critical,
            state: State::Firing,
            open: true,
            since: kernel::Time(0),
            fired_at: Some(kernel::Time(0)),
            group: None,
            evidence: text.into(),
            paused: false,
            labels: Labels([("site".to_owned(), text.to_owned())].into()),
            place: None,
            told_team: None,
            kind: String::new(),
        };
        let step = |about: &str| Step { about: about.into(), holds_back: true, text: text.into(), at: None, to: None };
        let messages = Told { state: state.unwrap_or_default().into(), answer: text.into(), ..Told::default() };
        let seen = Seen {
            at: kernel::Time(0),
            outcome: "good".into(),
            text: text.into(),
            value: Some(4.628_257_000_000_000_5),
            took_us: 1,
        };
        let told = Explanation {
            alert,
            looks_at: text.into(),
            verdict: text.into(),
            steps: vec![step("state"), step("told")],
            results: vec![seen],
            transitions: vec![],
            group,
            told: state.map(|_| messages),
        };
        let view = View { clock: Clock::utc_us(0), told, names: Names::default(), main: html! {}, side: html! {} };
        draw(&view).into_string()
    }

    #[test]
    fn an_alert_draws_alone_grouped_and_hostile() {
        assert!(drawn("Web fails", None).contains("Nothing has changed yet"));
        assert!(drawn("Web fails", Some(Group::sample("Switch fails"))).contains("/monitoring/groups/9"));
        assert!(!drawn(HOSTILE, Some(Group::sample(HOSTILE))).contains("<script>alert"));
        assert!(!shown(HOSTILE, Some(Group::sample(HOSTILE)), Some("failed")).contains("<script>alert"));
    }

    #[test]
    fn what_reached_nobody_is_red_and_what_reached_somebody_green() {
        let group = || Some(Group::sample("Switch fails"));
        let colours = |state: &str| shown("Web fails", group(), Some(state)).matches("critical").count();
        assert!(colours("failed") > colours("told") && colours("nobody") > colours("told"));
        assert_eq!(colours("sending"), colours("told"));
    }

    #[test]
    fn values_are_shown_without_the_noise_of_their_last_digits() {
        let html = drawn("Web fails", None);
        assert!(html.contains("4.6283") && !html.contains("4.62825"), "{html}");
    }
}
