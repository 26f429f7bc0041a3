//! Alerts of rules in the database: each has a check, so that silences, groups, history and explanations know it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use kernel::{Actor, Cx, Error, Handle, LiveList, Ref, Result, Time};
use promql::Labels;
use rules::Active;

use super::seat::{Known, Memory, Post, since};
use super::{NewRule, about, severity_word, taken};
use crate::check::NewCheck;
use crate::group;
use crate::limits::{CHECKS_MAX, LABEL_VALUE_CHARS_MAX, LABELS_MAX, RULE_ALERT_MICROS, SLICE};
use crate::live::Monitor;
use crate::machine::Machine;
use crate::probe::Probe;
use crate::store::{self, rule_alerts::Stand};

fn actor() -> Actor {
    Actor::service("monitor", &["monitor.*"])
}

/// An alert whose row is behind.
#[derive(Clone)]
struct Behind {
    known: Option<Known>,
    alert: Option<Active>,
    labels: Labels,
    /// Another alert of the rule would be called the same.
    alike: bool,
}

/// What a rule's alerts have in common.
struct Shape {
    rule: i64,
    new: NewRule,
    interval_ms: i64,
    /// The assets that the addresses in labels of new alerts stand for.
    addresses: BTreeMap<String, i64>,
    /// What its alerts are taken as.
    taken: Option<causes::What>,
}

/// Writes what changed: alerts that are new get a check, others how they stand.
pub(super) fn keep(handle: &Handle, post: &Post, memory: &mut Memory, interval_ms: i64, at_ms: i64) -> Result<()> {
    let monitor = handle.get::<Monitor>()?;
    monitor.refresh(handle)?;
    forget(&monitor, memory);
    let mut behind = Vec::new();
    for alert in memory.alerts.active() {
        let known = memory.known.get(&alert.labels).copied();
        if known.is_none_or(|known| !known.says(alert)) {
            let labels = alert.labels.clone();
            behind.push(Behind { known, alert: Some(alert.clone()), labels, alike: false });
        }
    }
    let active: HashSet<&Labels> = memory.alerts.active().map(|one| &one.labels).collect();
    for (labels, known) in &memory.known {
        if known.stored.is_some() && !active.contains(labels) {
            behind.push(Behind { known: Some(*known), alert: None, labels: labels.clone(), alike: false });
        }
    }
    if behind.is_empty() {
        return Ok(());
    }
    mark_alike(&mut behind, &post.stored.new.rule, active.iter().copied().chain(memory.known.keys()));
    // The interfaces of all machines are read for it, while nobody waits for the database.
    let fresh = || behind.iter().filter(|one| one.known.is_none()).map(|one| &one.labels);
    let addresses = handle.db.read(|tx| about::addresses(tx, fresh()))?;
    let shape = Arc::new(Shape {
        rule: post.id,
        new: post.stored.new.clone(),
        interval_ms,
        taken: taken::word(&post.stored.new.rule),
        addresses,
    });
    let mut done = Ok(());
    let mut waiting: Vec<Vec<Behind>> = behind.chunks(SLICE).map(<[Behind]>::to_vec).collect();
    while let Some(some) = waiting.pop() {
        match put(handle, &shape, &some, Time(at_ms.saturating_mul(1_000))) {
            Ok(written) => memory.known.extend(some.into_iter().map(|one| one.labels).zip(written)),
            // One that cannot be written does not hold up the others.
            Err(error) if some.len() > 1 && !error.is_passing() => {
                let (first, second) = some.split_at(some.len() / 2);
                waiting.extend([first.to_vec(), second.to_vec()]);
            }
            Err(error) => {
                let passing = error.is_passing();
                done = done.and(Err(error));
                if passing {
                    break;
                }
            }
        }
    }
    done
}

/// Marks those without a check that would be called as another alert of the rule is.
fn mark_alike<'a>(behind: &mut [Behind], rule: &rules::Rule, all: impl Iterator<Item = &'a Labels>) {
    if behind.iter().all(|one| one.known.is_some()) {
        return;
    }
    let mut by_name: HashMap<Vec<String>, HashSet<&Labels>> = HashMap::new();
    for labels in all {
        by_name.entry(shortest(rule, labels)).or_default().insert(labels);
    }
    for one in behind.iter_mut().filter(|one| one.known.is_none()) {
        one.alike = by_name.get(&shortest(rule, &one.labels)).is_some_and(|those| those.len() > 1);
    }
}

/// A check that somebody deleted is made again if its alert is true; one of which nothing is known goes with its check.
fn forget(monitor: &Monitor, memory: &mut Memory) {
    let gone: Vec<Labels> =
        memory.known.iter().filter(|(_, known)| !monitor.has(known.check)).map(|(labels, _)| labels.clone()).collect();
    for labels in gone {
        memory.known.remove(&labels);
        memory.alerts.dismiss(&labels);
    }
}

