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

    /// The events that the actor may read: an event's first subject is what it is mainly about, and its title may quote it.
    /// What is gone is still told to who sees everything of its kind. `about` is a thing the caller has checked.
    pub fn readable(&mut self, about: Option<&Ref>, events: Vec<StoredEvent>) -> Result<Vec<StoredEvent>> {
        let mut mains: Vec<Ref> = events.iter().filter_map(|event| event.subjects.first().cloned()).collect();
        mains.sort();
        mains.dedup();
        let seen = self.resolve(&mains)?;
        let sees_all = |cx: &Self, main: &Ref| match cx.kernel.registry().noun(&main.kind) {
            None => true,
            Some(noun) => cx.actor.reach(noun.list, cx.now).is_some_and(|reach| reach.everything),
        };
        let readable = |event: &StoredEvent| {
            let main = event.subjects.first();
            main.is_none_or(|main| Some(main) == about || seen.contains_key(main) || sees_all(self, main))
        };
        Ok(events.into_iter().filter(readable).collect())
    }

    /// The newest events of all; the caller leaves out those that are not [`Self::readable`].
    pub fn latest_events(&mut self, limit: i64) -> Result<Vec<StoredEvent>> {
        store::latest(self.tx, limit)
    }

    /// What happened to any of the things between two moments, oldest first: "what changed just before". Events whose name
    /// begins with one of `without` are left out; `limit` is for all things together, and the newest stay.
    pub fn happened(
        &mut self,
        subjects: &[Ref],
        without: &[&str],
        (from, to): (Time, Time),
        limit: i64,
    ) -> Result<Vec<StoredEvent>> {
        store::between(self.tx, subjects, without, (from, to), limit)
    }
}
