//! From a message to the request that carries it, one function a channel. Nothing is sent here.

use kernel::{Error, Result, Time};
use serde_json::{Value, json};

use super::{Channel, Kind, Secrets, template};

/// Why a message is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum What {
    /// An alert group is open.
    #[default]
    Page,
    /// What was told of has recovered.
    Recovery,
    /// The channel is tested.
    Test,
    /// Another channel fails.
    Failing,
    /// That channel works again.
    Working,
}

impl What {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Recovery => "recovery",
            Self::Test => "test",
            Self::Failing => "failing",
            Self::Working => "working",
        }
    }

    pub(crate) fn parse(word: &str) -> Self {
        [Self::Recovery, Self::Test, Self::Failing, Self::Working]
            .into_iter()
            .find(|one| one.as_str() == word)
            .unwrap_or(Self::Page)
    }
}

/// A message as every channel gets it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Note {
    /// Its number; the same at every try.
    pub(crate) id: i64,
    /// When it was made.
    pub(crate) at: Time,
    pub(crate) what: What,
    /// One line.
    pub(crate) subject: String,
    /// What is known, a line each.
    pub(crate) lines: Vec<String>,
    pub(crate) severity: String,
    /// The page of what it is about.
    pub(crate) link: Option<String>,
    /// The page on which it is acknowledged.
    pub(crate) acknowledge: Option<String>,
}

impl Note {
    /// As plain text, for mail and rooms.
    pub(crate) fn text(&self) -> String {
        let mut text = self.lines.join("\n");
        for (word, link) in [("Acknowledge", &self.acknowledge), ("Open", &self.link)] {
            if let Some(link) = link {
                text.push_str(&format!("\n\n{word}: {link}"));
            }
        }
        text.push('\n');
        text
    }

    /// As one short text, for telephones.
    pub(crate) fn short(&self) -> String {
        let said = self.lines.iter().find(|line| !line.is_empty()).map_or("", String::as_str);
        let text = kernel::text::shorten(format!("{}. {said}", self.subject.trim_end_matches('.')).trim(), 240);
        self.acknowledge.as_ref().map_or(text.clone(), |link| format!("{text} {link}"))
    }
}

/// A request that is ready to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prepared {
    pub(crate) method: &'static str,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Prepared {
    fn json(method: &'static str, url: String, token: &str, body: &Value) -> Self {
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        if !token.is_empty() {
            headers.push(("authorization".to_owned(), format!("Bearer {token}")));
        }
        Self { method, url, headers, body: body.to_string() }
    }
}

/// The request of a message to an address of a channel.
pub(crate) fn request(channel: &Channel, secrets: &Secrets, address: &str, note: &Note) -> Result<Prepared> {
    let url = secrets.url.clone();
    if url.is_empty() {
        return Err(Error::conflict("The channel has no address. Save it again with one."));
    }
    match channel.kind {
        Kind::Slack => Ok(Prepared::json("POST", url, "", &slack(note))),
        Kind::Teams => Ok(Prepared::json("POST", url, "", &teams(note))),
        Kind::Matrix => Ok(Prepared::json("PUT", room(&url, address, note), &secrets.token, &matrix(note))),
        Kind::Ntfy => Ok(Prepared::json("POST", url, &secrets.token, &ntfy(address, note))),
        Kind::Sms => template::request(&channel.config, secrets, address, note),
        Kind::Mail | Kind::Webhook => Err(Error::internal("channel-payload", channel.kind.as_str())),
    }
}

/// `&`, `<` and `>` are control characters there (api.slack.com, "Formatting text").
fn slack_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// An incoming webhook with blocks (api.slack.com, "Block Kit").
fn slack(note: &Note) -> Value {
    let mut blocks = vec![
        json!({ "type": "header", "text": { "type": "plain_text", "text": kernel::text::shorten(&note.subject, 140) } }),
    ];
    if !note.lines.is_empty() {
        let text = kernel::text::shorten(&slack_text(&note.lines.join("\n")), 2_900);
        blocks.push(json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } }));
    }
    let button = |word: &str, url: &String| json!({ "type": "button", "text": { "type": "plain_text", "text": word }, "url": url });
    let buttons: Vec<Value> = [("Acknowledge", &note.acknowledge), ("Open", &note.link)]
        .into_iter()
        .filter_map(|(word, url)| url.as_ref().map(|url| button(word, url)))
        .collect();
    if !buttons.is_empty() {
        blocks.push(json!({ "type": "actions", "elements": buttons }));
    }
    json!({ "text": slack_text(&note.subject), "blocks": blocks })
}

