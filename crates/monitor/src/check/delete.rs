//! Delete a check.

use kernel::{Access, Cx, Effect, Operation, Result, Route, delete};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::find;
use crate::events::CheckDeleted;
use crate::{group, store};

/// Delete a check with its history. An alert of it that is out is taken off its group; a group that is empty then ends
/// without proof that anything works again.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct DeleteCheck {
    /// The check.
    pub id: i64,
    /// The version the decision was made on; a newer one is a conflict.
    #[serde(default)]
    pub expected_version: Option<i64>,
}

/// What was deleted.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Deleted {
    /// The check's number.
    pub id: i64,
    /// Its name.
    pub name: String,
}

impl Operation for DeleteCheck {
    const NAME: &'static str = "monitor.check.delete";
    const ROUTE: Route = delete("/monitor/checks/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Deleted;

    fn run(&self, cx: &mut Cx) -> Result<Deleted> {
        let check = find(cx, Self::NAME, self.id)?;
        cx.expect_version(&check.reference(), self.expected_version, check.version)?;
        if let Some(group) = check.group {
            let why = format!("The check \"{}\" was deleted by {}; nobody looks any more.", check.name, cx.actor.name);
            store::alerts::set_group(cx.tx, check.id, None)?;
            group::recover::left(cx, group, check.id, vec![why])?;
        }
        super::forget(cx, check.id)?;
        store::checks::delete(cx.tx, check.id)?;
        cx.unindex(&check.reference())?;
        cx.changed(&check.reference(), "name", &check.name, serde_json::Value::Null)?;
        cx.emit(&CheckDeleted { check: check.reference(), asset: check.about(), name: check.name.clone() })?;
        super::touch_feed(cx, check.vantage);
        Ok(Deleted { id: check.id, name: check.name })
    }
}
