//! Rules and alerts in the form of Prometheus' HTTP API, so that Grafana lists them.

use std::collections::BTreeSet;

use kernel::{Asked, Handle, Reach, Said};
use promql::{Labels, Matcher};
use rules::Active;

use super::ask;
use super::json::{self, Failure};
use crate::live::lock;
use crate::rule::live::Engine;
use crate::rule::seat::{Post, Seat};

/// What a request narrows the rules to.
struct Wanted {
    kind: Option<rules::Kind>,
    names: BTreeSet<String>,
    groups: BTreeSet<String>,
    files: BTreeSet<String>,
    matchers: Vec<Vec<Matcher>>,
    without_alerts: bool,
    limit: usize,
    after: Option<String>,
}

impl Wanted {
    fn of(asked: &Asked) -> Result<Self, Failure> {
        let all = |name: &str| asked.all(name).map(str::to_owned).collect();
        let kind = match asked.field("type").unwrap_or_default() {
            "" => None,
            "alert" => Some(rules::Kind::Alert),
            "record" => Some(rules::Kind::Record),
            other => return Err(Failure::parameter("type", format!("not supported value \"{other}\""))),
        };
        let without_alerts = match asked.field("exclude_alerts").unwrap_or_default() {
            "" | "false" | "0" => false,
            "true" | "1" => true,
            other => {
                return Err(Failure::parameter(
                    "exclude_alerts",
                    format!("error converting exclude_alerts: \"{other}\""),
                ));
            }
        };
        Ok(Self {
            kind,
            names: all("rule_name[]"),
            groups: all("rule_group[]"),
            files: all("file[]"),
            matchers: ask::selectors(asked)?,
            without_alerts,
            limit: ask::count(asked, "group_limit")?,
            after: asked.field("group_next_token").map(str::to_owned),
        })
    }

    fn group(&self, group: &Seat) -> bool {
        let file = group.file.as_deref().unwrap_or(OWN);
        (self.groups.is_empty() || self.groups.contains(&group.def.name))
            && (self.files.is_empty() || self.files.contains(file))
    }

