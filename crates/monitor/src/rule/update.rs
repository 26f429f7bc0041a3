//! Change a rule.

use kernel::{Access, Cx, Effect, Operation, Ref, Result, Route, patch};
use serde_json::{Value, json};

use super::fields::rule_input;
use super::words::Words;
use super::{NewRule, Rule, Stored, find, index, shown};
use crate::events::RuleChanged;
use crate::store;

rule_input! {
    /// Change a rule. Alerts that are out stay out as long as the changed rule says so too.
    UpdateRule {
        /// The rule.
        id: i64,
        /// From one evaluation of its group to the next, for example 30s.
        interval: Option<String>,
        /// The version the change was made against; a newer one is a conflict.
        expected_version: Option<i64>,
    }
}

impl UpdateRule {
    /// The operation's name, for those who only ask about grants.
    pub(crate) const OPERATION: &'static str = "monitor.rule.update";
}

impl Operation for UpdateRule {
    const NAME: &'static str = Self::OPERATION;
    const ROUTE: Route = patch("/monitor/rules/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    const FIELD_BYTES_MAX: usize = promql::QUERY_BYTES_MAX;
    type Output = Rule;

    fn run(&self, cx: &mut Cx) -> Result<Rule> {
        cx.reach_everything(Self::NAME)?;
        let current = find(cx, Self::NAME, self.id)?;
        cx.expect_version(&current.reference(), self.expected_version, current.version)?;
        let mut new = self.given().apply(Some(&current.new))?;
        new.settle(cx, Self::NAME, Some(&current.new))?;
        let interval = self.interval.as_deref().filter(|text| !text.trim().is_empty());
        let interval_ms = interval.map(super::create::interval).transpose()?;
        if interval_ms.is_some() && interval_ms != current.interval_ms {
            store::rules::set_interval(cx.tx, current.group_id, interval_ms)?;
            cx.changed(&current.reference(), "interval_ms", current.interval_ms, interval_ms)?;
            cx.touch(current.reference());
        }
        apply(cx, &current, &new)?;
        let stored = find(cx, Self::NAME, self.id)?;
        shown(cx, stored)
    }
}

/// Writes what differs; equal fields are no change.
fn apply(cx: &mut Cx, current: &Stored, new: &NewRule) -> Result<()> {
    if *new == current.new {
        return Ok(());
    }
    store::rules::update(cx.tx, current.id, new, cx.now)?;
    new.record(cx, &current.reference(), Some(&current.new))?;
    index(cx, current.id, new)?;
    cx.emit(&RuleChanged { rule: current.reference(), name: new.rule.name.clone() })?;
    cx.touch(current.reference());
    Ok(())
}

impl NewRule {
    /// Records every field that differs from `old`.
    pub(crate) fn record(&self, cx: &mut Cx, subject: &Ref, old: Option<&Self>) -> Result<()> {
        let fields = |new: &Self| -> [(&'static str, Value); 9] {
            let words = |words: &[(String, String)]| json!(Words(words.to_vec()));
            [
                ("name", json!(new.rule.name)),
                ("makes", json!(if new.rule.kind == rules::Kind::Alert { "alert" } else { "record" })),
                ("expr", json!(new.rule.expr)),
                ("for_ms", json!(new.rule.for_ms)),
                ("keep_firing_ms", json!(new.rule.keep_firing_ms)),
                ("labels", words(&new.rule.labels)),
                ("annotations", words(&new.rule.annotations)),
                ("team", json!(new.team)),
                ("asset", json!(new.asset)),
            ]
        };
        let before = old.map(fields);
        for (place, (field, value)) in fields(self).into_iter().enumerate() {
            let old =
                before.as_ref().and_then(|before| before.get(place)).map_or(Value::Null, |(_, value)| value.clone());
            cx.changed(subject, field, old, value)?;
        }
        Ok(())
    }
}
