//! Alerts of rules in the database: each has a check, so that silences, groups, history and explanations know it.

use std::sync::Arc;

use kernel::{Actor, Cx, Error, Handle, LiveList, Ref, Result, Time};
use promql::Labels;
use rules::{Active, Phase};

use super::live::{Known, LiveRule};
use super::{NewRule, about, severity_word};
use crate::check::NewCheck;
use crate::group;
use crate::limits::{CHECKS_MAX, LABEL_VALUE_CHARS_MAX, LABELS_MAX, RULE_ALERT_MICROS, SLICE};
use crate::live::Monitor;
use crate::machine::Machine;
use crate::probe::Probe;
use crate::store::{self, rule_alerts::Kept};

fn actor() -> Actor {
    Actor::service("monitor", &["monitor.*"])
}

/// An alert whose row is behind.
#[derive(Clone)]
struct Behind {
    known: Option<Known>,
    alert: Option<Active>,
    labels: Labels,
}

/// Writes what changed: alerts that are new get a check, others their phase.
pub(super) fn keep(handle: &Handle, rule: &mut LiveRule, interval_ms: i64, at_ms: i64) -> Result<()> {
    let monitor = handle.get::<Monitor>()?;
    monitor.refresh(handle)?;
    // A check that somebody deleted is made again if its alert is still there.
    rule.known.retain(|_, known| monitor.has(known.check));
    let mut behind = Vec::new();
    for alert in rule.alerts.active() {
        let known = rule.known.get(&alert.labels).copied();
        if known.is_none_or(|known| known.phase != Some(alert.phase)) {
            behind.push(Behind { known, alert: Some(alert.clone()), labels: alert.labels.clone() });
        }
    }
    let active: std::collections::HashSet<&Labels> = rule.alerts.active().map(|one| &one.labels).collect();
    for (labels, known) in &rule.known {
        if known.phase.is_some() && !active.contains(labels) {
            behind.push(Behind { known: Some(*known), alert: None, labels: labels.clone() });
        }
    }
    let shape = Arc::new((rule.id, rule.stored.new.clone(), interval_ms));
    for some in behind.chunks(SLICE) {
        let (some, shape, at) = (some.to_vec(), shape.clone(), Time(at_ms.saturating_mul(1_000)));
        let inside = some.clone();
        let written = handle.write_as(actor(), "monitor.rule.alerts", move |cx| {
            inside.iter().map(|one| write(cx, &shape, one, at)).collect::<Result<Vec<Known>>>()
        })?;
        rule.known.extend(some.into_iter().map(|one| one.labels).zip(written));
    }
    Ok(())
}

fn word(phase: Option<Phase>) -> &'static str {
    phase.map_or("over", Phase::as_str)
}

fn write(cx: &mut Cx, shape: &(i64, NewRule, i64), one: &Behind, at: Time) -> Result<Known> {
    let phase = one.alert.as_ref().map(|alert| alert.phase);
    let time = |ms: i64| Time(ms.saturating_mul(1_000));
    let (active, fired) = match &one.alert {
        Some(alert) => (time(alert.active_at_ms), alert.fired_at_ms.map_or(Time(0), time)),
        None => (Time(0), Time(0)),
    };
    match (one.known, &one.alert) {
        (Some(known), _) => {
            let ended = if phase.is_none() { at } else { Time(0) };
            store::rule_alerts::moved(cx.tx, known.row, word(phase), active, fired, ended)?;
            Ok(Known { phase, ..known })
        }
        (None, Some(alert)) => {
            let check = new_check(cx, shape, alert)?;
            let words =
                |labels: &Labels| labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let kept = Kept {
                id: 0,
                rule: shape.0,
                check,
                labels: words(&alert.labels),
                source: words(&alert.source),
                phase: word(phase).to_owned(),
                active_at: active,
                fired_at: fired,
            };
            let row = store::rule_alerts::insert(cx.tx, &kept)?;
            Ok(Known { row, check, phase })
        }
        (None, None) => Err(Error::internal("rule-alert-unknown", shape.0)),
    }
}

