//! The page of one scrape job: its targets and how they stand, what it is told, and the form that changes it.

use kernel::address::with_query;
use kernel::{LiveList, Result};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{
    Button, Card, Clock, Column, Empty, Facts, Field, Form, List, PageHeader, Row, Split, Table, Tone, columns, notice,
    pill, post_button, status,
};

use super::scrapes::{Shown, answer_fields, in_pairs, looks, source_fields};
use super::{Names, ago};
use crate::scrape::show::{ScrapeDetail, ShowScrape};
use crate::scrape::targets::{ListTargets, Targets};
use crate::scrape::{Spec, TargetState};

struct View {
    clock: Clock,
    detail: ScrapeDetail,
    targets: Targets,
    names: Names,
    down: bool,
    cursor: String,
    may_update: bool,
    may_pause: bool,
    may_delete: bool,
    csrf: String,
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let id = page.id("id")?;
    let detail = page.cx.call(&ShowScrape { id })?;
    let down = page.param("down") == Some("true");
    let cursor = page.param("cursor").unwrap_or_default().to_owned();
    let targets = page.cx.call(&ListTargets { job: Some(id), down, cursor: Some(cursor.clone()), limit: None })?;
    let assets: Vec<i64> = targets.items.iter().filter_map(|one| one.asset).collect();
    let names = Names::load(page, &assets, &[])?;
    let view = View {
        clock: page.clock(),
        targets,
        names,
        down,
        cursor,
        may_update: page.cx.may("monitor.scrape.update"),
        may_pause: page.cx.may("monitor.scrape.pause"),
        may_delete: page.cx.may("monitor.scrape.delete"),
        csrf: page.csrf.clone(),
        detail,
    };
    Ok(Content::new(view.detail.job.name.clone(), draw(&view)))
}

fn draw(view: &View) -> Markup {
    let main = html! {
        @if let Some(problem) = &view.detail.standing.problem { (notice(Tone::Warn, problem)) }
        (targets(view))
        @if view.may_update { (change(view)) }
    };
    html! {
        (head(view))
        (columns(Split::Wide, &main, &facts(view)))
    }
}

fn head(view: &View) -> PageHeader {
    let job = &view.detail.job;
    let id = job.id.to_string();
    let here = format!("/monitoring/scrapes/{id}");
    let (tone, word) = looks(&view.detail.standing);
    let mut head = PageHeader::new(job.name.clone())
        .crumb("Monitoring", Some("/monitoring"))
        .crumb("Scraping", Some("/monitoring/scrapes"))
        .pill(pill(tone, word))
        .subtitle(html! { span dir="auto" { (view.detail.standing.sources) } });
    if view.may_pause {
        let (action, label, icon) = if job.paused {
            ("/do/monitor.scrape.resume", "Resume", "play")
        } else {
            ("/do/monitor.scrape.pause", "Pause", "pause")
        };
        let button = Button::submit(label).icon(icon).key("p");
        head = head.action(post_button(action, &view.csrf, &[("id", &id), ("_back", &here)], &button));
    }
    if view.may_delete {
        let button = Button::submit("Delete").danger().confirm("Delete this job with its credentials? Samples stay.");
        let fields = [("id", id.as_str()), ("_back", "/monitoring/scrapes")];
        head = head.action(post_button("/do/monitor.scrape.delete", &view.csrf, &fields, &button));
    }
    head
}

