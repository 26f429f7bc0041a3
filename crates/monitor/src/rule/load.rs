//! Filling the memory of rules from the database.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex};

use kernel::{Handle, Result, Time};
use promql::Labels;
use rules::{Active, Alerts, Extras, Phase, Since, Written};

use super::Stored;
use super::live::Book;
use super::seat::{Known, Memory, Pace, Post, Seat, Slot};
use crate::limits::{RULE_INTERVAL_MS, RULE_INTERVAL_MS_MIN};
use crate::live::lock;
use crate::store::{self, rule_alerts::Kept};

/// Rows read from the database at a time.
const ROWS: i64 = 1_000;

/// Reads every group; what `old` remembers of rules that stay goes on. Without it an earlier process is taken up.
pub(super) fn book(handle: &Handle, old: Option<&Book>, now: Time) -> Result<Book> {
    let defs = handle.db.read(store::rules::groups)?;
    let mut rules: HashMap<i64, Vec<Stored>> = HashMap::new();
    let mut after = 0;
    loop {
        let some = handle.db.read(|tx| store::rules::after(tx, after, ROWS))?;
        let Some(last) = some.last().map(|last| last.id) else { break };
        after = last;
        for one in some {
            rules.entry(one.group_id).or_default().push(one);
        }
    }
    let mut kept = if old.is_some() { HashMap::new() } else { kept(handle)? };
    let place = order(handle, &defs)?;
    let mut seats = BTreeMap::new();
    for (id, def) in defs {
        let Some(mut all) = rules.remove(&id) else { continue };
        all.sort_by_key(|rule| place.get(&rule.id).copied().unwrap_or(usize::MAX));
        let file = all.first().and_then(|rule| rule.file.clone());
        let post = |stored: Stored| {
            let slot = old.and_then(|old| old.slot(stored.id));
            let slot = slot.unwrap_or_else(|| {
                let memory = match (old.is_some(), kept.remove(&stored.id).unwrap_or_default()) {
                    (true, _) => Memory::default(),
                    (false, kept) => remembered(kept),
                };
                Arc::new(Slot::new(memory))
            });
            let extras = Extras::of(&stored.new.rule.annotations).unwrap_or_default();
            Post { id: stored.id, labels: stored.new.rule.labels_in(&def), extras, stored, slot }
        };
        let posts = all.into_iter().map(post).collect();
        let before = old.and_then(|old| old.seats.get(&id));
        seats.insert(id, seat((id, def), file, posts, before, now));
    }
    Ok(Book::new(seats))
}

/// Where each rule stands in its group.
fn order(handle: &Handle, defs: &[(i64, rules::Group)]) -> Result<HashMap<i64, usize>> {
    let ids: Vec<i64> = defs.iter().map(|(id, _)| *id).collect();
    let rules = handle.db.read(|tx| store::rules::of_groups(tx, &ids))?;
    Ok(rules.iter().enumerate().map(|(place, rule)| (rule.id, place)).collect())
}

/// A group, and when it is evaluated: the one from before where it says the same.
fn seat(
    (id, def): (i64, rules::Group),
    file: Option<String>,
    posts: Vec<Post>,
    before: Option<&Arc<Seat>>,
    now: Time,
) -> Arc<Seat> {
    let interval_ms = def.interval_ms.unwrap_or(RULE_INTERVAL_MS).max(RULE_INTERVAL_MS_MIN);
    // Groups are spread over the interval, and each keeps its moments across restarts.
    let mut hasher = DefaultHasher::new();
    (id, &def.name).hash(&mut hasher);
    let phase_ms = i64::try_from(hasher.finish() >> 1).unwrap_or(0) % interval_ms;
    let pace = before.map_or_else(|| Arc::new(Mutex::new(Pace::default())), |before| before.pace.clone());
    let seat = Seat::new((id, def), (interval_ms, phase_ms), file, posts, pace);
    match before {
        Some(before) if before.is_as(&seat) => return before.clone(),
        Some(before) if before.interval_ms == interval_ms => {}
        _ => lock(&seat.pace).due_ms = seat.moment(now.millis()) + interval_ms,
    }
    lock(&seat.pace).first = 0;
    Arc::new(seat)
}

/// The alerts of all rules, by rule.
fn kept(handle: &Handle) -> Result<HashMap<i64, Vec<Kept>>> {
    let mut all: HashMap<i64, Vec<Kept>> = HashMap::new();
    let mut after = 0;
    loop {
        let some = handle.db.read(|tx| store::rule_alerts::after(tx, after, ROWS))?;
        let Some(last) = some.last().map(|last| last.id) else { return Ok(all) };
        after = last;
        for one in some {
            all.entry(one.rule).or_default().push(one);
        }
    }
}

/// What an earlier process left behind.
fn remembered(kept: Vec<Kept>) -> Memory {
    let mut known = HashMap::new();
    let mut active = Vec::new();
    for one in kept {
        let labels = Labels::from_pairs(&one.labels);
        let phase = match one.phase.as_str() {
            "pending" => Some(Phase::Pending),
            "firing" => Some(Phase::Firing),
            _ => None,
        };
        let set = |at: Time| Some(at.millis()).filter(|ms| *ms > 0);
        let since = Since {
            active_at_ms: one.active_at.millis(),
            fired_at_ms: set(one.fired_at),
            keeping_since_ms: set(one.keeping_at),
        };
        let stored = phase.map(|phase| (phase, since));
        known.insert(labels.clone(), Known { row: one.id, check: one.check, stored });
        let stood = phase.map(|phase| (phase, one.value.unwrap_or(f64::NAN)));
        active.extend(stood.map(|stood| Active::kept(labels, Labels::from_pairs(&one.source), stood, since)));
    }
    let alerts = Alerts::restored(active);
    // The series that it wrote last end where their alert does.
    let written = Written::restored(&alerts.series());
    Memory { alerts, written, known, recalls: true, evaluated_ms: None }
}
