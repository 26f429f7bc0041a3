//! Why a candidate is taken for the cause, and what speaks against it, in plain English.

use crate::candidate::{Cause, Reason, clock, span};
use crate::score::{Case, Origin, Scored};
use crate::solve::Group;

/// Most looks that are named as speaking against a candidate.
const AGAINST_MAX: usize = 3;
/// Most things that are named as having joined.
const JOINED_MAX: usize = 3;

impl Case<'_> {
    /// A candidate's cause as it is told.
    pub(crate) fn cause(&self, origin: &Origin) -> Cause {
        match origin {
            Origin::Thing(place, state, fault) => {
                Cause::Thing { thing: self.graph.id(*place), state: *state, fault: fault.clone() }
            }
            Origin::Change(label) => Cause::Change { label: label.clone() },
            Origin::Vantage(thing, names) => Cause::Vantage { thing: *thing, names: *names },
        }
    }
}

fn reason(speaks_for: bool, text: String, thing: Option<u64>, at_ms: Option<i64>) -> Reason {
    Reason { speaks_for, text, thing, at_ms }
}

/// What speaks for a candidate of a group, then what speaks against it.
pub(crate) fn reasons(case: &Case<'_>, scored: &Scored, group: &Group, explained: usize) -> Vec<Reason> {
    let all = group.signs.len();
    let words = if all == 1 { "symptom" } else { "symptoms" };
    let mut list = vec![reason(true, format!("Explains {explained} of {all} {words}."), None, None)];
    list.extend(own(case, scored));
    list.extend(changed(case, scored));
    if group.cause.is_some() && !group.joined.is_empty() {
        let named: Vec<&str> = group.joined.values().take(JOINED_MAX).map(String::as_str).collect();
        let more = group.joined.len().saturating_sub(JOINED_MAX);
        let more = if more > 0 { format!(" And {more} more.") } else { String::new() };
        list.push(reason(true, format!("{}{more}", named.join(" ")), None, None));
    }
    list.extend(against(case, scored));
    let left = all - explained.min(all);
    if left > 0 && group.joined.is_empty() {
        let text = format!("Does not explain {left} of {all} {words}.");
        list.push(reason(false, text, None, None));
    }
    list
}

/// The candidate's own symptoms, or that nobody looks at it.
fn own(case: &Case<'_>, scored: &Scored) -> Option<Reason> {
    let Origin::Thing(place, state, _) = &scored.origin else {
        return match &scored.origin {
            Origin::Vantage(_, names) => Some(reason(true, blind_words(*names, scored), None, None)),
            _ => None,
        };
    };
    let thing = case.graph.id(*place);
    let known = case.looks.at(thing).find(|known| {
        known.bad_since.is_some()
            && case.table.explains(*state, known.what) > 0.2
            && scored.gains.iter().any(|(sign, ..)| case.sign(*sign).is_some_and(|sign| sign.key == known.look.key))
    });
    if let Some(known) = known {
        let since = known.bad_since.unwrap_or(scored.onset);
        let evidence = if known.evidence.is_empty() { known.what.words() } else { &known.evidence };
        return Some(reason(
            true,
            format!("Fails itself since {}: {evidence}.", clock(since)),
            Some(thing),
            Some(since),
        ));
    }
    let looked_at = case.looks.at(thing).next().is_some();
    (!looked_at)
        .then(|| reason(false, "Nobody looks at it: it is not seen to fail itself.".to_owned(), Some(thing), None))
}

fn blind_words(names: bool, scored: &Scored) -> String {
    let things = scored.things(|_| true);
    if names {
        return format!(
            "The names of {things} things cannot be looked up from here, and no other name could be since."
        );
    }
    format!("{things} things that have nothing else in common are bad from here at the same time.")
}

fn changed(case: &Case<'_>, scored: &Scored) -> Option<Reason> {
    let change = case.changes.get(scored.change?)?;
    let ago = span((scored.onset - change.at_ms).max(0));
    let text = match &scored.origin {
        Origin::Change(label) => {
            let touched = case.changes.iter().filter(|one| one.label == *label).count();
            format!("\"{}\" reached {touched} things, the first {ago} before.", change.words)
        }
        _ => format!("Changed {ago} before: {}.", change.words),
    };
    Some(reason(true, text, Some(change.thing), Some(change.at_ms)))
}

/// The looks that should be bad and were good.
fn against(case: &Case<'_>, scored: &Scored) -> Vec<Reason> {
    let mut worst: Vec<&(u64, f64, i64)> = scored.absent.iter().collect();
    worst.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let more = worst.len().saturating_sub(AGAINST_MAX);
    let named = worst.into_iter().take(AGAINST_MAX).filter_map(|(key, _, at)| {
        let known = case.looks.get(*key)?;
        let own = matches!(&scored.origin, Origin::Thing(place, ..) if case.graph.id(*place) == known.look.thing);
        let name = if own { "it" } else { case.graph.name(known.look.thing) };
        let too = if own { "" } else { " too" };
        let text = format!("Expected that {name} {}{too}; it was fine at {}.", known.look.what.words(), clock(*at));
        Some(reason(false, text, Some(known.look.thing), Some(*at)))
    });
    let mut list: Vec<Reason> = named.collect();
    if more > 0 {
        list.push(reason(false, format!("{more} more looks are fine that should not be."), None, None));
    }
    list
}
