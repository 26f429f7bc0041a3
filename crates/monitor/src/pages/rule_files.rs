//! Rule files in and out, and tests of them.

use kernel::Result;
use kernel::address::with_query;
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{Button, Card, Clock, Column, Field, Form, PageHeader, Row, Table, Tone, notice};

use super::{ago, tabs};
use crate::rule::export::{ExportRules, Exported};
use crate::rule::test::{TestRules, Tested};
use crate::store;

/// Most files that are listed.
const FILES_MAX: i64 = 500;

struct View {
    clock: Clock,
    files: Vec<store::rules::File>,
    shown: Option<Exported>,
    tests: String,
    tested: Option<std::result::Result<Tested, String>>,
    csrf: String,
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    page.cx.reach_everything("monitor.rule.export")?;
    let files = store::rules::files(page.cx.tx, FILES_MAX)?;
    let shown = match page.param("file") {
        Some(file) => Some(page.cx.call(&ExportRules { file: Some(file.to_owned()) })?),
        None => None,
    };
    let tests = page.param("tests").unwrap_or_default().to_owned();
    let tested = (!tests.trim().is_empty()).then(|| {
        let tested = page.cx.call(&TestRules { tests: tests.clone(), rules: None });
        tested.map_err(|error| error.message)
    });
    let view = View { clock: page.clock(), files, shown, tests, tested, csrf: page.csrf.clone() };
    Ok(Content::new("Rule files", draw(&view)))
}

fn draw(view: &View) -> Markup {
    html! {
        (PageHeader::new("Rule files").crumb("Monitoring", Some("/monitoring")).crumb("Rules", Some("/monitoring/rules"))
            .subtitle(html! { "Prometheus' rule files in, and out again as they came." }))
        (tabs("/monitoring/rules"))
        (files(view))
        @if let Some(shown) = &view.shown { (text(shown)) }
        (import(view))
        (tests(view))
    }
}

fn files(view: &View) -> Markup {
    let own = Row::new("mainstay.yml")
        .href(with_query("/monitoring/rules/files", &[("file", " ")]))
        .main()
        .text("")
        .text("The house's own rules")
        .text("");
    let rows = view.files.iter().map(|file| {
        Row::new(file.name.clone())
            .href(with_query("/monitoring/rules/files", &[("file", &file.name)]))
            .main()
            .cell(ago(&view.clock, file.at))
            .text(&file.by)
            .cell(html! { a href=(with_query("/monitoring/rules", &[("file", &file.name)])) { "Rules" } })
    });
    let table = Table::new("Rule files")
        .columns([Column::new("File").main(), Column::new("Imported"), Column::new("By"), Column::new("")])
        .rows(std::iter::once(own).chain(rows));
    html! { (Card::new("Files").count(view.files.len()).flush(html! { (table) })) }
}

fn text(shown: &Exported) -> Markup {
    let note = if shown.unchanged { "As it was imported, byte for byte." } else { "As the rules are now." };
    html! { (Card::new(shown.name.clone()).note(html! { span.muted { (note) } }).body(html! { pre.code dir="ltr" { (shown.text) } })) }
}

fn import(view: &View) -> Markup {
    let form = Form::post("/do/monitor.rule.import", view.csrf.clone())
        .back("/monitoring/rules/files")
        .field(Field::hidden("_done", "The rule file was imported."))
        .field(Field::hidden("_undo", "1"))
        .field(
            Field::text("name", "Name of the file")
                .required()
                .placeholder("node.yml")
                .help("A file of this name is replaced; rules that are in both go on with their alerts."),
        )
        .field(Field::textarea("text", "Its text").required().mono())
        .action(Button::submit("Import").primary());
    html! { (Card::new("Import").body(html! { (form) })) }
}

fn tests(view: &View) -> Markup {
    let form = Form::get("/monitoring/rules/files")
        .swap("rule-tests")
        .field(Field::textarea("tests", "Tests").value(view.tests.clone()).required().mono().help("In promtool's format. The rule files that they name are the imported ones. Longer ones: mainstay monitor rule test FILE."))
        .action(Button::submit("Run").primary());
    html! {
        (Card::new("Test").body(html! {
            (form)
            div.stack id="rule-tests" {
                @match &view.tested {
                    None => {}
                    Some(Err(why)) => { (notice(Tone::Warn, why)) }
                    Some(Ok(done)) if done.ok => { (notice(Tone::Ok, &format!("All {} expectations were met.", done.passed))) }
                    Some(Ok(done)) => {
                        (notice(Tone::Critical, &format!("{} of {} expectations were not met.", done.failures.len(), done.failures.len() + done.passed)))
                        @for failure in &done.failures { pre.code dir="ltr" { (failure) } }
                    }
                }
            }
        }))
    }
}

#[cfg(test)]
mod tests_of_page {
    use super::*;
    use crate::pages::HOSTILE;

    #[test]
    fn files_draw_nothing_many_and_hostile_text() {
        let file = || store::rules::File {
            id: 1,
            name: HOSTILE.into(),
            body: String::new(),
            by: HOSTILE.into(),
            at: kernel::Time(0),
        };
        for count in [0, 50] {
            let view = View {
                clock: Clock::utc_us(0),
                files: (0..count).map(|_| file()).collect(),
                shown: Some(Exported { name: HOSTILE.into(), text: HOSTILE.into(), unchanged: true }),
                tests: HOSTILE.into(),
                tested: Some(Ok(Tested { ok: false, passed: 1, failures: vec![HOSTILE.into()] })),
                csrf: "token".into(),
            };
            let page = draw(&view).into_string();
            assert!(!page.contains("<script>alert") && page.contains("1 of 2 expectations"));
        }
    }
}
