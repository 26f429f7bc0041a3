//! The configuration of a Prometheus, read as jobs: what is taken over, and in words what is not.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::plan::Secrets;
use super::relabel::{Relabel, compile};
use super::spec::{BODY_BYTES_MAX, BODY_BYTES_MIN, LABELS_MAX, SAMPLES_MAX, Scheme, Spec};
use super::target::duration_ms;
use super::yaml;

pub(super) mod access;
mod sources;
#[cfg(test)]
mod tests;
mod texts;

use texts::{text, texts};

/// Most jobs of one configuration.
const JOBS_MAX: usize = 200;
/// Most keys that are remembered of what could not be taken over of one job, and the longest.
const LACKS_MAX: usize = 200;
const LACK_CHARS_MAX: usize = 120;
/// What a job has from `global` when it does not say it itself.
const GLOBAL: [&str; 5] = ["scrape_interval", "scrape_timeout", "sample_limit", "label_limit", "body_size_limit"];

/// What a configuration asks for.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) jobs: Vec<Job>,
    pub(super) notes: Vec<String>,
}

/// A job in the making.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) name: String,
    pub(super) spec: Spec,
    pub(super) secrets: Secrets,
    pub(super) notes: Vec<String>,
    /// What changes what is scraped and could not be taken over, by its place in the file: `oauth2`, `relabel_configs[2]`.
    pub(super) lacks: BTreeSet<String>,
    /// Digest of its part of the file, with what it has from `global`.
    pub(super) part: String,
    /// The file sets no limit on samples.
    pub(super) unlimited: bool,
    /// Patterns of files: as the file says them, and as they are read here.
    files: Vec<(String, String)>,
}

impl Job {
    fn note(&mut self, words: String) {
        self.notes.push(words);
    }

    fn lacks(&mut self, key: &str, words: String) {
        self.notes.push(words);
        if self.lacks.len() < LACKS_MAX {
            self.lacks.insert(kernel::text::shorten(key, LACK_CHARS_MAX));
        }
    }
}

/// Reads a configuration, or its list of jobs alone.
///
/// # Errors
/// In words: it is none.
pub(super) fn read(file: &str) -> std::result::Result<Wanted, String> {
    yaml::plain(file)?;
    let whole: Value = serde_norway::from_str(file).map_err(|error| format!("This is no YAML: {error}."))?;
    let mut notes = Vec::new();
    let (global, configs) = parts(whole, &mut notes)?;
    if configs.len() > JOBS_MAX {
        return Err(format!("There are {} jobs in it; at most {JOBS_MAX} are imported at once.", configs.len()));
    }
    let mut jobs: Vec<Job> = Vec::new();
    for (config, number) in configs.iter().zip(1..) {
        let named = config.as_object().and_then(|config| Some((config, text(config.get("job_name")?)?)));
        match named {
            Some((_, name)) if jobs.iter().any(|job| job.name == name) => {
                notes.push(format!("{name}: there are two jobs of this name; the first one is taken."));
            }
            Some((config, name)) => jobs.push(job(name, with_global(config, &global))),
            None => notes.push(format!("Job {number} has no job_name; it was left out.")),
        }
    }
    sources::told_apart(&mut jobs);
    Ok(Wanted { jobs, notes })
}

/// `global` and the list of jobs.
fn parts(whole: Value, notes: &mut Vec<String>) -> std::result::Result<(Map<String, Value>, Vec<Value>), String> {
    let none = "There is no list scrape_configs in it.";
    let mut whole = match whole {
        Value::Array(configs) => return Ok((Map::new(), configs)),
        Value::Object(whole) => whole,
        _ => return Err(none.to_owned()),
    };
    for key in whole.keys().filter(|key| !["global", "scrape_configs"].contains(&key.as_str())) {
        notes.push(match key.as_str() {
            "rule_files" => "rule_files: rules are imported apart, from the rule files themselves.".to_owned(),
            "scrape_config_files" => "scrape_config_files: import each of these files too.".to_owned(),
            "alerting" => "alerting: Mainstay sends its alerts itself.".to_owned(),
            other => format!("{other}: not a part of scraping; it was left out."),
        });
    }
    let configs = match whole.remove("scrape_configs") {
        Some(Value::Array(configs)) => configs,
        _ if whole.contains_key("scrape_config_files") => {
            return Err(format!("{none} It names others in scrape_config_files: import each of these files."));
        }
        _ => return Err(none.to_owned()),
    };
    let global = whole.get("global").and_then(Value::as_object).cloned().unwrap_or_default();
    for key in global.keys().filter(|key| !GLOBAL.contains(&key.as_str())) {
        notes.push(format!("global.{key}: it was left out."));
    }
    Ok((global, configs))
}

/// A job's part of the file with what it does not say itself.
fn with_global(config: &Map<String, Value>, global: &Map<String, Value>) -> Map<String, Value> {
    let mut whole = config.clone();
    for key in GLOBAL {
        if let (false, Some(value)) = (whole.contains_key(key), global.get(key)) {
            whole.insert(key.to_owned(), value.clone());
        }
    }
    whole.sort_keys();
    whole.values_mut().for_each(Value::sort_all_objects);
    whole
}

