//! Which asset an alert is about.

use kernel::Result;
use kernel::db::Tx;
use promql::Labels;

/// Labels that hold a host, the likelier first.
const HOSTS: [&str; 5] = ["instance", "host", "hostname", "node", "nodename"];

/// The asset that labels name: our own number of it, or a host by its name; else the rule's.
pub(super) fn asset(tx: &mut Tx<'_>, labels: &Labels, usual: Option<i64>) -> Result<Option<i64>> {
    if let Some(id) = labels.get("asset").and_then(|id| id.parse::<i64>().ok())
        && assets::brief(tx, &[id])?.contains_key(&id)
    {
        return Ok(Some(id));
    }
    let names = names(labels);
    if !names.is_empty() {
        let found = assets::named(tx, &names)?;
        if let Some(id) = names.iter().find_map(|name| found.get(name)) {
            return Ok(Some(*id));
        }
    }
    Ok(usual)
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
