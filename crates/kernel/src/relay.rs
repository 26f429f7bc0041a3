//! The relay: numbers committed events in one order and hands them to the subscribers. Each subscriber has a cursor that
//! moves in the same transaction as its work, so what only changes the database happens exactly once.

use std::collections::HashMap;
use std::sync::Arc;

use crate::db::Priority;
use crate::dispatch::{self, Via, Woken};
use crate::error::{Error, Result};
use crate::event::store::{self, Cursor, Head};
use crate::event::{Reaction, StoredEvent};
use crate::job::dead::{Buried, bury};
use crate::job::worker::back_off;
use crate::limits;
use crate::notifications::{self, settings::Webhooks};
use crate::permission::Actor;
use crate::running::Handle;
use crate::settings;

/// Makes sure that every subscriber has a cursor.
pub(crate) fn prepare(kernel: &Handle) -> Result<()> {
    let names: Vec<&'static str> = kernel.registry().reactions().map(|one| one.name).collect();
    kernel.db.write("kernel.relay.subscribe", Priority::Background, move |tx| {
        for name in &names {
            store::subscribe(tx, name)?;
        }
        store::unsubscribe_others(tx, &names)
    })
}

/// One round: numbers what is new and lets each subscriber take one batch. Answers whether anything was done.
pub(crate) fn round(kernel: &Handle) -> Result<bool> {
    let mut busy = false;
    if kernel.db.read(store::unnumbered)? {
        kernel.db.write("kernel.relay.number", Priority::Background, store::number)?;
        busy = true;
    }
    let (cursors, head) = kernel.db.read(store::cursors)?;
    let (mut batches, mut passed) = (Batches::default(), Vec::new());
    for reaction in kernel.registry().reactions() {
        let missing = || Error::internal("subscription-missing", reaction.name);
        let cursor = cursors.get(reaction.name).ok_or_else(missing)?;
        if cursor.position >= head || cursor.retry_at > kernel.now() {
            continue;
        }
        let events = batches.after(kernel, cursor.position)?;
        let (done, pass) = batch(kernel, reaction, cursor, &events)?;
        busy |= done;
        passed.extend(pass);
    }
    if !passed.is_empty() {
        kernel.db.write("kernel.relay.advance", Priority::Background, move |tx| {
            passed.iter().try_for_each(|(name, from, to)| store::advance(tx, name, *from, *to).map(drop))
        })?;
    }
    kernel.beat(crate::event::RELAY);
    Ok(busy)
}

/// The batches of one round: subscribers mostly stand at the same place, so each batch is read once. Names only: most
/// events have no subscriber, and one that has is read whole when it is handed over.
#[derive(Default)]
struct Batches(HashMap<i64, Arc<[Head]>>);

impl Batches {
    fn after(&mut self, kernel: &Handle, position: i64) -> Result<Arc<[Head]>> {
        if let Some(known) = self.0.get(&position) {
            return Ok(known.clone());
        }
        let events: Arc<[Head]> = kernel.db.read(|tx| store::after(tx, position, limits::EVENT_BATCH))?.into();
        self.0.insert(position, events.clone());
        Ok(events)
    }
}

/// A move of a cursor over events that its subscriber does not take: name, from, to.
type Pass = (&'static str, i64, i64);

fn batch(kernel: &Handle, reaction: &Reaction, cursor: &Cursor, events: &[Head]) -> Result<(bool, Option<Pass>)> {
    let Some(last) = events.last().map(|event| event.position) else { return Ok((false, None)) };
    let mut position = cursor.position;
    let webhooks =
        if reaction.events == ["*"] { Some(kernel.db.read(settings::store::get::<Webhooks>)?) } else { None };
    let takes = |event: &&Head| match &webhooks {
        Some(webhooks) => notifications::wanted(webhooks, &event.name),
        None => reaction.events.contains(&event.name.as_str()),
    };
    for head in events.iter().filter(takes) {
        // An event that was cleaned away meanwhile had been read by everybody.
        let Some(event) = kernel.db.read(|tx| store::get(tx, head.id))? else { continue };
        if let Err(error) = deliver(kernel, reaction, position, &event) {
            // The count is of the event the cursor stood before; one further on has not failed yet.
            let failures = if position == cursor.position { cursor.failures } else { 0 };
            return put_off(kernel, reaction, position, &event, failures, &error).map(|done| (done, None));
        }
        position = event.position;
    }
    Ok((true, (position < last).then_some((reaction.name, position, last))))
}

fn deliver(kernel: &Handle, reaction: &Reaction, from: i64, event: &StoredEvent) -> Result<()> {
    let (inside, event) = (kernel.clone(), event.clone());
    let (name, run) = (reaction.name, reaction.run);
    let actor = Actor::service(name, reaction.grants);
    let now = kernel.now();
    let woken = kernel.db.write(name, Priority::Background, move |tx| {
        if !store::advance(tx, name, from, event.position)? {
            return Ok(Woken::default());
        }
        let (_, woken) = dispatch::act(&inside, tx, &actor, name, Via::Reaction, now, &mut |cx| run(cx, &event))?;
        Ok(woken)
    })?;
    kernel.committed(&woken);
    Ok(())
}

/// A failing reaction is tried again with back-off; after enough tries its event becomes a dead letter and the rest goes on.
/// What the database could not take at this moment is no fault of the reaction and counts for nothing.
fn put_off(
    kernel: &Handle,
    reaction: &Reaction,
    from: i64,
    event: &StoredEvent,
    failures: i64,
    error: &Error,
) -> Result<bool> {
    let now = kernel.now();
    let text =
        format!("{}{}", error.message, error.cause.as_ref().map(|cause| format!(" [{cause}]")).unwrap_or_default());
    tracing::warn!(
        reaction = reaction.name,
        event = event.name,
        position = event.position,
        error = text,
        "a reaction failed"
    );
    let (name, id, to) = (reaction.name, event.id, event.position);
    let counts = !error.passing;
    let give_up = counts && failures + 1 >= limits::REACTION_TRIES;
    let pause = if counts { back_off(failures) } else { back_off(failures).min(limits::PASSING_MICROS) };
    kernel.db.write("kernel.relay.put-off", Priority::Background, move |tx| {
        if give_up {
            let buried = Buried { source: "reaction", name, event: Some(id), job: None, payload: "", error: &text };
            bury(tx, &buried, now)?;
            store::advance(tx, name, from, to).map(|_| ())
        } else {
            store::failed(tx, name, now.plus(pause), &text, counts)
        }
    })?;
    Ok(give_up)
}

#[cfg(test)]
mod tests;
