//! Events: what happened, written in the transaction that made it happen. Subscribers get them after commit, at least
//! once, in order of position; the timeline of a thing is the events that name it.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cx::Cx;
use crate::error::{Error, Result};
use crate::reference::Ref;
use crate::time::Time;

pub(crate) mod store;

pub use store::waiting_since;

/// The name under which the relay gives its sign of life.
pub const RELAY: &str = "relay";

/// How a moment should look: shape and colour of its mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It is well (again).
    Ok,
    /// Work goes on.
    Working,
    /// Look at it.
    Warn,
    /// It is broken.
    Critical,
    /// Something new.
    Info,
    /// Planned.
    Planned,
    /// Neutral.
    Idle,
}

impl Mark {
    /// The stable word, the same as the design system's tones.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Working => "working",
            Self::Warn => "warn",
            Self::Critical => "critical",
            Self::Info => "info",
            Self::Planned => "planned",
            Self::Idle => "idle",
        }
    }
}

/// A kind of event. Its fields are an interface: they may only be added to.
pub trait Event: Serialize + Send + Sync + 'static {
    /// `domain.noun.happened`, past tense.
    const NAME: &'static str;
    /// What it is about, the main subject first; each subject's timeline shows it.
    fn subjects(&self) -> Vec<Ref>;
    /// One line for the timeline, in plain words.
    fn title(&self) -> String;
    /// How it looks.
    fn mark(&self) -> Mark {
        Mark::Info
    }
    /// An example, for tests and documentation.
    fn sample() -> Self
    where
        Self: Sized;
}

/// An event kind in the registry.
pub struct EventEntry {
    /// Its name.
    pub name: &'static str,
    /// An example as a stored event.
    pub sample: fn() -> Result<StoredEvent>,
}

impl EventEntry {
    /// The entry of an event kind.
    pub fn of<T: Event>() -> Self {
        Self { name: T::NAME, sample: || stored(&T::sample()) }
    }
}

/// An event as subscribers and timelines get it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEvent {
    /// Its row.
    pub id: i64,
    /// Its place in the order of delivery; 0 until the relay has numbered it.
    pub position: i64,
    /// Its name.
    pub name: String,
    /// When it happened.
    pub at: Time,
    /// Who caused it, for example `user:3`.
    pub actor: String,
    /// Their name then.
    pub actor_name: String,
    /// One line in plain words.
    pub title: String,
    /// How it looks.
    pub mark: String,
    /// What it is about.
    pub subjects: Vec<Ref>,
    /// Its fields.
    pub payload: Value,
}

impl StoredEvent {
    /// The fields a subscriber reads, as its own private struct.
    pub fn fields<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_value(self.payload.clone())
            .map_err(|error| Error::internal("event-fields", format!("{}: {error}", self.name)))
    }
}

/// A subscriber: a named service that does something when events happen. The work and the cursor move in one
/// transaction, so a reaction that only changes the database happens exactly once.
pub struct Reaction {
    /// Unique; the cursor is stored under it, so it never changes. Also the name of the service identity.
    pub name: &'static str,
    /// The names of events it takes; `*` is for the webhooks alone: what their setting names.
    pub events: &'static [&'static str],
    /// Patterns of the operations it may call.
    pub grants: &'static [&'static str],
    /// What it does.
    pub run: fn(&mut Cx, &StoredEvent) -> Result<()>,
}

pub(crate) struct Pending {
    pub(crate) name: &'static str,
    pub(crate) title: String,
    pub(crate) mark: Mark,
    pub(crate) subjects: Vec<Ref>,
    pub(crate) payload: String,
}

impl Pending {
    pub(crate) fn of<T: Event>(event: &T) -> Result<Self> {
        let payload = serde_json::to_string(event).map_err(|error| Error::internal("event-not-json", error))?;
        let mut subjects = event.subjects();
        let mut seen = std::collections::BTreeSet::new();
        subjects.retain(|subject| seen.insert(subject.clone()));
        Ok(Self {
            name: T::NAME,
            title: crate::text::shorten(&event.title(), 300),
            mark: event.mark(),
            subjects,
            payload,
        })
    }
}

fn stored<T: Event>(event: &T) -> Result<StoredEvent> {
    let pending = Pending::of(event)?;
    Ok(StoredEvent {
        id: 1,
        position: 1,
        name: pending.name.into(),
        at: Time(1_700_000_000_000_000),
        actor: "service:sample".into(),
        actor_name: "sample".into(),
        title: pending.title,
        mark: pending.mark.as_str().into(),
        subjects: pending.subjects,
        payload: serde_json::from_str(&pending.payload).map_err(|error| Error::internal("event-not-json", error))?,
    })
}
