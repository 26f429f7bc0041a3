//! Settings of the channels. Passwords and signing keys are sealed secrets and never part of a setting.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::settings::Setting;

/// How a mail server is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// TLS from the first byte, usually port 465.
    #[default]
    Wrapped,
    /// STARTTLS or nothing, usually port 587.
    Starttls,
    /// No encryption: only for a relay on this machine.
    None,
}

/// The mail server that messages leave through.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Smtp {
    /// Its name; empty sends no mail.
    pub host: String,
    /// Its port; 0 is the usual one.
    pub port: u16,
    /// How the connection is protected.
    pub tls: SmtpTls,
    /// The sender, for example `Mainstay <it@example.com>`.
    pub from: String,
    /// The user to sign in as; empty does not sign in. The password is set by `kernel.notification.set-password`.
    pub user: String,
    /// A certificate authority of your own, in PEM; empty trusts the public ones.
    pub ca_pem: String,
}

impl Setting for Smtp {
    const KEY: &'static str = "kernel.smtp";

    fn check(&self) -> Result<()> {
        if self.host.is_empty() {
            return Ok(());
        }
        if self.host.len() > 253 || self.host.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(Error::invalid("value.host", "This is not a host name."));
        }
        if self.from.parse::<lettre::message::Mailbox>().is_err() {
            return Err(Error::invalid("value.from", "Write a sender like Mainstay <it@example.com>."));
        }
        if self.tls == SmtpTls::None && !self.user.is_empty() {
            return Err(Error::invalid("value.tls", "A password is not sent without TLS. Choose wrapped or starttls."));
        }
        Ok(())
    }
}

/// A program that is told when something happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Its name.
    pub name: String,
    /// Where messages are posted. It is kept sealed and shown with its host alone; as it is shown it stays.
    pub url: String,
    /// Names of events it is told of; `*` stands for any run of characters.
    #[serde(default)]
    pub events: Vec<String>,
}

/// The webhooks.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Webhooks {
    /// All of them.
    pub webhooks: Vec<Webhook>,
    /// Let webhooks reach loopback and private addresses.
    pub allow_private: bool,
}

impl Setting for Webhooks {
    const KEY: &'static str = "kernel.webhooks";
    const GUARDED: bool = true;
    const ADDRESSES: &'static [&'static str] = &["webhooks.*.url"];

    fn check(&self) -> Result<()> {
        if self.webhooks.len() > 50 {
            return Err(Error::over_limit("There can be at most 50 webhooks.").at("value.webhooks"));
        }
        let mut names = std::collections::BTreeSet::new();
        for one in &self.webhooks {
            crate::text::slug("value.webhooks.name", &one.name, 40)?;
            let fits = one.url.starts_with("https://") || one.url.starts_with("http://");
            if !fits || one.url.len() > 500 || one.url.contains(|c: char| c.is_whitespace() || c.is_control()) {
                return Err(Error::invalid("value.webhooks.url", "An address starts with https:// or http://."));
            }
            if one.events.len() > 50 || one.events.iter().any(|event| event.is_empty() || event.len() > 100) {
                return Err(Error::invalid(
                    "value.webhooks.events",
                    "Give at most 50 patterns of 1 to 100 characters.",
                ));
            }
            if !names.insert(&one.name) {
                return Err(Error::conflict(format!("There are two webhooks named \"{}\".", one.name)));
            }
        }
        Ok(())
    }
}