fn job(name: String, config: Map<String, Value>) -> Job {
    let mut job = Job {
        name,
        spec: Spec { interval_s: 60, sample_limit: SAMPLES_MAX, ..Spec::default() },
        secrets: Secrets::default(),
        notes: Vec::new(),
        lacks: BTreeSet::new(),
        part: String::new(),
        unlimited: true,
        files: Vec::new(),
    };
    times(&mut job, &config);
    for (key, value) in &config {
        part(&mut job, key, value);
    }
    // Keys are sorted: a file that says the same in another order says nothing new.
    job.part = kernel::text::sha256_hex(Value::Object(config).to_string().as_bytes());
    job
}

/// Takes over one key of a job.
fn part(job: &mut Job, key: &str, value: &Value) {
    let (says, flag) = (value.as_str(), value.as_bool());
    match (key, says, flag) {
        ("job_name" | "scrape_interval" | "scrape_timeout", ..) => {}
        ("metrics_path", Some(path), _) => path.clone_into(&mut job.spec.path),
        ("scheme", Some("http"), _) => job.spec.scheme = Scheme::Http,
        ("scheme", Some("https"), _) => job.spec.scheme = Scheme::Https,
        ("params", ..) => taken(job, key, &texts(value), |job, params| job.spec.params = params),
        ("honor_labels", _, Some(flag)) => job.spec.honor_labels = flag,
        ("honor_timestamps", _, Some(flag)) => job.spec.honor_timestamps = flag,
        ("sample_limit", ..) if value.as_u64().is_some() => {
            if let Some(limit) = limit(job, key, value, SAMPLES_MAX) {
                (job.spec.sample_limit, job.unlimited) = (limit, false);
            }
        }
        ("label_limit", ..) if value.as_u64().is_some() => {
            if let Some(limit) = limit(job, key, value, LABELS_MAX) {
                job.spec.label_limit = limit;
            }
        }
        ("label_name_length_limit" | "label_value_length_limit" | "target_limit", ..) if value.as_i64() == Some(0) => {}
        ("body_size_limit", ..) => body(job, value),
        ("basic_auth" | "authorization" | "bearer_token" | "bearer_token_file", ..) => {
            access::authorization(job, key, value);
        }
        ("tls_config", ..) => access::tls(job, value),
        ("static_configs", ..) => taken(job, key, &texts(value), |job, groups| job.spec.groups = groups),
        ("file_sd_configs", ..) => sources::files(job, value),
        ("dns_sd_configs", ..) => sources::names(job, value),
        ("relabel_configs", ..) => job.spec.relabel = rules(job, key, value),
        ("metric_relabel_configs", ..) => job.spec.metric_relabel = rules(job, key, value),
        ("follow_redirects", _, Some(true)) => {
            job.note("follow_redirects: a redirect is an error that says where it leads.".into());
        }
        ("follow_redirects" | "enable_http2" | "enable_compression", _, Some(_)) => {}
        (
            "scrape_protocols"
            | "scrape_classic_histograms"
            | "always_scrape_classic_histograms"
            | "fallback_scrape_protocol",
            ..,
        ) => job.note(format!("{key}: text is asked for; native histograms are not scraped.")),
        (other, ..) if other.ends_with("_sd_configs") => {
            job.lacks(other, format!("{other}: this discovery is not there; use files, DNS or assets."));
        }
        (other, ..) => job.lacks(other, format!("{other}: it was left out.")),
    }
}

/// Reads a part of a known form.
fn taken<T: DeserializeOwned>(job: &mut Job, key: &str, value: &Value, put: impl FnOnce(&mut Job, T)) {
    match T::deserialize(value) {
        Ok(read) => put(job, read),
        Err(error) => job.lacks(key, format!("{key}: it cannot be read: {error}.")),
    }
}

/// A limit of the file, or the highest there is here; none when the file sets none.
fn limit(job: &mut Job, key: &str, value: &Value, most: i64) -> Option<i64> {
    let says = value.as_u64().filter(|says| *says > 0)?;
    let fits = i64::try_from(says).ok().filter(|says| *says <= most);
    if fits.is_none() {
        job.note(format!("{key}: {says} is more than there may be here; it is {most}."));
    }
    Some(fits.unwrap_or(most))
}

fn body(job: &mut Job, value: &Value) {
    match text(value).map(|says| (bytes(&says), says)) {
        Some((Some(0), _)) => {}
        Some((Some(bytes), says)) => {
            job.spec.body_bytes_max = bytes.clamp(BODY_BYTES_MIN, BODY_BYTES_MAX);
            if job.spec.body_bytes_max != bytes {
                let taken = job.spec.body_bytes_max;
                job.note(format!("body_size_limit: {says} cannot be set here; it is {taken} bytes."));
            }
        }
        _ => job.note(format!("body_size_limit: {value} cannot be read; the limit is 32 MiB.")),
    }
}

fn times(job: &mut Job, config: &Map<String, Value>) {
    let mut seconds = |key: &str, default: i64| {
        let Some(value) = config.get(key) else { return default };
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

/// Rules that can be used; the others are noted by number.
fn rules(job: &mut Job, key: &str, value: &Value) -> Vec<Relabel> {
    let mut rules = Vec::new();
    for (one, number) in value.as_array().into_iter().flatten().zip(1..) {
        let read = serde_json::from_value::<Relabel>(texts::of_rule(one)).map_err(|error| error.to_string());
        match read.and_then(|rule| compile(std::slice::from_ref(&rule)).map(|_| rule)) {
            Ok(rule) => rules.push(rule),
            Err(why) => job.lacks(&format!("{key}[{number}]"), format!("{key}: rule {number} was left out: {why}.")),
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
