//! What an evaluation means for the checks of a rule's alerts.

use std::collections::HashMap;
use std::time::Duration;

use kernel::Time;
use promql::format_value;
use rules::Active;

use super::seat::{Memory, Post};
use crate::live::Fed;
use crate::machine::Outcome;

/// One result for each alert that has a check. `unknown` says why the rule could not be evaluated.
pub(super) fn results(post: &Post, memory: &Memory, unknown: Option<&str>, (at_ms, took): (i64, Duration)) -> Vec<Fed> {
    let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let at = Time(at_ms.saturating_mul(1_000));
    let expr = post.stored.new.rule.expr.trim();
    let active: HashMap<_, _> = memory.alerts.active().map(|one| (&one.labels, one)).collect();
    let mut fed = Vec::with_capacity(memory.known.len());
    for (labels, known) in &memory.known {
        let (outcome, value, evidence) = match (unknown, active.get(labels)) {
            (Some(why), _) => (Outcome::Unknown, None, why.to_owned()),
            // Its series give no value: nobody knows, and after a while the check says so.
            (None, Some(one)) if one.unknown => continue,
            (None, Some(one)) if one.keeping_since_ms.is_some() => {
                let keeps = promql::format_duration(post.stored.new.rule.keep_firing_ms);
                (Outcome::Bad, None, format!("Not true any more; the rule keeps it out for {keeps}: {expr}"))
            }
            (None, Some(one)) => (Outcome::Bad, Some(one.value), said(expr, one)),
            (None, None) => (Outcome::Good, None, format!("Not true any more: {expr}")),
        };
        fed.push(Fed { check: known.check, outcome, value, at, took_us, evidence });
    }
    fed
}

/// The checks whose alerts nothing is known of, with the part of the expression that gives no value of them any more.
pub(super) fn lost(memory: &Memory) -> Vec<(i64, String)> {
    let of = |one: &Active| Some((memory.known.get(&one.labels)?.check, one.lost()?.to_owned()));
    memory.alerts.active().filter_map(of).collect()
}

/// What is seen, in the words of the rule if it has any.
fn said(expr: &str, alert: &Active) -> String {
    let words = ["summary", "description", "message"].iter().find_map(|name| alert.annotations.get(name));
    let value = format_value(alert.value);
    match words.map(str::trim).filter(|words| !words.is_empty()) {
        Some(words) => format!("{words} (value {value})"),
        None => format!("The value is {value}: {expr}"),
    }
}
