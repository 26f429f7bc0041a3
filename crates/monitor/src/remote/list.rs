//! How sending to other engines stands.

use kernel::{Access, Cx, Effect, Operation, Result, Route, Time, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Remote, Remotes, secret_name};
use crate::store::remotes::{self, Progress};

/// List the other engines that get samples or answer questions, and how far behind each is.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct ListRemotes {}

/// The endpoints; at most eight, so they come on one page.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RemoteStates {
    /// In the order of the setting.
    pub items: Vec<RemoteState>,
    /// Always null: there is one page.
    pub next: Option<String>,
}

/// An endpoint and how it stands.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RemoteState {
    /// As the setting monitor.remote says.
    #[serde(flatten)]
    pub remote: Remote,
    /// A secret is set.
    pub has_secret: bool,
    /// Samples up to here were sent.
    pub sent_until: Option<Time>,
    /// How many seconds that is behind.
    pub lag_s: Option<i64>,
    /// Samples that were taken.
    pub sent: i64,
    /// Samples that were refused for good.
    pub dropped: i64,
    /// Seconds of samples given up because the endpoint was away for too long.
    pub skipped_s: i64,
    /// Since when it does not work.
    pub failing_since: Option<Time>,
    /// The newest trouble.
    pub error: Option<String>,
}

impl Operation for ListRemotes {
    const NAME: &'static str = "monitor.remote.list";
    const ROUTE: Route = get("/monitor/remotes");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = RemoteStates;

    fn run(&self, cx: &mut Cx) -> Result<RemoteStates> {
        cx.reach_everything(Self::NAME)?;
        let all: Remotes = cx.setting()?;
        let known = remotes::all(cx.tx)?;
        let mut items = Vec::new();
        for remote in all.endpoints {
            let progress = known.iter().find(|one| one.name == remote.name && !remote.write_url.is_empty());
            let has_secret = cx.secret(&secret_name(&remote.name))?.is_some();
            items.push(state(remote, has_secret, progress, cx.now));
        }
        Ok(RemoteStates { items, next: None })
    }
}

fn state(remote: Remote, has_secret: bool, progress: Option<&Progress>, now: Time) -> RemoteState {
    let count = |of: fn(&Progress) -> i64| progress.map_or(0, of);
    RemoteState {
        remote,
        has_secret,
        sent_until: progress.map(|one| Time(one.position_ms.saturating_mul(1_000))),
        lag_s: progress.map(|one| ((now.millis() - one.position_ms) / 1_000).max(0)),
        sent: count(|one| one.sent),
        dropped: count(|one| one.dropped),
        skipped_s: count(|one| one.skipped_ms / 1_000),
        failing_since: progress.map(|one| one.failing_since).filter(|since| since.0 != 0),
        error: progress.map(|one| one.error.clone()).filter(|error| !error.is_empty()),
    }
}
