//! Who may depend on whom. Cargo refuses cycles; this refuses shortcuts.

use std::collections::BTreeMap;

/// The tiers from the ground up; a crate may use lower tiers, and of its own tier only what is named here.
const TIERS: &[(&str, u8, &[&str])] = &[
    ("causes", 0, &[]),
    ("tsdb", 0, &[]),
    ("promql", 0, &[]),
    ("metrics-proto", 0, &[]),
    ("rules", 0, &["promql"]),
    ("agent-proto", 0, &[]),
    ("outbound", 0, &[]),
    ("probes", 0, &["metrics-proto", "outbound"]),
    ("kernel", 1, &[]),
    ("web", 2, &[]),
    ("people", 3, &[]),
    ("assets", 3, &["people"]),
    ("desk", 4, &[]),
    ("monitor", 4, &[]),
    ("fleet", 4, &[]),
    ("runbooks", 4, &[]),
    ("paging", 4, &[]),
    ("server", 5, &[]),
    ("mainstay", 6, &[]),
    ("outages", 5, &[]),
    ("agent", 1, &[]),
    ("bench", 7, &[]),
    ("tidy", 7, &[]),
];

/// Depend on nothing of ours but this: what runs on managed machines stays small.
const AGENT_MAY_USE: &[&str] = &["agent-proto", "probes"];

fn dependencies(name: &str, section: &str) -> Vec<String> {
    let path = tidy::root().join("crates").join(name).join("Cargo.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.starts_with('[') {
            inside = line.trim() == section;
        } else if inside && let Some((key, _)) = line.split_once(['=', '.', ' ']) {
            found.push(key.trim().to_owned());
        }
    }
    found.retain(|key| !key.is_empty() && !key.starts_with('#'));
    found
}

#[test]
fn arrows_go_down_only() {
    let tiers: BTreeMap<&str, (u8, &[&str])> = TIERS.iter().map(|(name, tier, own)| (*name, (*tier, *own))).collect();
    let mut wrong = Vec::new();
    for &(name, tier, same) in TIERS {
        for dependency in dependencies(name, "[dependencies]") {
            let Some((below, _)) = tiers.get(dependency.as_str()) else { continue };
            let fine = if name == "agent" {
                AGENT_MAY_USE.contains(&dependency.as_str())
            } else {
                *below < tier || same.contains(&dependency.as_str())
            };
            if !fine {
                wrong.push(format!("{name} -> {dependency}"));
            }
        }
    }
    assert!(wrong.is_empty(), "these arrows do not go down: {wrong:?}");
}

#[test]
fn every_crate_has_a_place_in_the_tiers() {
    let known: Vec<&str> = TIERS.iter().map(|(name, ..)| *name).collect();
    let folders = std::fs::read_dir(tidy::root().join("crates"))
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    let unknown: Vec<String> = folders.filter(|name| !known.contains(&name.as_str())).collect();
    assert!(unknown.is_empty(), "give these a tier: {unknown:?}");
}

#[test]
fn only_the_server_and_the_product_know_http_and_the_command_line() {
    let http = ["axum", "hyper", "hyper-util", "tower", "clap"];
    let may = ["server", "mainstay", "agent", "bench"];
    let mut wrong = Vec::new();
    for (name, ..) in TIERS.iter().filter(|(name, ..)| !may.contains(name)) {
        wrong.extend(
            dependencies(name, "[dependencies]")
                .into_iter()
                .filter(|one| http.contains(&one.as_str()))
                .map(|one| format!("{name} -> {one}")),
        );
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn every_third_party_crate_has_a_line_in_stack() {
    let root = std::fs::read_to_string(tidy::root().join("Cargo.toml")).unwrap();
    let stack = std::fs::read_to_string(tidy::root().join("STACK.md")).unwrap();
    let table = root.split("# others").nth(1).unwrap().split("\n[").next().unwrap();
    let names = table.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name.trim().to_owned());
    let missing: Vec<String> = names.filter(|name| !stack.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "say in STACK.md why we have these and what we would do without: {missing:?}");
}

#[test]
fn the_tree_of_crates_stays_small() {
    let lock = std::fs::read_to_string(tidy::root().join("Cargo.lock")).unwrap();
    let packages = lock.lines().filter(|line| *line == "[[package]]").count();
    assert!(packages <= 400, "{packages} packages; the limit is 400");
}
