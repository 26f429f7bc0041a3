//! Scrape jobs with how their targets stand, the exporters that could be scraped, and the forms that make jobs.

use kernel::address::with_query;
use kernel::{LiveList, Result};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{
    Button, Card, Column, Empty, Field, Form, List, PageHeader, Row, Table, Tone, notice, post_button, status,
};

use super::tabs;
use crate::scrape::list::{ListScrapes, ScrapeRow, ScrapeRows};
use crate::scrape::propose::{Proposal, ProposeScrapes};

struct View {
    jobs: ScrapeRows,
    proposals: Vec<Proposal>,
    cursor: String,
    may_create: bool,
    csrf: String,
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let cursor = page.param("cursor").unwrap_or_default().to_owned();
    let jobs = page.cx.call(&ListScrapes { cursor: Some(cursor.clone()), limit: None })?;
    let may_create = page.cx.may("monitor.scrape.create");
    let look = may_create && cursor.is_empty() && page.cx.may("monitor.scrape.propose");
    let proposals = if look { page.cx.call(&ProposeScrapes {})?.items } else { Vec::new() };
    let view = View { jobs, proposals, cursor, may_create, csrf: page.csrf.clone() };
    Ok(Content::new("Scraping", draw(&view)))
}

fn draw(view: &View) -> Markup {
    let mut head = PageHeader::new("Scraping")
        .crumb("Monitoring", Some("/monitoring"))
        .subtitle(html! { "Exporters that are asked for their metrics again and again." });
    if view.may_create {
        head = head
            .action(Button::link("Import", "/monitoring/scrapes/import"))
            .action(Button::link("Scrape job", "/monitoring/scrapes/new").primary().icon("plus").key("c"));
    }
    html! {
        (head)
        (tabs("/monitoring/scrapes"))
        (list(view))
        @if !view.proposals.is_empty() { (proposals(view)) }
    }
}

/// How a job looks, and its word.
pub(super) fn looks(row: &ScrapeRow) -> (Tone, &'static str) {
    match row {
        _ if row.paused => (Tone::Idle, "Paused"),
        _ if row.targets > 0 && row.down == row.targets => (Tone::Critical, "Down"),
        _ if row.down > 0 => (Tone::Warn, "Partly down"),
        _ if row.problem.is_some() => (Tone::Warn, "Trouble"),
        _ if row.targets == 0 => (Tone::Idle, "No targets"),
        _ if row.up == 0 => (Tone::Idle, "Waiting"),
        _ => (Tone::Ok, "Up"),
    }
}

fn list(view: &View) -> Markup {
    let columns = [
        Column::new("State"),
        Column::new("Job").main(),
        Column::new("Targets from").wide(),
        Column::new("Up").num(),
        Column::new("Down").num(),
        Column::new("Samples").num(),
        Column::new("Every").num().wide(),
    ];
    let rows = view.jobs.items.iter().map(row);
    let next = view.jobs.next.as_ref().map(|cursor| with_query("/monitoring/scrapes", &[("cursor", cursor)]));
    let first = (!view.cursor.is_empty()).then(|| "/monitoring/scrapes".to_owned());
    let mut empty = Empty::new(
        "No scrape jobs yet",
        "A job asks exporters for their metrics, as Prometheus does: name addresses, files, names in DNS, or assets.",
    );
    if view.may_create {
        empty = empty.action(Button::link("Create a job", "/monitoring/scrapes/new").primary());
    }
    let here = with_query("/monitoring/scrapes", &[("cursor", &view.cursor)]);
    let table = Table::new("Scrape jobs").columns(columns).rows(rows);
    let live = format!("{} list:scrape", LiveList::Targets);
    html! { (List::new("scrapes", table).paging(next, first).live(live, here).empty(empty)) }
}

fn row(job: &ScrapeRow) -> Row {
    let (tone, word) = looks(job);
    Row::new(job.name.clone())
        .reference(format!("scrape:{}", job.id))
        .href(format!("/monitoring/scrapes/{}", job.id))
        .cell(status(tone, word))
        .main()
        .text(&job.sources)
        .text(&job.up.to_string())
        .text(&job.down.to_string())
        .text(&job.samples.to_string())
        .text(&web::ui::duration(job.interval_s))
}

