//! The configuration of a Prometheus, read as jobs: what is taken over, and in words what is not.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::plan::Secrets;
use super::relabel::{Relabel, compile};
use super::spec::{DnsKind, DnsName, Scheme, Spec};
use super::target::duration_ms;
use super::yaml;

/// Most jobs of one configuration.
const JOBS_MAX: usize = 200;

/// What a configuration asks for.
pub(super) struct Wanted {
    pub(super) jobs: Vec<Job>,
    pub(super) notes: Vec<String>,
}

/// A job in the making.
pub(super) struct Job {
    pub(super) name: String,
    pub(super) spec: Spec,
    pub(super) secrets: Secrets,
    pub(super) notes: Vec<String>,
    /// What changes what is scraped and could not be taken over.
    pub(super) lacks: Vec<String>,
}

impl Job {
    fn note(&mut self, words: String) {
        self.notes.push(words);
    }

    fn lacks(&mut self, words: String) {
        self.notes.push(words.clone());
        self.lacks.push(words);
    }
}

/// Reads a configuration, or its list of jobs alone.
///
/// # Errors
/// In words: it is none.
pub(super) fn read(text: &str) -> std::result::Result<Wanted, String> {
    yaml::plain(text)?;
    let whole: Value = serde_norway::from_str(text).map_err(|error| format!("This is no YAML: {error}."))?;
    let mut notes = Vec::new();
    let (global, configs) = match &whole {
        Value::Array(configs) => (Map::new(), configs.clone()),
        Value::Object(whole) => {
            for key in whole.keys().filter(|key| !["global", "scrape_configs"].contains(&key.as_str())) {
                notes.push(match key.as_str() {
                    "rule_files" => "rule_files: rules are imported apart, from the rule files themselves.".to_owned(),
                    "alerting" => "alerting: Mainstay sends its alerts itself.".to_owned(),
                    other => format!("{other}: not a part of scraping; it was left out."),
                });
            }
            let global = whole.get("global").and_then(Value::as_object).cloned().unwrap_or_default();
            let configs = whole.get("scrape_configs").and_then(Value::as_array).cloned();
            (global, configs.ok_or("There is no list scrape_configs in it.")?)
        }
        _ => return Err("There is no list scrape_configs in it.".to_owned()),
    };
    for key in global.keys().filter(|key| !["scrape_interval", "scrape_timeout"].contains(&key.as_str())) {
        notes.push(format!("global.{key}: it was left out."));
    }
    if configs.len() > JOBS_MAX {
        return Err(format!("There are {} jobs in it; at most {JOBS_MAX} are imported at once.", configs.len()));
    }
    let mut jobs: Vec<Job> = Vec::new();
    for (config, number) in configs.iter().zip(1..) {
        match config.as_object().and_then(|config| Some((config, config.get("job_name")?.as_str()?))) {
            Some((_, name)) if jobs.iter().any(|job| job.name == name) => {
                notes.push(format!("{name}: there are two jobs of this name; the first one is taken."));
            }
            Some((config, name)) => jobs.push(job(name, config, &global)),
            None => notes.push(format!("Job {number} has no job_name; it was left out.")),
        }
    }
    Ok(Wanted { jobs, notes })
}

fn job(name: &str, config: &Map<String, Value>, global: &Map<String, Value>) -> Job {
    let (spec, secrets) = (Spec { interval_s: 60, ..Spec::default() }, Secrets::default());
    let mut job = Job { name: name.to_owned(), spec, secrets, notes: Vec::new(), lacks: Vec::new() };
    times(&mut job, config, global);
    for (key, value) in config {
        let text = value.as_str().map(str::to_owned);
        let flag = value.as_bool();
        match (key.as_str(), text, flag) {
            ("job_name" | "scrape_interval" | "scrape_timeout", ..) => {}
            ("metrics_path", Some(path), _) => job.spec.path = path,
            ("scheme", Some(scheme), _) if scheme == "http" => job.spec.scheme = Scheme::Http,
            ("scheme", Some(scheme), _) if scheme == "https" => job.spec.scheme = Scheme::Https,
            ("params", ..) => taken(&mut job, key, value, |job, params| job.spec.params = params),
            ("honor_labels", _, Some(flag)) => job.spec.honor_labels = flag,
            ("honor_timestamps", _, Some(flag)) => job.spec.honor_timestamps = flag,
            ("sample_limit", ..) if value.as_i64().is_some_and(|limit| limit > 0) => {
                job.spec.sample_limit = value.as_i64().unwrap_or(0);
            }
            (
                "sample_limit"
                | "label_limit"
                | "label_name_length_limit"
                | "label_value_length_limit"
                | "target_limit",
                ..,
            ) if value.as_i64() == Some(0) => {}
            ("label_limit", ..) if value.as_i64().is_some_and(|limit| limit > 0) => {
                job.spec.label_limit = value.as_i64().unwrap_or(0);
            }
            ("body_size_limit", Some(text), _) => match bytes(&text) {
                Some(0) => {}
                Some(bytes) => job.spec.body_bytes_max = bytes,
                None => job.note(format!("body_size_limit: {text:?} cannot be read; the limit is 32 MiB.")),
            },
            ("basic_auth" | "authorization" | "bearer_token", ..) => authorization(&mut job, key, value),
            ("tls_config", ..) => tls(&mut job, value),
            ("static_configs", ..) => taken(&mut job, key, value, |job, groups| job.spec.groups = groups),
            ("file_sd_configs", ..) => files(&mut job, value),
            ("dns_sd_configs", ..) => names(&mut job, value),
            ("relabel_configs", ..) => job.spec.relabel = rules(&mut job, key, value),
            ("metric_relabel_configs", ..) => job.spec.metric_relabel = rules(&mut job, key, value),
            ("follow_redirects", _, Some(true)) => {
                job.note("follow_redirects: a redirect is an error that says where it leads.".into())
            }
            ("follow_redirects" | "enable_http2" | "enable_compression", _, Some(_)) => {}
            (
                "scrape_protocols"
                | "scrape_classic_histograms"
                | "always_scrape_classic_histograms"
                | "fallback_scrape_protocol",
                ..,
            ) => {
                job.note(format!("{key}: text is asked for; native histograms are not scraped."));
            }
            (other, ..) if other.ends_with("_sd_configs") => {
                job.lacks(format!("{other}: this discovery is not there; use files, DNS or assets."));
            }
            (other, ..) => job.lacks(format!("{other}: it was left out.")),
        }
    }
    job
}

