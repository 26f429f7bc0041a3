//! The fields of a job that operations take: what is not given stays as it is.

use std::collections::BTreeMap;

use kernel::{Change, Cx, Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plan::{Plan, Secrets};
use super::relabel::Relabel;
use super::spec::{DnsName, FromAssets, Group, Scheme, Spec};
use super::{ScrapeJob, Time};

/// The fields of a scrape job.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Fields {
    /// Addresses such as db-01:9100.
    pub targets: Option<Vec<String>>,
    /// Labels that every series of these addresses gets; the label asset takes the number of an asset. As name=value, as
    /// lines, or as an object in JSON.
    #[schemars(schema_with = "crate::labels::asked")]
    pub labels: Option<crate::Labels>,
    /// Several lists of addresses, each with labels of its own, instead of `targets` and `labels`.
    pub groups: Option<Vec<Group>>,
    /// Files with targets (JSON or YAML, as Prometheus reads them) in the folder that the configuration allows.
    pub files: Option<Vec<String>>,
    /// Names that are looked up in DNS every 30 seconds.
    pub dns: Option<Vec<DnsName>>,
    /// Assets that are targets, by a filter and a port.
    pub assets: Option<Vec<FromAssets>>,
    /// http or https; http if left out.
    pub scheme: Option<Scheme>,
    /// The path; /metrics if left out.
    pub path: Option<String>,
    /// Parameters of the address, each with its values.
    pub params: Option<BTreeMap<String, Vec<String>>>,
    /// Seconds from one scrape to the next; 15 if left out.
    pub interval_s: Option<i64>,
    /// Seconds that a scrape may take; 10 if left out, never more than the interval.
    pub timeout_s: Option<i64>,
    /// Where an answer has a label that the target has too, keep the answer's.
    pub honor_labels: Option<bool>,
    /// Use times in the answer; true if left out.
    pub honor_timestamps: Option<bool>,
    /// User name for basic authentication; empty removes it.
    pub username: Change<String>,
    /// Password for it; sealed and never shown. Empty removes it.
    pub password: Change<String>,
    /// A token that is sent as Authorization: Bearer; sealed and never shown. Empty removes it.
    pub bearer_token: Change<String>,
    /// Certificate authorities that targets are checked against, as PEM, instead of the machine's.
    pub tls_ca: Change<String>,
    /// A certificate that the server shows to targets, as PEM.
    pub tls_certificate: Change<String>,
    /// Its key, as PEM; sealed and never shown.
    pub tls_key: Change<String>,
    /// The name that a target's certificate must prove, when it is not its address.
    pub tls_server_name: Change<String>,
    /// Take any certificate. Nobody proves anything then: anybody in between can read and change what is scraped.
    pub tls_any_certificate: Option<bool>,
    /// Most samples of one scrape; beyond it the scrape fails. 20,000 if left out.
    pub sample_limit: Option<i64>,
    /// Most bytes of an answer, unpacked; 32 MiB if left out.
    pub body_bytes_max: Option<i64>,
    /// Most labels of a series; 32 if left out.
    pub label_limit: Option<i64>,
    /// Rules for targets before they are scraped, as Prometheus' relabel_configs.
    pub relabel: Option<Vec<Relabel>>,
    /// Rules for series before they are stored, as Prometheus' metric_relabel_configs.
    pub metric_relabel: Option<Vec<Relabel>>,
}

/// Fields that are secret.
pub(super) const SECRETS: &[&str] = &["password", "bearer_token", "tls_key"];

fn text(given: &Change<String>, into: &mut Option<String>) {
    match given {
        Change::Keep => {}
        Change::Clear => *into = None,
        Change::Set(text) => *into = Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
    }
}

fn set<T: Clone>(given: &Option<T>, into: &mut T) {
    if let Some(value) = given {
        into.clone_from(value);
    }
}

impl Fields {
    /// The job's fields after the change, checked.
    pub(super) fn apply(&self, current: &Spec) -> Result<Spec> {
        let mut spec = current.clone();
        self.sources(&mut spec)?;
        set(&self.scheme, &mut spec.scheme);
        set(&self.path, &mut spec.path);
        set(&self.params, &mut spec.params);
        set(&self.interval_s, &mut spec.interval_s);
        match self.timeout_s {
            Some(timeout_s) => spec.timeout_s = timeout_s,
            // A shorter interval takes the timeout along.
            None => spec.timeout_s = spec.timeout_s.min(spec.interval_s),
        }
        set(&self.honor_labels, &mut spec.honor_labels);
        set(&self.honor_timestamps, &mut spec.honor_timestamps);
        text(&self.username, &mut spec.username);
        text(&self.tls_ca, &mut spec.tls.ca);
        text(&self.tls_certificate, &mut spec.tls.certificate);
        text(&self.tls_server_name, &mut spec.tls.server_name);
        set(&self.tls_any_certificate, &mut spec.tls.any_certificate);
        set(&self.sample_limit, &mut spec.sample_limit);
        set(&self.body_bytes_max, &mut spec.body_bytes_max);
        set(&self.label_limit, &mut spec.label_limit);
        set(&self.relabel, &mut spec.relabel);
        set(&self.metric_relabel, &mut spec.metric_relabel);
        spec.check()?;
        Ok(spec)
    }