fn targets(view: &View) -> Markup {
    let columns = [
        Column::new("State"),
        Column::new("Target").main(),
        Column::new("Asset").wide(),
        Column::new("Samples").num(),
        Column::new("Took").num(),
        Column::new("Last"),
    ];
    let rows = view.targets.items.iter().map(|one| row(view, one));
    let here = format!("/monitoring/scrapes/{}", view.detail.job.id);
    let down = if view.down { "true" } else { "" };
    let next = view.targets.next.as_ref().map(|cursor| with_query(&here, &[("down", down), ("cursor", cursor)]));
    let first = (!view.cursor.is_empty()).then(|| with_query(&here, &[("down", down)]));
    let standing = &view.detail.standing;
    let mut total = format!("{} {}", standing.targets, if standing.targets == 1 { "target" } else { "targets" });
    if standing.dropped > 0 {
        total.push_str(&format!(", {} dropped by rules", standing.dropped));
    }
    let empty = match (view.detail.job.paused, view.down) {
        (true, _) => Empty::new("Paused", "Nothing is asked until the job is resumed."),
        (_, true) => Empty::new("Every target answers", "None of them failed the last time."),
        _ => Empty::new("No targets", "The sources of this job name none, or nobody has looked yet."),
    };
    let table = Table::new("Targets").columns(columns).rows(rows);
    let now = with_query(&here, &[("down", down), ("cursor", &view.cursor)]);
    let list = List::new("targets", table)
        .total(total)
        .paging(next, first)
        .live(LiveList::Targets.to_string(), now)
        .empty(empty);
    let other = if view.down {
        ("Show all targets", here.clone())
    } else {
        ("Show only targets that are down", with_query(&here, &[("down", "true")]))
    };
    html! { (list) p { a href=(other.1) { (other.0) } } }
}

fn row(view: &View, one: &TargetState) -> Row {
    let (tone, word) = match one.state.as_str() {
        "up" if one.refused > 0 => (Tone::Warn, "Up, partly refused"),
        "up" => (Tone::Ok, "Up"),
        "down" => (Tone::Critical, "Down"),
        _ => (Tone::Idle, "Waiting"),
    };
    let why = one.error.clone().or_else(|| {
        let refused = one.because.as_ref().filter(|_| one.refused > 0)?;
        Some(format!("{} refused: {refused}", one.refused))
    });
    let took = std::time::Duration::from_micros(one.took_us).as_secs_f64() * 1_000.0;
    let waiting = one.at.is_none();
    Row::new(one.instance.clone())
        .cell(status(tone, word))
        .cell(html! {
            span dir="auto" { (one.instance) }
            div.muted dir="auto" { (one.url) }
            @if let Some(why) = &why { div class="muted evidence" dir="auto" { (why) } }
        })
        .cell(view.names.asset(one.asset))
        .text(&if waiting { String::new() } else { one.kept.to_string() })
        .text(&if waiting { String::new() } else { format!("{took:.0} ms") })
        .cell(one.at.map(|at| ago(&view.clock, at)).unwrap_or_default())
}

fn facts(view: &View) -> Markup {
    let spec = &view.detail.job.spec;
    let mut facts = Facts::new()
        .text("Every", &web::ui::duration(spec.interval_s))
        .text("Timeout", &web::ui::duration(spec.timeout_s))
        .text("Asked", &format!("{} {}", spec.scheme.as_str(), spec.path))
        .text("Up", &format!("{} of {}", view.detail.standing.up, view.detail.standing.targets))
        .text("Samples", &view.detail.standing.samples.to_string())
        .text("Most samples", &spec.sample_limit.to_string())
        .text("Rules", &format!("{} for targets, {} for series", spec.relabel.len(), spec.metric_relabel.len()));
    if !view.detail.secrets.is_empty() {
        facts = facts.text("Sealed", &view.detail.secrets.join(", "));
    }
    html! { (Card::new("At a glance").tight(html! { (facts) })) }
}

/// The fields of a form as the job has them.
fn filled(spec: &Spec) -> Shown {
    let group = spec.groups.first().cloned().unwrap_or_default();
    let json =
        |empty: bool, value: serde_json::Result<String>| if empty { String::new() } else { value.unwrap_or_default() };
    Shown {
        targets: group.targets.join("\n"),
        labels: json(group.labels.is_empty(), serde_json::to_string(&group.labels)),
        files: spec.files.join(", "),
        assets: json(spec.assets.is_empty(), serde_json::to_string(&spec.assets)),
        scheme: spec.scheme.as_str().into(),
        path: spec.path.clone(),
        interval_s: spec.interval_s.to_string(),
        timeout_s: spec.timeout_s.to_string(),
        username: spec.username.clone().unwrap_or_default(),
        grouped: spec.groups.len() > 1,
    }
}

