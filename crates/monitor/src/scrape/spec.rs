//! What a scrape job is told: where its targets come from, how they are asked, what is kept of the answer.

use std::collections::BTreeMap;

use kernel::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::relabel::{self, Relabel};
use super::target::host_and_port;

/// Most groups, files, names and addresses of one job.
const SOURCES_MAX: usize = 100;
/// Most addresses written down in one job.
pub(super) const TARGETS_MAX: usize = 5_000;
/// Most samples of one scrape, whatever a job says.
pub(super) const SAMPLES_MAX: i64 = 100_000;
/// Most labels of a series, whatever a job says.
pub(super) const LABELS_MAX: i64 = 32;
/// Fewest and most bytes of an answer that a job may set as its limit.
pub(super) const BODY_BYTES_MIN: i64 = 1_024;
pub(super) const BODY_BYTES_MAX: i64 = 64 << 20;
/// Longest text of a certificate or a list of them.
const PEM_BYTES_MAX: usize = 64 << 10;

/// How a target is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// In the open.
    #[default]
    Http,
    /// With TLS.
    Https,
}

impl Scheme {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Addresses with labels of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Group {
    /// Addresses, such as db-01:9100.
    pub targets: Vec<String>,
    /// What every series of them gets besides. The label asset takes the number of an asset.
    pub labels: BTreeMap<String, String>,
}

/// A name that is looked up again and again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DnsName {
    /// The name, such as _metrics._tcp.example.org.
    pub name: String,
    /// SRV (which says the port too), A or AAAA; SRV if left out.
    #[serde(rename = "type", default)]
    pub kind: DnsKind,
    /// The port, for A and AAAA.
    #[serde(default)]
    pub port: Option<u16>,
}

/// A kind of DNS record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum DnsKind {
    /// Service: hosts with ports.
    #[default]
    Srv,
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
}

/// Targets that are assets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FromAssets {
    /// Which assets, in the filter language, such as kind:server team:web.
    pub filter: String,
    /// The port on which they are asked.
    pub port: u16,
    /// Only those whose facts name this service, such as prometheus-node-exporter.service.
    #[serde(default)]
    pub service: Option<String>,
}

/// TLS towards the targets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSpec {
    /// Certificate authorities instead of the machine's own, as PEM.
    pub ca: Option<String>,
    /// A certificate by which the server shows who it is, as PEM; its key is a secret of the job.
    pub certificate: Option<String>,
    /// The name that a target's certificate must prove, when it is not its address.
    pub server_name: Option<String>,
    /// Take any certificate: nobody proves anything then.
    pub any_certificate: bool,
}

/// What a job is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Spec {
    /// http or https.
    pub scheme: Scheme,
    /// The path.
    pub path: String,
    /// Parameters of the address.
    pub params: BTreeMap<String, Vec<String>>,
    /// Seconds from one scrape to the next.
    pub interval_s: i64,
    /// Seconds that a scrape may take.
    pub timeout_s: i64,
    /// Addresses written down here.
    pub groups: Vec<Group>,
    /// Files with targets, in the folder that the configuration allows.
    pub files: Vec<String>,
    /// Names that are looked up.
    pub dns: Vec<DnsName>,
    /// Assets.
    pub assets: Vec<FromAssets>,
    /// Labels of the answer win over those of the target.
    pub honor_labels: bool,
    /// Times in the answer count.
    pub honor_timestamps: bool,
    /// User name for basic authentication; the password is a secret of the job.
    pub username: Option<String>,
    /// TLS.
    pub tls: TlsSpec,
    /// Most samples of one scrape.
    pub sample_limit: i64,
    /// Most bytes of an answer, unpacked.
    pub body_bytes_max: i64,
    /// Most labels of a series.
    pub label_limit: i64,
    /// Rules for targets.
    pub relabel: Vec<Relabel>,
    /// Rules for series.
    pub metric_relabel: Vec<Relabel>,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            scheme: Scheme::Http,
            path: "/metrics".into(),
            params: BTreeMap::new(),
            interval_s: 15,
            timeout_s: 10,
            groups: Vec::new(),
            files: Vec::new(),
            dns: Vec::new(),
            assets: Vec::new(),
            honor_labels: false,
            honor_timestamps: true,
            username: None,
            tls: TlsSpec::default(),
            sample_limit: 20_000,
            body_bytes_max: 32 << 20,
            label_limit: LABELS_MAX,
            relabel: Vec::new(),
            metric_relabel: Vec::new(),
        }
    }
}

