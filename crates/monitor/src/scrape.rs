//! Scraping: jobs say where targets come from and how they are asked; targets answer with metrics in the text formats of
//! Prometheus and OpenMetrics. Jobs are rows; targets and how they stand are in memory.

use std::sync::Arc;

use kernel::{Cx, Error, Handle, Ref, Resolved, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::live::Monitor;
use crate::store;

mod ask;
mod book;
mod config;
pub mod create;
pub mod delete;
mod discover;
pub mod fields;
mod figures;
mod files;
pub mod import;
pub mod list;
mod naming;
pub mod pause;
mod plan;
pub mod propose;
mod queue;
mod relabel;
mod said;
mod scraper;
mod seen;
pub mod show;
mod spec;
mod target;
pub mod targets;
pub mod test;
mod turn;
pub mod update;
mod yaml;

pub(crate) use figures::all as figures;
pub use files::TargetFolder;
pub use relabel::{Action, Relabel};
pub(crate) use scraper::Scraper;
pub(crate) use seen::Seen;
pub use seen::TargetState;
pub use spec::{DnsKind, DnsName, FromAssets, Group, Scheme, Spec, TlsSpec};
pub(crate) use target::Target;
pub use targets::ListTargets;

/// Most jobs.
const JOBS_MAX: i64 = 1_000;

/// A scrape job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScrapeJob {
    /// Its number.
    pub id: i64,
    /// Its name: the label job of its series.
    pub name: String,
    /// What it is told.
    pub spec: Spec,
    /// Nothing is scraped while it is paused.
    pub paused: bool,
    /// Grows with every change.
    pub version: i64,
    /// When it was made.
    pub created_at: Time,
    /// When it was changed last.
    pub updated_at: Time,
}

impl ScrapeJob {
    /// As a reference.
    pub fn reference(&self) -> Ref {
        Ref::new("scrape", self.id)
    }
}

/// A job that is there. Jobs belong to no site or team, so the grant must reach everything.
fn find(cx: &mut Cx, operation: &str, id: i64) -> Result<ScrapeJob> {
    cx.reach_everything(operation)?;
    store::scrapes::find(cx.tx, id)?.ok_or_else(|| Error::not_found(format!("The scrape job {id}")))
}

/// Refuses a name that another job has.
fn free_name(cx: &mut Cx, name: &str, except: Option<i64>) -> Result<String> {
    let name = kernel::text::line("name", name, 120)?;
    match store::scrapes::named(cx.tx, &name)? {
        Some(other) if Some(other) != except => {
            Err(Error::invalid("name", format!("Another scrape job is called {name} already. Use another name.")))
        }
        _ => Ok(name),
    }
}

/// Titles and pages of jobs, for references.
pub(crate) fn resolve(cx: &mut Cx, ids: &[i64]) -> Result<Vec<Resolved>> {
    let reach = cx.actor.reach(list::ListScrapes::OPERATION, cx.now);
    if !reach.is_some_and(|reach| reach.everything) {
        return Ok(Vec::new());
    }
    let found = store::scrapes::by_id(cx.tx, ids)?;
    let page =
        |job: ScrapeJob| Resolved { id: job.id, title: job.name, href: format!("/monitoring/scrapes/{}", job.id) };
    Ok(found.into_iter().map(page).collect())
}

/// Lines up what is due until the server stops.
pub(crate) fn serve(handle: Handle) {
    let Ok(monitor) = handle.get::<Monitor>() else { return };
    let mut pause = std::time::Duration::from_millis(100);
    while handle.wait(pause) {
        if !monitor.may_store() {
            continue;
        }
        pause = monitor.scraper.line_up(handle.now().millis());
        monitor.scraper.staff(&handle);
    }
    monitor.scraper.send_home();
}

/// Looks for targets until the server stops.
pub(crate) fn look(handle: Handle) {
    let Ok(monitor) = handle.get::<Monitor>() else { return };
    let mut failing = false;
    while handle.wait(std::time::Duration::from_secs(1)) {
        let refreshed = monitor.scraper.refresh(&handle);
        if let (Err(error), false) = (&refreshed, failing) {
            tracing::error!(error = error.message, cause = error.cause, "scrape jobs cannot be read; trying again");
        }
        failing = refreshed.is_err();
        monitor.scraper.look(&handle);
        monitor.scraper.tell(&handle);
    }
}

/// Looks for targets and scrapes what is due, all in this thread: for those who move the clock by hand.
pub fn pass(handle: &Handle) -> Result<()> {
    let monitor = handle.get::<Monitor>()?;
    let scraper: Arc<Scraper> = monitor.scraper.clone();
    scraper.refresh(handle)?;
    scraper.look(handle);
    if !monitor.may_store() {
        return Ok(());
    }
    scraper.line_up(handle.now().millis());
    let mut hands = ask::Hands::default();
    while let Some(turn) = scraper.turn() {
        turn::scrape(handle, &scraper, turn, &mut hands);
    }
    scraper.tell(handle);
    Ok(())
}