fn change(view: &View) -> Markup {
    let job = &view.detail.job;
    let shown = filled(&job.spec);
    let rules = |list: &[crate::scrape::Relabel]| {
        if list.is_empty() { String::new() } else { serde_json::to_string_pretty(list).unwrap_or_default() }
    };
    let form = Form::post("/do/monitor.scrape.update", view.csrf.clone())
        .back(format!("/monitoring/scrapes/{}", job.id))
        .field(Field::hidden("id", job.id.to_string()))
        .field(Field::hidden("expected_version", job.version.to_string()))
        .field(Field::text("name", "Name").value(job.name.clone()).required().length_max(120));
    let form = in_pairs(in_pairs(form, source_fields(&shown)), answer_fields(&shown))
        .field(
            Field::textarea("relabel", "Rules for targets")
                .value(rules(&job.spec.relabel))
                .help("JSON, as Prometheus' relabel_configs."),
        )
        .field(
            Field::textarea("metric_relabel", "Rules for series")
                .value(rules(&job.spec.metric_relabel))
                .help("JSON, as Prometheus' metric_relabel_configs."),
        );
    html! {
        (Card::new("Change").body(html! { (form.action(Button::submit("Save").primary())) }))
        (Card::new("Credentials").body(html! {
            p { "They are sealed and never shown. Empty removes what is there." }
            (credential(view, "bearer_token", "Token"))
            (credential(view, "password", "Password"))
        }))
    }
}

/// A form that sets one secret, so that saving the rest leaves it alone.
fn credential(view: &View, field: &str, label: &str) -> Form {
    let job = &view.detail.job;
    Form::post("/do/monitor.scrape.update", view.csrf.clone())
        .back(format!("/monitoring/scrapes/{}", job.id))
        .field(Field::hidden("id", job.id.to_string()))
        .field(Field::password(field, label))
        .action(Button::submit(format!("Set {}", label.to_lowercase())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::HOSTILE;
    use crate::scrape::list::ScrapeRow;
    use crate::scrape::{Group, ScrapeJob};
    use kernel::Time;

    fn drawn(text: &str, count: usize, down: bool) -> String {
        let group = Group { targets: vec![text.into()], labels: [("a".to_owned(), text.to_owned())].into() };
        let spec = Spec { groups: vec![group], username: Some(text.into()), ..Spec::default() };
        let (created_at, updated_at) = (Time(0), Time(0));
        let job = ScrapeJob { id: 3, name: text.into(), spec, paused: false, version: 1, created_at, updated_at };
        let standing = ScrapeRow {
            id: 3,
            name: text.into(),
            sources: text.into(),
            interval_s: 15,
            paused: false,
            targets: count,
            up: 0,
            down: count,
            dropped: 2,
            samples: 0,
            problem: Some(text.into()),
        };
        let one = TargetState {
            job: 3,
            job_name: text.into(),
            instance: text.into(),
            url: text.into(),
            labels: Default::default(),
            asset: Some(417),
            state: if down { "down".into() } else { "up".into() },
            error: down.then(|| text.to_owned()),
            at: Some(Time(0)),
            took_us: 1_500,
            bytes: 9,
            samples: 9,
            kept: 9,
            series: 9,
            refused: 1,
            because: Some(text.into()),
            interval_s: 15.0,
        };
        let view = View {
            clock: Clock::utc_us(0),
            detail: ScrapeDetail { job, standing, secrets: vec!["password".into()] },
            targets: Targets { items: vec![one; count], next: Some("6".into()) },
            names: Names::default(),
            down: false,
            cursor: String::new(),
            may_update: true,
            may_pause: true,
            may_delete: true,
            csrf: "token".into(),
        };
        draw(&view).into_string()
    }

    #[test]
    fn a_job_draws_its_targets_none_many_and_hostile() {
        assert!(drawn("node", 0, false).contains("No targets"));
        let one = drawn("node", 1, true);
        assert!(one.contains("Down") && one.contains("2 dropped by rules") && one.contains("Save"));
        assert!(drawn("node", 1, false).contains("1 refused: node"));
        assert!(drawn("node", 50, true).len() < 120_000);
        assert!(!drawn(HOSTILE, 2, true).contains("<script>alert"));
    }
}
