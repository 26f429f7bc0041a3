//! Acknowledge an alert group.

use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Group, GroupState, find, open};
use crate::events::GroupChanged;
use crate::store;

/// Say that you are on it: others see your name, and the group moves down in "Needs you now".
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct AcknowledgeGroup {
    /// The alert group.
    pub id: i64,
}

impl AcknowledgeGroup {
    /// The operation's name, for those who only ask about grants.
    pub(crate) const OPERATION: &'static str = "monitor.group.acknowledge";
}

impl Operation for AcknowledgeGroup {
    const NAME: &'static str = Self::OPERATION;
    const ROUTE: Route = post("/monitor/groups/{id}/acknowledge");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Group;

    fn run(&self, cx: &mut Cx) -> Result<Group> {
        let group = find(cx, Self::NAME, self.id)?;
        if group.state != GroupState::Open {
            return Err(Error::conflict(format!(
                "The alert group {} has ended already, so there is nothing to acknowledge.",
                group.id
            )));
        }
        if let Some(by) = &group.acknowledged_by {
            return if *by == cx.actor.name {
                Ok(group)
            } else {
                Err(Error::conflict(format!("{by} has acknowledged the alert group {} already.", group.id)))
            };
        }
        let by = cx.actor.name.clone();
        store::groups::acknowledge(cx.tx, group.id, &by, cx.now)?;
        cx.changed(&group.reference(), "acknowledged_by", serde_json::Value::Null, &by)?;
        told(cx, &group, "acknowledged", format!("{by} is on it"))?;
        let group = find(cx, Self::NAME, self.id)?;
        if !group.silenced {
            open::attend(cx, &group)?;
        }
        Ok(group)
    }
}

/// Undoes an acknowledgement.
pub(super) fn take_back(cx: &mut Cx, group: &Group) -> Result<()> {
    let Some(by) = group.acknowledged_by.clone() else { return Ok(()) };
    store::groups::unacknowledge(cx.tx, group.id)?;
    cx.changed(&group.reference(), "acknowledged_by", &by, serde_json::Value::Null)?;
    told(cx, group, "unacknowledged", format!("{by} is no longer on it"))?;
    let open = group.state == GroupState::Open && !group.silenced;
    if open {
        open::attend(cx, &Group { acknowledged_by: None, ..group.clone() })?;
    }
    Ok(())
}

fn told(cx: &mut Cx, group: &Group, change: &'static str, detail: String) -> Result<()> {
    cx.emit(&GroupChanged {
        group: group.reference(),
        asset: group.about(),
        change,
        check: None,
        checks: Vec::new(),
        own: Vec::new(),
        labels: group.labels.clone(),
        place: group.place,
        team: group.team,
        severity: group.severity,
        silenced: false,
        open_since: group.open_since(),
        detail,
    })
}
