//! The dead-man's switch: addresses that are called as long as monitoring really turns. When it is blind the calls stop, and
//! whoever watches them raises the alarm.

use std::collections::BTreeSet;
use std::time::Duration;

use kernel::db::Priority;
use kernel::event::RELAY;
use kernel::fetch::{Request, fetch};
use kernel::time::{MINUTE, SECOND};
use kernel::{Access, Actor, Cx, Effect, Handle, Operation, Result, Route, Time, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::settings::{DeadMan, Sending};

pub(crate) mod store;
pub mod stuck;

/// Monitoring looks once a second, and what it finds is told soon after; when it has not for so long, it is blind, in
/// microseconds.
const FRESH: i64 = MINUTE;
/// How often it is looked whether events are passed on, in microseconds.
const LOOK: i64 = 10 * SECOND;
/// How long one call may take.
const CALL_TIME: Duration = Duration::from_secs(10);

/// Why monitoring cannot be trusted now; `None` while it turns. Decides whether calls are made, and is what people are shown.
///
/// # Errors
/// The database fails.
fn blind(cx: &mut Cx) -> Result<Option<String>> {
    if cx.kernel.held() {
        return Ok(Some("The server was restored and waits to be released.".into()));
    }
    let down = cx.kernel.down();
    if !down.is_empty() {
        return Ok(Some(format!("This stopped: {}.", down.join(", "))));
    }
    let now = cx.now;
    let since = |at: Time| web::ui::duration(now.since(at) / SECOND);
    for (name, what) in [
        ("monitor", "Checks are not evaluated"),
        ("paging", "Nobody would be told"),
        (RELAY, "Events are not passed on"),
    ] {
        match cx.kernel.last_beat(name) {
            None => return Ok(Some(format!("{what}: it has not begun since the start."))),
            Some(at) if cx.now.since(at) > FRESH => return Ok(Some(format!("{what} since {}.", since(at)))),
            Some(_) => {}
        }
    }
    if let Some(why) = cx.kernel.doubts().into_iter().next() {
        return Ok(Some(why));
    }
    Ok(stuck::since(cx)?.map(|at| format!("Alerts wait to be told since {}.", since(at))))
}

fn actor() -> Actor {
    Actor::service("paging", &[])
}

/// Calls every address, unless monitoring is blind; answers whether it called.
///
/// # Errors
/// The database fails.
pub fn beat(kernel: &Handle) -> Result<bool> {
    let (dead_man, sending, gone, blind) = kernel.read_as(&actor(), |cx| {
        let dead_man = cx.setting::<DeadMan>()?;
        let keys: BTreeSet<String> = dead_man.urls.iter().map(|url| store::key(url)).collect();
        let gone: Vec<String> = store::all(cx.tx)?.into_keys().filter(|key| !keys.contains(key)).collect();
        Ok((dead_man, cx.setting::<Sending>()?, gone, blind(cx)?))
    })?;
    if !gone.is_empty() {
        kernel.db.write("paging.dead-man.forget", Priority::Background, move |tx| store::drop_keys(tx, &gone))?;
    }
    if dead_man.urls.is_empty() || blind.is_some() {
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
        kernel
            .db
            .write("paging.dead-man.note", Priority::Background, move |tx| store::put(tx, &url, at, ok, &answer))?;
    }
    Ok(true)
}

/// Calls as often as the setting says until the server stops.
pub(crate) fn run(kernel: Handle) {
    let (mut last, mut looked, mut known) = (Time(0), Time(0), stuck::Standing::default());
    while kernel.wait(Duration::from_secs(1)) {
        if kernel.now().since(looked).abs() >= LOOK {
            looked = kernel.now();
            if let Err(error) = stuck::tell(&kernel, &mut known) {
                tracing::warn!(error = error.message, cause = error.cause, "whether events are passed on is not known");
            }
        }
        let every = kernel.read_as(&actor(), |cx| Ok(cx.setting::<DeadMan>()?.every_s));
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

impl ShowDeadMan {
    /// The operation's name, for those who only ask about grants.
    pub(crate) const OPERATION: &'static str = "paging.dead-man.show";
}

impl Operation for ShowDeadMan {
    const NAME: &'static str = Self::OPERATION;
    const ROUTE: Route = get("/paging/dead-man");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Beats;

    fn run(&self, cx: &mut Cx) -> Result<Beats> {
        cx.reach(Self::NAME)?;
        let setting = cx.setting::<DeadMan>()?;
        let known = store::all(cx.tx)?;
        let beat = |url: &String| {
            let known = known.get(&store::key(url)).cloned();
            let (at, ok, answer) =
                known.map_or((None, false, String::new()), |(at, ok, answer)| (Some(at), ok, answer));
            let host = url.split("://").nth(1).and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
            Beat { host: host.to_owned(), at, ok, answer }
        };
        Ok(Beats { blind: blind(cx)?, every_s: setting.every_s, items: setting.urls.iter().map(beat).collect() })
    }
}
