//! Filling the memory of rules from the database.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use kernel::{Handle, Result, Time};
use promql::Labels;
use rules::{Active, Alerts, Extras, Phase, Written};

use super::Stored;
use super::live::{Group, Known, LiveRule};
use crate::limits::{RULE_INTERVAL_MS, RULE_INTERVAL_MS_MIN};
use crate::store::{self, rule_alerts::Kept};

/// Rows read from the database at a time.
const ROWS: i64 = 1_000;

/// Reads every group; `memory` is what is known of rules that stay.
pub(super) fn groups(handle: &Handle, mut memory: HashMap<i64, LiveRule>, now: Time) -> Result<Vec<Group>> {
    let mut groups = handle.db.read(store::rules::groups)?.into_iter().map(|(id, def)| group(id, def, now));
    let mut groups: HashMap<i64, Group> = groups.by_ref().map(|group| (group.id, group)).collect();
    let mut rules = Vec::new();
    loop {
        let after = rules.last().map_or(0, |last: &Stored| last.id);
        let some = handle.db.read(|tx| store::rules::after(tx, after, ROWS))?;
        if some.is_empty() {
            break;
        }
        rules.extend(some);
    }
    // Only what memory does not have is read: after the start that is nothing.
    let mut kept = if rules.iter().all(|rule| memory.contains_key(&rule.id)) { HashMap::new() } else { kept(handle)? };
    for stored in rules {
        let Some(group) = groups.get_mut(&stored.group_id) else { continue };
        group.file.clone_from(&stored.file);
        let kept = kept.remove(&stored.id).unwrap_or_default();
        let live = match memory.remove(&stored.id) {
            Some(old) => LiveRule {
                labels: stored.new.rule.labels_in(&group.def),
                extras: Extras::of(&stored.new.rule.annotations).unwrap_or_default(),
                stored,
                ..old
            },
            None => live(stored, &group.def, kept),
        };
        group.rules.push(live);
    }
    let mut groups: Vec<Group> = groups.into_values().filter(|group| !group.rules.is_empty()).collect();
    let place = handle.db.read(|tx| {
        let ids: Vec<i64> = groups.iter().map(|group| group.id).collect();
        store::rules::of_groups(tx, &ids)
    })?;
    let place: HashMap<i64, usize> = place.iter().enumerate().map(|(place, rule)| (rule.id, place)).collect();
    for group in &mut groups {
        group.rules.sort_by_key(|rule| place.get(&rule.id).copied().unwrap_or(usize::MAX));
    }
    Ok(groups)
}

fn group(id: i64, def: rules::Group, now: Time) -> Group {
    let interval_ms = def.interval_ms.unwrap_or(RULE_INTERVAL_MS).max(RULE_INTERVAL_MS_MIN);
    // Groups are spread over the interval, and each keeps its moments across restarts.
    let mut hasher = DefaultHasher::new();
    (id, &def.name).hash(&mut hasher);
    let phase_ms = i64::try_from(hasher.finish() >> 1).unwrap_or(0) % interval_ms;
    let mut group = Group {
        id,
        def,
        file: None,
        interval_ms,
        phase_ms,
        due_ms: 0,
        evaluated_ms: None,
        took: Duration::ZERO,
        missed: 0,
        rules: Vec::new(),
    };
    group.due_ms = group.moment(now.millis()) + interval_ms;
    group
}

impl Group {
    /// The last moment of the group at or before a time.
    pub(super) fn moment(&self, ms: i64) -> i64 {
        (ms - self.phase_ms).div_euclid(self.interval_ms) * self.interval_ms + self.phase_ms
    }
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

/// A rule as an earlier process left it.
fn live(stored: Stored, group: &rules::Group, kept: Vec<Kept>) -> LiveRule {
    let mut known = HashMap::new();
    let mut active = Vec::new();
    for one in kept {
        let labels = Labels::from_pairs(&one.labels);
        let phase = match one.phase.as_str() {
            "pending" => Some(Phase::Pending),
            "firing" => Some(Phase::Firing),
            _ => None,
        };
        known.insert(labels.clone(), Known { row: one.id, check: one.check, phase });
        active.extend(phase.map(|phase| Active {
            labels,
            source: Labels::from_pairs(&one.source),
            annotations: Labels::empty(),
            value: f64::NAN,
            phase,
            active_at_ms: one.active_at.millis(),
            fired_at_ms: Some(one.fired_at.millis()).filter(|ms| *ms > 0),
            keeping_since_ms: None,
            unknown: true,
        }));
    }
    LiveRule {
        id: stored.id,
        labels: stored.new.rule.labels_in(group),
        extras: Extras::of(&stored.new.rule.annotations).unwrap_or_default(),
        alerts: Alerts::restored(active),
        written: Written::default(),
        known,
        error: None,
        evaluated_ms: None,
        took: Duration::ZERO,
        samples: 0,
        series: 0,
        stored,
    }
}
