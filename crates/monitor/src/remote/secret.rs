//! The secret by which an endpoint knows us.

use kernel::settings::Setting as _;
use kernel::{Access, Cx, Effect, Operation, Result, Route, put};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{named, secret_name};

/// Set the password or token that an endpoint of the setting monitor.remote is given.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct SetRemoteSecret {
    /// The endpoint.
    pub name: String,
    /// The password of its user, or the bearer token; it is sealed and never shown. Empty removes it.
    pub secret: String,
}

/// Whether a secret is there.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RemoteSecret {
    /// True when there is one.
    pub set: bool,
}

impl Operation for SetRemoteSecret {
    const NAME: &'static str = "monitor.remote.set-secret";
    const ROUTE: Route = put("/monitor/remotes/{name}/secret");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    const SECRETS: &'static [&'static str] = &["secret"];
    type Output = RemoteSecret;

    fn run(&self, cx: &mut Cx) -> Result<RemoteSecret> {
        cx.reach_everything(Self::NAME)?;
        let remote = named(cx, &self.name)?;
        let name = secret_name(&remote.name);
        let before = cx.secret(&name)?.is_some();
        let set = !self.secret.is_empty();
        if set {
            if self.secret.contains(['\r', '\n']) {
                return Err(kernel::Error::invalid("secret", "A secret has no line end."));
            }
            cx.put_secret(&name, self.secret.as_bytes())?;
        } else {
            cx.drop_secret(&name)?;
        }
        cx.changed(&kernel::settings::operations::setting_ref(super::Remotes::KEY), "secret set", before, set)?;
        Ok(RemoteSecret { set })
    }
}