impl Spec {
    /// Refuses what cannot be scraped, naming the field.
    pub(crate) fn check(&self) -> Result<()> {
        let within = |field: &str, value: i64, least: i64, most: i64| {
            let fits = (least..=most).contains(&value);
            fits.then_some(()).ok_or_else(|| Error::invalid(field, format!("Use a number from {least} to {most}.")))
        };
        within("interval_s", self.interval_s, 1, 3_600)?;
        within("timeout_s", self.timeout_s, 1, self.interval_s.min(120))?;
        within("sample_limit", self.sample_limit, 1, SAMPLES_MAX)?;
        within("body_bytes_max", self.body_bytes_max, BODY_BYTES_MIN, BODY_BYTES_MAX)?;
        within("label_limit", self.label_limit, 1, LABELS_MAX)?;
        if !self.path.starts_with('/') || self.path.len() > 2_000 {
            return Err(Error::invalid("path", "A path begins with a slash, such as /metrics."));
        }
        self.check_sources()?;
        self.check_tls()?;
        relabel::compile(&self.relabel).map_err(|why| Error::invalid("relabel", why))?;
        relabel::compile(&self.metric_relabel).map_err(|why| Error::invalid("metric_relabel", why))?;
        Ok(())
    }

    fn check_sources(&self) -> Result<()> {
        let counts = [self.groups.len(), self.files.len(), self.dns.len(), self.assets.len(), self.params.len()];
        if counts.iter().any(|count| *count > SOURCES_MAX) {
            return Err(Error::over_limit(format!(
                "One job has at most {SOURCES_MAX} groups, files, names, filters and parameters each."
            )));
        }
        let addresses = self.groups.iter().flat_map(|group| &group.targets);
        if addresses.clone().count() > TARGETS_MAX {
            return Err(Error::over_limit(format!("One job names at most {TARGETS_MAX} addresses. Make another job.")));
        }
        for address in addresses {
            // With rules an address may be anything that they make one of.
            if self.relabel.is_empty() && host_and_port(address).is_none() {
                let shown = kernel::text::shorten(address, 80);
                return Err(Error::invalid("targets", format!("{shown:?} is no address. Write it like db-01:9100.")));
            }
        }
        for group in &self.groups {
            check_labels("labels", &group.labels)?;
        }
        for file in &self.files {
            super::files::check_name(file).map_err(|why| Error::invalid("files", why))?;
        }
        for name in &self.dns {
            crate::address::check_host(&name.name).map_err(|why| Error::invalid("dns", why))?;
            if name.kind != DnsKind::Srv && name.port.is_none_or(|port| port == 0) {
                return Err(Error::invalid("dns", format!("{} needs a port: only SRV records say one.", name.name)));
            }
        }
        for from in &self.assets {
            people::filter::Filter::parse(&from.filter)
                .map_err(|error| Error::invalid("assets", format!("{}: {}", from.filter, error.message)))?;
            if from.port == 0 {
                return Err(Error::invalid("assets", "Give the port on which the assets are asked, such as 9100."));
            }
        }
        Ok(())
    }

    fn check_tls(&self) -> Result<()> {
        for (field, pem) in [("tls_ca", &self.tls.ca), ("tls_certificate", &self.tls.certificate)] {
            if pem.as_ref().is_some_and(|pem| pem.len() > PEM_BYTES_MAX) {
                return Err(Error::over_limit(format!("At most {PEM_BYTES_MAX} bytes fit here.")).at(field));
            }
        }
        let name = self.tls.server_name.as_ref();
        name.map_or(Ok(()), |name| crate::address::check_host(name))
            .map_err(|why| Error::invalid("tls_server_name", why))
    }