/// Reads a part of a known form.
fn taken<T: DeserializeOwned>(job: &mut Job, key: &str, value: &Value, put: impl FnOnce(&mut Job, T)) {
    match serde_json::from_value(value.clone()) {
        Ok(read) => put(job, read),
        Err(error) => job.lacks(format!("{key}: it cannot be read: {error}.")),
    }
}

fn times(job: &mut Job, config: &Map<String, Value>, global: &Map<String, Value>) {
    let mut seconds = |key: &str, default: i64| {
        let Some(value) = config.get(key).or_else(|| global.get(key)) else { return default };
        match value.as_str().and_then(duration_ms) {
            Some(ms) if ms >= 1_000 && ms % 1_000 == 0 => ms / 1_000,
            Some(ms) => {
                job.note(format!("{key}: {ms} ms are rounded to whole seconds."));
                (ms / 1_000).max(1)
            }
            None => {
                job.note(format!("{key}: {value} cannot be read; it is {default} s."));
                default
            }
        }
    };
    let interval_s = seconds("scrape_interval", 60);
    let timeout_s = seconds("scrape_timeout", 10);
    job.spec.interval_s = interval_s;
    job.spec.timeout_s = timeout_s.min(interval_s);
}

fn authorization(job: &mut Job, key: &str, value: &Value) {
    let text = |field: &str| value.get(field).and_then(Value::as_str).map(str::to_owned);
    match key {
        "bearer_token" => job.secrets.bearer_token = value.as_str().map(str::to_owned),
        "basic_auth" => {
            job.spec.username = text("username");
            job.secrets.password = text("password");
        }
        _ => match text("type").unwrap_or_else(|| "Bearer".into()) {
            kind if kind.eq_ignore_ascii_case("bearer") => job.secrets.bearer_token = text("credentials"),
            kind => job.lacks(format!("authorization: the type {kind} is not there; only Bearer and basic_auth are.")),
        },
    }
    for field in
        ["password_file", "credentials_file", "username_file"].iter().filter(|field| value.get(**field).is_some())
    {
        job.lacks(format!("{key}.{field}: files with credentials are not read; give the credentials to the job."));
    }
}

fn tls(job: &mut Job, value: &Value) {
    for (key, value) in value.as_object().into_iter().flatten() {
        let text = value.as_str().map(str::to_owned);
        match key.as_str() {
            "ca" => job.spec.tls.ca = text,
            "cert" => job.spec.tls.certificate = text,
            "key" => job.secrets.tls_key = text,
            "server_name" => job.spec.tls.server_name = text,
            "insecure_skip_verify" => job.spec.tls.any_certificate = value.as_bool().unwrap_or(false),
            "ca_file" | "cert_file" | "key_file" => {
                job.lacks(format!("tls_config.{key}: files are not read; give what is in it to the job."));
            }
            _ => job.note(format!("tls_config.{key}: it was left out.")),
        }
    }
}

fn files(job: &mut Job, value: &Value) {
    let lists = value.as_array().into_iter().flatten().filter_map(|one| one.get("files")?.as_array());
    let paths: Vec<String> = lists.flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    for path in paths {
        let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
        if name != path {
            job.note(format!(
                "file_sd_configs: {path} is read as {name} in the folder for targets; put the files there."
            ));
        }
        job.spec.files.push(name);
    }
}

