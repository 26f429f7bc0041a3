//! Facts: what agents and people know of a thing, value by value, in sections. Agents send differences in a chain of
//! hashes; what does not fit the chain is not stored, and the whole section is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use agent_proto::facts::{Section, apply, section_hash};
use kernel::db::Tx;
use kernel::registry::AgentFrom;
use kernel::{Cx, Error, Event, Handle, Mark, Ref, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::thing::{self, Thing};

pub(crate) mod list;
mod news;
pub(crate) mod store;

/// A message of the agent protocol: one section, whole or as a difference.
pub type FactsDelta = agent_proto::v1::Facts;

/// Longest value of one fact, in bytes.
const VALUE_BYTES_MAX: usize = 16 * 1024;
/// Longest key, in bytes.
const KEY_BYTES_MAX: usize = 400;
/// Most facts of one section.
const SECTION_FACTS_MAX: usize = 20_000;
/// Most bytes of the keys and values of one section: each message reads the section as a whole.
const SECTION_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most sections of one thing.
const SECTIONS_MAX: usize = 32;

/// What became of a facts message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredFacts {
    /// It is stored, or was already.
    Stored,
    /// It does not start from what is known here: the whole section is needed.
    NeedFull,
}

/// One fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fact {
    /// The section it belongs to, such as `os`.
    pub section: String,
    /// Its name, such as `os.kernel`.
    pub key: String,
    /// Its value.
    pub value: serde_json::Value,
    /// Who reports it, for example `agent`.
    pub source: String,
    /// When it was last looked at.
    pub seen_at: Time,
    /// Since when it has this value.
    pub changed_at: Time,
}

/// Something about a thing is different from what it was.
#[derive(Serialize)]
pub(crate) struct FactsChanged {
    pub(crate) asset: Ref,
    pub(crate) section: String,
    /// In plain words, at most [`news::WORDS_CHARS_MAX`] characters.
    pub(crate) what: String,
    /// The keys that changed, at most 50.
    pub(crate) keys: Vec<String>,
}

impl Event for FactsChanged {
    const NAME: &'static str = "assets.facts.changed";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.asset.clone()]
    }
    fn title(&self) -> String {
        self.what.clone()
    }
    fn mark(&self) -> Mark {
        Mark::Planned
    }
    fn sample() -> Self {
        Self {
            asset: Ref::new("asset", 1),
            section: "packages".into(),
            what: "1 package changed: openssl 3.0.2 -> 3.0.3".into(),
            keys: vec!["openssl".into()],
        }
    }
}

/// Stores a facts message of a thing. Storing the same message again changes nothing.
///
/// # Errors
/// The thing is not known, or the message is beyond the limits.
pub fn store_facts(cx: &mut Cx, asset: i64, source: &str, delta: &FactsDelta) -> Result<StoredFacts> {
    let thing = thing::store::get(cx.tx, asset)?.ok_or_else(|| Error::not_found(Thing::subject(asset)))?;
    check(delta)?;
    let known = store::head(cx.tx, asset, &delta.section)?;
    let hash = kernel::text::hex(&delta.hash);
    // What an agent says of the time before or after ours is taken as now: its clock may be wrong.
    let at = Time(delta.at_ms.saturating_mul(1000)).min(cx.now);
    if known.as_ref().is_some_and(|head| head.hash == hash) {
        store::seen(cx.tx, asset, &delta.section, at)?;
        return Ok(StoredFacts::Stored);
    }
    let old = match &known {
        Some(_) => store::section(cx.tx, asset, &delta.section)?,
        None => another_section(cx, &thing, &delta.section)?,
    };
    let Ok(new) = apply(&old, delta) else { return Ok(StoredFacts::NeedFull) };
    fits(&delta.section, &new)?;
    write(cx, asset, &delta.section, &old, &new)?;
    let facts = i64::try_from(new.len()).unwrap_or(i64::MAX);
    let head = store::Head { hash, source: source.to_owned(), seen_at: at, changed_at: cx.now, facts };
    store::set_head(cx.tx, asset, &delta.section, &head)?;
    cx.touch(Thing::subject(asset));
    if known.is_some() {
        tell(cx, &thing, &delta.section, &old, &new)?;
    }
    if delta.section == crate::address::SECTION {
        crate::address::note(cx, asset, &new)?;
    }
    if delta.section == "os" {
        crate::identity::note_hostname(cx, &thing, new.get("os.hostname"))?;
    }
    Ok(StoredFacts::Stored)
}

fn check(delta: &FactsDelta) -> Result<()> {
    kernel::text::slug("section", &delta.section, 40)?;
    let long = delta.set.iter().any(|(key, value)| key.len() > KEY_BYTES_MAX || value.len() > VALUE_BYTES_MAX);
    if long {
        let limit = format!("A fact of section {} is longer than {VALUE_BYTES_MAX} bytes.", delta.section);
        return Err(Error::over_limit(limit));
    }
    let clean = |text: &str| !text.contains('\0');
    if delta.set.iter().all(|(key, value)| clean(key) && clean(value)) {
        Ok(())
    } else {
        Err(Error::invalid("set", format!("A fact of section {} holds a NUL character.", delta.section)))
    }
}

