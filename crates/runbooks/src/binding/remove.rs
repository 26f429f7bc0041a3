//! Remove a binding.

use kernel::{Access, Cx, Effect, Error, Operation, Ref, Result, Route, delete};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BindingView, store};
use crate::events::{BindingChanged, runbook_ref};

/// Take a runbook off a check. Runs that began go on.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct RemoveBinding {
    /// The binding's number.
    #[schemars(extend("x-kind" = "binding"))]
    pub id: i64,
}

impl Operation for RemoveBinding {
    const NAME: &'static str = "runbooks.binding.remove";
    const ROUTE: Route = delete("/runbooks/bindings/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = BindingView;

    fn run(&self, cx: &mut Cx) -> Result<BindingView> {
        cx.reach_everything(Self::NAME)?;
        let missing = || Error::not_found(format!("binding:{}", self.id));
        let binding = store::find(cx.tx, self.id)?.ok_or_else(missing)?;
        let (by, now) = (cx.actor.name.clone(), cx.now);
        if !store::remove(cx.tx, self.id, &by, now)? {
            return Err(missing());
        }
        let (check, runbook) = (Ref::new("check", binding.check), runbook_ref(binding.runbook));
        cx.changed(&Ref::new("binding", self.id), "removed", false, true)?;
        let (name, mode) = (binding.title.clone(), binding.mode.as_str().to_owned());
        cx.emit(&BindingChanged { check, runbook, name, mode, removed: true })?;
        Ok(binding.view())
    }
}