/// A message with an adaptive card (adaptivecards.io, version 1.4), as workflow webhooks take it.
fn teams(note: &Note) -> Value {
    let colour = match (note.what, note.severity.as_str()) {
        (What::Recovery | What::Working, _) => "Good",
        (What::Page, "critical") | (What::Failing, _) => "Attention",
        (What::Page, _) => "Warning",
        (What::Test, _) => "Default",
    };
    let mut body = vec![
        json!({ "type": "TextBlock", "text": note.subject, "weight": "Bolder", "size": "Medium", "color": colour, "wrap": true }),
    ];
    let lines = note.lines.iter().filter(|line| !line.is_empty()).take(30);
    body.extend(lines.map(|line| json!({ "type": "TextBlock", "text": line, "wrap": true, "spacing": "Small" })));
    let actions: Vec<Value> = [("Acknowledge", &note.acknowledge), ("Open", &note.link)]
        .into_iter()
        .filter_map(|(word, url)| {
            url.as_ref().map(|url| json!({ "type": "Action.OpenUrl", "title": word, "url": url }))
        })
        .collect();
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
        "body": body, "actions": actions,
    });
    json!({ "type": "message", "attachments": [{ "contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": null, "content": card }] })
}

/// Where a message to a room is put; the number of the message makes a repeat harmless (Matrix client-server API,
/// `PUT /rooms/{roomId}/send/{eventType}/{txnId}`).
fn room(url: &str, room: &str, note: &Note) -> String {
    let (room, server) = (kernel::address::percent(room), url.trim_end_matches('/'));
    format!("{server}/_matrix/client/v3/rooms/{room}/send/m.room.message/mainstay-{}-{}", note.id, note.at.0)
}

fn html(text: &str) -> String {
    slack_text(text).replace('"', "&quot;")
}

fn matrix(note: &Note) -> Value {
    let mut formatted = format!("<strong>{}</strong>", html(&note.subject));
    for line in &note.lines {
        formatted.push_str(&format!("<br>{}", html(line)));
    }
    for (word, link) in [("Acknowledge", &note.acknowledge), ("Open", &note.link)] {
        if let Some(link) = link {
            formatted.push_str(&format!("<br><a href=\"{}\">{word}</a>", html(link)));
        }
    }
    let kind = if note.what == What::Page { "m.text" } else { "m.notice" };
    json!({
        "msgtype": kind, "body": format!("{}\n{}", note.subject, note.text()),
        "format": "org.matrix.custom.html", "formatted_body": formatted,
    })
}

/// A message in JSON to the server's root (docs.ntfy.sh, "Publish as JSON").
fn ntfy(topic: &str, note: &Note) -> Value {
    let (priority, tag) = match (note.what, note.severity.as_str()) {
        (What::Page, "critical") => (5, "rotating_light"),
        (What::Page, _) => (4, "warning"),
        (What::Failing, _) => (4, "mute"),
        (What::Recovery | What::Working, _) => (3, "white_check_mark"),
        (What::Test, _) => (2, "test_tube"),
    };
    let mut body = json!({
        "topic": topic, "title": note.subject, "message": kernel::text::shorten(&note.lines.join("\n"), 3_000),
        "priority": priority, "tags": [tag],
    });
    if let Some(fields) = body.as_object_mut() {
        if let Some(link) = &note.link {
            fields.insert("click".into(), link.as_str().into());
        }
        if let Some(link) = &note.acknowledge {
            fields.insert("actions".into(), json!([{ "action": "view", "label": "Acknowledge", "url": link }]));
        }
    }
    body
}

#[cfg(test)]
mod tests;
