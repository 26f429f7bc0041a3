//! Who is there to look: agents as fleet tells of them, and when each was heard from.

use kernel::Time;
use kernel::time::SECOND;

use super::{Monitor, lock};

/// Whether an agent is connected, as fleet told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Link {
    /// Nothing was told since the server started.
    #[default]
    Unknown,
    /// Since when it is connected.
    Connected(Time),
    /// Since when it is away.
    Away(Time),
}

/// What is known of an agent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Agent {
    pub(crate) heard: Option<Time>,
    pub(crate) link: Link,
}

impl Agent {
    /// True when the agent is there now, as far as anybody knows.
    pub(super) fn is_there(&self, now: Time) -> bool {
        match self.link {
            Link::Connected(_) => true,
            Link::Away(since) => self.heard.is_some_and(|at| at > since),
            Link::Unknown => self.heard.is_some_and(|at| now.since(at) <= 60 * SECOND),
        }
    }

    pub(super) fn connected_since(&self) -> Time {
        if let Link::Connected(at) = self.link { at } else { Time(0) }
    }
}

impl Monitor {
    /// The assets whose agents were heard of since the server started, in order.
    pub(crate) fn assets_with_agents(&self) -> Vec<i64> {
        lock(&self.agents).keys().copied().collect()
    }

    /// Stamps that an agent was heard from.
    pub(crate) fn heard(&self, asset: i64, at: Time) {
        let mut agents = lock(&self.agents);
        let agent = agents.entry(asset).or_default();
        agent.heard = agent.heard.max(Some(at));
    }

    /// True when the agent of an asset is there to look.
    pub(crate) fn is_there(&self, asset: i64, now: Time) -> bool {
        lock(&self.agents).get(&asset).is_some_and(|agent| agent.is_there(now))
    }

    /// Takes over what fleet told about a connection.
    pub(crate) fn linked(&self, asset: i64, link: Link) {
        lock(&self.agents).entry(asset).or_default().link = link;
        if let Link::Connected(at) = link {
            self.heard(asset, at);
        }
    }
}
