//! Pages: all runbooks, the editor, and one runbook with its versions.

use kernel::page::Page;
use kernel::{Ident, Result};
use maud::{Markup, html};
use serde_json::Value;
use web::ui::{
    Button, Card, Clock, Column, Empty, Field, Form, List, PageHeader, Row, Split, Table, Tone, code, columns, notice,
    pill, post_button, status,
};
use web::{Content, PageCx};

use super::list::ListRunbooks;
use super::show::{ShowRunbook, ShownRunbook};
use super::validate::Drafts;
use super::{RunbookView, VersionView};

/// The text that the editor begins with.
const EXAMPLE: &str = include_str!("example.yaml");

/// `/runbooks`
pub(crate) fn list(page: &mut PageCx) -> Result<Content> {
    let cursor = page.param("cursor").map(str::to_owned);
    let first = cursor.is_some().then(|| "/runbooks".to_owned());
    let found = page.cx.call(&ListRunbooks { cursor, limit: None })?;
    let save = page.cx.may("runbooks.runbook.save");
    let clock = page.clock();
    Ok(Content::new("Runbooks", list_body(&found, first, save, &clock)))
}

fn list_body(found: &Page<RunbookView>, first: Option<String>, save: bool, clock: &Clock) -> Markup {
    let rows = found.items.iter().map(|runbook| {
        let (tone, word) = if runbook.approved { (Tone::Ok, "Approved") } else { (Tone::Info, "Waits for approval") };
        Row::new(&runbook.title)
            .href(format!("/runbooks/{}", runbook.id))
            .main()
            .text(&runbook.name)
            .text(&format!("version {}", runbook.latest))
            .cell(status(tone, word))
            .cell(clock.ago(runbook.updated_at.timestamp()))
    });
    let columns = [
        Column::new("Runbook").main(),
        Column::new("Name").wide(),
        Column::new("Newest"),
        Column::new("State"),
        Column::new("Changed"),
    ];
    let next = found.next.as_ref().map(|cursor| format!("/runbooks?cursor={cursor}"));
    let mut empty =
        Empty::new("No runbooks yet", "A runbook is a repair written down: steps that check, act, verify and undo.");
    let mut header =
        PageHeader::new("Runbooks").subtitle(html! { "Repairs written down, approved, and run by hand or by alerts." });
    header = header.action(Button::link("Runs", "/runs"));
    if save {
        header = header.action(Button::link("New runbook", "/runbooks/new").primary().icon("plus").key("n"));
        empty = empty.action(Button::link("Write the first one", "/runbooks/new").primary());
    }
    let table = Table::new("Runbooks").columns(columns).rows(rows);
    html! { (header) (List::new("runbooks", table).paging(next, first).empty(empty)) }
}

/// `/runbooks/new`
pub(crate) fn editor(page: &mut PageCx) -> Result<Content> {
    let actor = page.cx.actor.ident.to_string();
    let draft = match page.param("draft") {
        Some(id) => page.cx.kernel.get::<Drafts>()?.get(id, &actor),
        None => None,
    };
    let from = match page.param("from").and_then(|id| id.parse().ok()) {
        Some(id) => Some(page.cx.call(&ShowRunbook { id, version: None })?.yaml),
        None => None,
    };
    let checked = draft.is_some();
    let yaml = draft.or(from).unwrap_or_else(|| EXAMPLE.to_owned());
    Ok(Content::new("Write a runbook", editor_body(&yaml, checked, &page.csrf)))
}

fn editor_body(yaml: &str, checked: bool, csrf: &str) -> Markup {
    let form = Form::post("/do/runbooks.runbook.save", csrf)
        .back("/runbooks/{id}")
        .field(Field::textarea("yaml", "Runbook in YAML").value(yaml).required().mono())
        .action(Button::submit("Save").primary());
    let check = html! {
        (notice(Tone::Info, "A new text under the same name is a new version. It runs once somebody else has approved it."))
        p { "Inputs reach a command only as whole words, environment values or a JSON file. Nothing is filled into texts." }
        (code("argv: [/usr/bin/stat, {input: path}]\nenv: {REASON: {input: reason}}\ninput_file: true   # all inputs as JSON, path in MAINSTAY_INPUT"))
        p { "Steps: " code { "command" } ", " code { "service" } ", " code { "http" } ", " code { "wait_for" } ", " code { "operation" } ", " code { "approval" } ", " code { "human" } "." }
        p { "Probes for check and verify: " code { "process" } ", " code { "tcp" } ", " code { "http" } ", " code { "file_system" } ", " code { "unit" } "." }
    };
    let verify = Form::post("/do/runbooks.runbook.validate", csrf)
        .back("/runbooks/new?draft={id}")
        .field(Field::textarea("yaml", "Check a text without saving it").value(yaml).required().mono())
        .action(Button::submit("Check it"));
    html! {
        (PageHeader::new("Write a runbook").crumb("Runbooks", Some("/runbooks")))
        @if checked { (notice(Tone::Ok, "This text has no mistakes. It is not saved yet.")) }
        (columns(Split::Wide, &html! { (Card::new("Text").body(html! { (form) })) },
            &html! { (Card::new("How it works").body(check)) (Card::new("Check only").body(html! { (verify) })) }))
    }
}

