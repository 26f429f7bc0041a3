//! Acknowledge an alert group.

use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Group, GroupState, decide, find, open};
use crate::events::GroupChanged;
use crate::store;

/// Say that you are on it: others see your name, and the group moves down in "Needs you now".
///
/// It covers what people are called for at that moment; what joins later is acknowledged for itself, or with `take_over`.
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
        match &group.acknowledged_by {
            Some(already) if *already == by => return Ok(group),
            Some(other) if !self.take_over => {
                return Err(Error::conflict(format!(
                    "{other} has acknowledged the alert group {} already. With take_over you are on it instead.",
                    group.id
                )));
            }
            _ => on_it(cx, &group, "acknowledged", by)?,
        }
        find(cx, Self::NAME, self.id)
    }
}

/// Somebody is on a group from now on; nobody, or somebody else, was so far.
fn on_it(cx: &mut Cx, group: &Group, change: &'static str, by: String) -> Result<()> {
    let detail = match &group.acknowledged_by {
        Some(other) => format!("{by} is on it instead of {other}"),
        None => format!("{by} is on it"),
    };
    store::groups::acknowledge(cx.tx, group.id, &by, cx.now)?;
    cx.changed(&group.reference(), "acknowledged_by", &group.acknowledged_by, &by)?;
    told(cx, group, change, &by, detail)?;
    let now = Group { acknowledged_by: Some(by), acknowledged_at: Some(cx.now), ..group.clone() };
    if now.silenced { Ok(()) } else { open::attend(cx, &now) }
}

/// Undoes that somebody took a group over: who was on it before is again. Whoever puts themselves back takes it over anew.
pub(super) fn give_back(cx: &mut Cx, group: &Group, to: &str) -> Result<()> {
    if group.state != GroupState::Open || group.acknowledged_by.is_none() {
        return Err(Error::conflict(format!("Nobody is on the alert group {} any more.", group.id)));
    }
    let change = if to == cx.actor.name { "acknowledged" } else { "handed_back" };
    on_it(cx, group, change, to.to_owned())
}

/// Undoes an acknowledgement.
pub(super) fn take_back(cx: &mut Cx, group: &Group) -> Result<()> {
    let Some(by) = group.acknowledged_by.clone() else { return Ok(()) };
    store::groups::unacknowledge(cx.tx, group.id)?;
    cx.changed(&group.reference(), "acknowledged_by", &by, serde_json::Value::Null)?;
    told(cx, group, "unacknowledged", "", format!("{by} is no longer on it"))?;
    let open = group.state == GroupState::Open && !group.silenced;
    if open {
        open::attend(cx, &Group { acknowledged_by: None, ..group.clone() })?;
    }
    Ok(())
}

fn told(cx: &mut Cx, group: &Group, change: &'static str, by: &str, detail: String) -> Result<()> {
    cx.emit(&GroupChanged { by: by.to_owned(), ..decide::changed(group, change, None, false, detail) })
}
