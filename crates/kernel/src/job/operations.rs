//! The operations on jobs: what waits, what was given up, try it again or let it go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Job, Running, dead};
use crate::cx::Cx;
use crate::error::{Error, Result};
use crate::event;
use crate::operation::{Access, Effect, Operation, Route, delete, get, post};
use crate::page::{self, Page};
use crate::permission::Actor;
use crate::reference::Ref;

pub use dead::{DeadLetter, WaitingJob};

/// List waiting jobs.
///
/// What runs soon, what is being tried again, and why it failed.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ListJobs {
    /// Only jobs of this kind.
    pub kind: Option<String>,
    /// Where the next page starts.
    pub cursor: Option<String>,
    /// Rows on a page.
    pub limit: Option<usize>,
}

impl Operation for ListJobs {
    const NAME: &'static str = "kernel.job.list";
    const ROUTE: Route = get("/jobs");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Page<WaitingJob>;

    fn run(&self, cx: &mut Cx) -> Result<Page<WaitingJob>> {
        cx.reach_everything(Self::NAME)?;
        let rows = page::rows(self.limit)?;
        let kind = self.kind.as_deref().filter(|kind| !kind.is_empty());
        let found = dead::waiting(cx.tx, kind, page::before(self.cursor.as_deref())?, rows + 1)?;
        Ok(Page::of(found, rows, |job| job.id))
    }
}

/// List what was given up.
///
/// Jobs and reactions that failed too often. They wait here until somebody retries or discards them.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ListDeadLetters {
    /// Where the next page starts.
    pub cursor: Option<String>,
    /// Rows on a page.
    pub limit: Option<usize>,
}

impl Operation for ListDeadLetters {
    const NAME: &'static str = "kernel.job.dead-letters";
    const ROUTE: Route = get("/dead-letters");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Page<DeadLetter>;

    fn run(&self, cx: &mut Cx) -> Result<Page<DeadLetter>> {
        cx.reach_everything(Self::NAME)?;
        let rows = page::rows(self.limit)?;
        let found = dead::list(cx.tx, page::before(self.cursor.as_deref())?, rows + 1)?;
        Ok(Page::of(found, rows, |letter| letter.id))
    }
}

/// Try something again that was given up.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct RetryDeadLetter {
    /// Its number in the list of what was given up.
    #[schemars(extend("x-kind" = "dead_letter"))]
    pub id: i64,
}

/// What becomes of something that was given up.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LetterDone {
    /// Its number.
    pub id: i64,
    /// The job or reaction.
    pub name: String,
}

impl Operation for RetryDeadLetter {
    const NAME: &'static str = "kernel.job.retry";
    const ROUTE: Route = post("/dead-letters/{id}/retry");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = LetterDone;

    fn run(&self, cx: &mut Cx) -> Result<LetterDone> {
        cx.reach_everything(Self::NAME)?;
        let letter = take(cx, self.id, "retried")?;
        if let Some(event) = letter.event {
            cx.enqueue(&Job::new("kernel.redeliver", &json!({ "reaction": letter.name, "event": event }))?)?;
            return Ok(LetterDone { id: self.id, name: letter.name });
        }
        let registry = cx.kernel.registry();
        let Some(entry) = registry.job(&letter.name) else {
            return Err(Error::conflict(format!("There is no job \"{}\" any more. Discard it.", letter.name)));
        };
        cx.enqueue(&Job { kind: entry.kind, payload: letter.payload, run_at: None, key: None })?;
        Ok(LetterDone { id: self.id, name: letter.name })
    }
}

/// Let something go that was given up.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct DiscardDeadLetter {
    /// Its number in the list of what was given up.
    #[schemars(extend("x-kind" = "dead_letter"))]
    pub id: i64,
}

impl Operation for DiscardDeadLetter {
    const NAME: &'static str = "kernel.job.discard";
    const ROUTE: Route = delete("/dead-letters/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = LetterDone;

    fn run(&self, cx: &mut Cx) -> Result<LetterDone> {
        cx.reach_everything(Self::NAME)?;
        let letter = take(cx, self.id, "discarded")?;
        Ok(LetterDone { id: self.id, name: letter.name })
    }
}

fn take(cx: &mut Cx, id: i64, word: &str) -> Result<DeadLetter> {
    let letter = dead::take(cx.tx, id)?.ok_or_else(|| Error::not_found(format!("The dead letter {id}")))?;
    let subject = Ref::new("dead_letter", id);
    cx.attention_done(&subject, "given-up")?;
    cx.changed(&subject, "state", format!("{}: {}", letter.name, letter.error), word)?;
    Ok(letter)
}

#[derive(Deserialize)]
struct Redelivery {
    reaction: String,
    event: i64,
}

/// Gives one event to one reaction again. The reaction's work and this job's end are two transactions: after a crash
/// between them the event is given once more, as with any job.
pub(crate) fn redeliver(running: &Running<'_>) -> Result<()> {
    let what: Redelivery = running.input()?;
    let kernel = running.kernel;
    let Some(reaction) = kernel.registry().reactions().find(|one| one.name == what.reaction) else { return Ok(()) };
    let Some(event) = kernel.db.read(|tx| event::store::get(tx, what.event))? else { return Ok(()) };
    let (name, run) = (reaction.name, reaction.run);
    kernel.write_as(Actor::service(name, reaction.grants), name, move |cx| run(cx, &event))
}

/// The attention entry of something that was given up.
pub(crate) fn needs_somebody(id: i64, name: &str, error: &str, now: crate::time::Time) -> crate::attention::Attention {
    crate::attention::Attention {
        subject: Ref::new("dead_letter", id),
        need: "given-up",
        title: format!("{name} was given up after many tries"),
        why: crate::text::shorten(error, 300),
        mark: event::Mark::Warn,
        word: "Failed",
        weight: 300,
        since: now,
        action: "Retry or discard",
        href: "/jobs".into(),
        team: None,
        user: None,
        grant: "kernel.job.retry",
    }
}
