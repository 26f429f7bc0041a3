//! What an operation gets: the transaction, the actor, one `now`, and the ways to tell what it did. Nothing is ambient.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::db::Tx;
use crate::error::{Error, Result};
use crate::event::{Event, Pending};
use crate::job::{self, Job};
use crate::limits;
use crate::operation::{Access, Guard, Operation};
use crate::permission::{Actor, Reach};
use crate::reference::{Ref, Resolved};
use crate::running::Kernel;
use crate::settings::{self, Setting};
use crate::time::Time;

/// What `prepare` gets: no transaction, so CPU and blob work may take its time.
pub struct PrepareCx<'a> {
    /// The kernel: blobs, secrets, database reads.
    pub kernel: &'a Kernel,
    /// Who calls.
    pub actor: &'a Actor,
    /// The moment of the call.
    pub now: Time,
    /// Nothing may come of it: what is not undone with the transaction is left alone.
    pub dry_run: bool,
}

/// One field that changed: the material of differences, previews, undo, audit and history.
#[derive(Clone, Debug, PartialEq, Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct FieldChange {
    /// What changed.
    #[serde(rename = "ref")]
    pub subject: Ref,
    /// Which field.
    pub field: String,
    /// Before; null when it did not exist.
    pub old: Value,
    /// After; null when it is gone.
    pub new: Value,
}

/// The context of a running operation.
pub struct Cx<'a, 'tx> {
    /// The transaction.
    pub tx: &'a mut Tx<'tx>,
    /// The kernel, for settings, secrets and random numbers; never for a second transaction.
    pub kernel: &'a Kernel,
    /// Who acts.
    pub actor: &'a Actor,
    /// The one moment of this call.
    pub now: Time,
    pub(crate) writing: bool,
    pub(crate) log: Log,
}

/// What a call did so far.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) events: Vec<Pending>,
    pub(crate) changes: Vec<FieldChange>,
    pub(crate) touched: Vec<Ref>,
    pub(crate) jobs: bool,
}

impl<'a, 'tx> Cx<'a, 'tx> {
    pub(crate) fn new(tx: &'a mut Tx<'tx>, kernel: &'a Kernel, actor: &'a Actor, now: Time, writing: bool) -> Self {
        Self { tx, kernel, actor, now, writing, log: Log::default() }
    }

    pub(crate) fn must_write(&self, what: &'static str) -> Result<()> {
        if self.writing { Ok(()) } else { Err(Error::internal("write-in-read", what)) }
    }

    /// Tells that something happened. Subscribers hear of it after commit.
    pub fn emit<T: Event>(&mut self, event: &T) -> Result<()> {
        self.must_write(T::NAME)?;
        if self.log.events.len() >= limits::EVENTS_PER_CALL_MAX {
            return Err(Error::over_limit("One call may not cause this many events. Split it."));
        }
        let pending = Pending::of(event)?;
        self.log.touched.extend(pending.subjects.iter().cloned());
        self.log.events.push(pending);
        Ok(())
    }

    /// Records that a field changed from `old` to `new`; equal values are no change.
    pub fn changed(&mut self, subject: &Ref, field: &str, old: impl Serialize, new: impl Serialize) -> Result<()> {
        self.must_write("changed")?;
        let json =
            |value: Result<Value, serde_json::Error>| value.map_err(|error| Error::internal("change-not-json", error));
        let (old, new) = (json(serde_json::to_value(old))?, json(serde_json::to_value(new))?);
        if old != new {
            self.log.touched.push(subject.clone());
            self.log.changes.push(FieldChange { subject: subject.clone(), field: field.to_owned(), old, new });
        }
        Ok(())
    }

    /// Tells open pages that something they show is out of date, without an event.
    pub fn touch(&mut self, subject: Ref) {
        self.log.touched.push(subject);
    }

    /// Queues a job that runs after commit, at `run_at` or soon after.
    pub fn enqueue(&mut self, job: &Job) -> Result<()> {
        self.must_write("enqueue")?;
        self.log.jobs = true;
        job::store::insert(self.tx, job, self.now)
    }

    /// How far the actor's grants for an operation reach; refuses when there is none.
    pub fn reach(&self, operation: &str) -> Result<Reach> {
        match self.actor.reach(operation, self.now) {
            Some(reach) => Ok(reach),
            None if self.actor.ident == crate::permission::Ident::Nobody => Err(Error::sign_in()),
            None => Err(Error::denied(operation)),
        }
    }