/// `/runbooks/{id}`
pub(crate) fn show(page: &mut PageCx) -> Result<Content> {
    let (id, version) = (page.id("id")?, page.param("version").map(str::to_owned));
    let shown = page.cx.call(&ShowRunbook { id, version })?;
    let owner = matches!(page.cx.actor.ident, Ident::Os(_));
    let own = shown.shown.author == page.cx.actor.name && !owner;
    let one_person = page.cx.setting::<kernel::approvals::ApprovalPolicy>()?.one_person_team;
    let may = May {
        approve: page.cx.may("runbooks.runbook.approve"),
        alone: own && !one_person,
        one_person,
        save: page.cx.may("runbooks.runbook.save"),
        start: page.cx.may(crate::run::start::NAME),
    };
    let machines = if may.start { machines(page)? } else { Vec::new() };
    let clock = page.clock();
    Ok(Content::new(shown.title.clone(), show_body(&shown, may, &machines, &page.csrf, &clock)))
}

/// Machines to choose from: those with an agent, as far as the reader may see them.
fn machines(page: &mut PageCx) -> Result<Vec<(String, String)>> {
    let mut options = vec![(String::new(), "No machine".to_owned())];
    if page.cx.may("fleet.agent.list") {
        let found = page.cx.call_named("fleet.agent.list", serde_json::json!({ "state": "active", "limit": 200 }))?;
        for agent in found.get("items").and_then(Value::as_array).into_iter().flatten() {
            let text = |name: &str| agent.get(name).and_then(Value::as_str);
            let asset = text("asset").and_then(|asset| asset.parse::<kernel::Ref>().ok());
            if let (Some(asset), Some(name)) = (asset, text("hostname")) {
                options.push((asset.id.to_string(), name.to_owned()));
            }
        }
    }
    Ok(options)
}

/// What is offered.
#[derive(Clone, Copy, Debug, Default)]
struct May {
    approve: bool,
    /// The reader wrote it and may not approve it alone.
    alone: bool,
    one_person: bool,
    save: bool,
    start: bool,
}

fn version_state(version: &VersionView) -> (Tone, &'static str) {
    if version.approved_at.is_some() { (Tone::Ok, "Approved") } else { (Tone::Info, "Waits for approval") }
}

fn show_body(shown: &ShownRunbook, may: May, machines: &[(String, String)], csrf: &str, clock: &Clock) -> Markup {
    let (tone, word) = version_state(&shown.shown);
    let mut header = PageHeader::new(&shown.title)
        .crumb("Runbooks", Some("/runbooks"))
        .pill(pill(tone, word))
        .subtitle(html! { span.mono { (shown.name) } " · version " (shown.shown.number) });
    if may.save {
        header = header.action(Button::link("Write a new version", format!("/runbooks/new?from={}", shown.id)));
    }
    let versions = shown.versions.iter().map(|version| {
        let (tone, word) = version_state(version);
        Row::new(format!("Version {}", version.number))
            .href(format!("/runbooks/{}?version={}", shown.id, version.version))
            .main()
            .cell(status(tone, word))
            .text(&version.author)
            .text(&version.approved_by)
            .cell(clock.ago(version.created_at.timestamp()))
    });
    let columns_of = [
        Column::new("Version").main(),
        Column::new("State"),
        Column::new("Author").wide(),
        Column::new("Approved by").wide(),
        Column::new("Written"),
    ];
    let table = Table::new("Versions").columns(columns_of).rows(versions);
    let main = html! {
        (Card::new("Steps").tight(html! { ol.steps { @for (at, step) in shown.steps.iter().enumerate() { li { span.i { (at + 1) } span.t dir="auto" { (step) } } } } }))
        (Card::new("Text").body(code(&shown.yaml)))
        (Card::new("Versions").flush(html! { (table) }))
    };
    let side = html! {
        @if shown.shown.approved_at.is_none() && may.approve { (approve_card(shown, may, csrf)) }
        @if !shown.shown.approval_note.is_empty() { (notice(Tone::Info, &shown.shown.approval_note)) }
        @if shown.shown.approved_at.is_some() && may.start { (start_card(shown, machines, csrf)) }
        (Card::new("Hash of this version").body(code(&shown.shown.version)))
    };
    html! { (header) (columns(Split::Wide, &main, &side)) }
}

