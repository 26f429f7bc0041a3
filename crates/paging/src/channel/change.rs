//! Save and remove channels. Addresses and tokens go into sealed secrets.

use kernel::notifications::settings::Webhooks;
use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, delete, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CHANNELS_MAX, Channel, Config, Kind, PARTS, contact, secret, store, subject, template};
use crate::settings::{Sending, web_address};

/// Longest template, in characters.
const TEMPLATE_CHARS_MAX: usize = 4_000;
/// What removes a template.
const NONE: &str = "-";

/// Save a channel: a new one without a number, else the one of that number.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct SaveChannel {
    /// Its number; left out for a new one.
    #[schemars(extend("x-kind" = "paging_channel"))]
    pub id: Option<i64>,
    /// Its name, in small letters: what policies and people call it.
    pub name: String,
    /// What it speaks: mail, webhook, slack, teams, matrix, ntfy or sms.
    pub kind: Kind,
    /// The address of the web that it posts to. It is sealed and never shown; empty keeps the one there is. For text messages it
    /// may hold {to}, {text} and {token}.
    pub url: String,
    /// A token or password that it sends along. It is sealed and never shown; empty keeps the one there is.
    pub token: String,
    /// Where messages to the channel itself go: a mail address, the name of a webhook, a room, a topic, a telephone number.
    pub address: String,
    /// For text messages: GET, POST or PUT; POST when left out.
    pub method: String,
    /// For text messages: headers, one a line, which may hold {to}, {text} and {token}. They are sealed, and only their names are
    /// shown; empty keeps those there are, a dash removes them.
    pub headers: String,
    /// For text messages: the body, which may hold {to}, {text} and {token}. It is sealed and never shown; empty keeps the one
    /// there is, a dash removes it.
    pub body: String,
    /// It is used; yes when left out.
    pub enabled: Option<bool>,
    /// The version you saw.
    pub expected_version: Option<i64>,
}

impl Operation for SaveChannel {
    const NAME: &'static str = "paging.channel.save";
    const ROUTE: Route = post("/paging/channels");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    const SECRETS: &'static [&'static str] = &PARTS;
    type Output = Channel;

    fn run(&self, cx: &mut Cx) -> Result<Channel> {
        // A file, or a line that was typed, ends with an end of line.
        let trimmed = |text: &String| text.trim().to_owned();
        Self { url: trimmed(&self.url), token: trimmed(&self.token), ..self.clone() }.save(cx)
    }
}

impl SaveChannel {
    fn save(&self, cx: &mut Cx) -> Result<Channel> {
        cx.reach_everything(Self::NAME)?;
        let old = match self.id {
            None => None,
            Some(id) => Some(store::get(cx.tx, id)?.ok_or_else(|| Error::not_found(format!("The channel {id}")))?),
        };
        match &old {
            Some(old) => cx.expect_version(&subject(old.id), self.expected_version, old.version)?,
            None if store::all(cx.tx)?.len() >= CHANNELS_MAX => {
                return Err(Error::over_limit(format!("There can be at most {CHANNELS_MAX} channels.")));
            }
            None => {}
        }
        let mut new = self.checked(old.as_ref())?;
        self.leads_somewhere(cx, &new)?;
        self.keeps_secrets_at_home(cx, old.as_ref())?;
        if store::by_name(cx.tx, &new.name)?.is_some_and(|id| id != new.id) {
            return Err(Error::conflict(format!("There is a channel named \"{}\" already.", new.name)).at("name"));
        }
        let config = serde_json::to_string(&new.config).map_err(|error| Error::internal("channel-not-json", error))?;
        match &old {
            Some(_) => store::update(cx.tx, &new, &config)?,
            None => new.id = store::insert(cx.tx, &new, &config)?,
        }
        self.seal(cx, &new)?;
        cx.changed(&subject(new.id), "name", old.as_ref().map(|one| &one.name), &new.name)?;
        cx.changed(&subject(new.id), "kind", old.as_ref().map(|one| one.kind), new.kind)?;
        cx.changed(&subject(new.id), "config", old.as_ref().map(|one| &one.config), &new.config)?;
        cx.changed(&subject(new.id), "enabled", old.as_ref().map(|one| one.enabled), new.enabled)?;
        store::get(cx.tx, new.id)?.ok_or_else(|| Error::internal("channel-missing", new.id))
    }

