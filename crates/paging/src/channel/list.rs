//! List channels with how they stand.

use kernel::{Access, Cx, Effect, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::lane::Health;
use super::{Channel, lane, store};

/// A channel and how it stands.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ChannelRow {
    /// The channel.
    #[serde(flatten)]
    pub channel: Channel,
    /// How its way out stands.
    pub health: Health,
}

/// Channels.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Channels {
    /// By name; at most 100.
    pub items: Vec<ChannelRow>,
    /// How mail to people's own addresses stands.
    pub mail: Health,
}

/// List the channels by which messages leave, and how each stands. Addresses and tokens are never shown.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ListChannels {}

impl ListChannels {
    /// The operation's name, for those who only ask about grants.
    pub(crate) const OPERATION: &'static str = "paging.channel.list";
}

impl Operation for ListChannels {
    const NAME: &'static str = Self::OPERATION;
    const ROUTE: Route = get("/paging/channels");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Channels;

    fn run(&self, cx: &mut Cx) -> Result<Channels> {
        let healths = store::healths(cx.tx)?;
        let health = |name: &str| {
            let known = healths.iter().find(|one| one.lane == name).cloned();
            known.unwrap_or_else(|| Health { lane: name.to_owned(), ..Health::default() })
        };
        let items = store::all(cx.tx)?;
        let items =
            items.into_iter().map(|channel| ChannelRow { health: health(&lane::of(&channel).0), channel }).collect();
        Ok(Channels { items, mail: health(lane::MAIL) })
    }
}
