//! From what discovery found to what is scraped: labels with a meaning are put in, rules applied, and an address made of
//! the result (prometheus.io "Configuration", `scrape_config`). Pure: no network, no database.

use kernel::address::{percent, sayable};

use super::relabel::{Labels, Rule, apply};
use super::spec::Spec;

/// Prefix of labels that are gone after relabelling.
const INNER: &str = "__";

/// What discovery found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// `__address__` among them.
    pub(crate) labels: Labels,
    /// The thing it is on, if that is known.
    pub(crate) asset: Option<i64>,
}

impl Found {
    /// An address with labels.
    pub(crate) fn new(address: &str, labels: &Labels) -> Self {
        let mut labels = labels.clone();
        labels.insert("__address__".into(), address.trim().to_owned());
        Self { labels, asset: None }
    }

    /// The host of the address.
    pub(crate) fn host(&self) -> Option<&str> {
        host_and_port(self.labels.get("__address__")?).map(|(host, _)| host)
    }
}

/// What is scraped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Of which job.
    pub(crate) job: i64,
    pub(crate) tls: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Path and query.
    pub(crate) path: String,
    /// What every series of it has, `job` and `instance` among them; `asset` is apart.
    pub(crate) labels: Labels,
    pub(crate) asset: Option<i64>,
    pub(crate) interval_ms: i64,
    pub(crate) timeout_ms: i64,
}

impl Target {
    /// The whole address.
    pub(crate) fn url(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        format!("{}://{host}:{}{}", if self.tls { "https" } else { "http" }, self.port, self.path)
    }

    /// What it is called: the label `instance`.
    pub(crate) fn instance(&self) -> &str {
        self.labels.get("instance").map_or("", String::as_str)
    }

    /// Two targets with the same key are one: of one job, at one address, with one set of labels.
    pub(crate) fn key(&self) -> String {
        let mut key = format!("{:019} {} {} {:?}", self.job, self.instance(), self.url(), self.asset);
        for (name, value) in &self.labels {
            key.push('\u{1}');
            key.push_str(name);
            key.push('\u{2}');
            key.push_str(value);
        }
        key
    }
}

/// The target that was found; `None` when a rule drops it.
pub(crate) fn target(
    job: i64,
    name: &str,
    spec: &Spec,
    rules: &[Rule],
    found: &Found,
) -> Result<Option<Target>, String> {
    let mut labels = found.labels.clone();
    let mut default = |name: &str, value: String| {
        labels.entry(name.to_owned()).or_insert(value);
    };
    default("job", name.to_owned());
    default("__scheme__", spec.scheme.as_str().to_owned());
    default("__metrics_path__", spec.path.clone());
    default("__scrape_interval__", format!("{}s", spec.interval_s));
    default("__scrape_timeout__", format!("{}s", spec.timeout_s));
    for (name, values) in &spec.params {
        default(&format!("__param_{name}"), values.first().cloned().unwrap_or_default());
    }
    let mut asset = found.asset;
    if let Some(number) = labels.get("asset").and_then(|text| text.parse::<i64>().ok()) {
        asset = asset.or(Some(number));
    }
    if !apply(rules, &mut labels) {
        return Ok(None);
    }
    let address = labels.get("__address__").filter(|address| !address.is_empty()).cloned();
    let address = address.ok_or("after the rules there is no address left")?;
    let tls = match labels.get("__scheme__").map(String::as_str) {
        Some("http") => false,
        Some("https") => true,
        other => return Err(format!("the scheme {:?} is neither http nor https", other.unwrap_or_default())),
    };
    let (host, port) = host_and_port(&address).ok_or_else(|| format!("{address:?} is no address like host:9100"))?;
    let interval_ms = milliseconds(&labels, "__scrape_interval__")?;
    let timeout_ms = milliseconds(&labels, "__scrape_timeout__")?.min(interval_ms);
    let path = path(&labels, spec);
    let instance = labels.get("instance").cloned().unwrap_or_else(|| address.clone());
    labels.retain(|name, value| !name.starts_with(INNER) && !value.is_empty());
    if labels.get("asset").is_some_and(|text| text.parse::<i64>().is_ok()) {
        labels.remove("asset");
    }
    labels.insert("instance".into(), instance);
    let port = port.unwrap_or(if tls { 443 } else { 80 });
    Ok(Some(Target { job, tls, host: host.to_owned(), port, path, labels, asset, interval_ms, timeout_ms }))
}

/// Path and query: parameters come from the labels `__param_..`, which hold the first value of each, and from the job.
fn path(labels: &Labels, spec: &Spec) -> String {
    let path = labels.get("__metrics_path__").map_or("/metrics", String::as_str);
    let mut out = if path.starts_with('/') { String::new() } else { "/".to_owned() };
    out.push_str(&sayable(path));
    let mut separator = if out.contains('?') { '&' } else { '?' };
    let mut add = |name: &str, value: &str| {
        out.push(separator);
        separator = '&';
        out.push_str(&format!("{}={}", percent(name), percent(value)));
    };
    for (name, value) in labels.iter().filter_map(|(name, value)| Some((name.strip_prefix("__param_")?, value))) {
        add(name, value);
        spec.params.get(name).into_iter().flatten().skip(1).for_each(|value| add(name, value));
    }
    out
}

