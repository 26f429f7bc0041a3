//! The dead-man's switch: addresses that are called as long as monitoring really turns. When it is blind the calls stop, and
//! whoever watches them raises the alarm.

use std::time::Duration;

use kernel::fetch::{Request, fetch};
use kernel::time::{MINUTE, SECOND};
use kernel::{Access, Actor, Cx, Effect, Handle, Operation, Result, Route, Time, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::settings::{DeadMan, Sending};

pub(crate) mod store;

/// Monitoring looks once a second; when it has not for so long, it is blind, in microseconds.
const FRESH: i64 = MINUTE;
/// How long one call may take.
const CALL_TIME: Duration = Duration::from_secs(10);

/// Why monitoring cannot be trusted at a moment; `None` while it turns.
pub(crate) fn blind(kernel: &Handle, now: Time) -> Option<String> {
    if kernel.held() {
        return Some("The server was restored and waits to be released.".into());
    }
    let down = kernel.down();
    if !down.is_empty() {
        return Some(format!("This stopped: {}.", down.join(", ")));
    }
    for (name, what) in [("monitor", "Checks are not evaluated"), ("paging", "Nobody would be told")] {
        match kernel.last_beat(name) {
            None => return Some(format!("{what}: it has not begun since the start.")),
            Some(at) if now.since(at) > FRESH => {
                return Some(format!("{what} since {}.", web::ui::duration(now.since(at) / SECOND)));
            }
            Some(_) => {}
        }
    }
    None
}

/// Calls every address, unless monitoring is blind; answers whether it called.
///
/// # Errors
/// The database fails.
pub fn beat(kernel: &Handle) -> Result<bool> {
    let (dead_man, sending) = kernel
        .read_as(&Actor::service("paging", &[]), |cx| Ok((cx.setting::<DeadMan>()?, cx.setting::<Sending>()?)))?;
    if dead_man.urls.is_empty() || blind(kernel, kernel.now()).is_some() {
        return Ok(false);
    }
    for url in dead_man.urls {
        let request = Request {
            method: "GET",
            url: &url,
            headers: &[],
            body: &[],
            timeout: CALL_TIME,
            redirects: 3,
            allow_private: sending.allow_private,
        };
        let (ok, answer) = match fetch(&request) {
            Ok(answer) => ((200..300).contains(&answer.status), answer.status.to_string()),
            Err(error) => (false, error.message.replace(&url, "(address)")),
        };
        let at = kernel.now();
        kernel.db.write("paging.dead-man.note", kernel::db::Priority::Background, move |tx| {
            store::put(tx, &url, at, ok, &answer)
        })?;
    }
    Ok(true)
}

/// Calls as often as the setting says until the server stops.
pub(crate) fn run(kernel: Handle) {
    let mut last = Time(0);
    while kernel.wait(Duration::from_secs(1)) {
        let every = kernel.read_as(&Actor::service("paging", &[]), |cx| Ok(cx.setting::<DeadMan>()?.every_s));
        let every = every.unwrap_or(60) * SECOND;
        let since = kernel.now().since(last);
        if (0..every).contains(&since) {
            continue;
        }
        last = kernel.now();
        if let Err(error) = beat(&kernel) {
            tracing::warn!(error = error.message, cause = error.cause, "the dead-man's switch could not be called");
        }
    }
}

/// The last call of an address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Beat {
    /// The host of the address; the rest of it is not shown.
    pub host: String,
    /// When it was called last; null when never.
    pub at: Option<Time>,
    /// It answered well.
    pub ok: bool,
    /// What it answered.
    pub answer: String,
}

/// How the dead-man's switch stands.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Beats {
    /// Why nothing is called now; null while monitoring turns.
    pub blind: Option<String>,
    /// How often addresses are called, in seconds.
    pub every_s: i64,
    /// The addresses.
    pub items: Vec<Beat>,
}

/// Show how the dead-man's switch stands: the last call of each address, and whether monitoring turns.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ShowDeadMan {}

impl Operation for ShowDeadMan {
    const NAME: &'static str = "paging.dead-man.show";
    const ROUTE: Route = get("/paging/dead-man");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Beats;

    fn run(&self, cx: &mut Cx) -> Result<Beats> {
        cx.reach(Self::NAME)?;
        let setting = cx.setting::<DeadMan>()?;
        let known = store::all(cx.tx)?;
        let beat = |url: &String| {
            let (at, ok, answer) =
                known.get(url).cloned().map_or((None, false, String::new()), |(at, ok, answer)| (Some(at), ok, answer));
            let host = url.split("://").nth(1).and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
            Beat { host: host.to_owned(), at, ok, answer }
        };
        let blind = cx
            .kernel
            .last_beat("paging")
            .map_or_else(|| Some("Nothing has turned yet since the start.".to_owned()), |_| stale(cx));
        Ok(Beats { blind, every_s: setting.every_s, items: setting.urls.iter().map(beat).collect() })
    }
}

fn stale(cx: &Cx) -> Option<String> {
    let old = |name: &str| cx.kernel.last_beat(name).is_none_or(|at| cx.now.since(at) > FRESH);
    if old("monitor") {
        Some("Checks are not evaluated.".into())
    } else {
        old("paging").then(|| "Steps are not taken.".into())
    }
}
