//! Acknowledge an alert group.

use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Group, GroupState, find, open};
use crate::events::GroupChanged;
use crate::store;

/// Say that you are on it: others see your name, and the group moves down in "Needs you now".
///
/// Who says so again, for instance because they were called for an alert that joined later, is called no more.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct AcknowledgeGroup {
    /// The alert group.
    pub id: i64,
    /// Be on it instead of whoever is.
    #[serde(default)]
    pub take_over: bool,
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
        let by = cx.actor.name.clone();
        if let Some(other) = group.acknowledged_by.as_ref().filter(|other| **other != by && !self.take_over) {
            return Err(Error::conflict(format!(
                "{other} has acknowledged the alert group {} already. With take_over you are on it instead.",
                group.id
            )));
        }
        on_it(cx, &group, by)?;
        find(cx, Self::NAME, self.id)
    }
}

/// Somebody is on a group from now on; nobody, or somebody else, was so far.
fn on_it(cx: &mut Cx, group: &Group, by: String) -> Result<()> {
    let detail = match &group.acknowledged_by {
        Some(other) if *other == by => format!("{by} is still on it"),
        Some(other) => format!("{by} is on it instead of {other}"),
        None => format!("{by} is on it"),
    };
    store::groups::acknowledge(cx.tx, group.id, &by, cx.now)?;
    if group.acknowledged_by.as_ref() != Some(&by) {
        cx.changed(&group.reference(), "acknowledged_by", &group.acknowledged_by, &by)?;
    }
    told(cx, group, "acknowledged", detail)?;
    let now = Group { acknowledged_by: Some(by), acknowledged_at: Some(cx.now), ..group.clone() };
    if now.silenced { Ok(()) } else { open::attend(cx, &now) }
}

/// Undoes that somebody took a group over: who was on it before is again.
pub(super) fn give_back(cx: &mut Cx, group: &Group, to: &str) -> Result<()> {
    if group.state != GroupState::Open || group.acknowledged_by.is_none() {
        return Err(Error::conflict(format!("Nobody is on the alert group {} any more.", group.id)));
    }
    on_it(cx, group, to.to_owned())
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
