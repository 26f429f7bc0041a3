//! List scrape jobs.

use kernel::page::{self, Page};
use kernel::{Access, Cx, Effect, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ScrapeJob;
use super::scraper::Standing;
use crate::live::Monitor;
use crate::store;

/// List scrape jobs by name, a page at a time, each with how its targets stand.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ListScrapes {
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// Rows on the page, at most 500; 50 if left out.
    pub limit: Option<usize>,
}

impl ListScrapes {
    /// The operation's name, for those who only ask about grants.
    pub(crate) const OPERATION: &'static str = "monitor.scrape.list";
}

/// A job and how it stands.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ScrapeRow {
    /// The job's number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Where its targets come from, in plain words.
    pub sources: String,
    /// Seconds from one scrape to the next.
    pub interval_s: i64,
    /// Nothing is scraped while it is paused.
    pub paused: bool,
    /// Targets.
    pub targets: usize,
    /// Those that answered the last time.
    pub up: usize,
    /// Those that did not.
    pub down: usize,
    /// Targets that a rule dropped.
    pub dropped: usize,
    /// Samples of the last scrapes together.
    pub samples: usize,
    /// What is wrong with the job or its sources.
    pub problem: Option<String>,
}

impl ScrapeRow {
    pub(super) fn new(job: &ScrapeJob, standing: Standing) -> Self {
        Self {
            id: job.id,
            name: job.name.clone(),
            sources: job.spec.words(),
            interval_s: job.spec.interval_s,
            paused: job.paused,
            targets: standing.targets,
            up: standing.up,
            down: standing.down,
            dropped: standing.dropped,
            samples: standing.samples,
            problem: standing.wrong,
        }
    }
}

/// A page of jobs.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ScrapeRows {
    /// The jobs.
    pub items: Vec<ScrapeRow>,
    /// The cursor of the next page.
    pub next: Option<String>,
}

impl Operation for ListScrapes {
    const NAME: &'static str = Self::OPERATION;
    const ROUTE: Route = get("/monitor/scrapes");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = ScrapeRows;

    fn run(&self, cx: &mut Cx) -> Result<ScrapeRows> {
        cx.reach_everything(Self::NAME)?;
        let limit = page::rows(self.limit)?;
        let after = self.cursor.as_deref().filter(|text| !text.is_empty());
        let jobs = store::scrapes::page(cx.tx, after, limit + 1)?;
        let jobs = Page::by(jobs, limit, |job| job.name.clone());
        let scraper = &cx.kernel.get::<Monitor>()?.scraper;
        let row = |job: &ScrapeJob| ScrapeRow::new(job, scraper.standing(job.id).unwrap_or_default());
        Ok(ScrapeRows { items: jobs.items.iter().map(row).collect(), next: jobs.next })
    }
}
