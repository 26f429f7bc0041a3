//! Check a runbook without saving it.

use std::sync::{Mutex, PoisonError};

use kernel::{Access, Cx, Effect, Operation, PrepareCx, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::book::parse::{SOURCE_BYTES_MAX, parse};

/// Check a runbook without saving it. The mistakes are named with their lines.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ValidateRunbook {
    /// The runbook in YAML.
    pub yaml: String,
    #[serde(skip)]
    hash: Option<String>,
}

/// A runbook without mistakes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ValidRunbook {
    /// Names the draft for a few minutes, so that the editor can show it again.
    pub id: String,
    /// The hash it would be saved under.
    pub version: String,
}

impl Operation for ValidateRunbook {
    const NAME: &'static str = "runbooks.runbook.validate";
    const ROUTE: Route = post("/runbooks/validate");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    const FIELD_BYTES_MAX: usize = SOURCE_BYTES_MAX;
    type Output = ValidRunbook;

    fn prepare(&mut self, _: &PrepareCx<'_>) -> Result<()> {
        let book = parse(&self.yaml).map_err(|mistakes| super::save::refused(&mistakes))?;
        self.hash = Some(kernel::text::sha256_hex(book.canonical()?.as_bytes()));
        Ok(())
    }

    fn run(&self, cx: &mut Cx) -> Result<ValidRunbook> {
        let version = self.hash.clone().unwrap_or_default();
        let id = kernel::text::hex(&cx.random_id()?);
        if let Ok(drafts) = cx.kernel.get::<Drafts>() {
            drafts.keep(&id, &cx.actor.ident.to_string(), &self.yaml);
        }
        Ok(ValidRunbook { id, version })
    }
}

/// Texts that were checked a moment ago, in memory only, so that the editor keeps them across its own page load.
#[derive(Default)]
pub(crate) struct Drafts(Mutex<Vec<(String, String, String)>>);

/// How many drafts are kept.
const DRAFTS_MAX: usize = 32;

impl Drafts {
    fn keep(&self, id: &str, actor: &str, yaml: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= DRAFTS_MAX {
            all.remove(0);
        }
        all.push((id.to_owned(), actor.to_owned(), yaml.to_owned()));
    }

    /// The draft, for whoever wrote it.
    pub(crate) fn get(&self, id: &str, actor: &str) -> Option<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|one| one.0 == id && one.1 == actor).map(|one| one.2.clone())
    }
}
