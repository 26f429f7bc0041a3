//! The job that delivers one message, logs the answer, and tells somebody when a channel fails.

use super::settings::{Smtp, Webhooks};
use super::{Outgoing, smtp, store, webhook};
use crate::attention::Attention;
use crate::cx::Cx;
use crate::error::{Error, Result};
use crate::event::Mark;
use crate::job::Running;
use crate::limits;
use crate::permission::Actor;
use crate::reference::Ref;
use crate::settings::operations::setting_ref;

/// How a try ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// True when the other side took it.
    pub ok: bool,
    /// True when trying again can help.
    pub again: bool,
    /// True when it concerns the whole way out and not this message alone: nobody answered, or nothing is taken now.
    pub whole: bool,
    /// What the other side said.
    pub answer: String,
}

impl Tried {
    /// A failure that trying again does not mend.
    pub fn never(why: impl Into<String>) -> Self {
        Self { ok: false, again: false, whole: false, answer: why.into() }
    }

    /// A failure of the whole way out, which may pass.
    pub fn nothing_passes(why: impl Into<String>) -> Self {
        Self { ok: false, again: true, whole: true, answer: why.into() }
    }
}

pub(super) fn actor() -> Actor {
    Actor::service("kernel.notifications", &[])
}

/// Delivers one message. It may arrive twice when the server dies between the other side's answer and our note of it; its
/// id is the same then.
pub(crate) fn deliver(running: &Running<'_>) -> Result<()> {
    let id: i64 = running.input()?;
    let kernel = running.kernel;
    let Some(message) = kernel.db.read(|tx| store::get(tx, id))? else { return Ok(()) };
    if message.state != "waiting" {
        return Ok(());
    }
    let tried = match attempt(running, &message) {
        // What cannot be read at the last try, a secret whose key is gone, will not be read by waiting.
        Err(error) if running.attempt >= limits::JOB_TRIES && !error.passing => Tried::never(error.message),
        tried => tried?,
    };
    let attempt = running.attempt;
    let last = attempt >= limits::JOB_TRIES || !tried.again;
    let (ok, answer) = (tried.ok, crate::text::shorten(&tried.answer, 500));
    kernel.write_as(actor(), "kernel.notification.deliver", move |cx| {
        store::log(cx.tx, id, attempt, ok, &answer, cx.now)?;
        match (ok, last) {
            (true, _) => finish(cx, &message, "sent"),
            (false, true) => {
                complain(cx, &message, &answer)?;
                finish(cx, &message, "failed")
            }
            (false, false) => complain(cx, &message, &answer),
        }
    })?;
    if ok || last { Ok(()) } else { Err(Error::unavailable(tried.answer)) }
}

fn attempt(running: &Running<'_>, message: &Outgoing) -> Result<Tried> {
    let kernel = running.kernel;
    if message.channel == "email" {
        let (settings, password) = kernel.read_as(&actor(), |cx| {
            let settings: Smtp = cx.setting()?;
            Ok((settings, cx.secret(smtp::PASSWORD)?))
        })?;
        return Ok(smtp::send(&settings, password.as_deref(), message, kernel.now(), smtp::PATIENCE));
    }
    let (settings, key) = kernel.read_as(&actor(), |cx| {
        let settings: Webhooks = cx.setting()?;
        Ok((settings, cx.secret(&webhook::secret(&message.recipient))?))
    })?;
    Ok(webhook::send(&settings, key.as_deref(), (message, None), kernel.now()))
}

fn channel(message: &Outgoing) -> Ref {
    let name = if message.channel == "email" { "email".to_owned() } else { format!("webhook {}", message.recipient) };
    Ref::new("channel", setting_ref(&name).id)
}

fn finish(cx: &mut Cx, message: &Outgoing, state: &'static str) -> Result<()> {
    store::set_state(cx.tx, message.id, state)?;
    cx.touch(message.about.clone());
    if state == "sent" { cx.attention_done(&channel(message), "failing") } else { Ok(()) }
}

fn complain(cx: &mut Cx, message: &Outgoing, answer: &str) -> Result<()> {
    let title = match message.channel.as_str() {
        "email" => "Mail cannot be sent".to_owned(),
        _ => format!("The webhook \"{}\" does not take messages", message.recipient),
    };
    cx.needs_attention(&Attention {
        subject: channel(message),
        need: "failing",
        title,
        why: answer.to_owned(),
        mark: Mark::Warn,
        word: "Failing",
        weight: 400,
        since: cx.now,
        action: "See deliveries",
        href: "/notifications".into(),
        team: None,
        user: None,
        grant: "kernel.notification.list",
    })
}
