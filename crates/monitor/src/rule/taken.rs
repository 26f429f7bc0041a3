//! What the alerts of a rule are taken as when causes are searched: what their label `symptom` says, else what the rule's
//! expression does. Their checks keep it.

use std::collections::{BTreeMap, BTreeSet};

use causes::What;
use kernel::{Actor, Handle, Result};

use super::NewRule;
use crate::limits::SLICE;
use crate::sign::expression;
use crate::store;

/// What the expression of a rule says; nothing of a rule that makes no alerts.
pub(super) fn word(rule: &rules::Rule) -> Option<What> {
    let taken = (rule.kind == rules::Kind::Alert).then(|| expression::taken(&rule.expr)).flatten();
    taken.map(|taken| taken.what)
}

/// What the alerts of a rule are taken as, and why, in words.
pub(super) fn said(rule: &rules::Rule) -> Option<String> {
    if rule.kind != rules::Kind::Alert {
        return None;
    }
    let label = rule.labels.iter().find(|(name, _)| name == "symptom").map(|(_, value)| value.as_str());
    Some(match (label, label.and_then(What::parse), expression::taken(&rule.expr)) {
        (_, Some(what), _) => format!("{}, as its label symptom says", what.as_str()),
        (Some(label), None, _) if label.contains("{{") => "what its label symptom says".to_owned(),
        (_, None, Some(taken)) => format!("{}, as it {}", taken.what.as_str(), taken.from),
        (_, None, None) => "other, as its expression says nothing that is known; a label symptom says it".to_owned(),
    })
}

/// True when a change of a rule changes what its alerts are taken as.
pub(super) fn differs(old: &NewRule, new: &NewRule) -> bool {
    old.rule.expr != new.rule.expr && word(&old.rule) != word(&new.rule)
}

/// Brings what the checks of alerts say to what their rules say: this program may read an expression otherwise than the one
/// before. At the start, before the checks are read.
pub(crate) fn renew(handle: &Handle) -> Result<()> {
    let mut kept: BTreeMap<i64, BTreeSet<String>> = BTreeMap::new();
    for (rule, word) in handle.db.read(store::rule_alerts::taken)? {
        kept.entry(rule).or_default().insert(word);
    }
    let ids: Vec<i64> = kept.keys().copied().collect();
    let mut wrong = Vec::new();
    for some in ids.chunks(SLICE) {
        for (id, rule) in handle.db.read(|tx| store::rules::by_id(tx, some))? {
            let word = word(&rule);
            let says = kept.get(&id).is_some_and(|kept| kept.iter().all(|kept| What::parse(kept) == word));
            if !says {
                wrong.push((id, word));
            }
        }
    }
    for (rule, word) in wrong {
        let write = move |cx: &mut kernel::Cx| store::rule_alerts::take(cx.tx, rule, word);
        handle.write_as(Actor::service("monitor", &["monitor.*"]), "monitor.rule.taken", write)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_says_what_an_alert_is_taken_as_and_else_its_expression() {
        let rule = |expr: &str, label: Option<&str>| {
            let labels = label.map(|label| ("symptom".to_owned(), label.to_owned())).into_iter().collect();
            said(&rules::Rule { expr: expr.into(), labels, ..rules::Rule::default() }).unwrap_or_default()
        };
        assert_eq!(rule("up == 0", None), "down, as it compares up");
        assert_eq!(rule("up == 0", Some("unreachable")), "unreachable, as its label symptom says");
        assert_eq!(rule("up == 0", Some("{{ $labels.kind }}")), "what its label symptom says");
        assert_eq!(rule("up == 0", Some("gone")), "down, as it compares up");
        assert!(rule("orders < 1", None).starts_with("other, as its expression says nothing"));
        let record = rules::Rule { kind: rules::Kind::Record, expr: "up == 0".into(), ..rules::Rule::default() };
        assert_eq!((said(&record), word(&record)), (None, None));
    }
}
