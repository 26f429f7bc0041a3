//! Who may give what: nobody gives more than they hold.

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
}
