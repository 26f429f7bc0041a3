//! `/on-call/channels`: the ways out and how they stand, tests, and the dead-man's switch.

use kernel::{LiveList, Operation, Result};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{
    Button, Card, Clock, Column, Dialog, Empty, Field, Form, PageHeader, Row, Split, Table, Tone, columns, notice,
    post_button, status,
};

use super::{ago, tabs};
use crate::channel::change::SaveChannel;
use crate::channel::lane::Health;
use crate::channel::list::{ChannelRow, Channels, ListChannels};
use crate::channel::{Channel, Config, Kind};
use crate::dead_man::{Beats, ShowDeadMan};

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let channels = page.cx.call(&ListChannels {})?;
    let beats = if page.cx.may(ShowDeadMan::NAME) { Some(page.cx.call(&ShowDeadMan {})?) } else { None };
    let may = page.cx.may(SaveChannel::NAME);
    Ok(Content::new("Channels", draw(&channels, beats.as_ref(), may, &page.csrf, &page.clock())))
}

/// How a channel looks.
pub(super) fn looks(enabled: bool, health: &Health) -> (Tone, &'static str) {
    match (enabled, health.failing_since, health.seen_at) {
        (false, ..) => (Tone::Idle, "Off"),
        (_, Some(_), _) => (Tone::Critical, "Failing"),
        (_, None, None) => (Tone::Idle, "Not used yet"),
        _ => (Tone::Ok, "Works"),
    }
}

fn draw(channels: &Channels, beats: Option<&Beats>, may: bool, csrf: &str, clock: &Clock) -> Markup {
    let mut header = PageHeader::new("Channels")
        .crumb("On call", Some("/on-call"))
        .subtitle(html! { "The ways by which messages leave. Each is tested once a day." });
    if may {
        header = header.action(
            Button::link("New channel", "/do/paging.channel.save").opens("new-channel").primary().icon("plus").key("n"),
        );
    }
    let main = html! { (table(channels, may, csrf, clock)) };
    let side = html! { @if let Some(beats) = beats { (dead_man(beats, clock)) } };
    html! {
        (header)
        (tabs("/on-call/channels"))
        (columns(Split::Wide, &web::ui::live("channels", &LiveList::Messages.to_string(), "/on-call/channels", &main), &side))
        @if may { (Dialog::new("new-channel", "New channel").body(kinds())) }
    }
}

fn table(channels: &Channels, may: bool, csrf: &str, clock: &Clock) -> Markup {
    let row = |one: &ChannelRow| {
        let (tone, word) = looks(one.channel.enabled, &one.health);
        let id = one.channel.id.to_string();
        let fields = [("id", id.as_str()), ("_back", "/on-call/channels"), ("_done", "A test message is on its way.")];
        let button = Button::submit("Test").small();
        Row::new(one.channel.name.as_str())
            .href(format!("/on-call/channels/{id}"))
            .cell(status(tone, word))
            .main()
            .text(one.channel.kind.title())
            .text(&one.health.answer)
            .cell(ago(clock, one.health.tested_at, "Never"))
            .cell(html! { @if may { (post_button("/do/paging.channel.test", csrf, &fields, &button)) } })
    };
    let (tone, word) = looks(true, &channels.mail);
    let mail = Row::new("Mail to people")
        .cell(status(tone, word))
        .main()
        .text("Mail")
        .text(&channels.mail.answer)
        .cell(ago(clock, channels.mail.tested_at, "Never"))
        .cell(html! {});
    let rows = std::iter::once(mail).chain(channels.items.iter().map(row));
    let table = Table::new("Channels")
        .columns([
            Column::new("State"),
            Column::new("Channel").main(),
            Column::new("Speaks").wide(),
            Column::new("Said last").wide(),
            Column::new("Tested").wide(),
            Column::new("Try it"),
        ])
        .rows(rows);
    let more = "A chat, ntfy or text messages reach people when mail does not.";
    html! {
        (Card::new("Ways out").count(channels.items.len() + 1).flush(html! {
            (table)
            @if channels.items.is_empty() { (Empty::new("Only mail so far", more)) }
        }))
    }
}

