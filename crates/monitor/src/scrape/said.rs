//! What an import says of a job: compared with what the last one said, never with what was changed by hand since.

use std::collections::BTreeSet;

use kernel::{Cx, Error, Result};
use serde::{Deserialize, Serialize};

use super::config::Job;
use crate::store;

/// What an import says of a job.
#[derive(Default)]
pub(super) struct Said {
    /// What could not be taken over, by its place in the file.
    pub(super) lacks: BTreeSet<String>,
    /// What can be told from the file alone.
    pub(super) told: Told,
}

/// Digests of the file; sealed, since a short password in it can be guessed from them.
#[derive(PartialEq, Eq, Default, Deserialize, Serialize)]
pub(super) struct Told {
    /// Of the job's part of the file.
    part: String,
    /// Of the credentials in it; none when there are none.
    pub(super) secrets: Option<String>,
}

impl Said {
    /// What the file says now.
    pub(super) fn of(job: &Job) -> Result<Self> {
        let secrets = serde_json::to_vec(&job.secrets).map_err(|error| Error::internal("scrape-secrets", error))?;
        let secrets = (!job.secrets.is_empty()).then(|| kernel::text::sha256_hex(&secrets));
        Ok(Self { lacks: job.lacks.clone(), told: Told { part: job.part.clone(), secrets } })
    }

    /// What the last import said of the job; none for one that was made by hand.
    pub(super) fn last(&self, cx: &mut Cx, id: i64) -> Result<Option<Self>> {
        let text = store::scrapes::imported(cx.tx, id)?;
        if text.is_empty() {
            return Ok(None);
        }
        // Versions before this one kept a digest of another kind: whatever the file says now is something else, and what it
        // lacks was looked at.
        let Ok(lacks) = serde_json::from_str(&text) else {
            return Ok(Some(Self { lacks: self.lacks.clone(), told: Told::default() }));
        };
        let told = cx.secret(&sealed(id))?.and_then(|told| serde_json::from_slice(&told).ok());
        Ok(Some(Self { lacks, told: told.unwrap_or_default() }))
    }

    /// Remembers it for the next import.
    pub(super) fn keep(&self, cx: &mut Cx, id: i64) -> Result<()> {
        let json = |error| Error::internal("imported-not-json", error);
        store::scrapes::set_imported(cx.tx, id, &serde_json::to_string(&self.lacks).map_err(json)?)?;
        cx.put_secret(&sealed(id), &serde_json::to_vec(&self.told).map_err(json)?)
    }
}

fn sealed(id: i64) -> String {
    format!("monitor.scrape.{id}.imported")
}

/// Forgets what an import said of a job that is gone.
pub(super) fn forget(cx: &mut Cx, id: i64) -> Result<()> {
    cx.drop_secret(&sealed(id))
}
