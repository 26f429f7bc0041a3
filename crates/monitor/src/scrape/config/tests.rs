//! Configurations of Prometheus, and what becomes of them.

use std::collections::BTreeMap;

use super::*;

type Jobs = BTreeMap<String, (Spec, Secrets, bool)>;

/// What a configuration means.
fn shown(text: &str) -> (Jobs, Vec<String>) {
    let wanted = read(text).unwrap();
    let mut notes = wanted.notes;
    let mut jobs = BTreeMap::new();
    for job in wanted.jobs {
        notes.extend(job.notes.iter().map(|note| format!("{}: {note}", job.name)));
        jobs.insert(job.name, (job.spec, job.secrets, !job.lacks.is_empty()));
    }
    (jobs, notes)
}

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
        (60, ["sd/*.yml".to_owned()].as_slice(), false)
    );
    assert_eq!((files.username.as_deref(), secrets.password.as_deref()), (Some("prom"), Some("geheim")));
    assert!(files.tls.any_certificate && jobs["pods"].2);
    let all = notes.join("\n");
    for part in [
        "rule_files:",
        "global.external_labels",
        "files: file_sd_configs: /etc/prometheus/sd/*.yml is read as sd/*.yml",
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
    let apart = read("scrape_config_files: [conf.d/*.yml]\n").unwrap_err();
    assert!(apart.contains("import each of these files"), "{apart}");
    let notes = shown("scrape_config_files: [conf.d/*.yml]\nscrape_configs: []\n").1;
    assert_eq!(notes, ["scrape_config_files: import each of these files too."]);
    assert_eq!(["10MB", "512", "1GiB", "x"].map(bytes), [Some(10 << 20), Some(512), Some(1 << 30), None]);
}

/// The only job of a list.
fn only(text: &str) -> Job {
    let wanted = read(text).unwrap();
    assert_eq!(wanted.jobs.len(), 1);
    wanted.jobs.into_iter().next().unwrap()
}

fn keys(job: &Job) -> Vec<&str> {
    job.lacks.iter().map(String::as_str).collect()
}

#[test]
fn numbers_and_flags_without_quotes_are_texts_and_what_is_none_is_lacking() {
    let job = only(
        "- job_name: 7\n  basic_auth: {username: 1001, password: 12345}\n  params: {debug: [true, 5]}\n  \
         static_configs: [{targets: ['x:1'], labels: {rack: 7, spare: true}}]\n  \
         relabel_configs: [{target_label: port, replacement: 8080}, {action: hashmod, modulus: 4, target_label: shard}]\n",
    );
    assert_eq!((job.name.as_str(), keys(&job)), ("7", vec![]));
    assert_eq!((job.spec.username.as_deref(), job.secrets.password.as_deref()), (Some("1001"), Some("12345")));
    let labels = &job.spec.groups[0].labels;
    assert_eq!((labels["rack"].as_str(), labels["spare"].as_str()), ("7", "true"));
    assert_eq!((job.spec.params["debug"].clone(), job.spec.relabel.len()), (vec!["true".into(), "5".into()], 2));
    assert_eq!((job.spec.relabel[0].replacement.as_str(), job.spec.relabel[1].modulus), ("8080", 4));
    // Nobody can tell how a number with a fraction was written.
    let job = only("- job_name: a\n  basic_auth: {username: [x], password: 1.5}\n  bearer_token: {a: secret}\n");
    assert_eq!(keys(&job), ["basic_auth.password", "basic_auth.username", "bearer_token"]);
    assert!(job.secrets.is_empty() && !job.notes.concat().contains("secret") && !job.notes.concat().contains("1.5"));
}

#[test]
fn limits_are_taken_up_to_what_there_is_here_and_those_that_are_not_set_are_told() {
    let limits = |text: &str| {
        let job = only(&format!("- {{job_name: a{text}}}\n"));
        assert!(job.spec.check().is_ok() && job.lacks.is_empty(), "{text}");
        (job.spec.sample_limit, job.spec.label_limit, job.spec.body_bytes_max, job.unlimited, job.notes.len())
    };
    assert_eq!(limits(""), (SAMPLES_MAX, LABELS_MAX, 32 << 20, true, 0));
    assert_eq!(
        limits(", sample_limit: 0, label_limit: 0, body_size_limit: 0"),
        (SAMPLES_MAX, LABELS_MAX, 32 << 20, true, 0)
    );
    assert_eq!(limits(", sample_limit: 5, label_limit: 9, body_size_limit: 4096"), (5, 9, 4_096, false, 0));
    let more = limits(", sample_limit: 1000000, label_limit: 50, body_size_limit: 1GB");
    assert_eq!(more, (SAMPLES_MAX, LABELS_MAX, 64 << 20, false, 3));
    let job = only("- {job_name: a, sample_limit: many, label_limit: -1}\n");
    assert_eq!(keys(&job), ["label_limit", "sample_limit"]);
    let job = read("global: {sample_limit: 7}\nscrape_configs: [{job_name: a}]\n").unwrap().jobs.remove(0);
    assert_eq!((job.spec.sample_limit, job.unlimited), (7, false));
}

#[test]
fn files_keep_their_last_folder_and_those_that_would_be_mixed_up_are_lacking() {
    let files = |one: &str, other: &str| {
        let job =
            |name: &str, path: &str| format!("- {{job_name: {name}, file_sd_configs: [{{files: ['{path}']}}]}}\n");
        let wanted = read(&(job("a", one) + &job("b", other))).unwrap();
        let of = |job: &Job| (job.spec.files.concat(), job.lacks.len());
        wanted.jobs.iter().map(of).collect::<Vec<_>>()
    };
    let apart = |one: &str, other: &str, lacks: usize| vec![(one.to_owned(), lacks), (other.to_owned(), lacks)];
    assert_eq!(files("/etc/prom/node/*.yml", "/etc/prom/box/*.yml"), apart("node/*.yml", "box/*.yml", 0));
    assert_eq!(files("/a/sd/*.yml", "/b/sd/*.yml"), apart("sd/*.yml", "sd/*.yml", 1));
    assert_eq!(files("/a/sd/*.yml", "/a/sd/*.yml"), apart("sd/*.yml", "sd/*.yml", 0));
    assert_eq!(files("/a.json", "conf/.d/b.json"), apart("a.json", "b.json", 0));
}

#[test]
fn the_digest_of_a_job_is_over_its_part_of_the_file_whatever_its_order() {
    let part = |text: &str| read(text).unwrap().jobs.remove(0).part;
    let first = part("global: {scrape_interval: 15s}\nscrape_configs: [{job_name: a, params: {x: ['1'], y: ['2']}}]\n");
    assert_eq!(first, part("- {params: {y: ['2'], x: ['1']}, scrape_interval: 15s, job_name: a}\n"));
    assert_ne!(first, part("- {params: {y: ['2'], x: ['1']}, scrape_interval: 16s, job_name: a}\n"));
    assert_ne!(first, part("- {params: {y: ['2'], x: ['1']}, scrape_interval: 15s, job_name: a, oauth2: {}}\n"));
    // Held fast, so that another version of Mainstay finds nothing new in the same file.
    assert_eq!(part("- {job_name: a}\n"), "6124a3798261a2a48fbd5192f846961aa7d09abca8a56279a165be2b34e7cf9b");
}
