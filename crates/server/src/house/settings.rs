//! Settings: few, typed, each with its default beside it.

use kernel::Result;
use kernel::settings::operations::{ListSettings, ShowSetting, ShownSetting};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{
    Button, Card, Clock, Column, Empty, Facts, Field, Form, List, PageHeader, Row, Split, Table, Tone, code, columns,
    pill, post_button,
};

/// `GET /settings`
pub(super) fn list(page: &mut PageCx) -> Result<Content> {
    let found = page.cx.call(&ListSettings {})?;
    Ok(Content::new("Settings", list_view(&found.items, &page.clock())))
}

fn list_view(items: &[ShownSetting], clock: &Clock) -> Markup {
    let rows = items.iter().map(|one| {
        let row = Row::new(one.key.clone())
            .href(format!("/settings/{}", one.key))
            .main()
            .cell(html! { span.wrap { (one.description.split("\n\n").next().unwrap_or_default()) } });
        let row = row.cell(if one.version == 0 { pill(Tone::Idle, "Default") } else { pill(Tone::Info, "Changed") });
        row.cell(one.updated_at.map_or_else(|| html! {}, |at| clock.short(at.timestamp())))
    });
    let table = Table::new("Settings")
        .columns([
            Column::new("Setting"),
            Column::new("What it is for"),
            Column::new("State").wide(),
            Column::new("Changed").wide(),
        ])
        .rows(rows);
    html! {
        (PageHeader::new("Settings").subtitle(html! { "The defaults suit most; what differs is marked." }))
        (List::new("settings", table).empty(Empty::new("No settings", "Nothing can be set here.")))
    }
}

/// `GET /settings/{key}`
pub(super) fn show(page: &mut PageCx) -> Result<Content> {
    let key = page.path.get("key").cloned().unwrap_or_default();
    let one = page.cx.call(&ShowSetting { key })?;
    let may = page.cx.may("kernel.setting.set");
    Ok(Content::new(one.key.clone(), show_view(&one, may, &page.csrf, &page.clock())))
}

fn pretty(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn show_view(one: &ShownSetting, may_change: bool, csrf: &str, clock: &Clock) -> Markup {
    let back = format!("/settings/{}", one.key);
    let version = one.version.to_string();
    let mut facts = Facts::new().mono("Key", &one.key).text("Version", &version);
    if let Some(at) = one.updated_at {
        facts = facts.row("Changed", clock.ago(at.timestamp())).known("By", one.updated_by.as_deref());
    }
    let form = Form::post("/do/kernel.setting.set", csrf)
        .back(back.as_str())
        .field(Field::hidden("key", one.key.clone()))
        .field(Field::hidden("expected_version", version.clone()))
        .field(Field::hidden("_done", "Setting changed."))
        .field(
            Field::textarea("value", "Value")
                .value(pretty(&one.value))
                .mono()
                .required()
                .help("JSON. It is checked before it is kept."),
        )
        .action(Button::submit("Change").primary());
    let main = html! {
        (Card::new("Value").body(html! { @if may_change { (form) } @else { (code(&pretty(&one.value))) } }))
        (Card::new("Default").body(html! { (code(&pretty(&one.default))) }))
    };
    let reset = post_button(
        "/do/kernel.setting.reset",
        csrf,
        &[("key", &one.key), ("_back", &back), ("_done", "Back to the default.")],
        &Button::submit("Back to the default"),
    );
    html! {
        (PageHeader::new(one.key.clone()).mono().crumb("Settings", Some("/settings")).subtitle(html! { (one.description) }))
        (columns(Split::Wide, &main, &html! {
            (Card::new("At a glance").tight(html! { (facts) }))
            @if may_change && one.version > 0 { (Card::new("Undo all changes").body(reset)) }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_page_escapes_values_and_hides_the_form_from_readers() {
        let one = ShownSetting {
            key: "x.y".into(),
            description: "<b>".into(),
            value: serde_json::json!({"a": "</textarea><script>"}),
            default: serde_json::json!({}),
            schema: serde_json::json!({}),
            version: 2,
            updated_at: Some(kernel::Time(0)),
            updated_by: Some("user:1".into()),
        };
        let page = show_view(&one, true, "token", &Clock::utc_us(0)).into_string();
        assert!(!page.contains("<script>") && page.contains("/do/kernel.setting.set"), "{page}");
        assert!(!show_view(&one, false, "token", &Clock::utc_us(0)).into_string().contains("/do/kernel.setting.set"));
        assert!(list_view(&[one], &Clock::utc_us(0)).into_string().contains("Changed"));
    }
}
