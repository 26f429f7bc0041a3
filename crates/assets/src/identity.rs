//! Which thing is this? Signs of identity with weights, a list of signs that say nothing, and a verdict with reasons.

use kernel::{Cx, Result};

use crate::thing::Thing;

pub(crate) mod store;

/// Signs of identity as an agent or a scan reports them. All are hints; the agent's key is proven elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The agent's public key in hexadecimal.
    pub agent_key: Option<String>,
    /// `/etc/machine-id`
    pub machine_id: Option<String>,
    /// UUID of the mainboard or virtual machine.
    pub dmi_uuid: Option<String>,
    /// Serial number of the machine.
    pub serial: Option<String>,
    /// Hardware addresses of physical interfaces.
    pub macs: Vec<String>,
    /// The machine's own name.
    pub hostname: String,
}

/// Whose signs these are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identified {
    /// A thing that is known.
    Same {
        /// Its number.
        asset: i64,
        /// What speaks for it.
        reasons: Vec<String>,
    },
    /// None that is known.
    New,
    /// The signs contradict each other: somebody must look.
    Conflict {
        /// The things they point at.
        assets: Vec<i64>,
        /// What speaks for and against.
        reasons: Vec<String>,
    },
}

/// One sign.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sign {
    pub(crate) kind: &'static str,
    pub(crate) value: String,
}

/// Kinds of signs: stored word, words in a sentence, weight when it matches, weight against when the thing has another.
const KINDS: &[(&str, &str, i64, i64)] = &[
    ("agent_key", "the agent's key", 100, 0),
    ("machine_id", "the machine id", 60, 60),
    ("dmi_uuid", "the mainboard's UUID", 60, 60),
    ("serial", "the serial number", 50, 50),
    ("mac", "a hardware address", 20, 20),
    ("hostname", "the name", 10, 0),
];

/// From here on a match counts.
const SURE: i64 = 50;

/// What makers write when they have nothing to say, in lower case.
const PLACEHOLDERS: &[&str] = &[
    "default string",
    "to be filled by o.e.m.",
    "to be filled by oem",
    "system serial number",
    "chassis serial number",
    "base board serial number",
    "not specified",
    "not applicable",
    "not available",
    "none",
    "unknown",
    "n/a",
    "na",
    "null",
    "invalid",
    "oem",
    "o.e.m.",
    "empty",
    "uninitialized",
    "serial",
    "123456789",
    "1234567890",
    "0123456789",
    "03000200-0400-0500-0006-000700080009",
    "12345678-1234-5678-90ab-cddeefaabbcc",
];

/// Beginnings of hardware addresses that software makes up or that travel: Docker, and docks and adapters are not told apart.
const MAC_PREFIXES: &[&str] = &["02:42:", "00:00:00:00:", "ff:ff:ff:"];

/// Names that many machines have, in lower case.
const HOSTNAMES: &[&str] = &["localhost", "localhost.localdomain", "debian", "ubuntu", "raspberrypi", "(none)"];

fn weight(kind: &str) -> (i64, i64, &'static str) {
    KINDS.iter().find(|(word, ..)| *word == kind).map_or((0, 0, "a sign"), |(_, words, pro, con)| (*pro, *con, *words))
}

/// A sign that says something, in its stored spelling; `None` when it says nothing.
fn telling(kind: &'static str, value: &str) -> Option<Sign> {
    let value = value.trim().to_lowercase();
    let digits: String = value.chars().filter(char::is_ascii_alphanumeric).collect();
    let first = digits.chars().next()?;
    let uniform = digits.chars().all(|c| c == first);
    let shortest = if kind == "hostname" { 1 } else { 4 };
    if value.len() > 200 || digits.len() < shortest || PLACEHOLDERS.contains(&value.as_str()) {
        return None;
    }
    let nothing = match kind {
        "mac" => uniform || MAC_PREFIXES.iter().any(|prefix| value.starts_with(prefix)),
        "hostname" => HOSTNAMES.contains(&value.as_str()),
        _ => uniform,
    };
    (!nothing).then_some(Sign { kind, value })
}

