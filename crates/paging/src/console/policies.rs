//! `/on-call/policies`: escalation policies, and the form of one.

use kernel::{Operation, Result};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{Button, Card, Column, Dialog, Empty, Field, Form, List, PageHeader, Row, Table, post_button};

use super::targets::{self, Names};
use super::{tabs, wait};
use crate::policy::change::SavePolicy;
use crate::policy::list::{ListPolicies, ShowPolicy};
use crate::policy::{Policy, Step};

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let policies = page.cx.call(&ListPolicies {})?.items;
    let names = targets::names(page, &policies)?;
    let may = page.cx.may(SavePolicy::NAME);
    Ok(Content::new("Policies", draw(&policies, &names, may, &page.csrf)))
}

/// A step in words: `at once rota Network`.
fn step(step: &Step, names: &Names) -> String {
    let after =
        if step.after_s == 0 { "at once".to_owned() } else { format!("after {}", web::ui::duration(step.after_s)) };
    format!("{after} {}", names.shown(&step.targets).join(", "))
}

fn told(policy: &Policy, names: &Names) -> String {
    policy.steps.iter().map(|one| step(one, names)).collect::<Vec<_>>().join(" → ")
}

fn draw(policies: &[Policy], names: &Names, may: bool, csrf: &str) -> Markup {
    let row = |one: &Policy| {
        let again = if one.repeats == 0 { "Once".to_owned() } else { format!("{} times more", one.repeats) };
        Row::new(one.name.as_str())
            .href(format!("/on-call/policies/{}", one.id))
            .main()
            .text(&told(one, names))
            .text(&again)
    };
    let table = Table::new("Policies")
        .columns([Column::new("Policy").main(), Column::new("Who is told").wide(), Column::new("Repeats").extra()])
        .rows(policies.iter().map(row));
    let mut header = PageHeader::new("Policies")
        .crumb("On call", Some("/on-call"))
        .subtitle(html! { "Who is told after how long, until somebody acknowledges." });
    if may {
        header = header.action(
            Button::link("New policy", "/do/paging.policy.save").opens("new-policy").primary().icon("plus").key("n"),
        );
    }
    let empty =
        Empty::new("No policy yet", "Without one an alert group is told to its team at once, and nobody else later.");
    let total = format!("{} {}", policies.len(), if policies.len() == 1 { "policy" } else { "policies" });
    html! {
        (header)
        (tabs("/on-call/policies"))
        (List::new("policies", table).total(total).empty(empty))
        @if may { (Dialog::new("new-policy", "New policy").body(form(None, &Names::default(), csrf))) }
    }
}

pub(super) fn one(page: &mut PageCx) -> Result<Content> {
    let policy = page.cx.call(&ShowPolicy { id: page.id("id")? })?;
    let names = targets::names(page, std::slice::from_ref(&policy))?;
    let may = page.cx.may(SavePolicy::NAME);
    Ok(Content::new(policy.name.clone(), one_body(&policy, &names, may, &page.csrf)))
}

fn one_body(policy: &Policy, names: &Names, may: bool, csrf: &str) -> Markup {
    let mut header = PageHeader::new(policy.name.as_str())
        .crumb("On call", Some("/on-call"))
        .crumb("Policies", Some("/on-call/policies"));
    if may {
        let id = policy.id.to_string();
        let fields = [("id", id.as_str()), ("_back", "/on-call/policies"), ("_done", "Policy removed.")];
        let button = Button::submit("Remove").danger().icon("trash").confirm("Remove this policy?");
        header = header.action(post_button("/do/paging.policy.remove", csrf, &fields, &button));
    }
    html! {
        (header)
        (Card::new("Who is told").body(html! { ol.lines { @for one in &policy.steps { li dir="auto" { (step(one, names)) } } } }))
        @if may { (Card::new("Change it").body(form(Some(policy), names, csrf))) }
    }
}

fn form(policy: Option<&Policy>, names: &Names, csrf: &str) -> Markup {
    let line = |step: &Step| format!("{} {}", wait(step.after_s), names.written(&step.targets).join(", "));
    let lines: Vec<String> = policy.map(|one| one.steps.iter().map(line).collect()).unwrap_or_default();
    let number = |read: fn(&Policy) -> i64, usual: i64| policy.map_or(usual, read).to_string();
    let mut form = Form::post("/do/paging.policy.save", csrf).back("/on-call/policies");
    if let Some(policy) = policy {
        form = form
            .field(Field::hidden("id", policy.id.to_string()))
            .field(Field::hidden("expected_version", policy.version.to_string()));
    }
    let form = form
        .field(Field::text("name", "Name").value(policy.map_or("", |one| one.name.as_str())).required().length_max(100).placeholder("Network"))
        .field(
            Field::textarea("lines", "Steps, one a line")
                .value(lines.join("\n"))
                .required()
                .mono()
                .placeholder("0 rota:network\n10m rota:network, team\n30m channel:ops-chat")
                .help("The wait after the step before (30s, 10m, 2h), then who is told: rota:NAME, user:LOGIN, team:NAME, channel:NAME, team for the group's own, default."),
        )
        .fields([
            Field::input("number", "repeats", "Begin anew").value(number(|one| one.repeats, 2)).required().help("How often, when nobody acknowledges."),
            Field::input("number", "repeat_after_s", "After, in seconds").value(number(|one| one.repeat_after_s, 600)).required(),
            Field::input("number", "again_after_s", "After an acknowledgement").value(number(|one| one.again_after_s, 0)).required().help("In seconds, when it still lasts. 0 is never."),
        ])
        .part(html! { input type="hidden" name="_done" value="Policy saved."; })
        .action(Button::submit("Save policy").primary());
    html! { (form) }
}

#[cfg(test)]
mod tests {
    use super::super::{HOSTILE, check};
    use super::*;

    #[test]
    fn policies_draw_none_one_many_and_hostile_text() {
        check(&draw(&[], &Names::default(), true, "t"), &["No policy yet", "New policy"]);
        let steps = vec![
            Step { after_s: 0, targets: vec!["rota:1".into()] },
            Step { after_s: 600, targets: vec!["team".into()] },
        ];
        let policy = Policy { id: 1, name: HOSTILE.into(), steps, repeats: 2, ..crate::policy::default() };
        let names = Names::of([("rota:1", HOSTILE, "rota:network")]);
        check(&draw(&vec![policy.clone(); 30], &names, false, "t"), &["30 policies", "after 10 min", "2 times more"]);
        check(&one_body(&policy, &names, true, "t"), &["0 rota:network\n10m team", "Save policy"]);
    }
}
