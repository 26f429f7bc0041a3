//! Which exporters run on machines that are known, so that scraping them is one press of a button.

use kernel::{Access, Cx, Effect, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::spec::FromAssets;
use crate::store;

/// Services of Debian and of the exporters' own packages, with the port they listen on by default and the usual name of
/// the job (github.com/prometheus/prometheus/wiki/Default-port-allocations).
const EXPORTERS: [(&str, u16, &str); 16] = [
    ("prometheus-node-exporter.service", 9_100, "node"),
    ("node_exporter.service", 9_100, "node"),
    ("prometheus-mysqld-exporter.service", 9_104, "mysql"),
    ("mysqld_exporter.service", 9_104, "mysql"),
    ("prometheus-apache-exporter.service", 9_117, "apache"),
    ("prometheus-nginx-exporter.service", 9_113, "nginx"),
    ("prometheus-redis-exporter.service", 9_121, "redis"),
    ("prometheus-bind-exporter.service", 9_119, "bind"),
    ("prometheus-postgres-exporter.service", 9_187, "postgres"),
    ("postgres_exporter.service", 9_187, "postgres"),
    ("prometheus-postfix-exporter.service", 9_154, "postfix"),
    ("prometheus-process-exporter.service", 9_256, "process"),
    ("prometheus-ipmi-exporter.service", 9_290, "ipmi"),
    ("prometheus-libvirt-exporter.service", 9_177, "libvirt"),
    ("prometheus-snmp-exporter.service", 9_116, "snmp"),
    ("prometheus-blackbox-exporter.service", 9_115, "blackbox"),
];
/// These are asked about something else, so that a job for them needs parameters that nobody can guess.
const NEED_PARAMETERS: [&str; 2] = ["snmp", "blackbox"];
/// Assets that are looked at.
const ASSETS_MAX: usize = 2_000;
/// Assets that are read at a time.
const ASSETS_AT_ONCE: usize = 500;
/// Names that are shown.
const NAMES_MAX: usize = 5;
/// Jobs that are looked at.
const JOBS_MAX: i64 = 1_000;

/// Find exporters that run on assets and are not scraped yet. Facts of the agents say which services run; the newest 2,000
/// assets are looked at.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct ProposeScrapes {}

/// An exporter that runs somewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Proposal {
    /// The usual name of the job.
    pub name: String,
    /// The service.
    pub service: String,
    /// The port it listens on by default.
    pub port: u16,
    /// On how many assets it runs.
    pub assets: usize,
    /// Names of the first of them.
    pub names: Vec<String>,
}

/// Exporters that are not scraped yet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Proposals {
    /// The exporters, as `assets` of `monitor.scrape.create` takes them.
    pub items: Vec<Proposal>,
}

impl Operation for ProposeScrapes {
    const NAME: &'static str = "monitor.scrape.propose";
    const ROUTE: Route = get("/monitor/scrapes/proposals");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Proposals;

    fn run(&self, cx: &mut Cx) -> Result<Proposals> {
        cx.reach_everything(Self::NAME)?;
        if !cx.may("assets.thing.list") {
            return Ok(Proposals::default());
        }
        let jobs = store::scrapes::after(cx.tx, 0, JOBS_MAX)?;
        let scraped: Vec<&FromAssets> = jobs.iter().flat_map(|job| &job.spec.assets).collect();
        let wanted = EXPORTERS.iter().filter(|(service, port, name)| {
            let known = |from: &&FromAssets| {
                from.port == *port && from.service.as_deref().is_none_or(|there| there == *service)
            };
            !NEED_PARAMETERS.contains(name) && !scraped.iter().any(known)
        });
        let mut found: Vec<Proposal> = wanted
            .map(|(service, port, name)| Proposal {
                name: free_name(&jobs, name),
                service: (*service).to_owned(),
                port: *port,
                assets: 0,
                names: Vec::new(),
            })
            .collect();
        count(cx, &mut found)?;
        found.retain(|one| one.assets > 0);
        Ok(Proposals { items: found })
    }
}

/// The usual name, or that with a number if a job has it.
fn free_name(jobs: &[super::ScrapeJob], name: &str) -> String {
    let taken = |name: &str| jobs.iter().any(|job| job.name == name);
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
}

fn count(cx: &mut Cx, found: &mut [Proposal]) -> Result<()> {
    let (mut cursor, mut seen) = (Value::Null, 0);
    while !found.is_empty() && seen < ASSETS_MAX {
        let input = json!({ "order": "updated", "limit": ASSETS_AT_ONCE, "cursor": cursor });
        let page = cx.call_named("assets.thing.list", input)?;
        let items = page.get("items").and_then(Value::as_array).into_iter().flatten();
        let known = items.filter(|item| item.get("status").and_then(Value::as_str) != Some("retired"));
        let things: Vec<(i64, &str)> =
            known.filter_map(|item| Some((item.get("id")?.as_i64()?, item.get("name")?.as_str()?))).collect();
        seen += things.len();
        let ids: Vec<i64> = things.iter().map(|(id, _)| *id).collect();
        for one in found.iter_mut() {
            let there = assets::facts_of(cx.tx, &ids, "services", Some(&format!("services.{}", one.service)))?;
            one.assets += there.len();
            let names = things.iter().filter(|(id, _)| there.contains_key(id)).map(|(_, name)| (*name).to_owned());
            one.names.extend(names.take(NAMES_MAX.saturating_sub(one.names.len())));
        }
        cursor = page.get("next").cloned().unwrap_or(Value::Null);
        if cursor.is_null() {
            break;
        }
    }
    Ok(())
}
