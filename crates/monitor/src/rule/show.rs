//! Show a rule with its alerts.

use std::collections::BTreeMap;

use kernel::{Access, Cx, Effect, Operation, Result, Route, Time, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Rule, find, live, shown};

/// Show a rule: what it says, how its evaluation goes, and its alerts.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct ShowRule {
    /// The rule.
    pub id: i64,
}

/// A rule with what is known about it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RuleDetail {
    /// The rule.
    pub rule: Rule,
    /// Its alerts that are pending or out, at most 200.
    pub alerts: Vec<RuleAlert>,
    /// The rule as it stands in a rule file.
    pub text: String,
}

/// An alert of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleAlert {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// pending or firing.
    pub state: String,
    /// The value at the last evaluation at which it was true.
    pub value: String,
    /// Since when it is true.
    pub active_at: Time,
    /// Its series give no value: it stays as it is.
    pub unknown: bool,
    /// The check by which it is judged.
    pub check: Option<i64>,
}

impl Operation for ShowRule {
    const NAME: &'static str = "monitor.rule.show";
    const ROUTE: Route = get("/monitor/rules/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = RuleDetail;

    fn run(&self, cx: &mut Cx) -> Result<RuleDetail> {
        let stored = find(cx, Self::NAME, self.id)?;
        let alerts = cx.kernel.get::<live::Engine>()?.alerts(stored.id);
        let group =
            rules::Group { name: stored.group.clone(), rules: vec![stored.new.for_file()], ..rules::Group::default() };
        let text = rules::RuleFile { groups: vec![group] }.write();
        Ok(RuleDetail { rule: shown(cx, stored)?, alerts, text })
    }
}
