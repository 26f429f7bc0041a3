//! Things: what the department looks after, from a server to a site. What a thing is, who answers for it, where it is.

use kernel::{Cx, Error, Event, Mark, Ref, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod show;
pub(crate) mod store;

/// What a thing can be: the stored word and the words on screen for one and for many. The search for causes knows what
/// can go wrong with each.
pub const KINDS: &[(&str, &str, &str)] = &[
    ("server", "Server", "Servers"),
    ("hypervisor", "Hypervisor", "Hypervisors"),
    ("workstation", "Workstation", "Workstations"),
    ("laptop", "Laptop", "Laptops"),
    ("virtual_machine", "Virtual machine", "Virtual machines"),
    ("container", "Container", "Containers"),
    ("switch", "Switch", "Switches"),
    ("router", "Router", "Routers"),
    ("firewall", "Firewall", "Firewalls"),
    ("gateway", "Gateway", "Gateways"),
    ("access_point", "Access point", "Access points"),
    ("load_balancer", "Load balancer", "Load balancers"),
    ("wan", "Internet line", "Internet lines"),
    ("printer", "Printer", "Printers"),
    ("phone", "Phone", "Phones"),
    ("storage", "Storage", "Storage"),
    ("power", "Power supply", "Power supplies"),
    ("ups", "UPS", "UPS devices"),
    ("pdu", "Power strip (PDU)", "Power strips (PDU)"),
    ("service", "Service", "Services"),
    ("website", "Website", "Websites"),
    ("database", "Database", "Databases"),
    ("dns", "Name server", "Name servers"),
    ("time_server", "Time server", "Time servers"),
    ("certificate", "Certificate", "Certificates"),
    ("cluster", "Cluster", "Clusters"),
    ("rack", "Rack", "Racks"),
    ("room", "Room", "Rooms"),
    ("site", "Site", "Sites"),
    ("other", "Other", "Others"),
];

/// Longest name, in characters.
pub(crate) const NAME_CHARS_MAX: usize = 120;
/// Longest notes, in characters.
pub(crate) const NOTES_CHARS_MAX: usize = 10_000;

/// Where a thing is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Ordered or being prepared.
    Planned,
    /// Does its work.
    #[default]
    InUse,
    /// Away for repair.
    InRepair,
    /// Ready on a shelf.
    Stored,
    /// Gone; kept for its history.
    Retired,
}

impl Status {
    /// Every status in the order of a life.
    pub const ALL: [Self; 5] = [Self::Planned, Self::InUse, Self::InRepair, Self::Stored, Self::Retired];

    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::InUse => "in_use",
            Self::InRepair => "in_repair",
            Self::Stored => "stored",
            Self::Retired => "retired",
        }
    }

    /// The word on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Planned => "Planned",
            Self::InUse => "In use",
            Self::InRepair => "In repair",
            Self::Stored => "Stored",
            Self::Retired => "Retired",
        }
    }

    /// The status of a stored word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// How much it hurts when a thing fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Criticality {
    /// Nobody notices today.
    Low,
    /// Somebody is held up.
    #[default]
    Normal,
    /// Many are held up.
    High,
    /// The business stands still.
    Critical,
}

impl Criticality {
    /// Every level, least first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Critical];

    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The word on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Low => "Low",
            Self::Normal => "Normal",
            Self::High => "High",
            Self::Critical => "Critical",
        }
    }

    /// The level of a stored word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == word)
    }
}

/// A thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Thing {
    /// Its number.
    pub id: i64,
    /// `asset:NUMBER`.
    #[serde(rename = "ref")]
    pub reference: Ref,
    /// Its name.
    pub name: String,
    /// What it is, for example `server`.
    pub kind: String,
    /// The number on its label, for example `MS-00417`.
    pub tag: String,
    /// Where it is in its life.
    pub status: Status,
    /// How much it hurts when it fails.
    pub criticality: Criticality,
    /// Where it stands.
    pub place: Option<i64>,
    /// The team that looks after it.
    pub team: Option<i64>,
    /// The person who answers for it.
    pub owner: Option<i64>,
    /// What else there is to know.
    pub notes: String,
    /// When its agent was last heard.
    pub last_seen_at: Option<Time>,
    /// Since when it is known.
    pub created_at: Time,
    /// When it was last changed.
    pub updated_at: Time,
    /// Counts changes; send it back as `expected_version`.
    pub version: i64,
}

impl Thing {
    /// The reference of a thing.
    pub const fn subject(id: i64) -> Ref {
        Ref::new("asset", id)
    }
}

/// The words for a kind on screen, for one thing.
pub fn kind_title(kind: &str) -> &str {
    KINDS.iter().find(|(word, ..)| *word == kind).map_or(kind, |(_, title, _)| title)
}

