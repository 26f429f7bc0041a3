//! Which assets have an agent.

use super::{Monitor, lock};

impl Monitor {
    /// The assets whose agents were heard of since the server started, in order.
    pub(crate) fn assets_with_agents(&self) -> Vec<i64> {
        lock(&self.agents).keys().copied().collect()
    }
}
