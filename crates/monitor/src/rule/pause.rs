//! Pause a rule, and let it be evaluated again.

use kernel::{Access, Cx, Effect, Operation, Ref, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Rule, find, shown};
use crate::events::RuleChanged;
use crate::store;

/// Pause a rule: it is not evaluated until it is resumed. Alerts that are out stay out, for nothing is known any more.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct PauseRule {
    /// The rule.
    pub id: i64,
}

impl Operation for PauseRule {
    const NAME: &'static str = "monitor.rule.pause";
    const ROUTE: Route = post("/monitor/rules/{id}/pause");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Rule;

    fn run(&self, cx: &mut Cx) -> Result<Rule> {
        set_paused(cx, Self::NAME, self.id, true)
    }
}

/// Let a paused rule be evaluated again.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct ResumeRule {
    /// The rule.
    pub id: i64,
}

impl Operation for ResumeRule {
    const NAME: &'static str = "monitor.rule.resume";
    const ROUTE: Route = post("/monitor/rules/{id}/resume");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Rule;

    fn run(&self, cx: &mut Cx) -> Result<Rule> {
        set_paused(cx, Self::NAME, self.id, false)
    }
}

pub(super) fn set_paused(cx: &mut Cx, operation: &str, id: i64, paused: bool) -> Result<Rule> {
    let rule = find(cx, operation, id)?;
    if rule.paused != paused {
        store::rules::set_paused(cx.tx, id, paused, cx.now)?;
        // Nobody looks at its checks meanwhile, so that they are not missed.
        for check in store::rule_alerts::pause_checks(cx.tx, id, paused, cx.now)? {
            cx.touch(Ref::new("check", check));
        }
        cx.changed(&rule.reference(), "paused", rule.paused, paused)?;
        cx.emit(&RuleChanged { rule: rule.reference(), name: rule.new.rule.name.clone() })?;
        cx.touch(rule.reference());
    }
    let stored = find(cx, operation, id)?;
    shown(cx, stored)
}