pub(crate) fn kind(text: &str) -> Result<String> {
    if KINDS.iter().any(|(word, ..)| *word == text) {
        return Ok(text.to_owned());
    }
    let known: Vec<&str> = KINDS.iter().map(|(word, ..)| *word).collect();
    Err(Error::invalid("kind", format!("This is not a kind of thing. Known: {}.", known.join(", "))))
}

/// The tag a thing gets by itself.
pub(crate) fn own_tag(id: i64) -> String {
    format!("MS-{id:05}")
}

/// A tag from outside: one short word, and not one that we may give ourselves.
pub(crate) fn tag(text: &str) -> Result<String> {
    let tag = text.trim();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if tag.is_empty() || tag.len() > 40 || !tag.chars().all(fits) {
        return Err(Error::invalid("tag", "Use 1 to 40 letters, digits, dots, dashes, underscores or slashes."));
    }
    let ours = tag.strip_prefix("MS-").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()));
    if ours {
        return Err(Error::invalid(
            "tag",
            "Tags like MS-00001 are given by themselves. Leave it empty, or use another.",
        ));
    }
    Ok(tag.to_owned())
}

/// Notes: several lines, may be empty.
pub(crate) fn notes(text: &str) -> Result<String> {
    if text.trim().is_empty() { Ok(String::new()) } else { kernel::text::body("notes", text, NOTES_CHARS_MAX) }
}

/// Records every field that differs between what was and what is.
pub(crate) fn record(cx: &mut Cx, old: Option<&Thing>, new: &Thing) -> Result<()> {
    let subject = &new.reference;
    cx.changed(subject, "name", old.map(|one| &one.name), Some(&new.name))?;
    cx.changed(subject, "kind", old.map(|one| &one.kind), Some(&new.kind))?;
    cx.changed(subject, "tag", old.map(|one| &one.tag), Some(&new.tag))?;
    cx.changed(subject, "status", old.map(|one| one.status), Some(new.status))?;
    cx.changed(subject, "criticality", old.map(|one| one.criticality), Some(new.criticality))?;
    cx.changed(subject, "place", old.and_then(|one| one.place), new.place)?;
    cx.changed(subject, "team", old.and_then(|one| one.team), new.team)?;
    cx.changed(subject, "owner", old.and_then(|one| one.owner), new.owner)?;
    cx.changed(subject, "notes", old.map_or("", |one| &one.notes), &new.notes)
}

/// A thing was added.
#[derive(Serialize)]
pub(crate) struct ThingCreated {
    pub(crate) asset: Ref,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) tag: String,
}

impl Event for ThingCreated {
    const NAME: &'static str = "assets.thing.created";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.asset.clone()]
    }
    fn title(&self) -> String {
        format!("{} was added as {}", self.name, self.tag)
    }
    fn sample() -> Self {
        Self { asset: Ref::new("asset", 1), name: "srv-01".into(), kind: "server".into(), tag: "MS-00001".into() }
    }
}

/// Something about a thing was changed by somebody.
#[derive(Serialize)]
pub(crate) struct ThingChanged {
    pub(crate) asset: Ref,
    pub(crate) name: String,
    /// Which fields.
    pub(crate) fields: Vec<String>,
    /// The change in words.
    pub(crate) what: String,
}

impl Event for ThingChanged {
    const NAME: &'static str = "assets.thing.changed";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.asset.clone()]
    }
    fn title(&self) -> String {
        format!("{}: {}", self.name, self.what)
    }
    fn mark(&self) -> Mark {
        Mark::Idle
    }
    fn sample() -> Self {
        Self {
            asset: Ref::new("asset", 1),
            name: "srv-01".into(),
            fields: vec!["status".into()],
            what: "status from in use to in repair".into(),
        }
    }
}

/// A thing is no longer used.
#[derive(Serialize)]
pub(crate) struct ThingRetired {
    pub(crate) asset: Ref,
    pub(crate) name: String,
    pub(crate) reason: String,
}

impl Event for ThingRetired {
    const NAME: &'static str = "assets.thing.retired";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.asset.clone()]
    }
    fn title(&self) -> String {
        format!("{} was retired: {}", self.name, self.reason)
    }
    fn mark(&self) -> Mark {
        Mark::Idle
    }
    fn sample() -> Self {
        Self { asset: Ref::new("asset", 1), name: "srv-01".into(), reason: "Replaced by srv-02".into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_that_are_given_by_themselves_cannot_be_taken() {
        assert_eq!(tag(" LT-2291 ").unwrap(), "LT-2291");
        for bad in ["MS-00001", "MS-", "a b", "", "å"] {
            assert!(tag(bad).is_err(), "{bad}");
        }
        assert_eq!(own_tag(417), "MS-00417");
    }

    #[test]
    fn stored_words_come_back_as_what_they_were() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
        for level in Criticality::ALL {
            assert_eq!(Criticality::parse(level.as_str()), Some(level));
        }
        assert_eq!(Status::parse("gone"), None);
    }
}