    fn sources(&self, spec: &mut Spec) -> Result<()> {
        if self.groups.is_some() && (self.targets.is_some() || self.labels.is_some()) {
            return Err(Error::invalid("groups", "Give either groups, or targets and labels."));
        }
        set(&self.groups, &mut spec.groups);
        if self.targets.is_some() || self.labels.is_some() {
            if spec.groups.len() > 1 {
                return Err(Error::invalid(
                    "targets",
                    "This job has several groups of addresses. Give groups instead.",
                ));
            }
            let mut group = spec.groups.pop().unwrap_or_default();
            if let Some(targets) = &self.targets {
                // People write them one a line.
                let words = targets.iter().flat_map(|text| text.split([',', ' ', '\n', '\r', '\t']));
                group.targets = words.filter(|word| !word.is_empty()).map(str::to_owned).collect();
            }
            if let Some(labels) = &self.labels {
                group.labels.clone_from(&labels.0);
            }
            if !(group.targets.is_empty() && group.labels.is_empty()) {
                spec.groups.push(group);
            }
        }
        set(&self.files, &mut spec.files);
        set(&self.dns, &mut spec.dns);
        set(&self.assets, &mut spec.assets);
        Ok(())
    }

    /// The secrets after the change. Where the job now reaches other places than before, what was given for the old ones
    /// is not sent to the new ones: it has to be given again.
    pub(super) fn secrets(&self, current: Secrets, same_places: bool) -> Result<Secrets> {
        let kept = current.clone();
        let mut secrets = current;
        text(&self.password, &mut secrets.password);
        text(&self.bearer_token, &mut secrets.bearer_token);
        text(&self.tls_key, &mut secrets.tls_key);
        for (field, given, before, after) in [
            ("password", &self.password, &kept.password, &secrets.password),
            ("bearer_token", &self.bearer_token, &kept.bearer_token, &secrets.bearer_token),
        ] {
            if !same_places && before.is_some() && given.is_keep() && after.is_some() {
                let why = "The job now asks other places. Give this again, so that it is not sent where it was not meant \
                           for; or send an empty text to remove it.";
                return Err(Error::invalid(field, why));
            }
        }
        Ok(secrets)
    }
}

/// Refuses a job that could not be used.
pub(super) fn usable(name: &str, spec: &Spec, secrets: &Secrets) -> Result<()> {
    if secrets.bearer_token.is_some() && spec.username.is_some() {
        return Err(Error::invalid("bearer_token", "Give either a token, or a user name and password."));
    }
    if spec.tls.certificate.is_some() != secrets.tls_key.is_some() {
        return Err(Error::invalid("tls_key", "A certificate and its key belong together. Give both or none."));
    }
    for (field, secret) in [("bearer_token", &secrets.bearer_token), ("password", &secrets.password)] {
        if secret.as_ref().is_some_and(|text| text.chars().any(char::is_control)) {
            return Err(Error::invalid(field, "It holds characters that cannot stand in a header."));
        }
    }
    let at = Time(0);
    let (id, paused, version) = (0, false, 0);
    let job = ScrapeJob { id, name: name.into(), spec: spec.clone(), paused, version, created_at: at, updated_at: at };
    // Certificates are read here, so that a damaged one is noticed by whoever gives it.
    Plan::checked(job, secrets)
}

/// Records what differs, secrets only as there or not.
pub(super) fn record(
    cx: &mut Cx,
    job: &ScrapeJob,
    old: Option<(&str, &Spec)>,
    secrets: (&Secrets, &Secrets),
) -> Result<()> {
    let subject = job.reference();
    let json = |spec: &Spec| serde_json::to_value(spec).map_err(|error| Error::internal("spec-not-json", error));
    let new = json(&job.spec)?;
    let before = old.map(|(_, spec)| json(spec)).transpose()?;
    cx.changed(&subject, "name", old.map(|(name, _)| name), &job.name)?;
    for (field, value) in new.as_object().into_iter().flatten() {
        let was = before.as_ref().and_then(|before| before.get(field)).cloned().unwrap_or_default();
        if old.is_none() && value.as_array().is_some_and(Vec::is_empty) {
            continue;
        }
        cx.changed(&subject, field, was, value)?;
    }
    let (before, after) = secrets;
    for (field, was, is) in [
        ("password set", before.password.is_some(), after.password.is_some()),
        ("bearer_token set", before.bearer_token.is_some(), after.bearer_token.is_some()),
        ("tls_key set", before.tls_key.is_some(), after.tls_key.is_some()),
    ] {
        cx.changed(&subject, field, was, is)?;
    }
    Ok(())
}
