//! Pause a scrape job, and let it run again.

use kernel::{Access, Cx, Effect, Operation, Ref, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ScrapeJob, find};
use crate::store;

/// Pause a scrape job: its targets are not asked until it is resumed, and their series end.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct PauseScrape {
    /// The job.
    pub id: i64,
}

impl Operation for PauseScrape {
    const NAME: &'static str = "monitor.scrape.pause";
    const ROUTE: Route = post("/monitor/scrapes/{id}/pause");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = ScrapeJob;

    fn run(&self, cx: &mut Cx) -> Result<ScrapeJob> {
        set(cx, Self::NAME, self.id, true)
    }
}

/// Let a paused scrape job run again.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct ResumeScrape {
    /// The job.
    pub id: i64,
}

impl Operation for ResumeScrape {
    const NAME: &'static str = "monitor.scrape.resume";
    const ROUTE: Route = post("/monitor/scrapes/{id}/resume");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = ScrapeJob;

    fn run(&self, cx: &mut Cx) -> Result<ScrapeJob> {
        set(cx, Self::NAME, self.id, false)
    }
}

fn set(cx: &mut Cx, operation: &str, id: i64, paused: bool) -> Result<ScrapeJob> {
    let job = find(cx, operation, id)?;
    if job.paused == paused {
        return Ok(job);
    }
    store::scrapes::set_paused(cx.tx, id, paused, cx.now)?;
    cx.changed(&job.reference(), "paused", job.paused, paused)?;
    cx.touch(Ref::new("scrape", id));
    find(cx, operation, id)
}