/// The start of a section that is not known yet, if the thing may have one more.
fn another_section(cx: &mut Cx, thing: &Thing, name: &str) -> Result<Section> {
    if store::sections(cx.tx, thing.id)?.len() < SECTIONS_MAX {
        return Ok(Section::new());
    }
    let limit = format!("{} has {SECTIONS_MAX} sections of facts; {name} is one too many.", thing.name);
    Err(Error::over_limit(limit))
}

/// Refuses a section that has grown beyond what one may hold, however small the message was.
fn fits(name: &str, section: &Section) -> Result<()> {
    let bytes: usize = section.iter().map(|(key, value)| key.len() + value.len()).sum();
    if section.len() > SECTION_FACTS_MAX || bytes > SECTION_BYTES_MAX {
        let limit = format!(
            "Section {name} would have {} facts with {bytes} bytes. It may have {SECTION_FACTS_MAX} with {SECTION_BYTES_MAX}.",
            section.len()
        );
        return Err(Error::over_limit(limit));
    }
    Ok(())
}

fn write(cx: &mut Cx, asset: i64, name: &str, old: &Section, new: &Section) -> Result<()> {
    let gone: Vec<&str> = old.keys().filter(|key| !new.contains_key(*key)).map(String::as_str).collect();
    let set: Vec<(&str, &str)> = new
        .iter()
        .filter(|(key, value)| old.get(*key) != Some(*value))
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    store::remove(cx.tx, asset, name, &gone)?;
    store::put(cx.tx, asset, name, &set, cx.now)
}

fn tell(cx: &mut Cx, thing: &Thing, section: &str, old: &Section, new: &Section) -> Result<()> {
    let Some(news) = news::of(section, old, new) else { return Ok(()) };
    let (asset, section) = (thing.reference.clone(), section.to_owned());
    cx.emit(&FactsChanged { asset, section, what: news.what, keys: news.keys })
}

/// Takes `facts` messages from agents. A conflict answers that the chain is broken: the gateway then asks the agent
/// for the whole section (`FactsResend`). It may come twice: the second time the hash is known already.
pub(crate) fn take(kernel: &Handle, from: &AgentFrom, body: &dyn std::any::Any) -> Result<()> {
    let delta = body
        .downcast_ref::<FactsDelta>()
        .ok_or_else(|| Error::internal("facts-message", "the body is not a facts message"))?
        .clone();
    let (asset, section) = (from.asset, delta.section.clone());
    let actor = kernel::Actor::service("assets.facts", &[]);
    let stored = kernel.write_as(actor, "assets.facts.store", move |cx| store_facts(cx, asset, "agent", &delta))?;
    match stored {
        StoredFacts::Stored => Ok(()),
        StoredFacts::NeedFull => Err(Error::conflict(format!(
            "The facts of section {} do not start from what is known here. Send the whole section.",
            kernel::text::shorten(&section, 40)
        ))),
    }
}

/// The value of one fact; `None` when it is not known.
pub fn fact(tx: &mut Tx<'_>, asset: i64, section: &str, key: &str) -> Result<Option<serde_json::Value>> {
    let value = store::one(tx, asset, section, key)?;
    Ok(value.map(|text| parse(&text)))
}

/// All facts of a section by key.
pub fn section(tx: &mut Tx<'_>, asset: i64, section: &str) -> Result<BTreeMap<String, serde_json::Value>> {
    let known = store::section(tx, asset, section)?;
    Ok(known.into_iter().map(|(key, value)| (key, parse(&value))).collect())
}

/// The things in use that have these addresses, as people or their agents say; an address of several things means none of
/// them, and neither do those that many machines have for themselves, such as loops.
pub fn at_addresses(tx: &mut Tx<'_>, wanted: &BTreeSet<IpAddr>) -> Result<BTreeMap<IpAddr, i64>> {
    let mut found = BTreeMap::new();
    for ip in wanted {
        let Some(address) = crate::address::telling(&ip.to_string()) else { continue };
        if let [(asset, _)] = crate::address::store::owners(tx, &address)?.as_slice() {
            found.insert(*ip, *asset);
        }
    }
    Ok(found)
}

/// A section of several things (or one fact of it) by number and key; things of which nothing is known are left out.
pub fn facts_of(
    tx: &mut Tx<'_>,
    assets: &[i64],
    section: &str,
    key: Option<&str>,
) -> Result<BTreeMap<i64, BTreeMap<String, serde_json::Value>>> {
    let mut found: BTreeMap<i64, BTreeMap<String, serde_json::Value>> = BTreeMap::new();
    for (asset, key, value) in store::of_several(tx, assets, section, key)? {
        found.entry(asset).or_default().insert(key, parse(&value));
    }
    Ok(found)
}

/// A value as agents send it; what is no JSON is shown as the text it is.
pub(crate) fn parse(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|_| serde_json::Value::String(text.to_owned()))
}

/// The hash of a section that nothing is known of.
pub fn empty_hash() -> [u8; 32] {
    section_hash(&Section::new())
}
