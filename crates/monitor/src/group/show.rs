//! Show an alert group.

use kernel::{Access, Cx, Effect, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::similar::{self, Earlier};
use super::{Group, Member, find};
use crate::limits::GROUP_ALERTS_MAX;
use crate::store;

/// Show an alert group: the evidence, what changed just before, and the alerts that follow from the same cause.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct ShowGroup {
    /// The group.
    pub id: i64,
}

/// A group with its alerts.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GroupDetail {
    /// The group.
    pub group: Group,
    /// Every alert that ever belonged to it, in order of joining, at most 200.
    pub alerts: Vec<Member>,
    /// Earlier groups of the same cause and what fixed them, newest first, at most 5.
    pub similar: Vec<Earlier>,
}

impl Operation for ShowGroup {
    const NAME: &'static str = "monitor.group.show";
    const ROUTE: Route = get("/monitor/groups/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = GroupDetail;

    fn run(&self, cx: &mut Cx) -> Result<GroupDetail> {
        let group = find(cx, Self::NAME, self.id)?;
        let alerts = store::members::all(cx.tx, group.id, GROUP_ALERTS_MAX)?;
        let similar = similar::earlier(cx, Self::NAME, &group)?;
        Ok(GroupDetail { group, alerts, similar })
    }
}