/// The check of an alert: the rule is its probe, the server looks.
fn new_check(cx: &mut Cx, (rule, new, interval_ms): &(i64, NewRule, i64), alert: &Active) -> Result<i64> {
    if store::checks::count_all(cx.tx)? >= CHECKS_MAX {
        return Err(Error::over_limit(format!("There are {CHECKS_MAX} checks already, the most there may be.")));
    }
    let asset = about::asset(cx.tx, &alert.labels, new.asset)?;
    let brief = match asset {
        Some(id) => assets::brief(cx.tx, &[id])?.remove(&id),
        None => None,
    };
    let severity = alert.labels.get("severity").map_or(new.severity, severity_word);
    let probe =
        alert.labels.iter().map(|(name, value)| (name.to_owned(), kernel::text::shorten(value, LABEL_VALUE_CHARS_MAX)));
    let made = NewCheck {
        name: name(&new.rule, &alert.labels, brief.as_ref().map(|brief| brief.name.as_str())),
        asset,
        vantage: None,
        probe: Probe::Rule { rule: *rule, labels: probe.collect() },
        interval_s: (interval_ms / 1_000).max(1),
        fire_n: 1,
        fire_m: 1,
        clear_k: 1,
        for_ms: new.rule.for_ms,
        keep_firing_ms: 0,
        labels: labels(&alert.labels),
        severity,
        team: new.team,
        asset_team: brief.as_ref().and_then(|brief| brief.team),
        place: brief.as_ref().and_then(|brief| brief.place),
        owner: brief.and_then(|brief| brief.owner),
    };
    let machine =
        serde_json::to_string(&Machine::new(cx.now)).map_err(|error| Error::internal("machine-not-json", error))?;
    let (id, _) = store::checks::insert(cx.tx, &made, &machine, cx.now)?;
    cx.touch(Ref::new("check", id));
    cx.touch(LiveList::Alerts.reference());
    Ok(id)
}

/// The labels by which it is routed: our own number of the asset is no name of it.
fn labels(all: &Labels) -> crate::Labels {
    let kept = all.iter().filter(|(name, value)| !(*name == "asset" && value.parse::<i64>().is_ok()));
    let clean = |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    let kept = kept.map(|(name, value)| (name.to_owned(), kernel::text::shorten(&clean(value), LABEL_VALUE_CHARS_MAX)));
    crate::Labels(kept.take(LABELS_MAX).collect())
}

/// The rule's name and what sets this alert apart.
fn name(rule: &rules::Rule, labels: &Labels, asset: Option<&str>) -> String {
    let own = |name: &str| rule.labels.iter().any(|(known, _)| known == name);
    let host = |value: &str| asset.is_some_and(|asset| value.split([':', '.']).next() == asset.split('.').next());
    let apart: Vec<String> = labels
        .iter()
        .filter(|(name, value)| !own(name) && !matches!(*name, "alertname" | "asset" | "job") && !host(value))
        .map(|(_, value)| value.to_owned())
        .collect();
    let clean = |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    let text = if apart.is_empty() { rule.name.clone() } else { format!("{}: {}", rule.name, apart.join(", ")) };
    kernel::text::shorten(&clean(&text), 120)
}

/// Takes away checks of alerts that ended a while ago, and of rules that are gone. Harmless to repeat.
pub fn clean(handle: &Handle) -> Result<()> {
    let before = handle.now().plus(-RULE_ALERT_MICROS);
    let limit = i64::try_from(SLICE).unwrap_or(1);
    let past = handle.db.read(|tx| store::rule_alerts::past(tx, before, limit))?;
    if past.is_empty() {
        return Ok(());
    }
    handle.write_as(actor(), "monitor.rule.clean", move |cx| {
        for (_, id) in &past {
            let Some(check) = store::checks::by_id(cx.tx, &[*id])?.into_iter().next() else { continue };
            if let Some(of) = check.group {
                store::alerts::set_group(cx.tx, check.id, None)?;
                let why = format!("The rule of \"{}\" was deleted; nobody looks any more.", check.name);
                group::recover::left(cx, of, check.id, vec![why])?;
            }
            store::checks::delete(cx.tx, check.id)?;
            cx.touch(check.reference());
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_named_by_what_sets_its_alert_apart() {
        let rule = rules::Rule {
            name: "DiskFull".into(),
            labels: vec![("severity".into(), "page".into())],
            ..rules::Rule::default()
        };
        let all = [
            ("alertname", "DiskFull"),
            ("severity", "page"),
            ("instance", "web-01:9100"),
            ("mount", "/var"),
            ("job", "n"),
        ];
        let of = Labels::from_pairs(all);
        assert_eq!(name(&rule, &of, None), "DiskFull: web-01:9100, /var");
        assert_eq!(name(&rule, &of, Some("web-01")), "DiskFull: /var");
        assert_eq!(name(&rule, &Labels::from_pairs([("alertname", "DiskFull")]), None), "DiskFull");
        let routed = labels(&of.with("asset", "7").with("x", "a\nb"));
        assert_eq!((routed.get("asset"), routed.get("x"), routed.get("mount")), (None, Some("a b"), Some("/var")));
    }
}
