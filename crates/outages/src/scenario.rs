//! A scenario, every name resolved.

use std::collections::BTreeMap;

use causes::RelationKind;

use crate::file::{
    ChangeLabel, Checks, FaultKind, File, LookKind, Names, Parents, Span, Step, Things, TrueCause, Truth, Unknown,
};
use crate::names::{expand, fill, fits};

/// The server that looks, unless a check names another vantage.
pub(crate) const MONITOR: &str = "monitor";
/// Most things of a scenario.
const THINGS_MAX: usize = 20_000;
/// The shortest time from one look to the next, in milliseconds.
const EVERY_MS_MIN: i64 = 5_000;
/// How long a battery lasts unless said otherwise, in milliseconds.
const BATTERY_MS: i64 = 15 * 60_000;

/// A scenario: what there is, what happens, and what the causes are.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// What kind of outage it is, for the table.
    pub kind: String,
    pub(crate) things: Vec<Thing>,
    pub(crate) relations: Vec<Relation>,
    pub(crate) looks: Vec<LookAt>,
    pub(crate) script: Vec<Act>,
    pub(crate) truth: Vec<True>,
    /// The causes cannot be known.
    pub(crate) undetermined: bool,
    pub(crate) unknown_share: f64,
    pub(crate) unknown: Vec<usize>,
    pub(crate) noise: f64,
    pub(crate) length_ms: i64,
    pub(crate) monitor: usize,
}

impl Scenario {
    /// How many things there are.
    pub fn size(&self) -> usize {
        self.things.len()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Thing {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) site: String,
    pub(crate) hidden: bool,
    /// How long it runs without power, in milliseconds.
    pub(crate) battery_ms: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Relation {
    pub(crate) from: usize,
    pub(crate) kind: RelationKind,
    pub(crate) to: usize,
    /// One of several, any of which is enough.
    pub(crate) any: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct LookAt {
    pub(crate) thing: usize,
    pub(crate) kind: LookKind,
    pub(crate) vantage: usize,
    pub(crate) every_ms: i64,
    pub(crate) fire: (usize, usize),
    pub(crate) clear: usize,
}

/// Something that happens to some things.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    pub(crate) at_ms: i64,
    pub(crate) on: Vec<usize>,
    pub(crate) what: What,
    pub(crate) jitter_ms: i64,
    pub(crate) share: f64,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Fault { kind: FaultKind, lasts_ms: Option<i64>, flaps_ms: Option<(i64, i64)>, seen_by: Vec<usize> },
    Change { label: String, words: String },
}

/// A true cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum True {
    Thing(usize),
    Change(String),
}

/// A thing as it is written, its number in its range, and its place.
type Written<'f> = (&'f Things, u64, usize);

/// All things, their places by name, and how they are written.
type Named<'f> = (Vec<Thing>, BTreeMap<String, usize>, Vec<Written<'f>>);

pub(crate) fn build(file: &File) -> Result<Scenario, String> {
    let (mut things, index, written) = things(file)?;
    let relations = relations(&written, &index)?;
    let monitor = *index.get(MONITOR).ok_or("There is no monitor.")?;
    if let Some(thing) = things.get_mut(monitor).filter(|thing| thing.kind.is_empty()) {
        MONITOR.clone_into(&mut thing.kind);
    }
    let looks = looks(file, &things, monitor)?;
    let script = file
        .script
        .iter()
        .enumerate()
        .map(|(number, step)| act(step, &things).map_err(|why| format!("script, entry {}: {why}", number + 1)));
    let script: Vec<Act> = script.collect::<Result<_, String>>()?;
    let last = script.iter().map(end_of).max().unwrap_or_default();
    let (truth, undetermined) = truth(file, &index, &things, &script)?;
    crate::sense::check(file, &things, &looks, &script)?;
    let (unknown_share, unknown) = unknown(&file.unknown, &relations, &things)?;
    Ok(Scenario {
        name: file.name.clone(),
        kind: file.kind.clone(),
        things,
        relations,
        looks,
        script,
        truth,
        undetermined,
        unknown_share,
        unknown,
        noise: file.noise.0,
        length_ms: file.length.map_or(last + 25 * 60_000, |span| span.0),
        monitor,
    })
}

fn things(file: &File) -> Result<Named<'_>, String> {
    let (mut things, mut index, mut written) = (Vec::new(), BTreeMap::new(), Vec::new());
    for (entry, one) in file.things.iter().enumerate() {
        let wrong = |why: String| format!("things, entry {}: {why}", entry + 1);
        for (name, number) in expand(&one.name).map_err(wrong)? {
            if index.insert(name.clone(), things.len()).is_some() {
                return Err(wrong(format!("there is a thing named \"{name}\" already.")));
            }
            if name.contains('*') || name.is_empty() {
                return Err(wrong(format!("\"{name}\" is no name for a thing.")));
            }
            let battery = one.battery.map_or(if one.kind == "ups" { BATTERY_MS } else { 0 }, |span| span.0);
            written.push((one, number, things.len()));
            things.push(Thing {
                name,
                kind: one.kind.clone(),
                site: fill(&one.site, number).map_err(wrong)?,
                hidden: one.hidden,
                battery_ms: battery,
            });
        }
        if things.len() > THINGS_MAX {
            return Err(format!("things: more than {THINGS_MAX} things."));
        }
    }
    if !index.contains_key(MONITOR) {
        index.insert(MONITOR.to_owned(), things.len());
        let (name, kind) = (MONITOR.to_owned(), MONITOR.to_owned());
        things.push(Thing { name, kind, site: String::new(), hidden: false, battery_ms: 0 });
    }
    Ok((things, index, written))
}

