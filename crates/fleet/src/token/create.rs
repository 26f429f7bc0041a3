//! Make an enrolment token.

use kernel::time::{DAY, SECOND};
use kernel::{Access, Cx, Effect, Error, Operation, Ref, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NewToken, Wanted};

/// Make a token with which machines can enrol.
///
/// The token is shown once. Give it only to whoever sets up the machines.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct CreateToken {
    /// What it is for, such as "web servers in Hamburg".
    pub name: String,
    /// How many machines may use it, 1 to 10,000. One when left out.
    #[serde(default)]
    pub uses: Option<i64>,
    /// For how long, in seconds, up to 90 days. One day when left out.
    #[serde(default)]
    pub expires_s: Option<i64>,
    /// Let the machines work at once, without a person's approval.
    #[serde(default)]
    pub auto_approve: Option<bool>,
    /// What new machines are: server or workstation. It decides how much they send.
    #[serde(default)]
    pub asset_kind: Option<String>,
    /// Where new machines stand.
    #[serde(default)]
    pub place: Option<i64>,
    /// Whose new machines are.
    #[serde(default)]
    pub team: Option<i64>,
}

impl Operation for CreateToken {
    const NAME: &'static str = "fleet.token.create";
    const ROUTE: Route = post("/fleet/tokens");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = NewToken;

    fn run(&self, cx: &mut Cx) -> Result<NewToken> {
        cx.reach_everything(Self::NAME)?;
        let name = kernel::text::line("name", &self.name, 120)?;
        let uses = self.uses.unwrap_or(1);
        if !(1..=10_000).contains(&uses) {
            return Err(Error::invalid("uses", "A token is for 1 to 10,000 machines."));
        }
        let seconds = self.expires_s.unwrap_or(DAY / SECOND);
        if !(60..=90 * DAY / SECOND).contains(&seconds) {
            return Err(Error::invalid("expires_s", "A token lasts from a minute to 90 days (7,776,000 seconds)."));
        }
        let asset_kind = self.asset_kind.as_deref().unwrap_or("server");
        if !matches!(asset_kind, "server" | "workstation") {
            return Err(Error::invalid("asset_kind", "Choose server or workstation."));
        }
        let made = super::make(
            cx,
            &Wanted {
                name: &name,
                uses_max: uses,
                expires_at: cx.now.plus(seconds * SECOND),
                auto_approve: self.auto_approve.unwrap_or(false),
                asset_kind,
                place: self.place,
                team: self.team,
                asset: None,
            },
        )?;
        cx.changed(&Ref::new("enrolment_token", made.id), "name", serde_json::Value::Null, &name)?;
        Ok(made)
    }
}
