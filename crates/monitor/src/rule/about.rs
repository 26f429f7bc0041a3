//! Which asset an alert is about.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use kernel::Result;
use kernel::db::Tx;
use promql::Labels;

/// Labels that hold a host, the likelier first.
const HOSTS: [&str; 5] = ["instance", "host", "hostname", "node", "nodename"];

/// Most names in one question.
const NAMES: usize = 1_000;

/// The assets that alerts are about, each with what is known of it: one for each of the labels, in their order. It is our
/// own number of it, or a host by its name or address; else the rule's. `addresses` is what is known of those.
pub(super) fn assets(
    tx: &mut Tx<'_>,
    all: &[&Labels],
    usual: Option<i64>,
    addresses: &BTreeMap<String, i64>,
) -> Result<Vec<Option<(i64, ::assets::Brief)>>> {
    let own = |labels: &Labels| labels.get("asset").and_then(|id| id.parse::<i64>().ok());
    let called: Vec<Vec<String>> = all.iter().map(|labels| names(labels)).collect();
    let wanted: BTreeSet<&String> = called.iter().flatten().collect();
    let wanted: Vec<String> = wanted.into_iter().cloned().collect();
    let mut found = BTreeMap::new();
    for some in wanted.chunks(NAMES) {
        found.extend(::assets::named(tx, some)?);
    }
    let ids: BTreeSet<i64> = all
        .iter()
        .filter_map(|labels| own(labels))
        .chain(found.values().chain(addresses.values()).copied())
        .chain(usual)
        .collect();
    let ids: Vec<i64> = ids.into_iter().collect();
    let mut briefs = BTreeMap::new();
    for some in ids.chunks(NAMES) {
        briefs.extend(::assets::brief(tx, some)?);
    }
    let about = |(labels, called): (&&Labels, &Vec<String>)| {
        // A name that any label has goes before an address: who is asked by it may tell of others.
        let first = |of: &BTreeMap<String, i64>| called.iter().find_map(|name| of.get(name).copied());
        let named = || first(&found).or_else(|| first(addresses));
        let id = own(labels).filter(|id| briefs.contains_key(id)).or_else(named).or(usual)?;
        Some((id, briefs.get(&id)?.clone()))
    };
    Ok(all.iter().zip(&called).map(about).collect())
}

/// The assets that have the addresses in labels, by address as it is written.
pub(super) fn addresses<'l>(tx: &mut Tx<'_>, all: impl Iterator<Item = &'l Labels>) -> Result<BTreeMap<String, i64>> {
    let named: Vec<String> = all.flat_map(names).collect();
    at_addresses(tx, named.iter())
}

/// The assets that are known to have those of the names that are addresses.
pub(crate) fn at_addresses<'n>(
    tx: &mut Tx<'_>,
    names: impl Iterator<Item = &'n String>,
) -> Result<BTreeMap<String, i64>> {
    let written: BTreeMap<&String, IpAddr> = names.filter_map(|name| Some((name, name.parse().ok()?))).collect();
    let found = ::assets::at_addresses(tx, &written.values().copied().collect())?;
    Ok(written.into_iter().filter_map(|(name, ip)| Some((name.clone(), *found.get(&ip)?))).collect())
}

/// What an asset may be called, the likelier first: the whole host, and its first part.
fn names(labels: &Labels) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for value in HOSTS.iter().filter_map(|label| labels.get(label)) {
        let value = value.split_once("://").map_or(value, |(_, rest)| rest);
        let host = match value.strip_prefix('[') {
            Some(inside) => inside.split(']').next().unwrap_or(inside),
            None => value.split(['/', ':']).next().unwrap_or(value),
        };
        let first = host.split('.').next().unwrap_or(host);
        let is_address = host.parse::<std::net::IpAddr>().is_ok();
        for name in [host, if is_address { host } else { first }] {
            for name in [name.to_owned(), name.to_lowercase()] {
                if !name.is_empty() && !names.contains(&name) {
                    names.push(name);
                }
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_looked_for_by_its_whole_name_and_its_first_part() {
        let of = |pairs: &[(&str, &str)]| names(&Labels::from_pairs(pairs.iter().copied()));
        assert_eq!(
            of(&[("instance", "Web-01.example.org:9100")]),
            ["Web-01.example.org", "web-01.example.org", "Web-01", "web-01"]
        );
        assert_eq!(of(&[("instance", "10.0.0.7:9100"), ("host", "db-1")]), ["10.0.0.7", "db-1"]);
        assert_eq!(of(&[("instance", "https://shop.example.org/health")]), ["shop.example.org", "shop"]);
        assert_eq!(of(&[("instance", "[::1]:80")]), ["::1"]);
        assert!(of(&[("job", "node")]).is_empty());
    }
}
