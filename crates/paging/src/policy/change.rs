//! Save and remove policies. Targets are written by short name or number and kept by number.

use kernel::{Access, Cx, Effect, Error, Operation, Ref, Result, Route, delete, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{POLICIES_MAX, Policy, REPEATS_MAX, STEPS_MAX, Step, TARGETS_MAX, WAIT_S_MAX, store};
use crate::{channel, page, route};

fn subject(id: i64) -> Ref {
    Ref::new("paging_policy", id)
}

/// Save an escalation policy: a new one without a number, else the one of that number.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct SavePolicy {
    /// Its number; left out for a new one.
    #[schemars(extend("x-kind" = "paging_policy"))]
    pub id: Option<i64>,
    /// Its name.
    pub name: String,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// The steps as lines instead, such as `10m rota:network, team:servers`: the wait, then who is told.
    pub lines: String,
    /// How often the steps begin anew when nobody acknowledges, 0 to 20.
    pub repeats: i64,
    /// How long after the last step they begin anew, in seconds; 300 when left out.
    pub repeat_after_s: Option<i64>,
    /// How long after an acknowledgement the steps begin anew when the group is still open, in seconds; 0 never.
    pub again_after_s: i64,
    /// The version you saw.
    pub expected_version: Option<i64>,
}

impl Operation for SavePolicy {
    const NAME: &'static str = "paging.policy.save";
    const ROUTE: Route = post("/paging/policies");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Policy;

    fn run(&self, cx: &mut Cx) -> Result<Policy> {
        cx.reach_everything(Self::NAME)?;
        let old = match self.id {
            None => None,
            Some(id) => Some(store::get(cx.tx, id)?.ok_or_else(|| Error::not_found(format!("The policy {id}")))?),
        };
        if let Some(old) = &old {
            cx.expect_version(&subject(old.id), self.expected_version, old.version)?;
        } else if store::all(cx.tx)?.len() >= POLICIES_MAX {
            return Err(Error::over_limit(format!("There can be at most {POLICIES_MAX} policies.")));
        }
        let written = if self.lines.trim().is_empty() { self.steps.clone() } else { steps_of(&self.lines)? };
        let mut new = Policy {
            id: self.id.unwrap_or(0),
            name: kernel::text::line("name", &self.name, 100)?,
            steps: known(cx, written)?,
            repeats: self.repeats,
            repeat_after_s: self.repeat_after_s.unwrap_or(300),
            again_after_s: self.again_after_s,
            version: 1,
        };
        bounded(&new)?;
        if store::by_name(cx.tx, &new.name)?.is_some_and(|id| id != new.id) {
            return Err(Error::conflict(format!("There is a policy named \"{}\" already.", new.name)).at("name"));
        }
        let steps = serde_json::to_string(&new.steps).map_err(|error| Error::internal("policy-not-json", error))?;
        match &old {
            Some(_) => store::update(cx.tx, &new, &steps)?,
            None => new.id = store::insert(cx.tx, &new, &steps)?,
        }
        let field = |read: fn(&Policy) -> serde_json::Value| (old.as_ref().map(read), read(&new));
        for (name, (before, after)) in [
            ("name", field(|one| one.name.clone().into())),
            ("steps", field(|one| serde_json::json!(one.steps))),
            ("repeats", field(|one| one.repeats.into())),
            ("repeat_after_s", field(|one| one.repeat_after_s.into())),
            ("again_after_s", field(|one| one.again_after_s.into())),
        ] {
            cx.changed(&subject(new.id), name, before, after)?;
        }
        store::get(cx.tx, new.id)?.ok_or_else(|| Error::internal("policy-missing", new.id))
    }
}

fn bounded(new: &Policy) -> Result<()> {
    if new.steps.is_empty() || new.steps.len() > STEPS_MAX {
        return Err(Error::invalid("steps", format!("A policy has 1 to {STEPS_MAX} steps.")));
    }
    let waits = new.steps.iter().map(|step| ("steps", step.after_s));
    for (field, seconds) in waits.chain([("again_after_s", new.again_after_s), ("repeat_after_s", new.repeat_after_s)])
    {
        if !(0..=WAIT_S_MAX).contains(&seconds) {
            return Err(Error::invalid(field, "A wait is 0 seconds to a week."));
        }
    }
    if !(0..=REPEATS_MAX).contains(&new.repeats) {
        return Err(Error::invalid("repeats", format!("Steps begin anew 0 to {REPEATS_MAX} times.")));
    }
    if new.repeats > 0 && new.repeat_after_s < 30 {
        return Err(Error::invalid("repeat_after_s", "Leave people at least 30 seconds before the steps begin anew."));
    }
    if new.again_after_s != 0 && new.again_after_s < 60 {
        return Err(Error::invalid(
            "again_after_s",
            "After an acknowledgement wait at least a minute, or 0 for never.",
        ));
    }
    Ok(())
}

