//! Where targets come from: what is written down, files, names in DNS, and assets. A source that fails keeps what it said
//! before; the others go on.

use std::collections::BTreeMap;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::sync::Arc;

use kernel::{Actor, Cx, Kernel, Result};
use serde_json::{Value, json};

use super::files::{self, TargetFolder};
use super::plan::Plan;
use super::spec::{DnsKind, DnsName, FromAssets, Spec};
use super::target::{Found, Target, target};

/// Most targets of one job.
pub(super) const TARGETS_MAX: usize = 10_000;
/// Assets that are read at a time.
const ASSETS_AT_ONCE: usize = 500;

/// What a look at the sources of a job brought.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub(super) targets: BTreeMap<String, Target>,
    /// How many targets a rule dropped.
    pub(super) dropped: usize,
    /// Something could not be looked at, so nothing that was there before is gone.
    pub(super) wrong: Option<String>,
}

/// Looks at every source of a job.
pub(super) fn look(handle: &Kernel, plan: &Plan) -> Look {
    let (found, mut wrong) = found(handle, &plan.job.spec);
    let mut look = Look::default();
    for one in &found {
        match target(plan.job.id, &plan.job.name, &plan.job.spec, &plan.rules, one) {
            Ok(Some(target)) if look.targets.len() < TARGETS_MAX => {
                look.targets.insert(target.key(), target);
            }
            Ok(Some(_)) => wrong = Some(format!("there are more than {TARGETS_MAX} targets; the rest is left out")),
            Ok(None) => look.dropped += 1,
            Err(why) => wrong = Some(why),
        }
    }
    look.wrong = wrong.or(plan.wrong.clone());
    look
}

/// Everything the sources say.
fn found(handle: &Kernel, spec: &Spec) -> (Vec<Found>, Option<String>) {
    let mut found = Vec::new();
    let mut wrong = None;
    for group in &spec.groups {
        found.extend(group.targets.iter().map(|address| Found::new(address, &group.labels)));
    }
    if !spec.files.is_empty() {
        let folder = folder(handle);
        if let Err(why) = files::read(&folder.0, &spec.files, &mut found) {
            wrong = Some(why);
        }
    }
    for name in &spec.dns {
        if let Err(why) = by_name(name, &mut found) {
            wrong = Some(why);
        }
    }
    let actor = Actor::service("monitor", &["monitor.*", "assets.thing.list"]);
    let stamped = handle.read_as(&actor, |cx| {
        for from in &spec.assets {
            of_assets(cx, from, &mut found)?;
        }
        stamp(cx, &mut found)
    });
    if let Err(error) = stamped {
        wrong = Some(error.message);
    }
    (found, wrong)
}

/// The folder for files with targets: that of the configuration, or `targets` in the data folder.
pub(super) fn folder(handle: &Kernel) -> Arc<TargetFolder> {
    handle.get::<TargetFolder>().unwrap_or_else(|_| Arc::new(TargetFolder(handle.data().join("targets"))))
}

fn by_name(wanted: &DnsName, into: &mut Vec<Found>) -> std::result::Result<(), String> {
    let mut add = |host: &str, port: u16| {
        let address = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let mut one = Found::new(&address, &BTreeMap::new());
        one.labels.insert("__meta_dns_name".into(), wanted.name.clone());
        into.push(one);
    };
    if wanted.kind == DnsKind::Srv {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("{} cannot be looked up: {error}", wanted.name))?;
        let found = runtime.block_on(probes::dns::services(&wanted.name))?;
        found.iter().for_each(|(host, port)| add(host, *port));
        return Ok(());
    }
    let port = wanted.port.unwrap_or(0);
    let told = (wanted.name.as_str(), port).to_socket_addrs();
    let told = told.map_err(|error| format!("{} cannot be looked up: {error}", wanted.name))?;
    let fits = |ip: &IpAddr| ip.is_ipv4() == (wanted.kind == DnsKind::A);
    told.map(|address| address.ip()).filter(fits).for_each(|ip| add(&ip.to_string(), port));
    Ok(())
}

