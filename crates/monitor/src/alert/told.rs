//! What became of the messages about an alert group, asked by name of the domain that sends them. Monitoring only hands a group
//! on: whether anybody heard of it stands in the deliveries.

use kernel::{Cx, Error, ErrorKind, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The operation that knows.
const ASKED: &str = "paging.page.told";
/// What is said where nobody knows, or who asks may not see it.
const NOT_SHOWN: &str =
    "It was handed to on-call; whether a message reached anybody is shown to those who may see its pages.";

/// Who was told of an alert group, by what, and with what answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Told {
    /// `told`, `sending`, `failed`, `stopped`, `waiting`, `muted`, `covered`, `nobody` or `unknown`.
    pub state: String,
    /// In one sentence.
    pub answer: String,
    /// Who was told that it is over, in one sentence; empty while it lasts.
    pub over: String,
    /// The messages with what the other side said, oldest first; at most 100.
    pub messages: Vec<Delivery>,
}

/// A message to one recipient.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Delivery {
    /// Its number.
    pub id: i64,
    /// When it was written.
    pub at: Time,
    /// `page` or `recovery`.
    pub what: String,
    /// In words: `Ada by mail`.
    pub to: String,
    /// `waiting`, `sent`, `failed` or `stopped`.
    pub state: String,
    /// How often it was tried.
    pub attempts: i64,
    /// What the other side said last.
    pub answer: String,
    /// When the other side took it.
    pub sent_at: Option<Time>,
}

impl Told {
    /// At least one message was taken.
    pub(crate) fn reached(&self) -> bool {
        self.state == "told"
    }
}

/// What became of it; `None` when no domain sends messages, or the actor may not see them.
pub(super) fn of(cx: &mut Cx, group: i64) -> Result<Option<Told>> {
    if cx.kernel.registry().operation(ASKED).is_none() || !cx.may(ASKED) {
        return Ok(None);
    }
    match cx.call_named(ASKED, serde_json::json!({ "group": group })) {
        Ok(told) => serde_json::from_value(told).map(Some).map_err(|error| Error::internal("told-not-read", error)),
        Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Denied) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether anybody was told that it began, in words.
pub(super) fn began(told: Option<&Told>) -> &str {
    told.map(|told| told.answer.as_str()).filter(|answer| !answer.is_empty()).unwrap_or(NOT_SHOWN)
}

/// The same of something that is over.
pub(super) fn both(told: Option<&Told>) -> String {
    match told.map(|told| told.over.as_str()) {
        Some(over) if !over.is_empty() => format!("{} {over}", began(told)),
        _ => began(told).to_owned(),
    }
}