fn proposals(view: &View) -> Markup {
    let columns =
        [Column::new("Exporter").main(), Column::new("Runs on"), Column::new("Port").num().wide(), Column::new("")];
    let rows = view.proposals.iter().map(|one| {
        let assets = serde_json::json!([{ "filter": "", "port": one.port, "service": one.service }]).to_string();
        let fields = [("name", one.name.as_str()), ("assets", &assets), ("_back", "/monitoring/scrapes/{id}")];
        let button = post_button("/do/monitor.scrape.create", &view.csrf, &fields, &Button::submit("Scrape").small());
        let more = one.assets.saturating_sub(one.names.len());
        let mut names = one.names.join(", ");
        if more > 0 {
            names.push_str(&format!(" and {more} more"));
        }
        Row::new(one.service.clone()).text(&one.service).text(&names).text(&one.port.to_string()).cell(button)
    });
    let table = Table::new("Exporters that are not scraped").columns(columns).rows(rows);
    html! { (Card::new("Exporters that are not scraped").count(view.proposals.len()).flush(html! { (table) })) }
}

/// `/monitoring/scrapes/new`
pub(super) fn new(page: &mut PageCx) -> Result<Content> {
    Ok(Content::new("New scrape job", draw_new(&page.csrf)))
}

fn draw_new(csrf: &str) -> Markup {
    let form = Form::post("/do/monitor.scrape.create", csrf.to_owned()).back("/monitoring/scrapes/{id}").field(
        Field::text("name", "Name").required().length_max(120).help("The label job of its series, such as node."),
    );
    let shown = Shown::default();
    let form = in_pairs(in_pairs(form, source_fields(&shown)), answer_fields(&shown))
        .field(Field::password("password", "Password").help("Sealed, and never shown again."))
        .field(Field::password("bearer_token", "Token").help("Instead of a user name; sent as Authorization: Bearer."))
        .action(Button::submit("Create job").primary())
        .action(Button::link("Cancel", "/monitoring/scrapes"));
    html! {
        (PageHeader::new("New scrape job").crumb("Monitoring", Some("/monitoring")).crumb("Scraping", Some("/monitoring/scrapes"))
            .subtitle(html! { "What else a job may be told (DNS, rules, limits, certificates) is set on its page or over the API." }))
        (Card::new("Scrape job").body(html! { (form) }))
    }
}

/// What the fields of a form hold.
#[derive(Default)]
pub(super) struct Shown {
    pub(super) targets: String,
    pub(super) labels: String,
    pub(super) files: String,
    pub(super) assets: String,
    pub(super) scheme: String,
    pub(super) path: String,
    pub(super) interval_s: String,
    pub(super) timeout_s: String,
    pub(super) username: String,
    /// Addresses are in several groups, which the form does not show.
    pub(super) grouped: bool,
}

/// Fields in rows of two.
pub(super) fn in_pairs(mut form: Form, fields: Vec<Field>) -> Form {
    let mut rest = fields.into_iter();
    while let Some(first) = rest.next() {
        form = form.fields(std::iter::once(first).chain(rest.next()));
    }
    form
}

/// Where targets come from.
pub(super) fn source_fields(shown: &Shown) -> Vec<Field> {
    let mut fields = Vec::new();
    if !shown.grouped {
        fields.push(
            Field::textarea("targets", "Addresses")
                .value(shown.targets.clone())
                .placeholder("db-01:9100\ndb-02:9100")
                .help("One a line, with the port."),
        );
        fields.push(
            Field::text("labels", "Labels")
                .value(shown.labels.clone())
                .placeholder("{\"site\": \"oslo\"}")
                .help("JSON. Every series of these addresses gets them; {} removes them."),
        );
    }
    fields.push(
        Field::text("files", "Files")
            .value(shown.files.clone())
            .placeholder("web.json, racks/*.yml")
            .help("Lists of targets as Prometheus reads them, in the folder that the configuration allows."),
    );
    fields.push(
        Field::text("assets", "Assets")
            .value(shown.assets.clone())
            .placeholder("[{\"filter\": \"kind:server\", \"port\": 9100}]")
            .help("JSON. Assets that a filter means, each asked on a port."),
    );
    fields
}