/// Assets that a filter means, each at its address.
fn of_assets(cx: &mut Cx, from: &FromAssets, into: &mut Vec<Found>) -> Result<()> {
    let mut cursor = Value::Null;
    loop {
        let input = json!({ "filter": from.filter, "limit": ASSETS_AT_ONCE, "cursor": cursor });
        let page = cx.call_named("assets.thing.list", input)?;
        let items = page.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        let number = |item: &Value| item.get("id").and_then(Value::as_i64);
        let ids: Vec<i64> = items.iter().filter_map(number).collect();
        let mut facts = assets::facts_of(cx.tx, &ids, "interfaces", None)?;
        let services = match &from.service {
            Some(service) => Some(assets::facts_of(cx.tx, &ids, "services", Some(&format!("services.{service}")))?),
            None => None,
        };
        for (item, id) in items.iter().filter_map(|item| Some((item, number(item)?))) {
            let text = |field: &str| item.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
            if text("status") == "retired" || services.as_ref().is_some_and(|there| !there.contains_key(&id)) {
                continue;
            }
            let name = text("name");
            let host =
                address(&facts.remove(&id).unwrap_or_default()).map_or_else(|| name.clone(), |ip| ip.to_string());
            let host = if host.contains(':') { format!("[{host}]") } else { host };
            let mut one = Found::new(&format!("{host}:{}", from.port), &BTreeMap::new());
            one.asset = Some(id);
            one.labels.insert("instance".into(), format!("{name}:{}", from.port));
            for field in ["name", "kind", "tag", "status", "criticality", "place_name", "team_name"] {
                one.labels.insert(format!("__meta_asset_{field}"), text(field));
            }
            into.push(one);
        }
        cursor = page.get("next").cloned().unwrap_or(Value::Null);
        if cursor.is_null() || into.len() > TARGETS_MAX {
            return Ok(());
        }
    }
}

/// The address of a machine by what is known of its interfaces: physical ones first, IPv4 before IPv6.
fn address(interfaces: &BTreeMap<String, Value>) -> Option<IpAddr> {
    let mut best: Option<(u8, IpAddr)> = None;
    for interface in interfaces.values() {
        let physical = interface.get("physical").and_then(Value::as_bool).unwrap_or(false);
        let addresses = interface.get("addresses").and_then(Value::as_array).into_iter().flatten();
        let texts = addresses.filter_map(Value::as_str).filter_map(|text| text.split('/').next()?.parse().ok());
        for ip in texts.filter(|ip: &IpAddr| !ip.is_loopback() && kernel::fetch::refusal(*ip, true).is_none()) {
            let rank = u8::from(!physical) * 2 + u8::from(ip.is_ipv6());
            if best.is_none_or(|there| (rank, ip) < there) {
                best = Some((rank, ip));
            }
        }
    }
    best.map(|(_, ip)| ip)
}

/// Says which things the targets are on: as told, or because their host is the name or the address of exactly one.
fn stamp(cx: &mut Cx, found: &mut [Found]) -> Result<()> {
    let told = |one: &Found| one.labels.get("asset").and_then(|text| text.parse::<i64>().ok());
    let numbers: Vec<i64> = found.iter().filter_map(told).collect();
    let there = assets::brief(cx.tx, &numbers)?;
    let hosts = found.iter().filter(|one| one.asset.is_none() && told(one).is_none()).filter_map(Found::host);
    let mut names: Vec<String> = hosts.flat_map(|host| [host, short(host)]).map(str::to_lowercase).collect();
    names.sort();
    names.dedup();
    let mut named = assets::named(cx.tx, &names)?;
    for (address, asset) in crate::rule::about::at_addresses(cx.tx, names.iter())? {
        named.entry(address).or_insert(asset);
    }
    for one in found {
        if let Some(number) = told(one) {
            if !there.contains_key(&number) {
                // A number that stands for nothing is a label like others.
                one.labels.remove("asset");
                one.labels.insert("exported_asset".into(), number.to_string());
            }
            continue;
        }
        if let (None, Some(host)) = (one.asset, one.host().map(str::to_lowercase)) {
            one.asset = named.get(&host).or_else(|| named.get(short(&host))).copied();
        }
    }
    Ok(())
}

/// The first part of a host name; an address is whole.
fn short(host: &str) -> &str {
    if host.parse::<IpAddr>().is_ok() { host } else { host.split('.').next().unwrap_or(host) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_asked_at_the_address_of_a_physical_interface() {
        let facts = |pairs: &[(&str, bool, &[&str])]| {
            let one = |(name, physical, addresses): &(&str, bool, &[&str])| {
                ((*name).to_owned(), json!({"physical": physical, "addresses": addresses}))
            };
            address(&pairs.iter().map(one).collect()).map(|ip| ip.to_string())
        };
        let lo: (&str, bool, &[&str]) = ("interfaces.lo", false, &["127.0.0.1/8", "::1/128"]);
        let bridge: (&str, bool, &[&str]) = ("interfaces.br0", false, &["172.17.0.1/16"]);
        let eth: (&str, bool, &[&str]) = ("interfaces.eth0", true, &["fe80::1/64", "fd00::5/64", "10.0.0.5/24"]);
        assert_eq!(facts(&[lo, bridge, eth]).as_deref(), Some("10.0.0.5"));
        assert_eq!(facts(&[lo, bridge]).as_deref(), Some("172.17.0.1"));
        assert_eq!(facts(&[lo]), None);
        assert_eq!(short("db-01.example.org"), "db-01");
        assert_eq!(short("10.0.0.5"), "10.0.0.5");
    }
}
