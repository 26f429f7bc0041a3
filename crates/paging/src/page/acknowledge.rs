//! Acknowledge by the number of an escalation: what a link in a message does.

use kernel::{Access, Cx, Effect, Error, ErrorKind, Operation, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Page, reactions, seen, store};

/// Say that you are on an alert group that you were told of: nobody else is called for it.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct AcknowledgePage {
    /// The escalation.
    pub id: i64,
}

impl Operation for AcknowledgePage {
    const NAME: &'static str = "paging.page.acknowledge";
    const ROUTE: Route = post("/paging/pages/{id}/acknowledge");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Page;

    fn run(&self, cx: &mut Cx) -> Result<Page> {
        cx.reach(Self::NAME)?;
        let missing = || Error::not_found(format!("The page {}", self.id));
        let page = store::get(cx.tx, self.id)?.ok_or_else(missing)?;
        // Who may acknowledge the group is monitoring's to say; what they may not see does not exist.
        let by_link = cx.actor.ident == kernel::Ident::Service("paging.link".into());
        if cx.may("monitor.group.list") && !by_link {
            seen(cx, page.group).map_err(|_| missing())?;
        }
        if cx.kernel.registry().operation("monitor.group.acknowledge").is_some() {
            match cx.call_named("monitor.group.acknowledge", serde_json::json!({ "id": page.group })) {
                Ok(_) => {}
                // Somebody was quicker: nothing is left to do, and nobody needs to be told so as a failure.
                Err(error) if error.kind == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        let by = cx.actor.name.clone();
        reactions::acknowledged(cx, page.group, &by)?;
        store::get(cx.tx, self.id)?.ok_or_else(missing)
    }
}
