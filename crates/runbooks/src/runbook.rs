//! Runbooks and their versions. A version is named by the SHA-256 of its canonical form and never changes; somebody
//! other than its author approves it.

use std::str::FromStr as _;

use kernel::{Actor, Cx, Error, Ident, Ref, Resolved, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::book::Book;
use crate::events::runbook_ref;

pub(crate) mod approve;
pub(crate) mod list;
pub(crate) mod pages;
pub(crate) mod save;
pub(crate) mod show;
pub(crate) mod store;
pub(crate) mod validate;

/// A version as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) id: i64,
    pub(crate) runbook: i64,
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) number: i64,
    pub(crate) hash: String,
    pub(crate) source: String,
    pub(crate) canonical: String,
    pub(crate) author: String,
    pub(crate) author_name: String,
    pub(crate) created_at: Time,
    pub(crate) approved_at: Time,
    pub(crate) approved_by_name: String,
    pub(crate) approval_note: String,
}

/// A version as it is shown.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct VersionView {
    /// Its number within the runbook.
    pub number: i64,
    /// SHA-256 of its canonical form.
    pub version: String,
    /// Who wrote it.
    pub author: String,
    /// When.
    pub created_at: Time,
    /// When it was approved; null while it is not.
    pub approved_at: Option<Time>,
    /// Who approved it.
    pub approved_by: String,
    /// What is to be known about the approval, for example that its author gave it.
    pub approval_note: String,
}

/// A runbook as it is shown in lists.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RunbookView {
    /// Its number.
    pub id: i64,
    /// Its reference.
    #[serde(rename = "ref")]
    pub reference: Ref,
    /// Its name.
    pub name: String,
    /// One line.
    pub title: String,
    /// When to use it.
    pub description: String,
    /// The number of the newest version.
    pub latest: i64,
    /// The hash of the newest version.
    pub version: String,
    /// True when the newest version is approved.
    pub approved: bool,
    /// When it was last changed.
    pub updated_at: Time,
}

impl Version {
    pub(crate) fn view(&self) -> VersionView {
        VersionView {
            number: self.number,
            version: self.hash.clone(),
            author: self.author_name.clone(),
            created_at: self.created_at,
            approved_at: self.is_approved().then_some(self.approved_at),
            approved_by: self.approved_by_name.clone(),
            approval_note: self.approval_note.clone(),
        }
    }

    pub(crate) fn is_approved(&self) -> bool {
        self.approved_at.0 > 0
    }

    /// The runbook as data.
    pub(crate) fn book(&self) -> Result<Book> {
        serde_json::from_str(&self.canonical).map_err(|error| Error::internal("runbook-damaged", error))
    }

    /// The first letters of the hash, for people.
    pub(crate) fn short(&self) -> &str {
        self.hash.get(..12).unwrap_or(&self.hash)
    }
}

/// The version with this hash, or the newest approved one when none is named.
pub(crate) fn version(cx: &mut Cx, runbook: i64, hash: Option<&str>) -> Result<Version> {
    if store::name(cx.tx, runbook)?.is_none() {
        return Err(Error::not_found(runbook_ref(runbook)));
    }
    match hash.filter(|text| !text.is_empty()) {
        Some(hash) => store::by_hash(cx.tx, runbook, hash)?
            .ok_or_else(|| Error::invalid("version", "This runbook has no version with that hash.")),
        None => store::newest_approved(cx.tx, runbook)?.ok_or_else(|| {
            Error::conflict(format!(
                "No version of runbook:{runbook} is approved yet. Have one approved under /runbooks/{runbook}."
            ))
        }),
    }
}

/// The identity that a stored text names.
pub(crate) fn ident(text: &str) -> Ident {
    match text.split_once(':') {
        Some(("user", id)) => i64::from_str(id).map_or(Ident::Nobody, Ident::User),
        Some(("os", login)) => Ident::Os(login.to_owned()),
        Some(("service", name)) => Ident::Service(name.to_owned()),
        _ => Ident::Nobody,
    }
}

/// What somebody may do now, by their stored identity. Parts of Mainstay itself may do what their code does.
pub(crate) fn holder(cx: &mut Cx, text: &str) -> Result<Actor> {
    match ident(text) {
        Ident::Service(name) => Ok(Actor::service(&name, &["*"])),
        ident => cx.kernel.actor(cx.tx, &ident),
    }
}

/// The noun's titles.
pub(crate) fn resolve(cx: &mut Cx, ids: &[i64]) -> Result<Vec<Resolved>> {
    if !cx.may(list::NAME) {
        return Ok(Vec::new());
    }
    let found = store::titles(cx.tx, ids)?;
    Ok(found.into_iter().map(|(id, title)| Resolved { id, title, href: format!("/runbooks/{id}") }).collect())
}
