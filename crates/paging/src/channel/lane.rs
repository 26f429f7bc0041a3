//! Lanes: the ways out as they are queued for. All mail goes by one lane, each webhook and each channel has its own, so that one
//! that hangs holds up nothing else. A lane that fails is announced over another one.

use std::collections::BTreeSet;

use kernel::attention::Attention;
use kernel::notifications::settings::Webhooks;
use kernel::settings::operations::setting_ref;
use kernel::{Cx, Mark, Ref, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events::{ChannelFailed, ChannelRecovered};
use super::payload::What;
use super::{Channel, Kind, announce, store};
use crate::message::{self, Said};
use crate::settings::Default as Fallback;

/// The lane of mail.
pub(crate) const MAIL: &str = "mail";
/// Which need a failing lane is on the list.
const NEED: &str = "failing";

/// How a lane stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// `mail`, `webhook:NAME` or `channel:NUMBER`.
    pub lane: String,
    /// Since when it fails; null while it works.
    pub failing_since: Option<Time>,
    /// How often it failed in a row.
    pub failures: i64,
    /// It is not tried again before this.
    #[serde(skip)]
    pub(crate) retry_at: Time,
    /// What the other side said last.
    pub answer: String,
    /// When it was used last.
    pub seen_at: Option<Time>,
    /// When it was tested last.
    pub tested_at: Option<Time>,
    /// That test went well.
    pub test_ok: bool,
}

/// Where a lane leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Mail,
    Webhook(String),
    Channel(i64),
}

impl Way {
    pub(crate) fn parse(lane: &str) -> Option<Self> {
        match lane.split_once(':') {
            None if lane == MAIL => Some(Self::Mail),
            Some(("webhook", name)) => Some(Self::Webhook(name.to_owned())),
            Some(("channel", id)) => id.parse().ok().map(Self::Channel),
            _ => None,
        }
    }
}

/// The lane of a channel, and the address there that is the channel's own.
pub(crate) fn of(channel: &Channel) -> (String, String) {
    match channel.kind {
        Kind::Mail => (MAIL.to_owned(), channel.config.address.clone()),
        Kind::Webhook => (format!("webhook:{}", channel.config.address), channel.config.address.clone()),
        _ => (format!("channel:{}", channel.id), channel.config.address.clone()),
    }
}

/// What a lane is called.
pub(crate) fn title(cx: &mut Cx, lane: &str) -> Result<String> {
    Ok(match Way::parse(lane) {
        Some(Way::Channel(id)) => store::get(cx.tx, id)?.map_or_else(|| lane.to_owned(), |channel| channel.name),
        Some(Way::Webhook(name)) => format!("webhook {name}"),
        _ => "mail".to_owned(),
    })
}

fn subject(lane: &str) -> Ref {
    match Way::parse(lane) {
        Some(Way::Channel(id)) => super::subject(id),
        _ => Ref::new("paging_channel", setting_ref(lane).id),
    }
}

/// Something got through: whoever heard that the lane fails hears that it works again.
pub(crate) fn worked(cx: &mut Cx, lane: &str, answer: &str) -> Result<()> {
    let mut health = store::lane(cx.tx, lane)?;
    let failed = health.failing_since.take();
    let quiet = failed.is_none()
        && health.failures == 0
        && health.seen_at.is_some_and(|at| cx.now.since(at) < kernel::time::MINUTE);
    health = Health { failures: 0, retry_at: Time(0), answer: answer.to_owned(), seen_at: Some(cx.now), ..health };
    if quiet {
        // In a storm a row a minute says as much as one a message.
        return Ok(());
    }
    store::put_lane(cx.tx, &health)?;
    announce::announce(cx, Some(lane))?;
    let Some(since) = failed else { return Ok(()) };
    let announced = announce::prefix(&Health { failing_since: Some(since), ..health.clone() });
    message::store::stop_announcements(cx.tx, &announced)?;
    let name = title(cx, lane)?;
    cx.attention_done(&subject(lane), NEED)?;
    cx.emit(&ChannelRecovered { channel: subject(lane), name: name.clone() })?;
    let minutes = web::ui::duration(cx.now.since(since) / kernel::time::SECOND);
    let said = Said {
        what: What::Working,
        subject: format!("Works again: {name}"),
        lines: vec![format!("Messages by {name} get through again. It failed for {minutes}.")],
        ..Said::default()
    };
    for told in message::store::told_of(cx.tx, &announced)? {
        message::queue(cx, &said, &told, &format!("working/{lane}/{}/{}", since.0, told.key()))?;
    }
    Ok(())
}

/// Something could not be delivered for good: the lane fails. Told over another lane, once.
pub(crate) fn failed(cx: &mut Cx, lane: &str, answer: &str) -> Result<()> {
    let health = store::lane(cx.tx, lane)?;
    // A lane that rests has counted this failure when it was sent to rest.
    let failures = health.failures + i64::from(health.retry_at <= cx.now);
    let health = Health { failures, answer: answer.to_owned(), ..health };
    let name = title(cx, lane)?;
    cx.needs_attention(&Attention {
        subject: subject(lane),
        need: NEED,
        title: format!("Messages by {name} do not get through"),
        why: answer.to_owned(),
        mark: Mark::Warn,
        word: "Failing",
        weight: 600,
        since: health.failing_since.unwrap_or(cx.now),
        action: "See channels",
        href: "/on-call/channels".into(),
        team: None,
        user: None,
        grant: super::list::ListChannels::OPERATION,
    })?;
    if health.failing_since.is_some() {
        return store::put_lane(cx.tx, &health);
    }
    store::put_lane(cx.tx, &Health { failing_since: Some(cx.now), ..health })?;
    cx.emit(&ChannelFailed { channel: subject(lane), name, answer: answer.to_owned() })?;
    // What was to be announced over this one goes over the next.
    message::store::drop_announcements(cx.tx, lane, answer)?;
    announce::leave(cx, lane, answer)?;
    announce::announce(cx, None).map(drop)
}

/// Forgets webhooks that are gone from the settings and that nothing names any more, and the needs about them.
pub(crate) fn forget(cx: &mut Cx) -> Result<()> {
    let webhooks = cx.setting::<Webhooks>()?.webhooks;
    let fallback = cx.setting::<Fallback>()?.webhook;
    let channels = store::all(cx.tx)?;
    let channels = channels.into_iter().filter(|one| one.kind == Kind::Webhook).map(|one| one.config.address);
    let known: BTreeSet<String> = webhooks.into_iter().map(|one| one.name).chain(fallback).chain(channels).collect();
    for health in store::healths(cx.tx)? {
        if matches!(Way::parse(&health.lane), Some(Way::Webhook(name)) if !known.contains(&name)) {
            store::drop_lane(cx.tx, &health.lane)?;
            cx.attention_done(&subject(&health.lane), NEED)?;
        }
    }
    Ok(())
}