fn approve_card(shown: &ShownRunbook, may: May, csrf: &str) -> Markup {
    let back = format!("/runbooks/{}", shown.id);
    let id = shown.id.to_string();
    let fields = [("id", id.as_str()), ("version", shown.shown.version.as_str()), ("_back", back.as_str())];
    html! {
        (Card::new("Approval").body(html! {
            @if may.alone {
                p { "You wrote this version, so somebody else must approve it. A team of one person can allow it under " a href="/settings" { "Settings" } "." }
            } @else {
                p { "Read every step first: once approved, this version may run on machines." }
                @if may.one_person { (notice(Tone::Warn, "This is a team of one person: authors approve their own versions, and it is written down.")) }
                (post_button("/do/runbooks.runbook.approve", csrf, &fields, &Button::submit("Approve this version").primary()))
            }
        }))
    }
}

fn start_card(shown: &ShownRunbook, machines: &[(String, String)], csrf: &str) -> Markup {
    let form = Form::post("/do/runbooks.run.start", csrf)
        .back("/runs/{id}")
        .field(Field::hidden("runbook", shown.id.to_string()))
        .field(Field::hidden("version", &shown.shown.version))
        .field(
            Field::select("asset", "Machine", machines.to_vec())
                .help("Machines with an agent. Steps that act on none need none."),
        )
        .field(Field::text("inputs", "Inputs").mono().placeholder("{\"unit\": \"nginx.service\"}").help("As JSON."))
        .action(Button::submit("Run it").primary());
    html! { (Card::new("Run it now").body(html! { (form) })) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "</textarea><script>alert(1)</script>";

    fn clock() -> Clock {
        Clock::utc_us(1_772_438_400_000_000)
    }

    fn runbook(title: &str) -> RunbookView {
        RunbookView {
            id: 1,
            reference: crate::events::runbook_ref(1),
            name: "a".into(),
            title: title.into(),
            description: String::new(),
            latest: 1,
            version: "ab".into(),
            approved: false,
            updated_at: kernel::Time(1_772_438_400_000_000),
        }
    }

    fn shown(approved: bool) -> ShownRunbook {
        let at = kernel::Time(1_772_438_400_000_000);
        let version = VersionView {
            number: 1,
            version: "ab".into(),
            author: HOSTILE.into(),
            created_at: at,
            approved_at: approved.then_some(at),
            approved_by: String::new(),
            approval_note: String::new(),
        };
        ShownRunbook {
            id: 1,
            reference: crate::events::runbook_ref(1),
            name: "a".into(),
            title: HOSTILE.into(),
            versions: vec![version.clone()],
            shown: version,
            yaml: HOSTILE.into(),
            steps: vec![HOSTILE.into()],
        }
    }

    #[test]
    fn the_list_renders_empty_one_many_and_hostile() {
        let page = |items: Vec<RunbookView>| Page { items, next: Some("1".into()) };
        assert!(list_body(&page(Vec::new()), None, true, &clock()).into_string().contains("Write the first one"));
        let many = list_body(&page(vec![runbook(HOSTILE); 50]), None, false, &clock()).into_string();
        assert!(!many.contains("<script>") && many.contains("Waits for approval"));
    }

    #[test]
    fn the_editor_escapes_what_was_typed_and_begins_with_an_example_without_mistakes() {
        assert!(!editor_body(HOSTILE, true, "token").into_string().contains("<script>"));
        assert!(crate::book::parse::parse(EXAMPLE).is_ok(), "{:?}", crate::book::parse::parse(EXAMPLE));
    }

    #[test]
    fn approving_and_running_are_offered_when_they_are_possible() {
        let may = May { approve: true, start: true, ..May::default() };
        let waiting = show_body(&shown(false), may, &[], "token", &clock()).into_string();
        assert!(waiting.contains("runbooks.runbook.approve") && !waiting.contains("runbooks.run.start"), "{waiting}");
        let alone = show_body(&shown(false), May { alone: true, ..may }, &[], "token", &clock()).into_string();
        assert!(!alone.contains("/do/runbooks.runbook.approve"));
        let machines = [("12".to_owned(), "srv-01".to_owned())];
        let approved = show_body(&shown(true), may, &machines, "token", &clock()).into_string();
        assert!(approved.contains("value=\"12\"") && approved.contains("srv-01"));
        assert!(approved.contains("runbooks.run.start") && !approved.contains("<script>"));
    }
}
