//! What a configuration says of files and names with targets.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Job, text};
use crate::scrape::files::check_name;
use crate::scrape::spec::{DnsKind, DnsName};

/// Files with targets, with the last folder of their path.
pub(super) fn files(job: &mut Job, value: &Value) {
    let lists = value.as_array().into_iter().flatten().filter_map(|one| one.get("files")?.as_array());
    for path in lists.flatten().filter_map(text) {
        let name = short(&path).to_owned();
        if name != path {
            job.note(format!(
                "file_sd_configs: {path} is read as {name} in the folder for targets; put the files there."
            ));
        }
        if !job.spec.files.contains(&name) {
            job.spec.files.push(name.clone());
        }
        job.files.push((path, name));
    }
}

/// A path with its last folder, or without it where a folder for targets cannot have it.
fn short(path: &str) -> &str {
    let after = |slash: usize| path.get(slash + 1..).unwrap_or_default();
    let mut slashes = path.rmatch_indices('/').map(|(slash, _)| slash);
    let Some(last) = slashes.next() else { return path };
    let with_folder = slashes.next().map_or(path, after);
    if check_name(with_folder).is_ok() { with_folder } else { after(last) }
}

/// Files that lie apart there and would be the same ones here are lacking: each job would have the targets of the other.
pub(super) fn told_apart(jobs: &mut [Job]) {
    let mut paths: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (path, name) in jobs.iter().flat_map(|job| &job.files) {
        paths.entry(name).or_default().insert(path);
    }
    let shared = paths.into_iter().filter(|(_, paths)| paths.len() > 1).map(|(name, _)| name.to_owned());
    let shared: BTreeSet<String> = shared.collect();
    for job in jobs {
        let files = std::mem::take(&mut job.files);
        for (path, name) in files.iter().filter(|(_, name)| shared.contains(name)) {
            let words = format!(
                "file_sd_configs: other files than {path} are read as {name} too; put these into a folder of their own and \
                 give it to the job as `files`."
            );
            job.lacks(&format!("file_sd_configs[{name}]"), words);
        }
        job.files = files;
    }
}

/// Names that are looked up.
pub(super) fn names(job: &mut Job, value: &Value) {
    for one in value.as_array().into_iter().flatten() {
        let kind = match one.get("type").and_then(Value::as_str).unwrap_or("SRV") {
            "SRV" => DnsKind::Srv,
            "A" => DnsKind::A,
            "AAAA" => DnsKind::Aaaa,
            other => {
                let words = format!("dns_sd_configs: records of type {other} are not looked up.");
                job.lacks(&format!("dns_sd_configs[{other}]"), words);
                continue;
            }
        };
        let port = one.get("port").and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok());
        let names = one.get("names").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        job.spec.dns.extend(names.map(|name| DnsName { name: name.to_owned(), kind, port }));
    }
}
