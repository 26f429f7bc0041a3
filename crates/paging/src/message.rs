//! Messages: one a recipient, written in the transaction that decides it, sent by a job, with every answer kept.

use kernel::job::Job;
use kernel::{Cx, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::channel::payload::What;

pub(crate) mod counted;
pub(crate) mod fields;
pub mod list;
pub(crate) mod send;
pub(crate) mod settle;
pub(crate) mod store;

/// The kind of the job that sends what waits on a lane.
pub(crate) const SEND: &str = "paging.send";

/// Who gets a message, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recipient {
    /// The person; 0 for a channel.
    pub(crate) user: i64,
    pub(crate) lane: String,
    /// Where on the lane.
    pub(crate) address: String,
    /// In words: `Ada by mail`.
    pub(crate) label: String,
    /// Which entry of the person's list it is, from 1; 0 for a channel.
    pub(crate) contact: i64,
}

impl Recipient {
    /// What makes two recipients the same: a person, or an address of a lane.
    pub(crate) fn key(&self) -> String {
        if self.user == 0 { format!("{}|{}", self.lane, self.address) } else { format!("user:{}", self.user) }
    }
}

/// What is said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    pub(crate) what: What,
    /// The alert group; 0 when it is about none.
    pub(crate) group: i64,
    /// The escalation; 0 when it belongs to none.
    pub(crate) page: i64,
    pub(crate) step: i64,
    pub(crate) round: i64,
    pub(crate) subject: String,
    pub(crate) lines: Vec<String>,
    pub(crate) severity: String,
    pub(crate) team: Option<i64>,
    pub(crate) place: Option<i64>,
}

/// Puts a message to one recipient into the outbox, unless one with the same key is there; answers whether it was put.
pub(crate) fn queue(cx: &mut Cx, said: &Said, to: &Recipient, key: &str) -> Result<bool> {
    let key = if key.len() > 300 { kernel::text::sha256_hex(key.as_bytes()) } else { key.to_owned() };
    if !store::insert(cx.tx, said, to, &key, cx.now)? {
        return Ok(false);
    }
    wake(cx, &to.lane, cx.now)?;
    Ok(true)
}

/// Makes sure that a job sends what waits on a lane, at a moment.
pub(crate) fn wake(cx: &mut Cx, lane: &str, at: Time) -> Result<()> {
    let job = Job::new(SEND, &lane)?.at(at);
    // One that waits for later must not keep one for now from being queued.
    cx.enqueue(&job.once(format!("{SEND}:{lane}:{}", at.0 / kernel::time::SECOND)))
}

/// Where a message is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// It is on its way.
    #[default]
    Waiting,
    /// The other side took it.
    Sent,
    /// It could not be delivered.
    Failed,
    /// It was not sent, because what it tells was over.
    Stopped,
}

impl MessageState {
    /// Every state.
    pub(crate) const ALL: [Self; 4] = [Self::Waiting, Self::Sent, Self::Failed, Self::Stopped];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

/// A message to one recipient.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// Its number.
    pub id: i64,
    /// When it was written.
    pub at: Time,
    /// `page`, `recovery`, `test`, `failing` or `working`.
    pub what: String,
    /// The alert group; null when it is about none.
    pub group: Option<i64>,
    /// The step of the policy, from 1; 0 when it is about no step.
    pub step: i64,
    /// The round, from 1.
    pub round: i64,
    /// The person; null for a channel.
    pub user: Option<i64>,
    /// In words: `Ada by mail`.
    pub to: String,
    /// One line.
    pub subject: String,
    /// Where it is.
    pub state: MessageState,
    /// How often it was tried.
    pub attempts: i64,
    /// What the other side said last.
    pub answer: String,
    /// When the other side took it.
    pub sent_at: Option<Time>,
    #[serde(skip)]
    pub(crate) page: i64,
    #[serde(skip)]
    pub(crate) lane: String,
    #[serde(skip)]
    pub(crate) address: String,
    #[serde(skip)]
    pub(crate) contact: i64,
    #[serde(skip)]
    pub(crate) lines: Vec<String>,
    #[serde(skip)]
    pub(crate) severity: String,
    #[serde(skip)]
    pub(crate) team: Option<i64>,
    #[serde(skip)]
    pub(crate) place: Option<i64>,
}

impl Message {
    pub(crate) fn recipient(&self) -> Recipient {
        Recipient {
            user: self.user.unwrap_or(0),
            lane: self.lane.clone(),
            address: self.address.clone(),
            label: self.to.clone(),
            contact: self.contact,
        }
    }

    pub(crate) fn said(&self) -> Said {
        Said {
            what: What::parse(&self.what),
            group: self.group.unwrap_or(0),
            page: self.page,
            step: self.step,
            round: self.round,
            subject: self.subject.clone(),
            lines: self.lines.clone(),
            severity: self.severity.clone(),
            team: self.team,
            place: self.place,
        }
    }
}

/// One try to deliver a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// When.
    pub at: Time,
    /// Which try, from 1.
    pub attempt: i64,
    /// The other side took it.
    pub ok: bool,
    /// What the other side said.
    pub answer: String,
}
