//! Create a rule.

use kernel::{Access, Cx, Effect, Error, Operation, Ref, Result, Route, post};

use super::fields::rule_input;
use super::{Rule, find, index, shown};
use crate::events::RuleCreated;
use crate::limits::{RULE_INTERVAL_MS_MAX, RULE_INTERVAL_MS_MIN, RULES_MAX};
use crate::store;

/// The group of rules that name none.
const GROUP: &str = "Rules";

rule_input! {
    /// Create a rule: an expression over series that is evaluated again and again, and becomes an alert where it gives a
    /// series, or a series of its own.
    CreateRule {
        /// The group it is evaluated in, after the rules that are there; "Rules" if left out.
        group: Option<String>,
        /// From one evaluation of the group to the next, for example 30s.
        interval: Option<String>,
    }
}

impl CreateRule {
    /// The operation's name, for those who only ask about grants.
    pub(crate) const OPERATION: &'static str = "monitor.rule.create";
}

impl Operation for CreateRule {
    const NAME: &'static str = Self::OPERATION;
    const ROUTE: Route = post("/monitor/rules");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    const FIELD_BYTES_MAX: usize = promql::QUERY_BYTES_MAX;
    type Output = Rule;

    fn run(&self, cx: &mut Cx) -> Result<Rule> {
        // A rule reads the series of everybody.
        cx.reach_everything(Self::NAME)?;
        let mut new = self.given().apply(None)?;
        new.settle(cx, Self::NAME, None)?;
        if store::rules::count_all(cx.tx)? >= RULES_MAX {
            return Err(Error::over_limit(format!("There are {RULES_MAX} rules already, the most there may be.")));
        }
        let name = self.group.as_deref().map(str::trim).filter(|name| !name.is_empty()).unwrap_or(GROUP);
        let name = kernel::text::line("group", name, 120)?;
        let interval_ms = self.interval.as_deref().filter(|text| !text.trim().is_empty()).map(interval).transpose()?;
        let group = match store::rules::own_group(cx.tx, &name)? {
            Some(group) => group,
            None => {
                let group = rules::Group { name, ..rules::Group::default() };
                store::rules::insert_group(cx.tx, None, 0, &group)?
            }
        };
        if interval_ms.is_some() {
            store::rules::set_interval(cx.tx, group, interval_ms)?;
        }
        let id = store::rules::insert(cx.tx, group, i64::MAX, &new, cx.now)?;
        new.record(cx, &Ref::new("rule", id), None)?;
        index(cx, id, &new)?;
        cx.emit(&RuleCreated { rule: Ref::new("rule", id), name: new.rule.name.clone() })?;
        cx.touch(Ref::new("rule", id));
        let stored = find(cx, Self::NAME, id)?;
        shown(cx, stored)
    }
}

/// An interval in ms, within what an evaluation can keep.
pub(crate) fn interval(text: &str) -> Result<i64> {
    let ms = promql::parse_duration(text.trim());
    ms.filter(|ms| (RULE_INTERVAL_MS_MIN..=RULE_INTERVAL_MS_MAX).contains(ms))
        .ok_or_else(|| Error::invalid("interval", "Use a length of time from 1s to 1d, such as 30s."))
}
