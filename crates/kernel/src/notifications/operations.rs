//! The operations on messages and webhooks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::settings::{Webhook, Webhooks};
use super::{Delivery, Notification, Outgoing, Recipient, smtp, store, webhook};
use crate::cx::{Cx, PrepareCx};
use crate::error::{Error, Result};
use crate::job::{self, Job};
use crate::operation::{Access, Effect, Guard, Operation, Route, delete, get, post, put};
use crate::page::{self, Page};
use crate::reference::Ref;
use crate::settings::Setting as _;
use crate::settings::operations::{replace, setting_ref};
use crate::text::hex;

/// List messages.
///
/// What was sent, what waits and what failed, newest first.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ListNotifications {
    /// `waiting`, `sent`, `failed` or `stopped`; all when left out.
    pub state: Option<String>,
    /// Only those about this thing.
    #[serde(rename = "ref")]
    pub about: Option<Ref>,
    /// Where the next page starts.
    pub cursor: Option<String>,
    /// Rows on a page.
    pub limit: Option<usize>,
}

impl Operation for ListNotifications {
    const NAME: &'static str = "kernel.notification.list";
    const ROUTE: Route = get("/notifications");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Page<Outgoing>;

    fn run(&self, cx: &mut Cx) -> Result<Page<Outgoing>> {
        cx.reach_everything(Self::NAME)?;
        let rows = page::rows(self.limit)?;
        let state = self.state.as_deref().filter(|state| !state.is_empty());
        let before = page::before(self.cursor.as_deref())?;
        let found = store::list(cx.tx, state, self.about.as_ref(), before, rows + 1)?;
        Ok(Page::of(found, rows, |one| one.id))
    }
}

/// Show a message and every try to deliver it.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ShowNotification {
    /// Its number.
    #[schemars(extend("x-kind" = "notification"))]
    pub id: i64,
}

/// A message with its tries.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ShownNotification {
    /// The message.
    #[serde(flatten)]
    pub message: Outgoing,
    /// The tries, oldest first.
    pub deliveries: Vec<Delivery>,
}

fn find(cx: &mut Cx, id: i64) -> Result<Outgoing> {
    store::get(cx.tx, id)?.ok_or_else(|| Error::not_found(format!("The message {id}")))
}

impl Operation for ShowNotification {
    const NAME: &'static str = "kernel.notification.show";
    const ROUTE: Route = get("/notifications/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = ShownNotification;

    fn run(&self, cx: &mut Cx) -> Result<ShownNotification> {
        cx.reach_everything(Self::NAME)?;
        Ok(ShownNotification { message: find(cx, self.id)?, deliveries: store::deliveries(cx.tx, self.id)? })
    }
}

/// Send a message again that failed, was stopped, or waits although nothing is on its way to send it.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct RetryNotification {
    /// Its number.
    #[schemars(extend("x-kind" = "notification"))]
    pub id: i64,
}

impl Operation for RetryNotification {
    const NAME: &'static str = "kernel.notification.retry";
    const ROUTE: Route = post("/notifications/{id}/retry");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Outgoing;

    fn run(&self, cx: &mut Cx) -> Result<Outgoing> {
        cx.reach_everything(Self::NAME)?;
        let message = find(cx, self.id)?;
        let lost = message.state == "waiting" && !job::store::waits(cx.tx, "kernel.deliver", &self.id.into())?;
        if message.state != "failed" && message.state != "stopped" && !lost {
            return Err(Error::conflict(format!("It is {}, so there is nothing to send again.", message.state)));
        }
        store::set_state(cx.tx, self.id, "waiting")?;
        cx.changed(&Ref::new("notification", self.id), "state", &message.state, "waiting")?;
        cx.enqueue(&Job::new("kernel.deliver", &self.id)?)?;
        find(cx, self.id)
    }
}

/// Send a test message.
///
/// To a mail address or to a webhook, to see whether the channel works. Look at the message afterwards.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct TestNotification {
    /// A mail address.
    pub email: Option<String>,
    /// The name of a webhook.
    pub webhook: Option<String>,
}

impl Operation for TestNotification {
    const NAME: &'static str = "kernel.notification.test";
    const ROUTE: Route = post("/notifications/test");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Outgoing;

    fn run(&self, cx: &mut Cx) -> Result<Outgoing> {
        cx.reach_everything(Self::NAME)?;
        let recipient = match (&self.email, &self.webhook) {
            (Some(address), None) => Recipient::Email(address.clone()),
            (None, Some(name)) => Recipient::Webhook(name.clone()),
            _ => return Err(Error::invalid("email", "Give a mail address or the name of a webhook.")),
        };
        let ids = cx.notify(&Notification {
            recipients: vec![recipient],
            subject: "Test message from Mainstay".into(),
            body: format!("{} sent this to see whether messages arrive. They do.", cx.actor.name),
            about: setting_ref("kernel.smtp"),
            undo_delay: false,
        })?;
        let id = ids.first().copied().ok_or_else(|| Error::internal("test-message", "no recipient"))?;
        find(cx, id)
    }
}

/// Set the password of the mail server.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct SetMailPassword {
    /// The password; it is sealed and never shown. Empty removes it.
    pub password: String,
}

/// Whether a password is there.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MailPassword {
    /// True when there is one.
    pub set: bool,
}

