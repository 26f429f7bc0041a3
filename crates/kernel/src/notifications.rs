//! Messages to people and programs outside: an outbox in the same transaction, a job per delivery, and a log of what the
//! other side answered. Mail by SMTP, everything else by a signed webhook.

use serde_json::{Value, json};

use crate::cx::Cx;
use crate::error::{Error, Result};
use crate::event::StoredEvent;
use crate::job::Job;
use crate::limits;
use crate::permission;
use crate::reference::Ref;
use crate::time::Time;

mod deliver;
pub mod direct;
pub mod operations;
pub mod settings;
mod smtp;
mod store;
mod webhook;

pub(crate) use deliver::deliver;
use settings::Webhooks;
pub use store::{Delivery, Outgoing};

/// Who gets a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// A mail address.
    Email(String),
    /// A webhook, by its name in the settings.
    Webhook(String),
}

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// Who gets it.
    pub recipients: Vec<Recipient>,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// What it is about.
    pub about: Ref,
    /// Wait ten seconds, so that undoing the call also stops the message.
    pub undo_delay: bool,
}

impl Cx<'_, '_> {
    /// Puts a message into the outbox; it leaves after commit. It may arrive twice after a crash and carries an id by
    /// which the other side can tell. Answers the numbers of the messages, one a recipient.
    pub fn notify(&mut self, notification: &Notification) -> Result<Vec<i64>> {
        self.must_write("notify")?;
        if notification.recipients.len() > limits::RECIPIENTS_MAX {
            return Err(Error::over_limit(format!("A message has at most {} recipients.", limits::RECIPIENTS_MAX)));
        }
        let wait = if notification.undo_delay { limits::UNDO_MICROS } else { 0 };
        let send_at = self.now.plus(wait);
        let mut ids = Vec::new();
        for recipient in &notification.recipients {
            let actor = self.actor.ident.to_string();
            let id = store::insert(self.tx, notification, recipient, &actor, send_at, self.now)?;
            self.enqueue(&Job::new("kernel.deliver", &id)?.at(send_at))?;
            ids.push(id);
        }
        Ok(ids)
    }
}

/// Stops what one call put into the outbox and what has not left yet; answers how many messages.
pub(crate) fn stop_unsent(cx: &mut Cx, actor: &str, at: Time) -> Result<u64> {
    store::stop(cx.tx, actor, at, cx.now)
}

/// True when any webhook wants events of this name.
pub(crate) fn wanted(webhooks: &Webhooks, event: &str) -> bool {
    webhooks.webhooks.iter().any(|one| one.wants(event))
}

/// Puts an event into the outbox of every webhook that wants it.
pub(crate) fn tell_webhooks(cx: &mut Cx, event: &StoredEvent) -> Result<()> {
    let webhooks: Webhooks = cx.setting()?;
    let recipients: Vec<Recipient> = webhooks
        .webhooks
        .iter()
        .filter(|one| one.wants(&event.name))
        .map(|one| Recipient::Webhook(one.name.clone()))
        .collect();
    let Some(about) = event.subjects.first().cloned() else { return Ok(()) };
    if recipients.is_empty() {
        return Ok(());
    }
    let body = event_body(event).to_string();
    cx.notify(&Notification { recipients, subject: event.name.clone(), body, about, undo_delay: false }).map(|_| ())
}

fn event_body(event: &StoredEvent) -> Value {
    json!({
        "event": event.name, "position": event.position, "at": event.at, "actor": event.actor, "title": event.title,
        "subjects": event.subjects, "payload": event.payload,
    })
}

impl settings::Webhook {
    fn wants(&self, event: &str) -> bool {
        self.events.iter().any(|pattern| permission::matches(pattern, event))
    }
}
