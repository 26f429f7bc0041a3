//! Pause a check, and let it run again.

use kernel::{Access, Cx, Effect, Operation, Ref, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Check, find};
use crate::events::{CheckPaused, CheckResumed};
use crate::machine::{Machine, State, Step};
use crate::{group, store};

/// Pause a check: nobody looks until it is resumed. An alert that is out stays out, for nothing is known any more.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct PauseCheck {
    /// The check.
    pub id: i64,
}

impl Operation for PauseCheck {
    const NAME: &'static str = "monitor.check.pause";
    const ROUTE: Route = post("/monitor/checks/{id}/pause");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Check;

    fn run(&self, cx: &mut Cx) -> Result<Check> {
        let check = find(cx, Self::NAME, self.id)?;
        set_paused(cx, &check, true)?;
        find(cx, Self::NAME, self.id)
    }
}

/// Let a paused check run again.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct ResumeCheck {
    /// The check.
    pub id: i64,
}

impl Operation for ResumeCheck {
    const NAME: &'static str = "monitor.check.resume";
    const ROUTE: Route = post("/monitor/checks/{id}/resume");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Check;

    fn run(&self, cx: &mut Cx) -> Result<Check> {
        let check = find(cx, Self::NAME, self.id)?;
        set_paused(cx, &check, false)?;
        find(cx, Self::NAME, self.id)
    }
}

pub(crate) fn set_paused(cx: &mut Cx, check: &Check, paused: bool) -> Result<()> {
    if check.paused == paused {
        return Ok(());
    }
    store::checks::set_paused(cx.tx, check.id, paused, cx.now)?;
    cx.changed(&check.reference(), "paused", check.paused, paused)?;
    let (reference, asset, name) = (check.reference(), check.about(), check.name.clone());
    if paused {
        cx.emit(&CheckPaused { check: reference, asset, name })?;
    } else {
        cx.emit(&CheckResumed { check: reference, asset, name })?;
    }
    super::touch_feed(cx, check.vantage);
    Ok(())
}

/// Nobody looks any more, and `why` says so: an alert that is out ends without proof that anything works again, and when
/// somebody looks again the check begins anew.
pub(crate) fn close(cx: &mut Cx, check: &Check, why: &str) -> Result<()> {
    set_paused(cx, check, true)?;
    if let Some(group) = check.group {
        store::alerts::set_group(cx.tx, check.id, None)?;
        group::recover::left(cx, group, check.id, vec![why.to_owned()])?;
    }
    let step = Step { from: check.state, to: State::Waiting, fired: false, cleared: false, flap: None };
    let machine = Machine::new(cx.now);
    let moved = store::alerts::Moved {
        check: check.id,
        asset: check.asset,
        step: &step,
        machine: &machine,
        evidence: why,
        at: cx.now,
    };
    store::alerts::moved(cx.tx, &[moved])?;
    store::checks::renew(cx.tx, check.id, cx.now)?;
    cx.touch(check.reference());
    cx.touch(Ref::new("alert", check.alert));
    Ok(())
}
