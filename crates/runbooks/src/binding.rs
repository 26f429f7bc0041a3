//! Bindings: which version of which runbook answers which check, and whether it is proposed, asks for approval, or runs
//! by itself. A binding names the version by hash; a newer version does not run under it.

use std::collections::BTreeMap;

use kernel::{Ref, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) mod add;
pub(crate) mod list;
pub(crate) mod remove;
pub(crate) mod store;

/// What happens when the check fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// A person is offered the run.
    Propose,
    /// The run waits for an approval.
    Approve,
    /// The run starts by itself.
    Auto,
}

impl Mode {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Propose => "propose",
            Self::Approve => "approve",
            Self::Auto => "auto",
        }
    }

    /// In words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Propose => "Proposed to a person",
            Self::Approve => "Asks for approval",
            Self::Auto => "Runs by itself",
        }
    }

    pub(crate) fn parse(text: &str) -> kernel::Result<Self> {
        [Self::Propose, Self::Approve, Self::Auto]
            .into_iter()
            .find(|mode| mode.as_str() == text)
            .ok_or_else(|| kernel::Error::internal("binding-mode", text))
    }
}

/// A binding as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    pub(crate) id: i64,
    pub(crate) check: i64,
    pub(crate) runbook: i64,
    pub(crate) version_id: i64,
    pub(crate) inputs: BTreeMap<String, Value>,
    pub(crate) mode: Mode,
    pub(crate) bound_by: String,
    pub(crate) bound_by_name: String,
    pub(crate) created_at: Time,
    pub(crate) title: String,
    pub(crate) hash: String,
    pub(crate) number: i64,
    pub(crate) latest: i64,
}

/// A binding as it is shown.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct BindingView {
    /// Its number.
    pub id: i64,
    /// The check it answers.
    pub check: Ref,
    /// The runbook.
    pub runbook: Ref,
    /// The runbook's title.
    pub title: String,
    /// The hash of the version that runs.
    pub version: String,
    /// The number of that version.
    pub number: i64,
    /// The number of the newest version, which does not run under this binding when it is another.
    pub latest: i64,
    /// What it is given.
    pub inputs: BTreeMap<String, Value>,
    /// What happens when the check fails.
    pub mode: Mode,
    /// Who bound it.
    pub bound_by: String,
    /// When.
    pub created_at: Time,
}

impl Binding {
    pub(crate) fn view(self) -> BindingView {
        BindingView {
            id: self.id,
            check: Ref::new("check", self.check),
            runbook: crate::events::runbook_ref(self.runbook),
            title: self.title,
            version: self.hash,
            number: self.number,
            latest: self.latest,
            inputs: self.inputs,
            mode: self.mode,
            bound_by: self.bound_by_name,
            created_at: self.created_at,
        }
    }
}
