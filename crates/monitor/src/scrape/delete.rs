//! Delete a scrape job.

use kernel::{Access, Cx, Effect, Operation, Ref, Result, Route, delete};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plan::Secrets;
use super::{find, said};
use crate::store;

/// Delete a scrape job with its credentials. What was scraped stays as long as samples are kept.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct DeleteScrape {
    /// The job.
    pub id: i64,
    /// The version the decision was made on; a newer one is a conflict.
    #[serde(default)]
    pub expected_version: Option<i64>,
}

/// What was deleted.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeletedScrape {
    /// The job's number.
    pub id: i64,
    /// Its name.
    pub name: String,
}

impl Operation for DeleteScrape {
    const NAME: &'static str = "monitor.scrape.delete";
    const ROUTE: Route = delete("/monitor/scrapes/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = DeletedScrape;

    fn run(&self, cx: &mut Cx) -> Result<DeletedScrape> {
        let job = find(cx, Self::NAME, self.id)?;
        cx.expect_version(&job.reference(), self.expected_version, job.version)?;
        Secrets::default().put(cx, self.id)?;
        said::forget(cx, self.id)?;
        store::scrapes::delete(cx.tx, self.id)?;
        cx.changed(&job.reference(), "name", &job.name, serde_json::Value::Null)?;
        cx.touch(Ref::new("scrape", self.id));
        Ok(DeletedScrape { id: job.id, name: job.name })
    }
}