fn dead_man(beats: &Beats, clock: &Clock) -> Markup {
    let rows = beats.items.iter().map(|one| {
        let (tone, word) = if one.ok { (Tone::Ok, "Taken") } else if one.at.is_some() { (Tone::Critical, "Failed") } else { (Tone::Idle, "Not called") };
        Row::new(one.host.as_str()).cell(html! { div { (status(tone, word)) " " span dir="auto" { (one.host) } } div.none { (one.answer) " " (ago(clock, one.at, "never")) } })
    });
    let table = Table::new("Addresses").columns([Column::new("Address").main()]).rows(rows);
    let card = Card::new("Dead-man's switch").link("Set", "/settings#paging.dead-man");
    let body = html! {
        div.in {
            @match &beats.blind {
                Some(why) => { (notice(Tone::Critical, &format!("Monitoring is blind, so nothing is called: {why}"))) }
                None => { p { "Monitoring turns. " @if beats.items.is_empty() { "No address is called: give the setting one of a service that watches over this server." } @else { "Called every " (web::ui::duration(beats.every_s)) "." } } }
            }
        }
        @if !beats.items.is_empty() { (table) }
    };
    html! { (card.flush(body)) }
}

/// A new channel begins with what it speaks: each has other fields.
fn kinds() -> Markup {
    let kinds = Kind::ALL.map(|kind| (kind.as_str(), kind.title()));
    let form = Form::get("/on-call/channels/new")
        .field(Field::select("kind", "What it speaks", kinds).value("slack").required())
        .action(Button::submit("Go on").primary());
    html! { (form) }
}

/// The form of a channel; a new one has the number 0.
pub(super) fn form(channel: &Channel, csrf: &str) -> Markup {
    let new = channel.id == 0;
    let config = &channel.config;
    let mut form = Form::post("/do/paging.channel.save", csrf)
        .back("/on-call/channels")
        .field(Field::hidden("kind", channel.kind.as_str()));
    if !new {
        form = form
            .field(Field::hidden("id", channel.id.to_string()))
            .field(Field::hidden("expected_version", channel.version.to_string()));
    }
    form = form.field(
        Field::text("name", "Name")
            .value(channel.name.as_str())
            .required()
            .mono()
            .length_max(40)
            .placeholder("ops-chat")
            .help("Small letters, digits, dashes: what policies and people call it."),
    );
    if channel.kind.has_url() {
        let kept = if new {
            "It is sealed and never shown again."
        } else {
            "It is sealed. Leave it empty to keep the one there is."
        };
        let field = Field::input("url", "url", "Address it posts to")
            .placeholder(example(channel.kind))
            .help(kept)
            .autocomplete("off");
        form = form.field(if new { field.required() } else { field });
    }
    if matches!(channel.kind, Kind::Matrix | Kind::Ntfy | Kind::Sms) {
        let kept = if new { "Sealed like the address." } else { "Leave it empty to keep the one there is." };
        form = form.field(Field::password("token", "Token").help(kept).autocomplete("new-password"));
    }
    if let Some((label, hint)) = address(channel.kind) {
        let field = Field::text("address", label).value(config.address.as_str()).placeholder(hint);
        form = form.field(if channel.kind == Kind::Sms {
            field.help("Where tests go. People have numbers of their own.")
        } else {
            field.required()
        });
    }
    if channel.kind == Kind::Sms {
        form = templates(form, config, new);
    }
    form = form
        .field(Field::hidden("enabled", "false"))
        .field(Field::checkbox("enabled", "Use it").checked(new || channel.enabled))
        .part(html! { input type="hidden" name="_done" value="Channel saved. Test it now."; })
        .action(Button::submit("Save channel").primary())
        .action(Button::link("Cancel", "/on-call/channels"));
    html! { (form) }
}