    /// Refuses a grant that is narrower than everything: for what has neither team nor place nor owner.
    pub fn reach_everything(&self, operation: &str) -> Result<()> {
        if self.reach(operation)?.everything { Ok(()) } else { Err(Error::denied(operation)) }
    }

    /// True when the actor holds any grant for an operation.
    pub fn may(&self, operation: &str) -> bool {
        self.actor.reach(operation, self.now).is_some()
    }

    /// Refuses an actor without access to an operation; how far a grant reaches is another question.
    pub fn authorise(&self, name: &str, access: Access) -> Result<()> {
        match access {
            Access::Anyone => Ok(()),
            Access::SignedIn if self.actor.ident == crate::permission::Ident::Nobody => Err(Error::sign_in()),
            Access::SignedIn if !self.actor.fits(name) => Err(Error::outside_token(name)),
            Access::SignedIn => Ok(()),
            Access::Grant => self.reach(name).map(|_| ()),
        }
    }

    /// Runs another operation in this transaction as the same actor, with its own permission check.
    pub fn call<T: Operation>(&mut self, operation: &T) -> Result<T::Output> {
        self.authorise(T::NAME, T::ACCESS)?;
        if T::EFFECT != crate::operation::Effect::Read {
            self.must_write(T::NAME)?;
        }
        operation.run(self)
    }

    /// Runs an operation of any domain by name in this transaction as the same actor, with its own permission check: how
    /// runbooks and bulk actions reach what they may not import. Operations that prepare files or hashes do so here too.
    pub fn call_named(&mut self, name: &str, mut input: Value) -> Result<Value> {
        let entry = self
            .kernel
            .registry()
            .operation(name)
            .ok_or_else(|| Error::not_found(format!("The operation \"{name}\"")))?;
        self.authorise(entry.name, entry.access)?;
        if entry.effect != crate::operation::Effect::Read {
            self.must_write(entry.name)?;
        }
        if entry.effect == crate::operation::Effect::Dangerous
            && crate::approvals::held::required(&self.setting()?, entry, Guard::Declared)
        {
            return Err(Error::conflict(format!(
                "\"{name}\" needs an approval, which only a call of its own can wait for. Run it by itself."
            )));
        }
        self.kernel.registry().numbers(entry, &mut input)?;
        let mut decoded = entry.decode(input)?;
        let prepare = PrepareCx { kernel: self.kernel, actor: self.actor, now: self.now, dry_run: false };
        if decoded.guard(&prepare)? != Guard::Declared {
            return Err(Error::conflict(format!(
                "This call of \"{name}\" needs a confirmation and a proof of its own. Run it by itself."
            )));
        }
        decoded.prepare(&prepare)?;
        decoded.run(self)
    }

    /// Refuses a change that was made against an older version, and says who changed what since.
    pub fn expect_version(&mut self, subject: &Ref, expected: Option<i64>, current: i64) -> Result<()> {
        match expected {
            Some(expected) if expected != current => Err(crate::audit::conflict(self.tx, subject)?),
            _ => Ok(()),
        }
    }

    /// A setting's current value.
    pub fn setting<T: Setting>(&mut self) -> Result<T> {
        if T::ADDRESSES.is_empty() { settings::store::get(self.tx) } else { settings::sealed::get(self) }
    }

    /// 128 random bits, for what leaves the house.
    pub fn random_id(&self) -> Result<[u8; 16]> {
        self.kernel.random()
    }

    /// Titles and links of references, as far as the actor may see them; the rest is left out.
    pub fn resolve(&mut self, refs: &[Ref]) -> Result<BTreeMap<Ref, Resolved>> {
        let mut by_kind: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        for one in refs {
            by_kind.entry(one.kind.as_ref()).or_default().push(one.id);
        }
        let mut found = BTreeMap::new();
        for (kind, ids) in by_kind {
            let Some(noun) = self.kernel.registry().noun(kind) else { continue };
            for resolved in (noun.resolve)(self, &ids)? {
                found.insert(Ref { kind: std::borrow::Cow::Owned(kind.to_owned()), id: resolved.id }, resolved);
            }
        }
        Ok(found)
    }
}