/// Steps as lines: `0 team`, `10m rota:network, user:ada`.
pub(crate) fn steps_of(lines: &str) -> Result<Vec<Step>> {
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(step_of).collect()
}

fn step_of(line: &str) -> Result<Step> {
    let wrong = || {
        let shown = kernel::text::shorten(line, 60);
        Error::invalid(
            "lines",
            format!("\"{shown}\" is no step. Write the wait, then who is told: 10m rota:network, team."),
        )
    };
    let (wait, targets) = line.split_once(char::is_whitespace).ok_or_else(wrong)?;
    let after_s = seconds(wait).ok_or_else(wrong)?;
    let targets = targets.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect();
    Ok(Step { after_s, targets })
}

/// `90`, `90s`, `10m`, `2h` or `1d`, in seconds.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let (number, unit) = match text.char_indices().next_back()? {
        (at, 's') => (text.get(..at)?, 1),
        (at, 'm') => (text.get(..at)?, 60),
        (at, 'h') => (text.get(..at)?, 3_600),
        (at, 'd') => (text.get(..at)?, 86_400),
        _ => (text, 1),
    };
    number.parse::<i64>().ok().filter(|number| (0..=1_000_000).contains(number)).map(|number| number * unit)
}

/// The steps with targets by number; one that names nothing is refused.
fn known(cx: &mut Cx, steps: Vec<Step>) -> Result<Vec<Step>> {
    let mut all = Vec::new();
    for step in steps {
        if step.targets.is_empty() || step.targets.len() > TARGETS_MAX {
            return Err(Error::invalid("steps", format!("A step tells 1 to {TARGETS_MAX} targets.")));
        }
        let mut targets: Vec<String> = Vec::new();
        for text in &step.targets {
            let target = target(cx, text)?;
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        all.push(Step { after_s: step.after_s, targets });
    }
    Ok(all)
}

fn target(cx: &mut Cx, text: &str) -> Result<String> {
    let text = text.trim();
    if text == "team" || text == "default" {
        return Ok(text.to_owned());
    }
    let shown = kernel::text::shorten(text, 60);
    let unknown = || {
        let help = "Write rota:NAME, user:LOGIN, team:NAME, channel:NAME, team or default.";
        Error::invalid("steps", format!("\"{shown}\" names nobody. {help}"))
    };
    let (kind, name) = text.split_once(':').ok_or_else(unknown)?;
    let name = name.trim();
    let number = name.parse::<i64>().ok();
    let id = match (kind.trim(), number) {
        ("rota", Some(id)) => people::rota::on_call(cx.tx, id, cx.now)?.map(|_| id),
        ("rota", None) => people::rota::by_slug(cx.tx, name)?,
        ("user", Some(id)) => people::user_active(cx.tx, id)?.then_some(id),
        ("user", None) => people::user_by_login(cx.tx, name)?,
        ("team", Some(id)) => people::team_known(cx.tx, id)?.then_some(id),
        ("team", None) => people::team_by_slug(cx.tx, name)?.map(|team| team.id),
        ("channel", Some(id)) => channel::store::get(cx.tx, id)?.map(|_| id),
        ("channel", None) => channel::store::by_name(cx.tx, name)?,
        _ => None,
    };
    id.map(|id| format!("{}:{id}", kind.trim())).ok_or_else(unknown)
}

/// Remove an escalation policy that no route leads to.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct RemovePolicy {
    /// Its number.
    #[schemars(extend("x-kind" = "paging_policy"))]
    pub id: i64,
}

impl Operation for RemovePolicy {
    const NAME: &'static str = "paging.policy.remove";
    const ROUTE: Route = delete("/paging/policies/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Policy;

    fn run(&self, cx: &mut Cx) -> Result<Policy> {
        cx.reach_everything(Self::NAME)?;
        let old = store::get(cx.tx, self.id)?.ok_or_else(|| Error::not_found(format!("The policy {}", self.id)))?;
        let default = cx.setting::<crate::settings::Default>()?.policy;
        if route::store::leading_to(cx.tx, old.id)? > 0 || default == Some(old.id) {
            return Err(Error::conflict("Routes or the default still lead to it. Point them at another policy first."));
        }
        if page::store::runs_by(cx.tx, old.id)? {
            return Err(Error::conflict("An open alert group is told by it. Remove it when that has ended."));
        }
        store::remove(cx.tx, old.id)?;
        cx.changed(&subject(old.id), "name", &old.name, serde_json::Value::Null)?;
        Ok(old)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_read_from_lines() {
        let steps = steps_of("0 rota:network\n\n 10m user:ada, team\n1h channel:ops").unwrap();
        assert_eq!(steps.iter().map(|step| step.after_s).collect::<Vec<_>>(), [0, 600, 3_600]);
        assert_eq!(steps[1].targets, ["user:ada", "team"]);
        for bad in ["rota:network", "soon team", "-5m team", "9999999m team"] {
            assert_eq!(steps_of(bad).unwrap_err().field.as_deref(), Some("lines"), "{bad}");
        }
    }
}
