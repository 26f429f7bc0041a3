//! One try to send one message now, without the outbox: for a domain that keeps queue, tries and log itself. Never inside
//! of a transaction: it waits for the other side.

use std::time::Duration;

pub use super::deliver::Tried;
use super::deliver::actor;
use super::settings::{Smtp, Webhooks};
use super::{Outgoing, smtp, webhook};
use crate::error::Result;
use crate::reference::Ref;
use crate::running::Handle;
use crate::time::Time;

/// A message to one recipient.
#[derive(Clone, Debug)]
pub struct Direct<'a> {
    /// Its number; the same at every try, so that the other side can tell a repeat.
    pub id: i64,
    /// When it was made; part of what tells it from others.
    pub at: Time,
    /// The mail address, or the name of the webhook.
    pub to: &'a str,
    /// One line.
    pub subject: &'a str,
    /// Plain text.
    pub body: &'a str,
    /// What it is about.
    pub about: Ref,
    /// Fields that the JSON of a webhook has besides these.
    pub more: Option<&'a serde_json::Map<String, serde_json::Value>>,
}

impl Direct<'_> {
    fn outgoing(&self, channel: &str) -> Outgoing {
        Outgoing {
            id: self.id,
            at: self.at,
            actor: String::new(),
            channel: channel.to_owned(),
            recipient: self.to.to_owned(),
            subject: self.subject.to_owned(),
            body: self.body.to_owned(),
            about: self.about.clone(),
            state: "waiting".to_owned(),
            send_at: self.at,
        }
    }
}

/// Tries to send a mail through the server of the setting `kernel.smtp`, which may take `patience` for each answer.
///
/// # Errors
/// The settings or the sealed password cannot be read. What the mail server says is no error but the answer.
pub fn mail(kernel: &Handle, message: &Direct<'_>, patience: Duration) -> Result<Tried> {
    let (settings, password) = kernel.read_as(&actor(), |cx| {
        let settings: Smtp = cx.setting()?;
        Ok((settings, cx.secret(smtp::PASSWORD)?))
    })?;
    if settings.host.is_empty() {
        return Ok(Tried::never("No mail server is set. Set kernel.smtp."));
    }
    Ok(smtp::send(&settings, password.as_deref(), &message.outgoing("email"), kernel.now(), patience))
}

/// Tries to post to a webhook of the setting `kernel.webhooks`, signed.
///
/// # Errors
/// The settings or the signing key cannot be read. What the other side says is no error but the answer.
pub fn webhook(kernel: &Handle, message: &Direct<'_>) -> Result<Tried> {
    let (settings, key) = kernel.read_as(&actor(), |cx| {
        let settings: Webhooks = cx.setting()?;
        Ok((settings, cx.secret(&webhook::secret(message.to))?))
    })?;
    Ok(webhook::send(&settings, key.as_deref(), (&message.outgoing("webhook"), message.more), kernel.now()))
}