/// Writes some in one transaction.
fn put(handle: &Handle, shape: &Arc<Shape>, some: &[Behind], at: Time) -> Result<Vec<Known>> {
    let (some, shape) = (some.to_vec(), shape.clone());
    handle.write_as(actor(), "monitor.rule.alerts", move |cx| {
        if !store::rules::is_there(cx.tx, shape.rule)? {
            // It was deleted meanwhile, and its checks go.
            return Ok(Vec::new());
        }
        let fresh: Vec<&Labels> = some.iter().filter(|one| one.known.is_none()).map(|one| &one.labels).collect();
        let abouts = about::assets(cx.tx, &fresh, shape.new.asset, &shape.addresses)?;
        if !fresh.is_empty() {
            let count = store::checks::count_all(cx.tx)?;
            if count.saturating_add(i64::try_from(fresh.len()).unwrap_or(i64::MAX)) > CHECKS_MAX {
                let why = format!("There are {count} checks; {CHECKS_MAX} are the most there may be.");
                return Err(Error::over_limit(why));
            }
        }
        let mut abouts = abouts.into_iter();
        let mut written = Vec::with_capacity(some.len());
        for one in &some {
            let about = if one.known.is_none() { abouts.next().flatten() } else { None };
            written.push(write(cx, &shape, one, about, at)?);
        }
        Ok(written)
    })
}

fn write(cx: &mut Cx, shape: &Shape, one: &Behind, about: Option<(i64, assets::Brief)>, at: Time) -> Result<Known> {
    let time = |ms: i64| Time(ms.saturating_mul(1_000));
    let stands = one.alert.as_ref().map(|alert| (alert.phase, since(alert)));
    let stand = match stands {
        Some((phase, since)) => Stand {
            phase: phase.as_str(),
            active_at: time(since.active_at_ms),
            fired_at: since.fired_at_ms.map_or(Time(0), time),
            keeping_at: since.keeping_since_ms.map_or(Time(0), time),
            ended_at: Time(0),
            value: one.alert.as_ref().map(|alert| alert.value).filter(|value| value.is_finite()),
        },
        None => Stand {
            phase: "over",
            active_at: Time(0),
            fired_at: Time(0),
            keeping_at: Time(0),
            ended_at: at,
            value: None,
        },
    };
    match (one.known, &one.alert) {
        (Some(known), _) => {
            store::rule_alerts::moved(cx.tx, known.row, &stand)?;
            Ok(Known { stored: stands, ..known })
        }
        (None, Some(alert)) => {
            let check = new_check(cx, shape, (alert, one.alike), about)?;
            let row = store::rule_alerts::insert(cx.tx, (shape.rule, check), (&alert.labels, &alert.source), &stand)?;
            Ok(Known { row, check, stored: stands })
        }
        (None, None) => Err(Error::internal("rule-alert-unknown", shape.rule)),
    }
}

/// The check of an alert: the rule is its probe, the server looks.
fn new_check(
    cx: &mut Cx,
    shape: &Shape,
    (alert, alike): (&Active, bool),
    about: Option<(i64, assets::Brief)>,
) -> Result<i64> {
    let new = &shape.new;
    let (asset, brief) = about.unzip();
    let severity = alert.labels.get("severity").map_or(new.severity, severity_word);
    let probe =
        alert.labels.iter().map(|(name, value)| (name.to_owned(), kernel::text::shorten(value, LABEL_VALUE_CHARS_MAX)));
    let made = NewCheck {
        name: name(&new.rule, &alert.labels, brief.as_ref().map(|brief| brief.name.as_str()), alike),
        asset,
        vantage: None,
        probe: Probe::Rule { rule: shape.rule, labels: probe.collect() },
        interval_s: (shape.interval_ms / 1_000).max(1),
        fire_n: 1,
        fire_m: 1,
        clear_k: 1,
        for_ms: new.rule.for_ms,
        keep_firing_ms: 0,
        labels: labels(&new.rule, &alert.labels),
        severity,
        team: new.team,
        asset_team: brief.as_ref().and_then(|brief| brief.team),
        place: brief.as_ref().and_then(|brief| brief.place),
        owner: brief.and_then(|brief| brief.owner),
        taken: shape.taken,
    };
    let machine =
        serde_json::to_string(&Machine::new(cx.now)).map_err(|error| Error::internal("machine-not-json", error))?;
    let (id, _) = store::checks::insert(cx.tx, &made, &machine, cx.now)?;
    cx.touch(Ref::new("check", id));
    cx.touch(LiveList::Alerts.reference());
    Ok(id)
}