fn names(job: &mut Job, value: &Value) {
    for one in value.as_array().into_iter().flatten() {
        let kind = match one.get("type").and_then(Value::as_str).unwrap_or("SRV") {
            "SRV" => DnsKind::Srv,
            "A" => DnsKind::A,
            "AAAA" => DnsKind::Aaaa,
            other => {
                job.lacks(format!("dns_sd_configs: records of type {other} are not looked up."));
                continue;
            }
        };
        let port = one.get("port").and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok());
        let names = one.get("names").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        job.spec.dns.extend(names.map(|name| DnsName { name: name.to_owned(), kind, port }));
    }
}

/// Rules that can be used; the others are noted by number.
fn rules(job: &mut Job, key: &str, value: &Value) -> Vec<Relabel> {
    let mut rules = Vec::new();
    for (one, number) in value.as_array().into_iter().flatten().zip(1..) {
        let read = serde_json::from_value::<Relabel>(one.clone()).map_err(|error| error.to_string());
        match read.and_then(|rule| compile(std::slice::from_ref(&rule)).map(|_| rule)) {
            Ok(rule) => rules.push(rule),
            Err(why) => job.lacks(format!("{key}: rule {number} was left out: {why}.")),
        }
    }
    rules
}

/// A size as Prometheus writes it, such as `10MB`; binary, as there.
fn bytes(text: &str) -> Option<i64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let factor = match unit {
        "" | "B" => 1,
        "KB" | "KiB" => 1 << 10,
        "MB" | "MiB" => 1 << 20,
        "GB" | "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
type Jobs = std::collections::BTreeMap<String, (Spec, Secrets, bool)>;

/// Used by tests to see what a configuration means.
#[cfg(test)]
fn shown(text: &str) -> (Jobs, Vec<String>) {
    let wanted = read(text).unwrap();
    let mut notes = wanted.notes;
    let mut jobs = std::collections::BTreeMap::new();
    for job in wanted.jobs {
        notes.extend(job.notes.iter().map(|note| format!("{}: {note}", job.name)));
        jobs.insert(job.name, (job.spec, job.secrets, !job.lacks.is_empty()));
    }
    (jobs, notes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"
global:
  scrape_interval: 15s
  external_labels: {site: oslo}
rule_files: [rules.yml]
scrape_configs:
  - job_name: node
    static_configs:
      - targets: ["db-01:9100", "db-02:9100"]
        labels: {role: db}
    relabel_configs:
      - source_labels: [__address__]
        regex: "([^:]+):.*"
        target_label: host
    metric_relabel_configs:
      - source_labels: [__name__]
        regex: "go_.*"
        action: drop
  - job_name: files
    scheme: https
    scrape_interval: 1m
    file_sd_configs: [{files: [/etc/prometheus/sd/*.yml], refresh_interval: 5m}]
    basic_auth: {username: prom, password: geheim}
    tls_config: {insecure_skip_verify: true}
  - job_name: pods
    kubernetes_sd_configs: [{role: pod}]
    relabel_configs:
      - {action: hashmod, source_labels: [__address__], modulus: 4, target_label: shard}
      - {action: hashmod, source_labels: [__address__], target_label: shard}
  - static_configs: []
  - {job_name: node, scrape_interval: 5s}
"#;

    #[test]
    fn what_can_be_taken_over_is_and_the_rest_is_listed() {
        let (jobs, notes) = shown(CONFIG);
        let (node, _, incomplete) = &jobs["node"];
        assert_eq!((node.interval_s, node.timeout_s, *incomplete), (15, 10, false));
        assert_eq!(node.groups[0].targets, ["db-01:9100", "db-02:9100"]);
        assert_eq!((node.relabel.len(), node.metric_relabel.len(), node.check().is_ok()), (1, 1, true));
        let (files, secrets, incomplete) = &jobs["files"];
        assert_eq!(
            (files.interval_s, files.files.as_slice(), *incomplete),
            (60, ["*.yml".to_owned()].as_slice(), false)
        );
        assert_eq!((files.username.as_deref(), secrets.password.as_deref()), (Some("prom"), Some("geheim")));
        assert!(files.tls.any_certificate && jobs["pods"].2);
        let all = notes.join("\n");
        for part in [
            "rule_files:",
            "global.external_labels",
            "files: file_sd_configs: /etc/prometheus/sd/*.yml is read as *.yml",
            "pods: kubernetes_sd_configs: this discovery is not there",
            "pods: relabel_configs: rule 2 was left out",
            "Job 4 has no job_name",
            "node: there are two jobs of this name; the first one is taken",
        ] {
            assert!(all.contains(part), "{part}\n{all}");
        }
        assert!(!all.contains("geheim"));
    }

    #[test]
    fn a_list_of_jobs_alone_is_taken_and_other_texts_are_refused() {
        assert_eq!(shown("- job_name: a\n  static_configs: [{targets: ['x:1']}]\n").0.len(), 1);
        for text in ["", "a: 1", "just words", "scrape_configs: 5", "x: &a [*a]"] {
            assert!(read(text).is_err(), "{text}");
        }
        assert_eq!(["10MB", "512", "1GiB", "x"].map(bytes), [Some(10 << 20), Some(512), Some(1 << 30), None]);
    }
}
