//! Seals over the audit: one sealer chains digests of ranges, so that a changed, added or missing entry shows. Details
//! may be deleted by age; their digests stay in the chain.

use schemars::JsonSchema;
use serde::Serialize;

use crate::db::Tx;
use crate::error::Result;
use crate::event::{Event, Mark};
use crate::job::Running;
use crate::limits;
use crate::permission::Actor;
use crate::reference::Ref;
use crate::text::sha256_hex;
use crate::time::MINUTE;

mod store;

use store::{Seal, Sealable};

/// A range of the audit was sealed.
#[derive(Serialize)]
pub struct AuditSealed {
    /// The seal's number.
    pub seal: i64,
    /// The last entry it covers.
    pub last_id: i64,
    /// The head of the chain: kept elsewhere, it proves everything before it.
    pub digest: String,
}

impl Event for AuditSealed {
    const NAME: &'static str = "kernel.audit.sealed";
    fn subjects(&self) -> Vec<Ref> {
        vec![Ref::new("audit_seal", self.seal)]
    }
    fn title(&self) -> String {
        format!("Audit sealed up to entry {}", self.last_id)
    }
    fn mark(&self) -> Mark {
        Mark::Idle
    }
    fn sample() -> Self {
        Self { seal: 1, last_id: 100, digest: "ab".repeat(32) }
    }
}

/// What a verification found.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Verified {
    /// True when everything looked at fits.
    pub ok: bool,
    /// Seals looked at.
    pub seals: usize,
    /// Entries looked at.
    pub entries: usize,
    /// Entries after the last seal, which nothing covers yet.
    pub unsealed: i64,
    /// What does not fit.
    pub problems: Vec<String>,
    /// Entries out of whose details words were taken later, as other entries say. After the once that an upgrade does so,
    /// a new one is a reason to ask.
    pub blanked: Vec<i64>,
    /// The head of the chain as far as it was looked at.
    pub head: String,
    /// Give this as `after` to go on; null at the end.
    pub next: Option<i64>,
}

/// The digest of a detail out of which words were taken.
pub(super) fn blanked_digest(detail: &str) -> String {
    sha256_hex(detail.as_bytes())
}

fn digest(previous: &str, entries: &[Sealable]) -> String {
    let mut text = String::from(previous);
    for entry in entries {
        text.push('\n');
        text.push_str(&entry.line);
    }
    sha256_hex(text.as_bytes())
}

/// Seals what is older than a minute; younger entries of PostgreSQL may still commit below a higher number. Harmless to
/// repeat: a range is sealed once.
pub(crate) fn run(running: &Running<'_>) -> Result<()> {
    let kernel = running.kernel;
    while kernel.write_as(Actor::service("kernel.sealer", &[]), "kernel.audit.seal", |cx| {
        let last = store::last_seal(cx.tx)?;
        let (from, previous) = last.map_or((0, String::new()), |seal| (seal.last_id, seal.digest));
        let until = cx.now.plus(-MINUTE);
        let entries = store::sealable(cx.tx, from, until, limits::SEAL_ENTRIES)?;
        let (Some(first), Some(end)) = (entries.first(), entries.last()) else { return Ok(false) };
        let digest = digest(&previous, &entries);
        let seal = Seal { id: 0, first_id: first.id, last_id: end.id, entries: entries.len(), digest, previous };
        let id = store::put_seal(cx.tx, &seal, cx.now)?;
        // The event is not news on its own account: its own audit entry is sealed with the next batch of real work.
        if entries.iter().any(|entry| entry.operation != "kernel.audit.seal") {
            cx.emit(&AuditSealed { seal: id, last_id: seal.last_id, digest: seal.digest })?;
        }
        Ok(entries.len() == limits::SEAL_ENTRIES)
    })? {}
    Ok(())
}

/// Entries whose details differ from their digest, or are gone before their time. Where words were taken out, the entry
/// about that says what is left; which those are is the second answer.
fn wrong_details(tx: &mut Tx<'_>, seal: &Seal, details_from: i64) -> Result<(Vec<i64>, Vec<i64>)> {
    let (mut wrong, mut blanked) = (Vec::new(), Vec::new());
    for one in store::details(tx, seal.first_id, seal.last_id)? {
        let fits = match &one.stands {
            None => one.id < details_from,
            Some(stands) if one.blanked.is_empty() => *stands == one.digest,
            Some(stands) => *stands == one.blanked && taken_out(tx, one.id, stands)?,
        };
        if !fits {
            wrong.push(one.id);
        } else if one.stands.is_some() && !one.blanked.is_empty() {
            blanked.push(one.id);
        }
    }
    Ok((wrong, blanked))
}

/// True when an entry says that this is left of another.
fn taken_out(tx: &mut Tx<'_>, id: i64, left: &str) -> Result<bool> {
    let subject = super::blank::entry_ref(id);
    let entries = super::store::later(tx, &subject, id, 20)?;
    let mut changes = entries.iter().filter(|one| one.operation == "kernel.audit.blank").flat_map(|one| &one.changes);
    Ok(changes.any(|one| one.subject == subject && one.field == super::blank::FIELD && one.new == left))
}

/// Looks at a number of seals after one; the answer says where to go on.
pub(crate) fn verify(tx: &mut Tx<'_>, after: i64) -> Result<Verified> {
    let seals = store::seals_after(tx, after, limits::SEALS_PER_VERIFY)?;
    let details_from = store::details_from(tx)?;
    let mut found = Verified {
        ok: true,
        seals: seals.len(),
        entries: 0,
        unsealed: 0,
        problems: Vec::new(),
        blanked: Vec::new(),
        head: String::new(),
        next: None,
    };
    let mut before: Option<Seal> = if after > 0 { store::seal(tx, after)? } else { None };
    if let Some(first) = seals.first().filter(|_| after == 0)
        && store::any_between(tx, i64::MIN, first.first_id)?
    {
        found.problems.push(format!("There are entries before the first seal, {}.", first.id));
    }
    for seal in seals {
        if let Some(before) = &before {
            if seal.previous != before.digest {
                found.problems.push(format!("Seal {} does not continue seal {}.", seal.id, before.id));
            }
            if store::any_between(tx, before.last_id, seal.first_id)? {
                found.problems.push(format!("Entries between seals {} and {} are not covered.", before.id, seal.id));
            }
        }
        let entries = store::in_range(tx, seal.first_id, seal.last_id)?;
        if entries.len() != seal.entries || digest(&seal.previous, &entries) != seal.digest {
            found.problems.push(format!("Entries {} to {} are not what was sealed.", seal.first_id, seal.last_id));
        }
        let (wrong, blanked) = wrong_details(tx, &seal, details_from)?;
        found.blanked.extend(blanked);
        for id in wrong {
            found.problems.push(format!("The details of entry {id} are not what was recorded."));
        }
        found.entries += entries.len();
        before = Some(seal);
    }
    if let Some(last) = before {
        found.unsealed = store::count_after(tx, last.last_id)?;
        found.next = (found.seals == limits::SEALS_PER_VERIFY).then_some(last.id);
        found.head = last.digest;
    }
    found.ok = found.problems.is_empty();
    Ok(found)
}