fn relations(written: &[Written<'_>], index: &BTreeMap<String, usize>) -> Result<Vec<Relation>, String> {
    let mut relations = Vec::new();
    for (one, number, from) in written {
        for (kind, parents) in &one.on {
            let (names, any) = match parents {
                Parents::One(name) => (std::slice::from_ref(name), false),
                Parents::Many(names) => (names.as_slice(), false),
                Parents::Any(any) => (any.any.as_slice(), true),
            };
            for name in names {
                let name = fill(name, *number)?;
                let to = *index.get(&name).ok_or_else(|| {
                    format!("things, \"{}\": {} \"{name}\", which is no thing here.", one.name, kind.as_str())
                })?;
                if to == *from {
                    return Err(format!("things, \"{}\": \"{name}\" cannot stand on itself.", one.name));
                }
                relations.push(Relation { from: *from, kind: *kind, to, any: any || kind.is_redundant() });
            }
        }
    }
    Ok(relations)
}

/// The things that names or patterns mean, each once.
fn chosen(names: &Names, things: &[Thing]) -> Result<Vec<usize>, String> {
    let mut found = Vec::new();
    for name in names.all() {
        let before = found.len();
        if name.contains('{') {
            for (name, _) in expand(name)? {
                let at = things.iter().position(|thing| thing.name == name);
                found.push(at.ok_or_else(|| format!("no thing is named \"{name}\"."))?);
            }
        } else {
            found.extend(things.iter().enumerate().filter(|(_, thing)| fits(name, &thing.name)).map(|(at, _)| at));
        }
        if found.len() == before {
            return Err(format!("no thing is named \"{name}\"."));
        }
    }
    let mut known = std::collections::BTreeSet::new();
    found.retain(|at| known.insert(*at));
    Ok(found)
}

fn looks(file: &File, things: &[Thing], monitor: usize) -> Result<Vec<LookAt>, String> {
    let (mut looks, mut covered) = (Vec::new(), std::collections::BTreeSet::new());
    for (entry, checks) in file.checks.iter().enumerate() {
        let wrong = |why: String| format!("checks, entry {}: {why}", entry + 1);
        let vantages = match &checks.from {
            Some(names) => chosen(names, things).map_err(wrong)?,
            None => vec![monitor],
        };
        let fire = fire(checks).map_err(wrong)?;
        let every_ms = checks.every.unwrap_or(Span(30_000)).0;
        if every_ms < EVERY_MS_MIN {
            return Err(wrong("every: write 5s or more.".to_owned()));
        }
        for thing in chosen(&checks.on, things).map_err(wrong)? {
            covered.insert(thing);
            for kind in &checks.look.0 {
                let from = if kind.is_local() { std::slice::from_ref(&thing) } else { vantages.as_slice() };
                looks.extend(from.iter().map(|vantage| LookAt {
                    thing,
                    kind: *kind,
                    vantage: *vantage,
                    every_ms,
                    fire,
                    clear: checks.clear.unwrap_or(2).clamp(1, 10),
                }));
            }
        }
    }
    if file.default_checks {
        for (thing, of) in things.iter().enumerate().filter(|(at, of)| !covered.contains(at) && !of.hidden) {
            looks.extend(usual(&of.kind).iter().map(|kind| LookAt {
                thing,
                kind: *kind,
                vantage: if kind.is_local() { thing } else { monitor },
                every_ms: if *kind == LookKind::Certificate { 300_000 } else { 30_000 },
                fire: (2, 3),
                clear: 2,
            }));
        }
    }
    Ok(looks)
}

/// What is usually looked at on things of a kind.
fn usual(kind: &str) -> &'static [LookKind] {
    match kind {
        "server" | "hypervisor" => &[LookKind::Ping, LookKind::Agent],
        "ups" => &[LookKind::Ping, LookKind::Power],
        "service" | "application" | "website" | "api" => &[LookKind::Http],
        "database" => &[LookKind::Tcp],
        "dns" => &[LookKind::Ping, LookKind::Dns],
        "ntp" => &[LookKind::Ping, LookKind::Clock],
        "certificate" => &[LookKind::Certificate],
        "site" | "rack" | "room" | "mains" | "circuit" | MONITOR => &[],
        _ => &[LookKind::Ping],
    }
}

