//! Who may give what: nobody gives more than they hold. And what is left of a grant under a token's patterns.

use kernel::permission::matches;
use kernel::{Cx, Error, Grant, Result, Scope, Time};

/// Refuses unless the actor holds each of the grants, as far and for as long.
pub(crate) fn must_cover(cx: &Cx, wanted: &[Grant]) -> Result<()> {
    match wanted.iter().find(|one| !covered(&cx.actor.grants, one, cx.now)) {
        None => Ok(()),
        Some(one) => Err(Error::conflict(format!(
            "You do not hold \"{}\" as far yourself, so you cannot give it or act for somebody who holds it. Ask an administrator who does.",
            one.pattern
        ))),
    }
}

fn covered(held: &[Grant], wanted: &Grant, now: Time) -> bool {
    held.iter().filter(|grant| grant.expires_at.is_none_or(|end| now < end)).any(|grant| covers(grant, wanted))
}

/// Whether one grant holds all of another: every operation, every row, until the same moment.
fn covers(held: &Grant, wanted: &Grant) -> bool {
    // A star in the wanted pattern is read as a letter here: it must fall under a star of the held pattern.
    matches(&held.pattern, &wanted.pattern) && scope_covers(&held.scope, &wanted.scope) && lasts(held, wanted)
}

fn lasts(held: &Grant, wanted: &Grant) -> bool {
    match (held.expires_at, wanted.expires_at) {
        (None, _) => true,
        (Some(held), Some(wanted)) => wanted <= held,
        (Some(_), None) => false,
    }
}

fn scope_covers(held: &Scope, wanted: &Scope) -> bool {
    let within = |held: &[i64], wanted: &[i64]| wanted.iter().all(|id| held.contains(id));
    match (held, wanted) {
        (Scope::Everything, _) | (Scope::Own, Scope::Own) => true,
        (Scope::Places(held), Scope::Places(wanted)) | (Scope::Teams(held), Scope::Teams(wanted)) => {
            within(held, wanted)
        }
        _ => false,
    }
}

/// What is left of a grant under patterns: never more than the grant, never more than a pattern.
pub(crate) fn narrowed(grant: &Grant, patterns: &[String]) -> Vec<Grant> {
    let left = patterns.iter().filter_map(|pattern| both(&grant.pattern, pattern));
    left.map(|pattern| Grant { pattern, ..grant.clone() }).collect()
}

/// A pattern for names that fit both; where that cannot be written as one pattern, none.
fn both(one: &str, two: &str) -> Option<String> {
    if matches(one, two) {
        return Some(two.to_owned());
    }
    if matches(two, one) {
        return Some(one.to_owned());
    }
    let prefix = |text: &str| text.strip_suffix('*').filter(|rest| !rest.contains('*')).map(str::to_owned);
    let suffix = |text: &str| text.strip_prefix('*').filter(|rest| !rest.contains('*')).map(str::to_owned);
    let join = |front: Option<String>, back: Option<String>| Some(format!("{}*{}", front?, back?));
    join(prefix(one), suffix(two)).or_else(|| join(prefix(two), suffix(one)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(pattern: &str, scope: Scope) -> Grant {
        Grant { pattern: pattern.into(), scope, expires_at: None }
    }

    #[test]
    fn a_grant_covers_narrower_operations_rows_and_times_only() {
        let held = grant("desk.*", Scope::Places(vec![1, 2]));
        for (pattern, scope, expected) in [
            ("desk.ticket.open", Scope::Places(vec![2]), true),
            ("desk.*.list", Scope::Places(vec![]), true),
            ("desk.*", Scope::Places(vec![1, 2]), true),
            ("desk.*", Scope::Places(vec![1, 3]), false),
            ("desk.*", Scope::Everything, false),
            ("desk.*", Scope::Teams(vec![1]), false),
            ("desk.*", Scope::Own, false),
            ("*", Scope::Places(vec![1]), false),
            ("*.list", Scope::Places(vec![1]), false),
        ] {
            assert_eq!(covers(&held, &grant(pattern, scope.clone())), expected, "{pattern} {scope:?}");
        }
        let ending = Grant { expires_at: Some(Time(5)), ..grant("*", Scope::Everything) };
        assert!(!covers(&ending, &grant("a", Scope::Own)), "what ends is not given for ever");
        assert!(covers(&ending, &Grant { expires_at: Some(Time(5)), ..grant("a", Scope::Own) }));
    }

    #[test]
    fn patterns_of_a_token_leave_what_both_allow() {
        for (one, two, left) in [
            ("*", "desk.ticket.list", Some("desk.ticket.list")),
            ("desk.ticket.list", "*", Some("desk.ticket.list")),
            ("desk.*", "*.list", Some("desk.*.list")),
            ("*.list", "desk.*", Some("desk.*.list")),
            ("desk.*", "assets.*", None),
            ("desk.ticket.open", "*.list", None),
        ] {
            assert_eq!(both(one, two).as_deref(), left, "{one} and {two}");
        }
    }

    #[test]
    fn what_is_left_under_patterns_never_matches_a_name_that_one_of_both_does_not() {
        let patterns = ["*", "desk.*", "*.list", "desk.ticket.*", "*.ticket.*", "desk.ticket.list", "d*t", "*a*b*"];
        let names =
            ["desk.ticket.list", "desk.view.list", "assets.thing.list", "desk.list", "dt", "ab", "desk.ticket.open"];
        for one in patterns {
            for two in patterns {
                let Some(left) = both(one, two) else { continue };
                for name in names.iter().filter(|name| matches(&left, name)) {
                    assert!(matches(one, name) && matches(two, name), "{one} and {two} gave {left} for {name}");
                }
            }
        }
    }
}
