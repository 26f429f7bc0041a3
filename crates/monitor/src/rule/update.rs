//! Change a rule.

use kernel::{Access, Cx, Effect, Error, Operation, Ref, Result, Route, patch};
use serde_json::{Value, json};

use super::fields::rule_input;
use super::words::Words;
use super::{Makes, NewRule, Rule, Stored, find, index, severity_of, shown, taken};
use crate::events::RuleChanged;
use crate::limits::RULE_INTERVAL_MS;
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
        if let Some(interval_ms) = interval.map(super::create::interval).transpose()? {
            set_interval(cx, &current, Some(interval_ms))?;
        }
        apply(cx, &current, &new)?;
        let stored = find(cx, Self::NAME, self.id)?;
        shown(cx, stored)
    }
}

/// Writes what differs; equal fields are no change. The checks of its alerts follow at once.
fn apply(cx: &mut Cx, current: &Stored, new: &NewRule) -> Result<()> {
    if *new == current.new {
        return Ok(());
    }
    store::rules::update(cx.tx, current.id, new, cx.now)?;
    follow(cx, current.id, &current.new, new)?;
    new.record(cx, &current.reference(), Some(&current.new))?;
    index(cx, current.id, new)?;
    cx.emit(&RuleChanged { rule: current.reference(), name: new.rule.name.clone() })?;
    cx.touch(current.reference());
    Ok(())
}

/// What the checks of a rule's alerts took over from it is changed in them too.
pub(super) fn follow(cx: &mut Cx, rule: i64, old: &NewRule, new: &NewRule) -> Result<()> {
    if taken::differs(old, new) {
        for check in store::rule_alerts::take(cx.tx, rule, taken::word(&new.rule))? {
            cx.touch(Ref::new("check", check));
        }
    }
    if (old.rule.for_ms, old.team) == (new.rule.for_ms, new.team) {
        return Ok(());
    }
    for check in store::rule_alerts::follow(cx.tx, rule, (new.rule.for_ms, new.team), cx.now)? {
        cx.touch(Ref::new("check", check));
    }
    Ok(())
}

/// The checks of a group's alerts are looked at as often as the group.
pub(super) fn follow_interval(cx: &mut Cx, group: i64, interval_ms: Option<i64>) -> Result<()> {
    let interval_s = (interval_ms.unwrap_or(RULE_INTERVAL_MS) / 1_000).max(1);
    for check in store::rule_alerts::follow_interval(cx.tx, group, interval_s, cx.now)? {
        cx.touch(Ref::new("check", check));
    }
    Ok(())
}

/// From one evaluation of the rule's group to the next; none is the usual.
fn set_interval(cx: &mut Cx, current: &Stored, interval_ms: Option<i64>) -> Result<()> {
    if interval_ms == current.interval_ms {
        return Ok(());
    }
    store::rules::set_interval(cx.tx, current.group_id, interval_ms)?;
    follow_interval(cx, current.group_id, interval_ms)?;
    cx.changed(&current.reference(), "interval_ms", current.interval_ms, interval_ms)?;
    cx.touch(current.reference());
    Ok(())
}

/// Sets one field to an earlier value, for undo.
pub(crate) fn set(cx: &mut Cx, id: i64, field: &str, value: &Value) -> Result<()> {
    cx.reach_everything(UpdateRule::OPERATION)?;
    if field == super::put_back::WHOLE {
        return super::put_back::rule(cx, id, value);
    }
    let current = find(cx, UpdateRule::OPERATION, id)?;
    let mut new = current.new.clone();
    let wrong = || Error::conflict(format!("The field \"{field}\" of a rule cannot be put back."));
    let text = || value.as_str().map(str::to_owned).ok_or_else(wrong);
    let number = || value.as_i64().ok_or_else(wrong);
    // Their order is as it was, so that a file whose rule is put back is byte for byte what was imported.
    let words = || serde_json::from_value::<Words>(value.clone()).map(|words| words.0).map_err(|_| wrong());
    match field {
        "name" => new.rule.name = text()?,
        "makes" => new.rule.kind = value.as_str().and_then(Makes::parse).ok_or_else(wrong)?.kind(),
        "expr" => new.rule.expr = text()?,
        "form" => new.form = serde_json::from_value(value.clone()).map_err(|_| wrong())?,
        "for_ms" => new.rule.for_ms = number()?,
        "keep_firing_ms" => new.rule.keep_firing_ms = number()?,
        "labels" => {
            new.rule.labels = words()?;
            new.severity = severity_of(&new.rule.labels);
        }
        "annotations" => new.rule.annotations = words()?,
        "team" => new.team = value.as_i64(),
        "asset" => new.asset = value.as_i64(),
        "interval_ms" => return set_interval(cx, &current, value.as_i64()),
        "paused" => {
            let paused = value.as_bool().ok_or_else(wrong)?;
            return super::pause::set_paused(cx, UpdateRule::OPERATION, id, paused).map(|_| ());
        }
        _ => return Err(wrong()),
    }
    new.settle(cx, UpdateRule::OPERATION, Some(&current.new))?;
    apply(cx, &current, &new)
}

impl NewRule {
    /// Records every field that differs from `old`.
    pub(crate) fn record(&self, cx: &mut Cx, subject: &Ref, old: Option<&Self>) -> Result<()> {
        let fields = |new: &Self| -> [(&'static str, Value); 10] {
            let words = |words: &[(String, String)]| json!(Words(words.to_vec()));
            [
                ("name", json!(new.rule.name)),
                ("makes", json!(if new.rule.kind == rules::Kind::Alert { "alert" } else { "record" })),
                ("expr", json!(new.rule.expr)),
                ("form", json!(new.form)),
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
