//! List targets and how they stand.

use std::collections::BTreeMap;

use kernel::page::{self, Page};
use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::seen::TargetState;
use crate::live::Monitor;
use crate::store;

/// List the targets that are scraped and how they stand, a page at a time.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ListTargets {
    /// Only targets of this job.
    #[schemars(extend("x-kind" = "scrape"))]
    pub job: Option<i64>,
    /// Only targets that did not answer the last time.
    pub down: bool,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// Rows on the page, at most 500; 50 if left out.
    pub limit: Option<usize>,
}

impl ListTargets {
    /// The operation's name, for those who only ask about grants.
    pub(crate) const OPERATION: &'static str = "monitor.target.list";
}

/// A page of targets.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Targets {
    /// The targets, by job and instance.
    pub items: Vec<TargetState>,
    /// The cursor of the next page.
    pub next: Option<String>,
}

impl Operation for ListTargets {
    const NAME: &'static str = Self::OPERATION;
    const ROUTE: Route = get("/monitor/targets");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Targets;

    fn run(&self, cx: &mut Cx) -> Result<Targets> {
        cx.reach_everything(Self::NAME)?;
        let limit = page::rows(self.limit)?;
        let after = self.cursor.as_deref().filter(|text| !text.is_empty()).map(unpacked).transpose()?;
        let scraper = &cx.kernel.get::<Monitor>()?.scraper;
        let found = scraper.list(self.job, self.down, &after.unwrap_or_default(), limit + 1);
        let Page { items: found, next } = Page::by(found, limit, |(key, ..)| kernel::text::hex(key.as_bytes()));
        let mut jobs: Vec<i64> = found.iter().map(|(_, target, _)| target.job).collect();
        jobs.dedup();
        let names: BTreeMap<i64, String> =
            store::scrapes::by_id(cx.tx, &jobs)?.into_iter().map(|job| (job.id, job.name)).collect();
        let items = found.iter().map(|(_, target, seen)| {
            TargetState::of(target, seen, names.get(&target.job).cloned().unwrap_or_default())
        });
        Ok(Targets { items: items.collect(), next })
    }
}

/// A cursor is the key of the last target, in hexadecimal: keys hold characters that addresses do not.
fn unpacked(cursor: &str) -> Result<String> {
    let wrong = || Error::invalid("cursor", "This is not a cursor of this list. Start at the first page.");
    let digits = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = cursor.as_bytes().chunks(2).map(digits).collect();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(wrong)
}
