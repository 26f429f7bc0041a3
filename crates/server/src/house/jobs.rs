//! Background work: what waits, and what was given up and needs a decision.

use kernel::Result;
use kernel::job::operations::{DeadLetter, ListDeadLetters, ListJobs, WaitingJob};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{Button, Clock, Column, Empty, List, PageHeader, Row, Table, post_button};

/// `GET /jobs`
pub(super) fn list(page: &mut PageCx) -> Result<Content> {
    let waiting =
        page.cx.call(&ListJobs { kind: None, cursor: page.param("cursor").map(str::to_owned), limit: None })?;
    let dead = if page.cx.may("kernel.job.dead-letters") {
        page.cx.call(&ListDeadLetters { cursor: None, limit: None })?.items
    } else {
        Vec::new()
    };
    let may = page.cx.may("kernel.job.retry");
    Ok(Content::new(
        "Background work",
        view(&waiting.items, waiting.next.as_deref(), &dead, may, &page.csrf, &page.clock()),
    ))
}

fn letter(one: &DeadLetter, may: bool, csrf: &str, clock: &Clock) -> Row {
    let number = one.id.to_string();
    let fields =
        |done: &'static str| [("id", number.clone()), ("_back", "/jobs".to_owned()), ("_done", done.to_owned())];
    let button = |operation: &str, label: &str, done: &'static str| {
        let fields = fields(done);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(key, value)| (*key, value.as_str())).collect();
        post_button(&format!("/do/{operation}"), csrf, &fields, &Button::submit(label).small())
    };
    Row::new(one.name.clone())
        .main()
        .text(&one.error)
        .cell(clock.short(one.at.timestamp()))
        .cell(html! { @if may { (button("kernel.job.retry", "Try again", "Queued again.")) " " (button("kernel.job.discard", "Discard", "Discarded.")) } })
}

fn view(
    waiting: &[WaitingJob],
    next: Option<&str>,
    dead: &[DeadLetter],
    may: bool,
    csrf: &str,
    clock: &Clock,
) -> Markup {
    let rows = waiting.iter().map(|one| {
        Row::new(one.kind.clone())
            .main()
            .text(&one.attempts.to_string())
            .text(&one.last_error)
            .cell(clock.short(one.run_at.timestamp()))
    });
    let heads =
        [Column::new("Job").main(), Column::new("Tries").num(), Column::new("Last error").wide(), Column::new("Due")];
    let waits = Table::new("Waiting jobs").columns(heads).rows(rows);
    let given_up = Table::new("Given up")
        .columns([Column::new("What").main(), Column::new("Error").wide(), Column::new("When"), Column::new("Decide")])
        .rows(dead.iter().map(|one| letter(one, may, csrf, clock)));
    html! {
        (PageHeader::new("Background work").subtitle(html! { "Mail, agents and schedules run here, after what caused them was kept." }))
        @if !dead.is_empty() { h2 { "Given up" } (List::new("dead", given_up)) h2 { "Waiting" } }
        (List::new("jobs", waits).paging(next.map(|cursor| format!("/jobs?cursor={cursor}")), None).empty(Empty::new("Nothing waits", "Everything that was due is done.")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_queue_says_that_everything_is_done() {
        assert!(
            view(&[], None, &[], true, "t", &Clock::utc_us(0))
                .into_string()
                .contains("Everything that was due is done")
        );
    }
}
