//! Change a scrape job.

use kernel::{Access, Cx, Effect, Operation, Ref, Result, Route, patch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fields::{self, Fields};
use super::plan::Secrets;
use super::{ScrapeJob, find, free_name};
use crate::store;

/// Change a scrape job. Fields that are left out stay. Where it then asks other places, its credentials have to be given
/// again.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct UpdateScrape {
    /// The job.
    pub id: i64,
    /// The version the decision was made on; a newer one is a conflict.
    #[serde(default)]
    pub expected_version: Option<i64>,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// The rest.
    #[serde(flatten)]
    pub fields: Fields,
}

impl Operation for UpdateScrape {
    const NAME: &'static str = "monitor.scrape.update";
    const ROUTE: Route = patch("/monitor/scrapes/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    const SECRETS: &'static [&'static str] = fields::SECRETS;
    type Output = ScrapeJob;

    fn run(&self, cx: &mut Cx) -> Result<ScrapeJob> {
        let current = find(cx, Self::NAME, self.id)?;
        cx.expect_version(&current.reference(), self.expected_version, current.version)?;
        let spec = self.fields.apply(&current.spec)?;
        let before = Secrets::of(cx, self.id)?;
        let secrets = self.fields.secrets(before.clone(), spec.reaches() == current.spec.reaches())?;
        let name = self.name.as_deref().unwrap_or(&current.name);
        let name = free_name(cx, name, Some(self.id))?;
        if spec == current.spec && secrets == before && name == current.name {
            return Ok(current);
        }
        fields::usable(&name, &spec, &secrets)?;
        store::scrapes::update(cx.tx, self.id, &name, &spec, cx.now)?;
        secrets.put(cx, self.id)?;
        let job = find(cx, Self::NAME, self.id)?;
        fields::record(cx, &job, Some((&current.name, &current.spec)), (&before, &secrets))?;
        cx.touch(Ref::new("scrape", self.id));
        Ok(job)
    }
}
