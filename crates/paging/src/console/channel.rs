//! `/on-call/channels/{id}`: one channel, to change, test or remove; `new` makes one.

use kernel::{Error, LiveList, Operation, Result};
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{Button, Card, Clock, Facts, PageHeader, Split, columns, post_button, status};

use super::channels::{form, looks};
use crate::channel::change::SaveChannel;
use crate::channel::list::{ChannelRow, ListChannels};
use crate::channel::{Channel, Kind};

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let may = page.cx.may(SaveChannel::NAME);
    if page.path.get("id").is_some_and(|id| id == "new") {
        page.cx.reach(SaveChannel::NAME)?;
        let kind = Kind::parse(page.param("kind").unwrap_or("slack")).unwrap_or_default();
        let channel = Channel { kind, enabled: true, ..Channel::default() };
        let header = PageHeader::new(format!("New channel: {}", kind.title()))
            .crumb("On call", Some("/on-call"))
            .crumb("Channels", Some("/on-call/channels"));
        let body = html! { (header) (Card::new(kind.title()).body(form(&channel, &page.csrf))) };
        return Ok(Content::new("New channel", body));
    }
    let id = page.id("id")?;
    let all = page.cx.call(&ListChannels {})?.items;
    let row = all.into_iter().find(|one| one.channel.id == id);
    let row = row.ok_or_else(|| Error::not_found(format!("The channel {id}")))?;
    Ok(Content::new(row.channel.name.clone(), draw(&row, may, &page.csrf, &page.clock())))
}

fn draw(row: &ChannelRow, may: bool, csrf: &str, clock: &Clock) -> Markup {
    let channel = &row.channel;
    let id = channel.id.to_string();
    let here = format!("/on-call/channels/{id}");
    let mut header = PageHeader::new(channel.name.as_str())
        .crumb("On call", Some("/on-call"))
        .crumb("Channels", Some("/on-call/channels"));
    if may {
        let test = [("id", id.as_str()), ("_back", here.as_str()), ("_done", "A test message is on its way.")];
        let remove = [("id", id.as_str()), ("_back", "/on-call/channels"), ("_done", "Channel removed.")];
        header = header
            .action(post_button("/do/paging.channel.test", csrf, &test, &Button::submit("Test").icon("send")))
            .action(post_button(
                "/do/paging.channel.remove",
                csrf,
                &remove,
                &Button::submit("Remove").danger().icon("trash").confirm("Remove this channel and its secrets?"),
            ));
    }
    let (tone, word) = looks(channel.enabled, &row.health);
    let mut facts = Facts::new()
        .row("State", status(tone, word))
        .text("Speaks", channel.kind.title())
        .known("Host", Some(channel.config.host.as_str()).filter(|host| !host.is_empty()))
        .known("Leads to", Some(channel.config.address.as_str()).filter(|text| !text.is_empty()))
        .known("Said last", Some(row.health.answer.as_str()).filter(|text| !text.is_empty()))
        .row("Used", super::ago(clock, row.health.seen_at, "Not yet"))
        .row("Tested", super::ago(clock, row.health.tested_at, "Never"));
    if let Some(since) = row.health.failing_since {
        facts = facts.row("Fails", super::ago(clock, Some(since), ""));
    }
    let main = html! { (Card::new("Channel").body(html! { @if may { (form(channel, csrf)) } @else { p { "You may look at channels, not change them." } } })) };
    let side = web::ui::live(
        "channel",
        &format!("paging_channel:{id} {}", LiveList::Messages),
        &here,
        &html! { (Card::new("At a glance").tight(html! { (facts) })) },
    );
    html! { (header) (columns(Split::Wide, &main, &side)) }
}

#[cfg(test)]
mod tests {
    use super::super::{HOSTILE, check};
    use super::*;
    use crate::channel::Config;
    use crate::channel::lane::Health;

    #[test]
    fn a_channel_draws_how_it_stands_and_escapes() {
        let config = Config { address: HOSTILE.into(), host: HOSTILE.into(), ..Config::default() };
        let channel = Channel { id: 3, name: HOSTILE.into(), kind: Kind::Ntfy, config, enabled: true, version: 1 };
        let health = Health { answer: HOSTILE.into(), failing_since: Some(kernel::world::START), ..Health::default() };
        let row = ChannelRow { channel, health };
        let clock = Clock::utc_us(kernel::world::START.0);
        check(&draw(&row, true, "t", &clock), &["Failing", "Save channel", "Remove"]);
        check(&draw(&row, false, "t", &clock), &["not change them"]);
    }
}
