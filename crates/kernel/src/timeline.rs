//! The timeline of a thing: the events that name it, from every domain.

use crate::cx::Cx;
use crate::error::Result;
use crate::event::{StoredEvent, store};
use crate::reference::Ref;
use crate::time::Time;

impl Cx<'_, '_> {
    /// The newest events about a thing, older than the event numbered `before`. The caller has checked that the actor may see the thing.
    pub fn timeline(&mut self, subject: &Ref, before: Option<i64>, limit: i64) -> Result<Vec<StoredEvent>> {
        store::timeline(self.tx, subject, before, limit)
    }

    /// The newest events of all; the caller leaves out those whose subjects the actor may not see.
    pub fn latest_events(&mut self, limit: i64) -> Result<Vec<StoredEvent>> {
        store::latest(self.tx, limit)
    }

    /// What happened to any of the things between two moments, oldest first: "what changed just before".
    pub fn happened(&mut self, subjects: &[Ref], from: Time, to: Time, limit: i64) -> Result<Vec<StoredEvent>> {
        store::between(self.tx, subjects, from, to, limit)
    }
}