/// The templates of an HTTP gateway. What they hold is sealed: the form says that there is something, and not what.
fn templates(form: Form, config: &Config, new: bool) -> Form {
    let kept = |what: String| format!("{what} Leave it empty to keep that; a single dash removes it.");
    let headers = match config.headers.lines().collect::<Vec<&str>>().as_slice() {
        [] if new => "Sealed like the address.".to_owned(),
        [] => "There are none.".to_owned(),
        names => kept(format!("Sealed: {}.", names.join(", "))),
    };
    let filled = "{to}, {text} and {token} are filled in, here and in address and headers.";
    let body = if config.has_body { kept(format!("{filled} The body is sealed.")) } else { filled.to_owned() };
    form.field(
        Field::select("method", "Method", [("POST", "POST"), ("GET", "GET"), ("PUT", "PUT")])
            .value(if config.method.is_empty() { "POST" } else { config.method.as_str() }),
    )
    .field(
        Field::textarea("headers", "Headers, one a line")
            .mono()
            .placeholder("Authorization: Bearer {token}\nContent-Type: application/json")
            .help(headers),
    )
    .field(Field::textarea("body", "Body").mono().placeholder("{\"to\":\"{to}\",\"text\":\"{text}\"}").help(body))
}

fn example(kind: Kind) -> &'static str {
    match kind {
        Kind::Slack => "https://hooks.slack.com/services/..",
        Kind::Teams => "https://..logic.azure.com/workflows/..",
        Kind::Matrix => "https://matrix.example.org",
        Kind::Ntfy => "https://ntfy.sh",
        _ => "https://gateway.example.org/send",
    }
}

fn address(kind: Kind) -> Option<(&'static str, &'static str)> {
    match kind {
        Kind::Mail => Some(("Mail address", "ops@example.org")),
        Kind::Webhook => Some(("Name of the webhook in the settings", "ops")),
        Kind::Matrix => Some(("Room", "!abc:example.org")),
        Kind::Ntfy => Some(("Topic", "ops-alerts")),
        Kind::Sms => Some(("Telephone number", "+47 900 00 000")),
        Kind::Slack | Kind::Teams => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{HOSTILE, check};
    use super::*;
    use crate::dead_man::Beat;

    #[test]
    fn channels_draw_none_one_many_and_hostile_text() {
        let clock = Clock::utc_us(kernel::world::START.0);
        check(&draw(&Channels::default(), None, true, "t", &clock), &["Only mail so far", "New channel"]);
        let health = Health { failing_since: Some(kernel::world::START), answer: HOSTILE.into(), ..Health::default() };
        let channel = Channel { id: 1, name: HOSTILE.into(), enabled: true, ..Channel::default() };
        let row = ChannelRow { channel, health };
        let beat = Beat { host: HOSTILE.into(), at: None, ok: false, answer: HOSTILE.into() };
        let beats = Beats { blind: Some(HOSTILE.into()), every_s: 60, items: vec![beat] };
        let many = Channels { items: vec![row; 40], mail: Health::default() };
        check(&draw(&many, Some(&beats), true, "t", &clock), &["Failing", "Not called", "is blind"]);
    }

    #[test]
    fn the_form_of_each_kind_has_its_fields_and_shows_no_secret() {
        for (kind, wanted, not) in [
            (Kind::Slack, "Address it posts to", "Topic"),
            (Kind::Mail, "Mail address", "posts to"),
            (Kind::Ntfy, "Topic", "Room"),
            (Kind::Sms, "Body", "Topic"),
            (Kind::Matrix, "Room", "Body"),
        ] {
            let config =
                Config { address: HOSTILE.into(), has_body: true, headers: HOSTILE.into(), ..Config::default() };
            let html = form(&Channel { kind, config, ..Channel::default() }, "t");
            check(&html, &[wanted]);
            assert!(!html.0.contains(not), "{kind:?}");
        }
    }
}
