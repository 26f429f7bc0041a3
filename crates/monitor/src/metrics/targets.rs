//! Targets that are scraped, in the form of Prometheus' HTTP API; Grafana and exporters' own tools list them.

use std::collections::BTreeMap;

use kernel::{Asked, Handle, Said, Time};
use serde_json::{Value, json};

use super::json::{self, Failure};
use super::status;
use crate::limits::TARGETS_TOLD_MAX;
use crate::live::Monitor;
use crate::scrape::{ListTargets, Seen, Target};
use crate::store;

/// `/prometheus/api/v1/targets`: for those who may list targets.
pub(super) fn targets(kernel: &Handle, asked: &Asked) -> Said {
    answer(kernel, asked).unwrap_or_else(|failure| failure.said())
}

/// The names of the jobs by number, for those who may list targets.
fn pools(kernel: &Handle, asked: &Asked) -> Result<BTreeMap<i64, String>, Failure> {
    kernel
        .read_as(&asked.actor, |cx| {
            cx.reach_everything(ListTargets::OPERATION)?;
            store::scrapes::names(cx.tx)
        })
        .map_err(|error| status::failure(error.kind, &error.message))
}

fn answer(kernel: &Handle, asked: &Asked) -> Result<Said, Failure> {
    let active = match asked.field("state").unwrap_or_default() {
        "" | "any" | "active" => true,
        "dropped" => false,
        other => return Err(Failure::parameter("state", format!("\"{other}\" is none of active, dropped and any"))),
    };
    let names = pools(kernel, asked)?;
    let pool = asked.field("scrapePool");
    let job = pool.map(|pool| names.iter().find(|(_, name)| name.as_str() == pool).map_or(0, |(id, _)| *id));
    let scraper = &kernel.get::<Monitor>().map_err(|error| Failure::internal(error.message))?.scraper;
    let found = if active { scraper.list(job, false, "", TARGETS_TOLD_MAX + 1) } else { Vec::new() };
    let more = format!("only the first {TARGETS_TOLD_MAX} targets are listed: ask for one scrapePool");
    let warnings: Vec<String> = (found.len() > TARGETS_TOLD_MAX).then_some(more).into_iter().collect();
    let dropped = |id: i64| scraper.standing(id).map_or(0, |standing| standing.dropped);
    let counts: BTreeMap<&str, usize> = names
        .iter()
        .filter(|(id, _)| job.is_none_or(|job| job == **id))
        .map(|(id, name)| (name.as_str(), dropped(*id)))
        .collect();
    let name = |target: &Target| names.get(&target.job).map_or("", String::as_str);
    let listed: Vec<Value> =
        found.iter().take(TARGETS_TOLD_MAX).map(|(_, target, seen)| told(name(target), target, seen)).collect();
    let all = json!({ "activeTargets": listed, "droppedTargets": [], "droppedTargetCounts": counts });
    Ok(json::success(&warnings, &[], |out| out.extend_from_slice(all.to_string().as_bytes())))
}

fn told(pool: &str, target: &Target, seen: &Seen) -> Value {
    let (path, _) = target.path.split_once('?').unwrap_or((target.path.as_str(), ""));
    let url = target.url();
    let (interval, timeout) = (promql::format_duration(target.interval_ms), promql::format_duration(target.timeout_ms));
    let discovered = json!({
        "__address__": format!("{}:{}", target.host, target.port), "__metrics_path__": path,
        "__scheme__": if target.tls { "https" } else { "http" },
        "__scrape_interval__": interval, "__scrape_timeout__": timeout, "job": pool,
    });
    let at = seen.up.map(|_| Time(seen.at_ms.saturating_mul(1_000)).to_string());
    json!({
        "discoveredLabels": discovered, "labels": target.labels, "scrapePool": pool, "scrapeUrl": url, "globalUrl": url,
        "lastError": seen.error.as_deref().unwrap_or_default(),
        "lastScrape": at.unwrap_or_else(|| "0001-01-01T00:00:00Z".to_owned()),
        "lastScrapeDuration": seen.took_us as f64 / 1e6,
        "health": match seen.up { None => "unknown", Some(true) => "up", Some(false) => "down" },
        "scrapeInterval": interval, "scrapeTimeout": timeout,
    })
}

/// `/prometheus/api/v1/scrape_pools`: the names of the jobs.
pub(super) fn names(kernel: &Handle, asked: &Asked) -> Said {
    match pools(kernel, asked) {
        Ok(names) => status::answered(&json!({ "scrapePools": names.into_values().collect::<Vec<String>>() })),
        Err(failure) => failure.said(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_told_as_prometheus_tells_it_before_and_after_its_first_scrape() {
        let target = Target {
            job: 1,
            tls: true,
            host: "db-01".into(),
            port: 9100,
            path: "/metrics?module=if".into(),
            labels: [("instance".to_owned(), "db-01:9100".to_owned())].into(),
            asset: None,
            interval_ms: 15_000,
            timeout_ms: 10_000,
        };
        let before = told("node", &target, &Seen::default());
        assert_eq!((&before["health"], &before["lastScrape"]), (&json!("unknown"), &json!("0001-01-01T00:00:00Z")));
        assert_eq!(before["scrapeUrl"], "https://db-01:9100/metrics?module=if");
        assert_eq!(before["discoveredLabels"]["__metrics_path__"], "/metrics");
        assert_eq!((&before["scrapeInterval"], &before["scrapeTimeout"]), (&json!("15s"), &json!("10s")));
        let seen =
            Seen { up: Some(false), at_ms: 1_000, error: Some("refused".into()), took_us: 2_500, ..Seen::default() };
        let after = told("node", &target, &seen);
        assert_eq!((&after["health"], &after["lastError"]), (&json!("down"), &json!("refused")));
        assert_eq!(
            (&after["lastScrape"], &after["lastScrapeDuration"]),
            (&json!("1970-01-01T00:00:01Z"), &json!(0.0025))
        );
    }
}