fn milliseconds(labels: &Labels, name: &str) -> Result<i64, String> {
    let text = labels.get(name).map_or("", String::as_str);
    let least = 1_000;
    duration_ms(text)
        .filter(|ms| (least..=86_400_000).contains(ms))
        .ok_or_else(|| format!("the label {name} is {text:?}, which is no time from 1s to 1d"))
}

/// A duration as Prometheus writes it: `1m30s`, `15s`, `500ms`.
pub(crate) fn duration_ms(text: &str) -> Option<i64> {
    let mut rest = text.trim();
    let mut total = 0_i64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at_checked(digits)?;
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(end)?;
        let unit = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            "y" => 31_536_000_000,
            _ => return None,
        };
        total = total.checked_add(number.parse::<i64>().ok()?.checked_mul(unit)?)?;
        rest = after;
    }
    Some(total)
}

/// Splits `host`, `host:port` and `[IPv6]:port`; what is no host name and no IP address is refused.
pub(crate) fn host_and_port(address: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = if let Some(rest) = address.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        (host, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
    } else {
        address.rsplit_once(':').map_or((address, None), |(host, port)| (host, Some(port)))
    };
    let port = port.map(|port| port.parse::<u16>().ok().filter(|port| *port > 0).ok_or(())).transpose().ok()?;
    (!host.is_empty() && crate::address::check_host(host).is_ok()).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::super::relabel::{Relabel, compile};
    use super::*;

    fn made(
        spec: &Spec,
        rules: serde_json::Value,
        address: &str,
        labels: &[(&str, &str)],
    ) -> Result<Option<Target>, String> {
        let rules: Vec<Relabel> = serde_json::from_value(rules).unwrap();
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        target(7, "node", spec, &compile(&rules).unwrap(), &Found::new(address, &labels))
    }

    #[test]
    fn a_target_has_job_and_instance_and_none_of_the_inner_labels() {
        let one = made(&Spec::default(), serde_json::json!([]), "db-01:9100", &[("site", "oslo"), ("__meta_x", "1")])
            .unwrap()
            .unwrap();
        assert_eq!(one.url(), "http://db-01:9100/metrics");
        let labels: Vec<_> = one.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(labels, ["instance=db-01:9100", "job=node", "site=oslo"]);
        assert_eq!((one.interval_ms, one.timeout_ms, one.asset), (15_000, 10_000, None));
        let one = made(&Spec::default(), serde_json::json!([]), "[::1]:9100", &[("asset", "12"), ("instance", "x")])
            .unwrap()
            .unwrap();
        assert_eq!((one.url().as_str(), one.asset, one.instance()), ("http://[::1]:9100/metrics", Some(12), "x"));
        assert!(!one.labels.contains_key("asset"));
    }

    #[test]
    fn rules_may_turn_the_address_into_a_parameter_as_for_the_blackbox_exporter() {
        let spec = Spec {
            path: "/probe".into(),
            params: [("module".to_owned(), vec!["http_2xx".to_owned()])].into(),
            ..Spec::default()
        };
        let rules = serde_json::json!([
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"source_labels": ["__param_target"], "target_label": "instance"},
            {"target_label": "__address__", "replacement": "127.0.0.1:9115"},
            {"target_label": "__scrape_interval__", "replacement": "1m"},
        ]);
        let one = made(&spec, rules, "www.example.org", &[]).unwrap().unwrap();
        assert_eq!(one.url(), "http://127.0.0.1:9115/probe?module=http_2xx&target=www.example.org");
        assert_eq!((one.instance(), one.interval_ms), ("www.example.org", 60_000));
    }

    #[test]
    fn what_cannot_be_scraped_says_why_and_what_is_dropped_is_none() {
        let plain = Spec::default();
        let drop = serde_json::json!([{"action": "drop", "source_labels": ["__address__"], "regex": "db.*"}]);
        assert_eq!(made(&plain, drop, "db-01:9100", &[]), Ok(None));
        for address in ["", "http://x", "a b:1", "x:0", "x:99999", "x:", "-x:1", "x/metrics"] {
            assert!(made(&plain, serde_json::json!([]), address, &[]).is_err(), "{address}");
        }
        assert!(made(&plain, serde_json::json!([]), "x:1", &[("__scheme__", "ftp")]).unwrap_err().contains("ftp"));
        assert!(made(&plain, serde_json::json!([]), "x:1", &[("__scrape_interval__", "0s")]).is_err());
        let one = made(&plain, serde_json::json!([]), "x:1", &[("__metrics_path__", "a b\r\nX: y")]).unwrap().unwrap();
        assert_eq!(one.path, "/a%20b%0D%0AX:%20y");
    }

    #[test]
    fn durations_are_read_as_prometheus_writes_them() {
        assert_eq!(
            ["1m30s", "500ms", "1d", "15", "", "s", "1x"].map(duration_ms),
            [Some(90_000), Some(500), Some(86_400_000), None, None, None, None]
        );
    }
}
