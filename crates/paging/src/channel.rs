//! Channels: the ways by which messages leave. Each is a pure function from a message to a request; addresses and tokens are
//! sealed secrets of the kernel.

use kernel::{Cx, Error, Ref, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) mod announce;
pub mod change;
pub mod contact;
pub mod events;
pub mod lane;
pub mod list;
pub(crate) mod payload;
pub(crate) mod seal;
pub(crate) mod store;
pub(crate) mod template;
pub mod test;

/// Most channels of a house.
pub(crate) const CHANNELS_MAX: usize = 100;

/// What a channel speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Mail, through the server of the setting `kernel.smtp`.
    #[default]
    Mail,
    /// A signed webhook of the setting `kernel.webhooks`.
    Webhook,
    /// An incoming webhook of Slack, or of what speaks like it (Mattermost, Rocket.Chat).
    Slack,
    /// A workflow webhook of Microsoft Teams, with an adaptive card.
    Teams,
    /// A room of Matrix, by the client-server API.
    Matrix,
    /// A topic of ntfy.
    Ntfy,
    /// Text messages by the HTTP gateway of a provider.
    Sms,
}

impl Kind {
    /// Every kind.
    pub(crate) const ALL: [Self; 7] =
        [Self::Mail, Self::Webhook, Self::Slack, Self::Teams, Self::Matrix, Self::Ntfy, Self::Sms];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::Teams => "teams",
            Self::Matrix => "matrix",
            Self::Ntfy => "ntfy",
            Self::Sms => "sms",
        }
    }

    /// Its name on screen.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Mail => "Mail",
            Self::Webhook => "Webhook",
            Self::Slack => "Slack",
            Self::Teams => "Teams",
            Self::Matrix => "Matrix",
            Self::Ntfy => "ntfy",
            Self::Sms => "Text message",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// True when it has an address of the web of its own.
    pub(crate) const fn has_url(self) -> bool {
        !matches!(self, Self::Mail | Self::Webhook)
    }
}

/// A channel, without its secrets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Channel {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// What it speaks.
    pub kind: Kind,
    /// What it is and is not.
    #[serde(flatten)]
    pub config: Config,
    /// It is used.
    pub enabled: bool,
    /// Grows with every change.
    pub version: i64,
}

/// What is kept of a channel besides its secrets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    /// Where messages to the channel itself go: a mail address, the name of a webhook, a room, a topic, a telephone number.
    pub address: String,
    /// The host of its address.
    pub host: String,
    /// `GET`, `POST` or `PUT`; for text messages only.
    pub method: String,
    /// Names of its headers, one a line; what they hold is sealed. For text messages only.
    pub headers: String,
    /// It has a body, which is sealed. For text messages only.
    pub has_body: bool,
}

/// The sealed part of a channel.
#[derive(Clone, Default)]
pub(crate) struct Secrets {
    pub(crate) url: String,
    pub(crate) token: String,
    /// The template of the headers, one a line.
    pub(crate) headers: String,
    /// The template of the body.
    pub(crate) body: String,
}

/// The sealed parts by name.
pub(crate) const PARTS: [&str; 4] = ["url", "token", "headers", "body"];

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(..)")
    }
}

/// The reference of a channel.
pub(crate) const fn subject(id: i64) -> Ref {
    Ref::new("paging_channel", id)
}

/// The name of a sealed secret of a channel; `part` is one of [`PARTS`].
pub(crate) fn secret(id: i64, part: &str) -> String {
    format!("paging.channel.{id}.{part}")
}

pub(crate) fn secrets(cx: &mut Cx, id: i64) -> Result<Secrets> {
    let mut read = |part| -> Result<String> {
        let bytes = cx.secret(&secret(id, part))?.unwrap_or_default();
        String::from_utf8(bytes).map_err(|error| Error::internal("channel-secret", error))
    };
    Ok(Secrets { url: read("url")?, token: read("token")?, headers: read("headers")?, body: read("body")? })
}

/// What the other side said, without what is secret, cut to a length that fits a row.
pub(crate) fn redacted(answer: &str, secrets: &Secrets) -> String {
    let mut text = answer.to_owned();
    let path = secrets.url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
    let plain = secrets.url.split(['?', '#']).next().unwrap_or_default();
    // The host is no secret: it stands in the list of channels, and says what was asked.
    let host = plain.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or_default());
    let asked = host.filter(|host| !host.is_empty()).unwrap_or("(address)");
    let mut all = vec![(secrets.url.as_str(), asked), (plain, asked), (path, "(path)"), (&secrets.token, "(secret)")];
    all.extend(keys(&secrets.headers).into_iter().map(|key| (key, "(secret)")));
    for (hidden, word) in all {
        if hidden.len() >= 4 {
            text = text.replace(hidden, word);
        }
    }
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    kernel::text::shorten(text.trim(), 500)
}

/// What may be a key in headers: the words of all that say more than how the body is written.
fn keys(headers: &str) -> Vec<&str> {
    let lines = headers.lines().filter_map(|line| line.split_once(':'));
    let telling = lines.filter(|(name, _)| !["content-type", "accept"].contains(&name.trim().to_lowercase().as_str()));
    telling
        .flat_map(|(_, value)| value.split_whitespace())
        .filter(|word| word.len() >= 6 && *word != "Bearer")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_shows_no_secret_of_the_channel() {
        let secrets = Secrets {
            url: "https://hooks.example.org/services/T0/B0/abc?x=1".into(),
            token: "hunter22".into(),
            headers: "X-Key: swordfish\nContent-Type: application/json".into(),
            ..Secrets::default()
        };
        let shown = redacted("https://hooks.example.org/services/T0/B0/abc did not answer in time.", &secrets);
        assert_eq!(shown, "hooks.example.org did not answer in time.", "what was asked is said");
        for answer in [
            "https://hooks.example.org/services/T0/B0/abc cannot be reached",
            "no route for services/T0/B0/abc?x=1",
            "token hunter22 is wrong",
            "no such key: swordfish, in application/json",
        ] {
            let shown = redacted(answer, &secrets);
            assert!(!["abc", "hunter22", "swordfish"].iter().any(|secret| shown.contains(secret)), "{shown}");
        }
        assert_eq!(redacted("415 application/json", &secrets), "415 application/json");
        assert_eq!(redacted("200 ok\r\n", &Secrets::default()), "200 ok");
        assert_eq!(redacted(&"x".repeat(9_000), &Secrets::default()).chars().count(), 501);
    }
}