    fn rule(&self, rule: &Post) -> bool {
        let said = &rule.stored.new.rule;
        let labels = Labels::from_pairs(rule.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let fits = |all: &Vec<Matcher>| all.iter().all(|matcher| matcher.matches(&labels));
        self.kind.is_none_or(|kind| kind == said.kind)
            && (self.names.is_empty() || self.names.contains(&said.name))
            && (self.matchers.is_empty() || self.matchers.iter().any(fits))
    }
}

/// What the file of the house's own rules is called.
const OWN: &str = "mainstay.yml";

/// True when a reach covers a rule.
fn covers(reach: &Reach, rule: &Post) -> bool {
    let new = &rule.stored.new;
    reach.everything
        || new.place.is_some_and(|place| reach.places.contains(&place))
        || new.team.or(new.asset_team).is_some_and(|team| reach.teams.contains(&team))
        || (reach.own.is_some() && new.owner == reach.own)
}

/// `/prometheus/api/v1/rules`
pub(super) fn rules(kernel: &Handle, asked: &Asked) -> Said {
    let answered = Wanted::of(asked).and_then(|wanted| {
        let engine = kernel.get::<Engine>().map_err(|error| Failure::internal(error.message))?;
        Ok(all_rules(&engine, &wanted, &asked.reach))
    });
    answered.unwrap_or_else(|failure| failure.said())
}

fn all_rules(engine: &Engine, wanted: &Wanted, reach: &Reach) -> Said {
    let groups = engine.all();
    let (mut listed, mut next) = (Vec::new(), None);
    let mut begun = wanted.after.is_none();
    for group in &groups {
        let token = format!("{}:{}", group.file.as_deref().unwrap_or(OWN), group.def.name);
        if !begun {
            begun = wanted.after.as_ref() == Some(&token);
            continue;
        }
        if !wanted.group(group) || !group.rules.iter().any(|rule| covers(reach, rule) && wanted.rule(rule)) {
            continue;
        }
        if listed.len() >= wanted.limit {
            next = listed.last().map(|(token, _): &(String, Vec<u8>)| token.clone());
            break;
        }
        let mut out = Vec::new();
        write_group(&mut out, group, wanted, reach);
        listed.push((token, out));
    }
    json::success(&[], &[], |out| {
        out.extend_from_slice(b"{\"groups\":");
        json::list(out, &listed, |out, (_, group)| out.extend_from_slice(group));
        if let Some(next) = &next {
            field(out, ",\"groupNextToken\":", next);
        }
        out.push(b'}');
    })
}

fn field(out: &mut Vec<u8>, name: &str, text: &str) {
    out.extend_from_slice(name.as_bytes());
    json::text(out, text);
}

fn write_group(out: &mut Vec<u8>, group: &Seat, wanted: &Wanted, reach: &Reach) {
    field(out, "{\"name\":", &group.def.name);
    field(out, ",\"file\":", group.file.as_deref().unwrap_or(OWN));
    out.extend_from_slice(b",\"rules\":");
    let shown: Vec<&Post> = group.rules.iter().filter(|rule| covers(reach, rule) && wanted.rule(rule)).collect();
    json::list(out, &shown, |out, rule| write_rule(out, rule, wanted));
    let pace = lock(&group.pace).clone();
    let rest = format!(
        ",\"interval\":{},\"limit\":{},\"evaluationTime\":{},\"lastEvaluation\":",
        seconds(group.interval_ms),
        group.def.limit.unwrap_or(0),
        pace.took.as_secs_f64()
    );
    out.extend_from_slice(rest.as_bytes());
    json::text(out, &stamp(pace.evaluated_ms));
    out.push(b'}');
}

fn write_rule(out: &mut Vec<u8>, rule: &Post, wanted: &Wanted) {
    let (said, seen) = (&rule.stored.new.rule, rule.slot.seen());
    let expr = ::rules::parse_expression(&said.expr).map_or_else(|_| said.expr.clone(), |expr| expr.to_string());
    let alerting = said.kind == rules::Kind::Alert;
    if alerting {
        let phases = || seen.active.iter().map(|(one, _)| one.phase);
        field(out, "{\"state\":", phases().max().map_or("inactive", rules::Phase::as_str));
        field(out, ",\"name\":", &said.name);
        field(out, ",\"query\":", &expr);
        let times =
            format!(",\"duration\":{},\"keepFiringFor\":{}", seconds(said.for_ms), seconds(said.keep_firing_ms));
        out.extend_from_slice(times.as_bytes());
    } else {
        field(out, "{\"name\":", &said.name);
        field(out, ",\"query\":", &expr);
    }
    if alerting || !rule.labels.is_empty() {
        out.extend_from_slice(b",\"labels\":");
        json::labels(out, &Labels::from_pairs(rule.labels.iter().map(|(name, value)| (name, value))));
    }
    if alerting {
        let own = said.annotations.iter().filter(|(name, _)| !name.starts_with(rules::PREFIX));
        out.extend_from_slice(b",\"annotations\":");
        json::labels(out, &Labels::from_pairs(own.map(|(name, value)| (name, value))));
        let active: Vec<&Active> =
            if wanted.without_alerts { Vec::new() } else { seen.active.iter().map(|(one, _)| one).collect() };
        if !wanted.without_alerts {
            out.extend_from_slice(b",\"alerts\":");
            json::list(out, &active, |out, alert| write_alert(out, alert));
        }
    }
    field(out, ",\"health\":", seen.health());
    if let Some(error) = &seen.error {
        field(out, ",\"lastError\":", error);
    }
    out.extend_from_slice(format!(",\"evaluationTime\":{},\"lastEvaluation\":", seen.took.as_secs_f64()).as_bytes());
    json::text(out, &stamp(seen.evaluated_ms));
    field(out, ",\"type\":", if alerting { "alerting" } else { "recording" });
    out.push(b'}');
}

fn write_alert(out: &mut Vec<u8>, alert: &Active) {
    out.extend_from_slice(b"{\"labels\":");
    json::labels(out, &alert.labels);
    out.extend_from_slice(b",\"annotations\":");
    json::labels(out, &alert.annotations);
    field(out, ",\"state\":", alert.phase.as_str());
    field(out, ",\"activeAt\":", &stamp(Some(alert.active_at_ms)));
    if let Some(since) = alert.keeping_since_ms {
        field(out, ",\"keepFiringSince\":", &stamp(Some(since)));
    }
    field(out, ",\"value\":", &exponent(alert.value));
    out.push(b'}');
}

/// `/prometheus/api/v1/alerts`
pub(super) fn alerts(kernel: &Handle, asked: &Asked) -> Said {
    let Ok(engine) = kernel.get::<Engine>() else { return Failure::internal("rules are not loaded").said() };
    json::success(&[], &[], |out| {
        out.extend_from_slice(b"{\"alerts\":[");
        let mut first = true;
        for group in engine.all() {
            for rule in group.rules.iter().filter(|rule| covers(&asked.reach, rule)) {
                for (alert, _) in &rule.slot.seen().active {
                    if !first {
                        out.push(b',');
                    }
                    first = false;
                    write_alert(out, alert);
                }
            }
        }
        out.extend_from_slice(b"]}");
    })
}

fn seconds(ms: i64) -> String {
    promql::format_plain(ms as f64 / 1e3)
}

/// RFC 3339; what never was is the year one, as Go writes it.
fn stamp(ms: Option<i64>) -> String {
    let at = ms.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    at.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |at| at.to_string())
}

/// As Go writes a number with an exponent: 1e+00.
fn exponent(value: f64) -> String {
    if !value.is_finite() {
        return promql::format_float(value);
    }
    let text = format!("{value:e}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    match exponent.strip_prefix('-') {
        Some(size) => format!("{digits}e-{size:0>2}"),
        None => format!("{digits}e+{exponent:0>2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_values_are_written_as_prometheus_writes_them() {
        assert_eq!([0.0, 1.0, 42.5, -0.001, 1e21].map(exponent), ["0e+00", "1e+00", "4.25e+01", "-1e-03", "1e+21"]);
        assert_eq!(stamp(Some(1_500_000_000_250)), "2017-07-14T02:40:00.25Z");
        assert_eq!((stamp(None).as_str(), seconds(90_500).as_str()), ("0001-01-01T00:00:00Z", "90.5"));
    }
}
