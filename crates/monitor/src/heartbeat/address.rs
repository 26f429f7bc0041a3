//! The address at which a job is heard: it holds a secret that nobody can guess, sealed where it is kept.

use kernel::settings::Setting;
use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::find;
use crate::probe::Kind;
use crate::store;

/// Show the address at which a job is heard, for its crontab. Whoever has it can speak for the job.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct ShowAddress {
    /// The check, which is a heartbeat.
    #[schemars(extend("x-kind" = "check"))]
    pub id: i64,
}

/// Where a job is heard.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct HeartbeatAddress {
    /// The check.
    pub id: i64,
    /// The path on this server. Ask for it when the job ended well; with `/start` behind it when it begins, with
    /// `/fail`, or with the exit code, when it ended.
    pub path: String,
    /// The whole address, when the setting paging.sending says at which address people reach this server.
    pub url: Option<String>,
}

/// What the setting of the domain that sends messages says of this server; asked by its name, as that domain may be away.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Reached {
    address: String,
}

impl Setting for Reached {
    const KEY: &'static str = "paging.sending";
}

impl Operation for ShowAddress {
    const NAME: &'static str = "monitor.heartbeat.address";
    const ROUTE: Route = get("/monitor/checks/{id}/address");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = HeartbeatAddress;

    fn run(&self, cx: &mut Cx) -> Result<HeartbeatAddress> {
        let check = find(cx, Self::NAME, self.id)?;
        if check.probe.kind() != Kind::Heartbeat {
            return Err(Error::invalid("id", "This check is no heartbeat; only those have an address."));
        }
        let secret = cx.secret(&name(check.id))?.ok_or_else(|| Error::internal("heartbeat-secret", check.id))?;
        let path = format!("/heartbeat/{}", String::from_utf8_lossy(&secret));
        let server = cx.setting::<Reached>()?.address;
        let url = (!server.is_empty()).then(|| format!("{}{path}", server.trim_end_matches('/')));
        Ok(HeartbeatAddress { id: check.id, path, url })
    }
}

fn name(check: i64) -> String {
    format!("monitor.heartbeat.{check}")
}

/// What is stored of a secret to find its check: enough for 192 random bits.
pub(super) fn fingerprint(secret: &str) -> String {
    kernel::text::sha256_hex(secret.as_bytes())
}

/// Makes the address of a heartbeat, unless it has one.
pub(crate) fn make(cx: &mut Cx, check: i64) -> Result<()> {
    if cx.secret(&name(check))?.is_some() {
        return Ok(());
    }
    let bits: [u8; 24] = cx.kernel.random()?;
    let secret = kernel::text::hex(&bits);
    cx.put_secret(&name(check), secret.as_bytes())?;
    store::heartbeats::insert(cx.tx, check, &fingerprint(&secret), cx.now)
}

/// Removes the address: nothing is heard there any more.
pub(crate) fn forget(cx: &mut Cx, check: i64) -> Result<()> {
    cx.drop_secret(&name(check))?;
    store::heartbeats::delete(cx.tx, check)
}