/// The labels by which it is routed: our own number of the asset is no name of it. Where there are too many, those that say
/// whom it is for stay.
fn labels(rule: &rules::Rule, all: &Labels) -> crate::Labels {
    let kept = all.iter().filter(|(name, value)| !(*name == "asset" && value.parse::<i64>().is_ok()));
    let first = |name: &str| match name {
        "alertname" | "severity" | "symptom" => 0,
        _ if rule.labels.iter().any(|(own, _)| own == name) => 1,
        _ => 2,
    };
    let mut kept: Vec<(&str, &str)> = kept.collect();
    kept.sort_by_key(|(name, _)| first(name));
    let clean = |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    let of =
        |(name, value): (&str, &str)| (name.to_owned(), kernel::text::shorten(&clean(value), LABEL_VALUE_CHARS_MAX));
    crate::Labels(kept.into_iter().take(LABELS_MAX).map(of).collect())
}

/// True for a label whose value may set an alert of a rule apart: it is none of the rule itself, and not our own.
fn telling(rule: &rules::Rule, name: &str) -> bool {
    !rule.labels.iter().any(|(known, _)| known == name) && !matches!(name, "alertname" | "asset")
}

/// What is left of the name of an alert when everything is left out that may be: two with the same may have the same name.
fn shortest(rule: &rules::Rule, labels: &Labels) -> Vec<String> {
    let kept = labels.iter().filter(|(name, _)| telling(rule, name) && *name != "job");
    kept.map(|(_, value)| value.split(':').next().unwrap_or_default().to_owned()).collect()
}

/// The rule's name and what sets this alert apart. The name of the asset and the job are left out, unless there is an
/// alert that is called the same then.
fn name(rule: &rules::Rule, labels: &Labels, asset: Option<&str>, alike: bool) -> String {
    let host = |value: &str| asset.is_some_and(|asset| value.split([':', '.']).next() == asset.split('.').next());
    let apart: Vec<String> = labels
        .iter()
        .filter(|(name, value)| telling(rule, name) && (alike || (*name != "job" && !host(value))))
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
        assert_eq!(name(&rule, &of, None, false), "DiskFull: web-01:9100, /var");
        assert_eq!(name(&rule, &of, Some("web-01"), false), "DiskFull: /var");
        assert_eq!(name(&rule, &of, Some("web-01"), true), "DiskFull: web-01:9100, n, /var");
        assert_eq!(name(&rule, &Labels::from_pairs([("alertname", "DiskFull")]), None, false), "DiskFull");
        let routed = labels(&rule, &of.with("asset", "7").with("x", "a\nb"));
        assert_eq!((routed.get("asset"), routed.get("x"), routed.get("mount")), (None, Some("a b"), Some("/var")));
    }

    #[test]
    fn of_too_many_labels_those_that_say_whom_it_is_for_stay() {
        let many: Vec<String> = (0..LABELS_MAX).map(|n| format!("a{n:02}")).collect();
        let own = vec![("severity".into(), "page".into()), ("zone".into(), "north".into())];
        let rule = rules::Rule { name: "Full".into(), labels: own, ..rules::Rule::default() };
        let own = [("severity", "page"), ("symptom", "down"), ("zone", "north"), ("zz", "x")];
        let all = Labels::from_pairs(many.iter().map(|name| (name.as_str(), "x")).chain(own));
        let kept = labels(&rule, &all.with("alertname", "Full"));
        assert_eq!(kept.0.len(), LABELS_MAX);
        for name in ["alertname", "severity", "symptom", "zone", "a00"] {
            assert!(kept.get(name).is_some(), "{name}");
        }
        assert_eq!((kept.get("zz"), kept.get("a19")), (None, None));
    }

    #[test]
    fn alerts_of_a_rule_that_differ_in_what_a_name_leaves_out_are_told_apart() {
        let rule = rules::Rule { name: "HighLoad".into(), ..rules::Rule::default() };
        let of = |instance: &str, job: &str| {
            Labels::from_pairs([("alertname", "HighLoad"), ("instance", instance), ("job", job)])
        };
        let all = [
            of("10.0.0.1:7712", "a"),
            of("10.0.0.1:7712", "b"),
            of("10.0.0.2:1", "a"),
            of("web-01:1", "a"),
            of("web-01:2", "a"),
        ];
        let fresh = |labels: &Labels| Behind { known: None, alert: None, labels: labels.clone(), alike: false };
        let mut behind: Vec<Behind> = all.iter().map(fresh).collect();
        mark_alike(&mut behind, &rule, all.iter());
        let named = |asset| behind.iter().map(|one| name(&rule, &one.labels, asset, one.alike)).collect::<Vec<_>>();
        let names = named(Some("web-01"));
        assert_eq!(
            names,
            [
                "HighLoad: 10.0.0.1:7712, a",
                "HighLoad: 10.0.0.1:7712, b",
                "HighLoad: 10.0.0.2:1",
                "HighLoad: web-01:1, a",
                "HighLoad: web-01:2, a"
            ]
        );
    }
}