/// How targets are asked.
pub(super) fn answer_fields(shown: &Shown) -> Vec<Field> {
    let or = |text: &str, default: &str| if text.is_empty() { default.to_owned() } else { text.to_owned() };
    vec![
        Field::select("scheme", "Asked with", [("http", "HTTP"), ("https", "HTTPS")]).value(or(&shown.scheme, "http")),
        Field::text("path", "Path").value(or(&shown.path, "/metrics")),
        Field::input("number", "interval_s", "Every, in seconds").value(or(&shown.interval_s, "15")),
        Field::input("number", "timeout_s", "Timeout, in seconds").value(or(&shown.timeout_s, "10")),
        Field::text("username", "User name").value(shown.username.clone()).help("For basic authentication."),
    ]
}

/// `/monitoring/scrapes/import`
pub(super) fn import(page: &mut PageCx) -> Result<Content> {
    Ok(Content::new("Import scrape jobs", draw_import(&page.csrf)))
}

fn draw_import(csrf: &str) -> Markup {
    let form = Form::post("/do/monitor.scrape.import", csrf.to_owned())
        .back("/monitoring/scrapes")
        .field(
            Field::textarea("text", "prometheus.yml").required().help("The whole file, or its scrape_configs alone."),
        )
        .field(Field::checkbox("paused", "Make every job paused, to look at first"))
        .action(Button::submit("Import").primary())
        .action(Button::link("Cancel", "/monitoring/scrapes"));
    html! {
        (PageHeader::new("Import scrape jobs").crumb("Monitoring", Some("/monitoring")).crumb("Scraping", Some("/monitoring/scrapes"))
            .subtitle(html! { "From the configuration of a Prometheus." }))
        (notice(Tone::Info, "A job of which something cannot be taken over comes paused. What that is, is listed after the import."))
        (Card::new("Configuration").body(html! { (form) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::HOSTILE;

    pub(in crate::pages) fn sample(name: &str) -> ScrapeRow {
        ScrapeRow {
            id: 3,
            name: name.into(),
            sources: name.into(),
            interval_s: 15,
            paused: false,
            targets: 2,
            up: 1,
            down: 1,
            dropped: 0,
            samples: 1_200,
            problem: Some(name.into()),
        }
    }

    fn drawn(items: Vec<ScrapeRow>, text: &str) -> String {
        let proposal =
            Proposal { name: text.into(), service: text.into(), port: 9_100, assets: 9, names: vec![text.into()] };
        let jobs = ScrapeRows { items, next: Some("x".into()) };
        let view =
            View { jobs, proposals: vec![proposal], cursor: text.into(), may_create: true, csrf: "token".into() };
        draw(&view).into_string()
    }

    #[test]
    fn jobs_draw_nothing_one_many_and_hostile_text() {
        assert!(drawn(vec![], "x").contains("No scrape jobs yet"));
        let one = drawn(vec![sample("node")], "x");
        assert!(one.contains("Partly down") && one.contains("and 8 more") && one.contains("monitor.scrape.create"));
        assert!(drawn(vec![sample("node"); 50], "x").len() < 120_000);
        assert!(!drawn(vec![sample(HOSTILE)], HOSTILE).contains("<script>alert"));
        assert!(
            draw_new("token").into_string().contains("Create job") && draw_import("t").into_string().contains("Import")
        );
    }

    #[test]
    fn a_job_looks_as_bad_as_its_targets() {
        let word = |change: fn(&mut ScrapeRow)| {
            let mut row = ScrapeRow { problem: None, ..sample("x") };
            change(&mut row);
            looks(&row).1
        };
        assert_eq!(word(|_| {}), "Partly down");
        assert_eq!(word(|row| row.down = 2), "Down");
        assert_eq!(word(|row| (row.up, row.down) = (2, 0)), "Up");
        assert_eq!(word(|row| (row.up, row.down) = (0, 0)), "Waiting");
        assert_eq!(word(|row| (row.up, row.down, row.targets) = (0, 0, 0)), "No targets");
        assert_eq!(word(|row| row.paused = true), "Paused");
    }
}