    /// Where credentials of the job are sent: another answer, and they have to be given again.
    pub(crate) fn reaches(&self) -> impl PartialEq + use<> {
        let relabel: Vec<Relabel> = self.relabel.clone();
        let sources = (self.groups.clone(), self.files.clone(), self.dns.clone(), self.assets.clone());
        let proof = (self.tls.ca.clone(), self.tls.server_name.clone(), self.tls.any_certificate);
        (self.scheme, proof, sources, relabel)
    }

    /// Where the targets come from, in plain words.
    pub(crate) fn words(&self) -> String {
        let mut parts = Vec::new();
        let addresses: usize = self.groups.iter().map(|group| group.targets.len()).sum();
        let mut say = |count: usize, one: &str, many: &str| match count {
            0 => {}
            1 => parts.push(format!("1 {one}")),
            _ => parts.push(format!("{count} {many}")),
        };
        say(addresses, "address", "addresses");
        say(self.files.len(), "file", "files");
        say(self.dns.len(), "DNS name", "DNS names");
        parts.extend(self.assets.iter().map(|from| {
            let which = if from.filter.is_empty() { "all assets" } else { &from.filter };
            format!("assets ({which}) on port {}", from.port)
        }));
        if parts.is_empty() { "no targets yet".to_owned() } else { parts.join(", ") }
    }
}

/// Refuses labels that would have another meaning.
fn check_labels(field: &str, labels: &BTreeMap<String, String>) -> Result<()> {
    let wrong = |name: &String| name.is_empty() || name.len() > 128 || name.chars().any(char::is_control);
    if let Some(name) = labels.keys().find(|name| wrong(name)) {
        return Err(Error::invalid(field, format!("{name:?} is no name of a label.")));
    }
    if labels.len() > 30 || labels.values().any(|value| value.len() > 1_024) {
        return Err(Error::over_limit("A target has at most 30 labels of at most 1,024 bytes.").at(field));
    }
    if let Some(asset) = labels.get("asset")
        && asset.parse::<i64>().is_err()
    {
        return Err(Error::invalid(field, "The label asset takes the number of an asset, such as 417."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut Spec)) -> String {
        let mut spec = Spec::default();
        change(&mut spec);
        let error = spec.check().unwrap_err();
        format!("{}: {}", error.field.unwrap_or_default(), error.message)
    }

    #[test]
    fn a_job_that_cannot_work_is_refused_by_field() {
        assert!(Spec::default().check().is_ok());
        let group = |address: &str| Group { targets: vec![address.into()], ..Group::default() };
        assert!(refused(|spec| spec.groups.push(group("http://x:1"))).starts_with("targets: "));
        assert!(refused(|spec| spec.interval_s = 0).starts_with("interval_s: "));
        assert!(refused(|spec| spec.timeout_s = 16).contains("from 1 to 15"));
        assert!(refused(|spec| spec.path = "metrics".into()).starts_with("path: "));
        assert!(refused(|spec| spec.files.push("../x.json".into())).starts_with("files: "));
        assert!(refused(|spec| spec.relabel.push(Relabel::default())).starts_with("relabel: Rule 1"));
        let dns = |kind, port| DnsName { name: "a.example".into(), kind, port };
        assert!(refused(|spec| spec.dns.push(dns(DnsKind::A, None))).contains("needs a port"));
        let from = FromAssets { filter: "kind:".into(), port: 9_100, service: None };
        assert!(refused(|spec| spec.assets.push(from)).starts_with("assets: "));
        let mut labelled = group("x:1");
        labelled.labels.insert("asset".into(), "web-01".into());
        assert!(refused(|spec| spec.groups.push(labelled)).contains("number of an asset"));
    }
}