impl Operation for SetMailPassword {
    const NAME: &'static str = "kernel.notification.set-password";
    const ROUTE: Route = put("/mail-password");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    const SECRETS: &'static [&'static str] = &["password"];
    type Output = MailPassword;

    fn run(&self, cx: &mut Cx) -> Result<MailPassword> {
        cx.reach_everything(Self::NAME)?;
        let before = cx.secret(smtp::PASSWORD)?.is_some();
        let set = !self.password.is_empty();
        if set {
            cx.put_secret(smtp::PASSWORD, self.password.as_bytes())?;
        } else {
            cx.drop_secret(smtp::PASSWORD)?;
        }
        cx.changed(&setting_ref("kernel.smtp"), "password set", before, set)?;
        Ok(MailPassword { set })
    }
}

/// List webhooks.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ListWebhooks {}

impl Operation for ListWebhooks {
    const NAME: &'static str = "kernel.webhook.list";
    const ROUTE: Route = get("/webhooks");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Page<Webhook>;

    fn run(&self, cx: &mut Cx) -> Result<Page<Webhook>> {
        cx.reach_everything(Self::NAME)?;
        Ok(Page { items: shown(cx)?.webhooks, next: None })
    }
}

/// Save a webhook.
///
/// Tells another program when something happens: a signed POST with JSON. The first save answers the signing key once.
/// The address is kept sealed and shown with its host alone.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct SaveWebhook {
    /// Its name; saving the same name again changes it.
    pub name: String,
    /// Where messages are posted; left out, the address of a webhook that is there stays.
    #[serde(default)]
    pub url: String,
    /// Names of events it is told of; `*` stands for any run of characters.
    #[serde(default)]
    pub events: Vec<String>,
    /// Make a new signing key.
    #[serde(default)]
    pub new_key: bool,
}

/// A saved webhook.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SavedWebhook {
    /// The webhook.
    #[serde(flatten)]
    pub webhook: Webhook,
    /// The new signing key, shown this once; null when it stays. The receiver computes HMAC-SHA256 over
    /// `<t>.<body>` with it and compares with `v1` of the header `Mainstay-Signature`.
    pub signing_key: Option<String>,
}

impl Operation for SaveWebhook {
    const NAME: &'static str = "kernel.webhook.save";
    const ROUTE: Route = put("/webhooks/{name}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    const GUARDED: bool = true;
    const SECRETS: &'static [&'static str] = &["url"];
    type Output = SavedWebhook;

    fn guard(&self, _: &PrepareCx<'_>) -> Result<Guard> {
        Ok(Guard::Safeguard)
    }

    fn run(&self, cx: &mut Cx) -> Result<SavedWebhook> {
        cx.reach_everything(Self::NAME)?;
        let mut all = shown(cx)?;
        let mut webhook = Webhook { name: self.name.clone(), url: self.url.clone(), events: self.events.clone() };
        match all.webhooks.iter_mut().find(|one| one.name == self.name) {
            Some(known) => {
                if webhook.url.is_empty() {
                    known.url.clone_into(&mut webhook.url);
                }
                *known = webhook;
            }
            None => all.webhooks.push(webhook),
        }
        keep(cx, &all)?;
        let secret = webhook::secret(&self.name);
        let mut signing_key = None;
        if self.new_key || cx.secret(&secret)?.is_none() {
            let key = hex(&cx.kernel.random::<32>()?);
            cx.put_secret(&secret, key.as_bytes())?;
            signing_key = Some(key);
        }
        let webhook = shown(cx)?.webhooks.into_iter().find(|one| one.name == self.name);
        let webhook = webhook.ok_or_else(|| Error::internal("webhook-not-kept", &self.name))?;
        Ok(SavedWebhook { webhook, signing_key })
    }
}

/// The webhooks as they are shown.
fn shown(cx: &mut Cx) -> Result<Webhooks> {
    crate::settings::store::get(cx.tx)
}

/// The list lives in a setting: its check, version and difference hold here too.
fn keep(cx: &mut Cx, all: &Webhooks) -> Result<()> {
    let value: Value = serde_json::to_value(all).map_err(|error| Error::internal("webhooks-not-json", error))?;
    replace(cx, Webhooks::KEY, &value, None).map(|_| ())
}

/// Remove a webhook and its key.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct RemoveWebhook {
    /// Its name.
    pub name: String,
}

impl Operation for RemoveWebhook {
    const NAME: &'static str = "kernel.webhook.remove";
    const ROUTE: Route = delete("/webhooks/{name}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    const GUARDED: bool = true;
    type Output = Webhook;

    fn guard(&self, _: &PrepareCx<'_>) -> Result<Guard> {
        Ok(Guard::Safeguard)
    }

    fn run(&self, cx: &mut Cx) -> Result<Webhook> {
        cx.reach_everything(Self::NAME)?;
        let mut all = shown(cx)?;
        let place = all.webhooks.iter().position(|one| one.name == self.name);
        let place = place.ok_or_else(|| Error::not_found(format!("The webhook \"{}\"", self.name)))?;
        let gone = all.webhooks.remove(place);
        keep(cx, &all)?;
        cx.drop_secret(&webhook::secret(&self.name))?;
        Ok(gone)
    }
}
