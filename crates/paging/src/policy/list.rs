//! List and show policies.

use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Policy, store};

/// Policies.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Policies {
    /// By name; at most 200.
    pub items: Vec<Policy>,
}

/// List escalation policies.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ListPolicies {}

impl Operation for ListPolicies {
    const NAME: &'static str = "paging.policy.list";
    const ROUTE: Route = get("/paging/policies");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Policies;

    fn run(&self, cx: &mut Cx) -> Result<Policies> {
        Ok(Policies { items: store::all(cx.tx)? })
    }
}

/// Show an escalation policy.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ShowPolicy {
    /// Its number.
    #[schemars(extend("x-kind" = "paging_policy"))]
    pub id: i64,
}

impl Operation for ShowPolicy {
    const NAME: &'static str = "paging.policy.show";
    const ROUTE: Route = get("/paging/policies/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Policy;

    fn run(&self, cx: &mut Cx) -> Result<Policy> {
        store::get(cx.tx, self.id)?.ok_or_else(|| Error::not_found(format!("The policy {}", self.id)))
    }
}
