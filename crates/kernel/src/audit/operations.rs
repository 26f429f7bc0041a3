//! The operations on audit: list, show, undo, verify.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{seal, store};
use crate::cx::{Cx, FieldChange, PrepareCx};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::operation::{Access, Effect, Guard, Operation, Route, get, post};
use crate::page::{self, Page};
use crate::permission::Actor;
use crate::reference::Ref;
use crate::settings::operations::guarded;
use crate::time::Time;

/// An entry of the audit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditEntry {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: Time,
    /// Who, for example `user:3`.
    pub actor: String,
    /// Their name then; empty when the details were deleted.
    pub actor_name: String,
    /// What they called.
    pub operation: String,
    /// Through which door: `rest`, `page`, `cli`, `reaction`, `job` or `runbook`.
    pub via: String,
    /// `done` or `refused`.
    pub outcome: String,
    /// What it was about first.
    #[serde(rename = "ref")]
    pub subject: Option<Ref>,
    /// The input without secrets; null when the details were deleted.
    pub input: Value,
    /// The difference it made.
    pub changes: Vec<FieldChange>,
}

/// List who did what.
///
/// Newest first, with the difference each call made.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ListAudit {
    /// Only by this actor, for example `user:3`.
    pub actor: Option<String>,
    /// Only this operation.
    pub operation: Option<String>,
    /// Only about this thing.
    #[serde(rename = "ref")]
    pub subject: Option<Ref>,
    /// Where the next page starts.
    pub cursor: Option<String>,
    /// Rows on a page.
    pub limit: Option<usize>,
}

impl Operation for ListAudit {
    const NAME: &'static str = "kernel.audit.list";
    const ROUTE: Route = get("/audit");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Page<AuditEntry>;

    fn run(&self, cx: &mut Cx) -> Result<Page<AuditEntry>> {
        cx.reach_everything(Self::NAME)?;
        let rows = page::rows(self.limit)?;
        let filter = store::Filter {
            actor: self.actor.as_deref().filter(|text| !text.is_empty()),
            operation: self.operation.as_deref().filter(|text| !text.is_empty()),
            subject: self.subject.as_ref(),
            before: page::before(self.cursor.as_deref())?,
        };
        Ok(Page::of(store::list(cx.tx, &filter, rows + 1)?, rows, |entry| entry.id))
    }
}

/// Show one entry of the audit.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ShowAudit {
    /// Its number.
    #[schemars(extend("x-kind" = "audit_entry"))]
    pub id: i64,
}

impl Operation for ShowAudit {
    const NAME: &'static str = "kernel.audit.show";
    const ROUTE: Route = get("/audit/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = AuditEntry;

    fn run(&self, cx: &mut Cx) -> Result<AuditEntry> {
        cx.reach_everything(Self::NAME)?;
        store::get(cx.tx, self.id)?.ok_or_else(|| Error::not_found(format!("The audit entry {}", self.id)))
    }
}

/// Undo what a call did.
///
/// Puts every field back that the call changed, unless somebody changed one of them since. You may undo your own calls;
/// with a grant for this also those of others. You need the grant of the call itself too, and what it took to do a
/// dangerous call (confirmation, a fresh proof of who you are, an approval) it takes to undo it.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct UndoAudit {
    /// The audit entry of the call.
    #[schemars(extend("x-kind" = "audit_entry"))]
    pub id: i64,
}

/// What was put back.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Undone {
    /// How many fields were put back.
    pub fields: usize,
    /// How many messages that had not left yet were stopped.
    pub stopped_messages: u64,
}

impl Operation for UndoAudit {
    const NAME: &'static str = "kernel.audit.undo";
    const ROUTE: Route = post("/audit/{id}/undo");
    const ACCESS: Access = Access::SignedIn;
    const EFFECT: Effect = Effect::Write;
    const GUARDED: bool = true;
    type Output = Undone;

    fn guard(&self, cx: &PrepareCx<'_>) -> Result<Guard> {
        let found = cx.kernel.db.read(|tx| Ok((store::get(tx, self.id)?, first_call(tx, self.id)?)))?;
        // What the actor may not undo is refused when it runs, like what is not there.
        let (Some(entry), name) = found else { return Ok(Guard::Declared) };
        if !undoable(&entry, cx.actor, cx.now) {
            return Ok(Guard::Declared);
        }
        if entry.changes.iter().any(|one| one.subject.kind == "setting" && guarded(cx.kernel, &one.field)) {
            return Ok(Guard::Safeguard);
        }
        let harmful = cx.kernel.registry().operation(&name).filter(|call| call.effect == Effect::Dangerous);
        Ok(harmful.map_or(Guard::Declared, |call| Guard::Like(call.name)))
    }

    fn run(&self, cx: &mut Cx) -> Result<Undone> {
        let missing = || Error::not_found(format!("The audit entry {}", self.id));
        let entry =
            store::get(cx.tx, self.id)?.filter(|entry| undoable(entry, cx.actor, cx.now)).ok_or_else(missing)?;
        if let Some(operation) = cx.kernel.registry().operation(&entry.operation) {
            cx.authorise(operation.name, operation.access)?;
        }
        if entry.outcome != "done" || entry.changes.is_empty() {
            return Err(Error::conflict("This call changed nothing that can be put back."));
        }
        for change in &entry.changes {
            if let Some(later) = store::changed_since(cx.tx, change, entry.id)? {
                return Err(Error::conflict(format!(
                    "{} changed {} of {} since ({}), so it is not put back. Change it by hand.",
                    later.actor_name, change.field, change.subject, later.at
                )));
            }
        }
        for change in entry.changes.iter().rev() {
            let noun = cx.kernel.registry().noun(&change.subject.kind);
            let set = noun.and_then(|noun| noun.set).ok_or_else(|| {
                Error::conflict(format!("{} of {} cannot be put back.", change.field, change.subject))
            })?;
            set(cx, change.subject.id, &change.field, &change.old)?;
        }
        let stopped_messages = crate::notifications::stop_unsent(cx, &entry.actor, entry.at)?;
        Ok(Undone { fields: entry.changes.len(), stopped_messages })
    }
}

/// True for the actor's own calls, and for all with a grant to undo.
fn undoable(entry: &AuditEntry, actor: &Actor, now: Time) -> bool {
    entry.actor == actor.ident.to_string() || actor.reach(UndoAudit::NAME, now).is_some_and(|reach| reach.everything)
}

/// The operation that an entry is about in the end: the undo of an undo does the first call again.
fn first_call(tx: &mut Tx<'_>, id: i64) -> Result<String> {
    let mut next = Some(id);
    let mut name = String::new();
    // An undo names an older entry than its own, so this ends.
    while let Some(id) = next {
        let Some(entry) = store::get(tx, id)? else { break };
        name = entry.operation;
        next = entry.input.get("id").and_then(Value::as_i64).filter(|older| name == UndoAudit::NAME && *older < id);
    }
    Ok(name)
}

/// Verify the audit.
///
/// Computes the seals again from the entries and names every place that does not fit.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct VerifyAudit {
    /// Go on after this seal; from the first when left out.
    pub after: Option<i64>,
}

impl Operation for VerifyAudit {
    const NAME: &'static str = "kernel.audit.verify";
    const ROUTE: Route = get("/audit-seals/verify");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = seal::Verified;

    fn run(&self, cx: &mut Cx) -> Result<seal::Verified> {
        cx.reach_everything(Self::NAME)?;
        seal::verify(cx.tx, self.after.unwrap_or(0))
    }
}
