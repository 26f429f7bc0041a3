//! Bind a runbook to a check.

use std::collections::BTreeMap;

use kernel::{Access, Cx, Effect, Error, Operation, Ref, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{BindingView, Mode, store};
use crate::events::{BindingChanged, runbook_ref};
use crate::{inputs, runbook};

/// The grant that letting runbooks run by themselves needs, besides that for binding.
pub(crate) const AUTO: &str = "runbooks.binding.auto";

/// Bind one version of a runbook to a check: when the check's alert opens a group, it is proposed, asks for approval, or
/// runs by itself.
///
/// Running by itself needs an approved version and the grant runbooks.binding.auto.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct AddBinding {
    /// The check.
    pub check: Ref,
    /// The runbook's number.
    pub runbook: i64,
    /// The hash of the version; the newest approved one when left out.
    #[serde(default)]
    pub version: Option<String>,
    /// What the runbook is given. The machine is that of the alert unless it is given here.
    #[serde(default)]
    pub inputs: Option<BTreeMap<String, Value>>,
    /// What happens when the check fails.
    pub mode: Mode,
}

impl Operation for AddBinding {
    const NAME: &'static str = "runbooks.binding.add";
    const ROUTE: Route = post("/runbooks/bindings");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = BindingView;

    fn run(&self, cx: &mut Cx) -> Result<BindingView> {
        cx.reach_everything(Self::NAME)?;
        if self.check.kind != "check" {
            return Err(Error::invalid("check", "Give a check, such as check:12."));
        }
        if !cx.resolve(std::slice::from_ref(&self.check))?.contains_key(&self.check) {
            return Err(Error::not_found(&self.check).at("check"));
        }
        let version = runbook::version(cx, self.runbook, self.version.as_deref())?;
        if self.mode != Mode::Propose && !version.is_approved() {
            return Err(Error::conflict(format!(
                "Version {} of this runbook is not approved, so an alert cannot set it to work. Have it approved first.",
                version.number
            )));
        }
        if self.mode == Mode::Auto && !cx.may(AUTO) {
            return Err(Error::denied(AUTO));
        }
        let given = self.inputs.clone().unwrap_or_default();
        // The machine of the alert stands in for the target, so that everything else is checked now.
        inputs::resolve(&version.book()?, &given, Some(1))?;
        let inputs = serde_json::to_string(&given).map_err(|error| Error::internal("inputs-not-json", error))?;
        let (by, by_name, now) = (cx.actor.ident.to_string(), cx.actor.name.clone(), cx.now);
        let id = store::insert(
            cx.tx,
            &store::New {
                check: self.check.id,
                runbook: self.runbook,
                version_id: version.id,
                inputs: &inputs,
                mode: self.mode,
                by: &by,
                by_name: &by_name,
            },
            now,
        )?;
        let (check, runbook) = (self.check.clone(), runbook_ref(self.runbook));
        cx.changed(&Ref::new("binding", id), "mode", Value::Null, self.mode)?;
        let mode = self.mode.as_str().to_owned();
        cx.emit(&BindingChanged { check, runbook, name: version.title, mode, removed: false })?;
        let made = store::find(cx.tx, id)?.ok_or_else(|| Error::internal("binding-missing", id))?;
        Ok(made.view())
    }
}