/// The signs of an evidence that say something.
pub(crate) fn signs(evidence: &Evidence) -> Vec<Sign> {
    let single = [
        ("agent_key", evidence.agent_key.as_deref()),
        ("machine_id", evidence.machine_id.as_deref()),
        ("dmi_uuid", evidence.dmi_uuid.as_deref()),
        ("serial", evidence.serial.as_deref()),
        ("hostname", Some(evidence.hostname.as_str())),
    ];
    let single = single.into_iter().filter_map(|(kind, value)| telling(kind, value?));
    let macs = evidence.macs.iter().take(16).filter_map(|mac| telling("mac", mac));
    let mut all: Vec<Sign> = single.chain(macs).collect();
    all.sort();
    all.dedup();
    all
}

/// What is known of one thing that shares a sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) asset: i64,
    pub(crate) signs: Vec<(String, String)>,
}

struct Verdict {
    asset: i64,
    pro: i64,
    con: i64,
    reasons: Vec<String>,
}

fn weigh(candidate: &Candidate, signs: &[Sign]) -> Verdict {
    let mut verdict = Verdict { asset: candidate.asset, pro: 0, con: 0, reasons: Vec::new() };
    for (kind, words, pro, con) in KINDS {
        let ours: Vec<&str> = signs.iter().filter(|sign| sign.kind == *kind).map(|sign| sign.value.as_str()).collect();
        let mut theirs =
            candidate.signs.iter().filter(|(known, _)| known == kind).map(|(_, value)| value.as_str()).peekable();
        if ours.is_empty() || theirs.peek().is_none() {
            continue;
        }
        let asset = Thing::subject(candidate.asset);
        if theirs.any(|value| ours.contains(&value)) {
            verdict.pro += pro;
            verdict.reasons.push(format!("{asset} has {words}"));
        } else if *con > 0 {
            verdict.con += con;
            verdict.reasons.push(format!("{asset} has another value for {words}"));
        }
    }
    verdict
}

/// The pure rule: one thing that is clearly meant is the same; one that is meant and contradicted, or two that are meant, is a conflict.
pub(crate) fn judge(candidates: &[Candidate], signs: &[Sign]) -> Identified {
    let meant: Vec<Verdict> =
        candidates.iter().map(|one| weigh(one, signs)).filter(|verdict| verdict.pro >= SURE).collect();
    let sure: Vec<&Verdict> = meant.iter().filter(|verdict| verdict.pro - verdict.con >= SURE).collect();
    match (sure.as_slice(), meant.as_slice()) {
        (_, []) => Identified::New,
        ([one], _) => Identified::Same { asset: one.asset, reasons: one.reasons.clone() },
        _ => Identified::Conflict {
            assets: meant.iter().map(|verdict| verdict.asset).collect(),
            reasons: meant.iter().flat_map(|verdict| verdict.reasons.clone()).collect(),
        },
    }
}

/// Which thing has these signs.
pub fn identify(cx: &mut Cx, evidence: &Evidence) -> Result<Identified> {
    let signs = signs(evidence);
    let candidates = store::candidates(cx.tx, &signs)?;
    Ok(judge(&candidates, &signs))
}

/// Keeps signs as those of a thing. Signs that say nothing are left out.
pub fn record_evidence(cx: &mut Cx, asset: i64, evidence: &Evidence) -> Result<()> {
    for sign in signs(evidence) {
        store::put(cx.tx, asset, &sign, weight(sign.kind).0, cx.now)?;
    }
    if let Some(thing) = crate::thing::store::get(cx.tx, asset)? {
        crate::api::index(cx, &thing)?;
    }
    Ok(())
}

/// Names that are kept of one thing, newest first: a machine may take another name as often as it likes.
const HOSTNAMES_MAX: i64 = 8;

/// Keeps the name a machine reports of itself, and makes it findable by it.
pub(crate) fn note_hostname(cx: &mut Cx, thing: &Thing, value: Option<&String>) -> Result<()> {
    let Some(serde_json::Value::String(name)) = value.map(|text| crate::facts::parse(text)) else { return Ok(()) };
    let Some(sign) = telling("hostname", &name) else { return Ok(()) };
    store::put(cx.tx, thing.id, &sign, weight(sign.kind).0, cx.now)?;
    store::forget_older(cx.tx, thing.id, sign.kind, HOSTNAMES_MAX)?;
    crate::api::index(cx, thing)
}

#[cfg(test)]
mod tests;
