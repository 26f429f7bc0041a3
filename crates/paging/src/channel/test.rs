//! Tests of the ways out: each channel once a day, and whenever somebody asks.

use kernel::job::Running;
use kernel::{Access, Actor, Cx, Effect, Error, Operation, Result, Route, Time, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::payload::What;
use super::{Channel, Kind, lane, store};
use crate::message::{self, Recipient, Said};
use crate::settings::{Default as Fallback, Sending};

/// Send a test message by a channel, to see whether it gets through. Look at the message afterwards.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct TestChannel {
    /// The channel's number.
    #[schemars(extend("x-kind" = "paging_channel"))]
    pub id: i64,
    /// Where to; the channel's own address when left out.
    pub address: String,
}

/// A test that was sent.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Tested {
    /// The channel's number.
    pub id: i64,
    /// Where the test goes.
    pub to: String,
}

impl Operation for TestChannel {
    const NAME: &'static str = "paging.channel.test";
    const ROUTE: Route = post("/paging/channels/{id}/test");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Tested;

    fn run(&self, cx: &mut Cx) -> Result<Tested> {
        cx.reach_everything(Self::NAME)?;
        let channel =
            store::get(cx.tx, self.id)?.ok_or_else(|| Error::not_found(format!("The channel {}", self.id)))?;
        super::contact::address(channel.kind, self.address.trim())?;
        let mut to = own(&channel);
        if !self.address.trim().is_empty() {
            to.address = self.address.trim().to_owned();
        }
        if to.address.is_empty() && !matches!(channel.kind, Kind::Slack | Kind::Teams) {
            return Err(Error::invalid(
                "address",
                "Say where to send the test: the channel has no address of its own.",
            ));
        }
        let line = format!("{} sent this to see whether messages get through. They do.", cx.actor.name);
        let key = format!("test/{}/{}/{}", channel.id, cx.now.0, to.address);
        test(cx, &to, line, &key)?;
        Ok(Tested { id: channel.id, to: if to.address.is_empty() { channel.name } else { to.address } })
    }
}

fn own(channel: &Channel) -> Recipient {
    let (lane, address) = lane::of(channel);
    Recipient { user: 0, lane, address, label: channel.name.clone(), contact: 0 }
}

fn test(cx: &mut Cx, to: &Recipient, line: String, key: &str) -> Result<bool> {
    let said =
        Said { what: What::Test, subject: "Test message from Mainstay".into(), lines: vec![line], ..Said::default() };
    message::queue(cx, &said, to, key)
}

/// The day whose tests are due at a moment; `None` before their hour, or when there are none.
pub(crate) fn day(sending: &Sending, now: Time) -> Option<String> {
    let zone = jiff::tz::TimeZone::get(&sending.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let wall = now.timestamp().to_zoned(zone);
    let due = (0..=23).contains(&sending.test_hour) && i64::from(wall.hour()) >= sending.test_hour;
    due.then(|| wall.date().to_string())
}

/// Tests every channel that has an address of its own and was not tested today. Harmless to repeat: the day is part of the
/// message's key, so that an address of a lane has one test a day.
pub(crate) fn daily(running: &Running<'_>) -> Result<()> {
    running.kernel.write_as(Actor::service("paging", &[]), "paging.channel.daily-test", |cx| {
        let Some(today) = day(&cx.setting::<Sending>()?, cx.now) else { return Ok(()) };
        let mut all: Vec<Recipient> = store::all(cx.tx)?.iter().filter(|one| one.enabled).map(own).collect();
        let mails = cx.setting::<Fallback>()?.emails;
        all.extend(mails.into_iter().take(1).map(|address| {
            let label = address.clone();
            Recipient { user: 0, lane: lane::MAIL.into(), address, label, contact: 0 }
        }));
        for to in all {
            let chat = matches!(lane::Way::parse(&to.lane), Some(lane::Way::Channel(id)) if store::get(cx.tx, id)?.is_some_and(|one| matches!(one.kind, Kind::Slack | Kind::Teams)));
            if to.address.is_empty() && !chat {
                continue;
            }
            let line = "The daily test of this channel. Nothing needs to be done.".to_owned();
            test(cx, &to, line, &format!("daily/{}/{}/{today}", to.lane, to.address))?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_of_a_test_begins_at_its_hour_by_the_clock_on_the_wall() {
        let sending = |hour, zone: &str| Sending { test_hour: hour, time_zone: zone.into(), ..Sending::default() };
        let now = kernel::world::START;
        assert_eq!(day(&sending(9, "UTC"), now), None);
        assert_eq!(day(&sending(9, "Europe/Oslo"), now).as_deref(), Some("2026-03-02"));
        assert_eq!(day(&sending(8, "UTC"), now).as_deref(), Some("2026-03-02"));
        assert_eq!(day(&sending(-1, "UTC"), now), None);
    }
}
