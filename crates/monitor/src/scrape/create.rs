//! Create a scrape job.

use kernel::{Access, Cx, Effect, Error, Operation, Ref, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fields::{self, Fields};
use super::plan::Secrets;
use super::spec::Spec;
use super::{JOBS_MAX, ScrapeJob, find, free_name};
use crate::store;

/// Create a scrape job: targets that are asked for their metrics again and again, as Prometheus does it.
///
/// Targets are addresses, files, names in DNS, and assets; a job may have all of them.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct CreateScrape {
    /// Its name: the label job of its series.
    pub name: String,
    /// The rest.
    #[serde(flatten)]
    pub fields: Fields,
    /// Make it paused, to look at first.
    #[serde(default)]
    pub paused: bool,
}

impl Operation for CreateScrape {
    const NAME: &'static str = "monitor.scrape.create";
    const ROUTE: Route = post("/monitor/scrapes");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    const SECRETS: &'static [&'static str] = fields::SECRETS;
    type Output = ScrapeJob;

    fn run(&self, cx: &mut Cx) -> Result<ScrapeJob> {
        cx.reach_everything(Self::NAME)?;
        let spec = self.fields.apply(&Spec::default())?;
        let secrets = self.fields.secrets(Secrets::default(), true)?;
        create(cx, &self.name, &spec, &secrets, self.paused)
    }
}

/// Makes a job.
pub(super) fn create(cx: &mut Cx, name: &str, spec: &Spec, secrets: &Secrets, paused: bool) -> Result<ScrapeJob> {
    if store::scrapes::count(cx.tx)? >= JOBS_MAX {
        return Err(Error::over_limit(format!("There are {JOBS_MAX} scrape jobs already, the most there may be.")));
    }
    let name = free_name(cx, name, None)?;
    fields::usable(&name, spec, secrets)?;
    let id = store::scrapes::insert(cx.tx, &name, spec, paused, cx.now)?;
    secrets.put(cx, id)?;
    let job = find(cx, CreateScrape::NAME, id)?;
    fields::record(cx, &job, None, (&Secrets::default(), secrets))?;
    cx.touch(Ref::new("scrape", id));
    Ok(job)
}
