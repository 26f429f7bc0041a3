//! List bindings.

use kernel::page::{self, Page};
use kernel::{Access, Cx, Effect, Operation, Ref, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BindingView, store};

/// The operation that decides who sees bindings.
pub(crate) const NAME: &str = "runbooks.binding.list";

/// List which runbooks answer which checks, newest first.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ListBindings {
    /// Only those of this check.
    #[serde(default)]
    pub check: Option<Ref>,
    /// Only those of this runbook.
    #[serde(default)]
    pub runbook: Option<i64>,
    /// Where the page before ended.
    #[serde(default)]
    pub cursor: Option<String>,
    /// Rows on a page, 50 when left out.
    #[serde(default)]
    pub limit: Option<usize>,
}

impl Operation for ListBindings {
    const NAME: &'static str = NAME;
    const ROUTE: Route = get("/runbooks/bindings");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Page<BindingView>;

    fn run(&self, cx: &mut Cx) -> Result<Page<BindingView>> {
        let rows = page::rows(self.limit)?;
        let check = self.check.as_ref().map(|check| check.id);
        let found = store::page(cx.tx, check, self.runbook, page::before(self.cursor.as_deref())?, rows + 1)?;
        Ok(Page::of(found.into_iter().map(super::Binding::view).collect(), rows, |binding| binding.id))
    }
}
