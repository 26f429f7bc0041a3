//! Delete a rule.

use kernel::{Access, Cx, Effect, Operation, Result, Route, delete};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{find, put_back};
use crate::events::RuleDeleted;
use crate::store;

/// Delete a rule. Its alerts that are out end without proof that anything works again, within a minute. Undone, it is a rule
/// with a number of its own, in the same group while that or its file is there.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct DeleteRule {
    /// The rule.
    pub id: i64,
    /// The version the decision was made on; a newer one is a conflict.
    #[serde(default)]
    pub expected_version: Option<i64>,
}

/// What was deleted.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeletedRule {
    /// The rule's number.
    pub id: i64,
    /// Its name.
    pub name: String,
}

impl Operation for DeleteRule {
    const NAME: &'static str = "monitor.rule.delete";
    const ROUTE: Route = delete("/monitor/rules/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = DeletedRule;

    fn run(&self, cx: &mut Cx) -> Result<DeletedRule> {
        cx.reach_everything(Self::NAME)?;
        let rule = find(cx, Self::NAME, self.id)?;
        cx.expect_version(&rule.reference(), self.expected_version, rule.version)?;
        let name = rule.new.rule.name.clone();
        let kept = put_back::Kept::of(cx, &rule)?;
        // Its checks are taken away in slices by the service: a rule may have a thousand.
        store::rules::delete(cx.tx, rule.id, rule.group_id)?;
        cx.unindex(&rule.reference())?;
        cx.changed(&rule.reference(), put_back::WHOLE, kept, serde_json::Value::Null)?;
        cx.emit(&RuleDeleted { rule: rule.reference(), name: name.clone() })?;
        cx.touch(rule.reference());
        Ok(DeletedRule { id: rule.id, name })
    }
}