fn fire(checks: &Checks) -> Result<(usize, usize), String> {
    let Some(text) = &checks.fire else { return Ok((2, 3)) };
    let numbers = text.split_once(" of ").and_then(|(n, m)| Some((n.trim().parse().ok()?, m.trim().parse().ok()?)));
    match numbers {
        Some((n, m)) if 1 <= n && n <= m && m <= 20 => Ok((n, m)),
        _ => Err(format!("fire \"{text}\": write \"2 of 3\", at most 20.")),
    }
}

fn act(step: &Step, things: &[Thing]) -> Result<Act, String> {
    let what = match (step.fault, &step.change) {
        (Some(kind), None) => What::Fault {
            kind,
            lasts_ms: step.lasts.map(|span| span.0),
            flaps_ms: step.flaps.map(|flaps| (flaps.down.0.max(1_000), flaps.up.0.max(1_000))),
            seen_by: step.seen_by.as_ref().map(|names| chosen(names, things)).transpose()?.unwrap_or_default(),
        },
        (None, Some(label)) => {
            What::Change { label: label.clone(), words: step.words.clone().unwrap_or_else(|| label.clone()) }
        }
        _ => return Err("say either fault or change.".to_owned()),
    };
    if let (Some(_), None) = (step.flaps, step.lasts) {
        return Err("flaps needs for: how long it goes on.".to_owned());
    }
    let share = step.share.map_or(1.0, |share| share.0);
    Ok(Act { at_ms: step.at.0, on: chosen(&step.on, things)?, what, jitter_ms: step.jitter.0, share })
}

fn end_of(act: &Act) -> i64 {
    let lasts = match act.what {
        What::Fault { lasts_ms, .. } => lasts_ms.unwrap_or_default(),
        What::Change { .. } => 0,
    };
    act.at_ms + act.jitter_ms + lasts
}

fn truth(
    file: &File,
    index: &BTreeMap<String, usize>,
    things: &[Thing],
    script: &[Act],
) -> Result<(Vec<True>, bool), String> {
    let thing = |name: &String| {
        let at = *index.get(name).ok_or_else(|| format!("truth: no thing is named \"{name}\"."))?;
        match things.get(at).filter(|thing| thing.hidden) {
            Some(_) => Err(format!(
                "truth: \"{name}\" is hidden, so nobody can name it; write undetermined, or what the inventory knows."
            )),
            None => Ok(True::Thing(at)),
        }
    };
    let change = |one: &ChangeLabel| {
        let made = |act: &Act| matches!(&act.what, What::Change { label, .. } if *label == one.change);
        let missing = || format!("truth: no change in the script is labelled \"{}\".", one.change);
        script.iter().any(made).then(|| True::Change(one.change.clone())).ok_or_else(missing)
    };
    match &file.truth {
        Truth::Word(word) if word == "undetermined" => Ok((Vec::new(), true)),
        Truth::Word(word) if word == "none" => Ok((Vec::new(), false)),
        Truth::Word(word) => Ok((vec![thing(word)?], false)),
        Truth::Change(one) => Ok((vec![change(one)?], false)),
        Truth::Causes(causes) => {
            let of = |cause: &TrueCause| match cause {
                TrueCause::Thing(name) => thing(name),
                TrueCause::Change(one) => change(one),
            };
            Ok((causes.iter().map(of).collect::<Result<_, String>>()?, false))
        }
    }
}

/// The share of relations that is unknown, and the numbers of those that are named.
fn unknown(unknown: &Unknown, relations: &[Relation], things: &[Thing]) -> Result<(f64, Vec<usize>), String> {
    let (share, lines) = match unknown {
        Unknown::Nothing => (0.0, &[][..]),
        Unknown::Share(share) => (share.0, &[][..]),
        Unknown::Named(lines) => (0.0, lines.as_slice()),
        Unknown::Both(both) => (both.share.0, both.named.as_slice()),
    };
    let mut numbers = Vec::new();
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [from, kind, to] = words.as_slice() else {
            return Err(format!("unknown: \"{line}\": write \"vm-* runs_on hv-2\"."));
        };
        let names = |pattern: &str| match pattern.contains('{') {
            true => Ok(expand(pattern)?.into_iter().map(|(name, _)| name).collect()),
            false => Ok::<Vec<String>, String>(vec![pattern.to_owned()]),
        };
        let (from, to) = (names(from)?, names(to)?);
        let named = |at: usize, patterns: &[String]| {
            things.get(at).is_some_and(|thing| patterns.iter().any(|pattern| fits(pattern, &thing.name)))
        };
        let found = relations.iter().enumerate().filter(|(_, one)| {
            (*kind == "*" || one.kind.as_str() == *kind) && named(one.from, &from) && named(one.to, &to)
        });
        let before = numbers.len();
        numbers.extend(found.map(|(number, _)| number));
        if numbers.len() == before {
            return Err(format!("unknown: \"{line}\" fits no relation."));
        }
    }
    Ok((share, numbers))
}