    /// Refuses what could never be sent: a webhook that nobody set, an address that is not connected to.
    fn leads_somewhere(&self, cx: &mut Cx, new: &Channel) -> Result<()> {
        if !new.enabled {
            return Ok(());
        }
        if new.kind == Kind::Webhook {
            let known: Vec<String> = cx.setting::<Webhooks>()?.webhooks.into_iter().map(|one| one.name).collect();
            if known.contains(&new.config.address) {
                return Ok(());
            }
            let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
            let message = format!(
                "There is no webhook \"{}\". Known: {known}. Set it first, with kernel.webhook.save.",
                new.config.address
            );
            return Err(Error::invalid("address", message));
        }
        let host = self.url.split_once("://").map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
        let Some(host) = host.filter(|host| !host.contains('{')) else { return Ok(()) };
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
            _ => host,
        };
        let private = cx.setting::<Sending>()?.allow_private;
        match outbound::refused_host(name, outbound::Allowed { loopback: private, private }) {
            Some(why) => {
                let next =
                    "Messages could never be sent there. Give another one, or look at allow_private of paging.sending.";
                Err(Error::invalid("url", format!("{name} is {why}. {next}")))
            }
            None => Ok(()),
        }
    }

    /// Secrets go where they were given for: another address needs them again.
    fn keeps_secrets_at_home(&self, cx: &mut Cx, old: Option<&Channel>) -> Result<()> {
        let Some(old) = old.filter(|_| !self.url.is_empty()) else { return Ok(()) };
        let known = super::secrets(cx, old.id)?;
        if known.url == self.url {
            return Ok(());
        }
        let parts = [
            ("token", &self.token, &known.token, "Give the token that belongs to it."),
            ("headers", &self.headers, &known.headers, "Give the headers that belong to it, or a dash for none."),
            ("body", &self.body, &known.body, "Give the body that belongs to it, or a dash for none."),
        ];
        match parts.into_iter().find(|(_, given, sealed, _)| given.is_empty() && !sealed.is_empty()) {
            Some((part, _, _, next)) => Err(Error::invalid(part, format!("The address is another one. {next}"))),
            None => Ok(()),
        }
    }

    /// Seals what was given. The templates are those of text messages, and a dash stands for none.
    fn seal(&self, cx: &mut Cx, new: &Channel) -> Result<()> {
        let given = [&self.url, &self.token, &self.headers, &self.body];
        for (part, value) in PARTS.into_iter().zip(given).filter(|(_, value)| !value.is_empty()) {
            let template = ["headers", "body"].contains(&part);
            if template && new.kind != Kind::Sms {
                continue;
            }
            if template && value.trim() == NONE {
                cx.drop_secret(&secret(new.id, part))?;
                cx.changed(&subject(new.id), part, "(sealed)", serde_json::Value::Null)?;
            } else {
                cx.put_secret(&secret(new.id, part), value.as_bytes())?;
                cx.changed(&subject(new.id), part, "(sealed)", "(sealed anew)")?;
            }
        }
        Ok(())
    }

    /// The channel as it would be kept.
    fn checked(&self, old: Option<&Channel>) -> Result<Channel> {
        let name = kernel::text::slug("name", self.name.trim(), 40)?;
        if name == "mail" && self.kind != Kind::Mail {
            return Err(Error::invalid("name", "\"mail\" is the way to people's own addresses. Choose another name."));
        }
        if old.is_some_and(|old| old.kind != self.kind) {
            return Err(Error::invalid("kind", "A channel keeps its kind. Make a new one."));
        }
        contact::address(self.kind, self.address.trim())?;
        let needed = matches!(self.kind, Kind::Mail | Kind::Webhook | Kind::Matrix | Kind::Ntfy);
        if needed && self.address.trim().is_empty() {
            return Err(Error::invalid(
                "address",
                "Say where it leads: a mail address, a webhook's name, a room or a topic.",
            ));
        }
        if self.kind.has_url() && self.url.is_empty() && old.is_none() {
            return Err(Error::invalid("url", "Give the address it posts to."));
        }
        if !self.url.is_empty() {
            web_address("url", &self.url)?;
        }
        if self.token.len() > 2_000 || self.token.chars().any(char::is_control) {
            return Err(Error::invalid("token", "A token is one line of at most 2000 characters."));
        }
        let method = if self.method.is_empty() { "POST".to_owned() } else { self.method.trim().to_uppercase() };
        if !["GET", "POST", "PUT"].contains(&method.as_str()) {
            return Err(Error::invalid("method", "Write GET, POST or PUT."));
        }
        if self.headers.trim() != NONE {
            template::headers(&self.headers)?;
        }
        if self.body.chars().count().max(self.headers.chars().count()) > TEMPLATE_CHARS_MAX {
            return Err(
                Error::over_limit(format!("A template has at most {TEMPLATE_CHARS_MAX} characters.")).at("body")
            );
        }
        let sms = self.kind == Kind::Sms;
        let known = old.map(|old| old.config.clone()).unwrap_or_default();
        let headers = match self.headers.trim() {
            "" => known.headers,
            NONE => String::new(),
            given => template::names(given),
        };
        let has_body = if self.body.is_empty() { known.has_body } else { self.body.trim() != NONE };
        let host = self.url.split_once("://").map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
        let config = Config {
            address: self.address.trim().to_owned(),
            host: host.map_or_else(|| old.map(|old| old.config.host.clone()).unwrap_or_default(), str::to_owned),
            method: if sms { method } else { String::new() },
            headers: if sms { headers } else { String::new() },
            has_body: sms && has_body,
        };
        let enabled = self.enabled.unwrap_or_else(|| old.is_none_or(|old| old.enabled));
        Ok(Channel { id: self.id.unwrap_or(0), name, kind: self.kind, config, enabled, version: 1 })
    }
}

/// Remove a channel that nothing uses, with its secrets.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct RemoveChannel {
    /// Its number.
    #[schemars(extend("x-kind" = "paging_channel"))]
    pub id: i64,
}

impl Operation for RemoveChannel {
    const NAME: &'static str = "paging.channel.remove";
    const ROUTE: Route = delete("/paging/channels/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Channel;

    fn run(&self, cx: &mut Cx) -> Result<Channel> {
        cx.reach_everything(Self::NAME)?;
        let old = store::get(cx.tx, self.id)?.ok_or_else(|| Error::not_found(format!("The channel {}", self.id)))?;
        if let Some(why) = store::used_by(cx.tx, old.id)? {
            return Err(Error::conflict(format!("It is in use: {why}. Change that first.")));
        }
        store::remove(cx.tx, old.id)?;
        for part in PARTS {
            cx.drop_secret(&secret(old.id, part))?;
        }
        cx.attention_done(&subject(old.id), "failing")?;
        cx.changed(&subject(old.id), "name", &old.name, serde_json::Value::Null)?;
        Ok(old)
    }
}
