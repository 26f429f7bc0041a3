//! Show a scrape job.

use kernel::{Access, Cx, Effect, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list::ScrapeRow;
use super::plan::Secrets;
use super::{ScrapeJob, find};
use crate::live::Monitor;

/// Show a scrape job: what it is told, and how its targets stand.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct ShowScrape {
    /// The job.
    pub id: i64,
}

/// A job with how it stands.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ScrapeDetail {
    /// The job.
    pub job: ScrapeJob,
    /// How it stands.
    pub standing: ScrapeRow,
    /// Names of the secrets that are set.
    pub secrets: Vec<String>,
}

impl Operation for ShowScrape {
    const NAME: &'static str = "monitor.scrape.show";
    const ROUTE: Route = get("/monitor/scrapes/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = ScrapeDetail;

    fn run(&self, cx: &mut Cx) -> Result<ScrapeDetail> {
        let job = find(cx, Self::NAME, self.id)?;
        let standing = cx.kernel.get::<Monitor>()?.scraper.standing(self.id).unwrap_or_default();
        let sealed = Secrets::of(cx, self.id)?;
        let secrets = [
            ("password", sealed.password.is_some()),
            ("bearer_token", sealed.bearer_token.is_some()),
            ("tls_key", sealed.tls_key.is_some()),
        ];
        let secrets = secrets.iter().filter(|(_, set)| *set).map(|(name, _)| (*name).to_owned()).collect();
        Ok(ScrapeDetail { standing: ScrapeRow::new(&job, standing), job, secrets })
    }
}
