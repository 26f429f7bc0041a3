//! Show a runbook.

use kernel::{Access, Cx, Effect, Error, Operation, Ref, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{VersionView, store};
use crate::events::runbook_ref;

/// Show a runbook with its versions, and the text of one of them.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ShowRunbook {
    /// The runbook's number.
    pub id: i64,
    /// The hash of the version to show; the newest when left out.
    #[serde(default)]
    pub version: Option<String>,
}

/// A runbook with its versions.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownRunbook {
    /// Its number.
    pub id: i64,
    /// Its reference.
    #[serde(rename = "ref")]
    pub reference: Ref,
    /// Its name.
    pub name: String,
    /// One line.
    pub title: String,
    /// The newest 100 versions, newest first.
    pub versions: Vec<VersionView>,
    /// The version that is shown.
    pub shown: VersionView,
    /// Its text.
    pub yaml: String,
    /// The names of its steps with what they do.
    pub steps: Vec<String>,
}

impl Operation for ShowRunbook {
    const NAME: &'static str = "runbooks.runbook.show";
    const ROUTE: Route = get("/runbooks/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = ShownRunbook;

    fn run(&self, cx: &mut Cx) -> Result<ShownRunbook> {
        let wanted = self.version.as_deref().filter(|text| !text.is_empty());
        let shown = match wanted {
            Some(hash) => store::by_hash(cx.tx, self.id, hash)?,
            None => store::newest(cx.tx, self.id)?,
        };
        let shown = shown.ok_or_else(|| Error::not_found(runbook_ref(self.id)))?;
        let book = shown.book()?;
        let kind = |step: &crate::book::Step| step.act().map_or("nothing", |act| act.word());
        Ok(ShownRunbook {
            id: self.id,
            reference: runbook_ref(self.id),
            shown: shown.view(),
            name: shown.name,
            title: book.title,
            yaml: shown.source,
            steps: book.steps.iter().map(|step| format!("{} ({})", step.name, kind(step))).collect(),
            versions: store::heads(cx.tx, self.id)?,
        })
    }
}
