//! The scenarios of this repository against the engine, with seeds that it was not tuned on.

use std::path::PathBuf;

use outages::{Totals, play, read};

/// Scenarios of more things take too long here; the bench plays them.
const THINGS_MAX: usize = 400;
const SEED: u64 = 1_001;

fn scenarios() -> Vec<(String, outages::Scenario)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../bench/scenarios");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        (path.display().to_string(), read(&text).unwrap_or_else(|problem| panic!("{}: {problem}", path.display())))
    };
    paths.into_iter().map(read).collect()
}

#[test]
fn the_engine_finds_the_cause_and_tells_people_once() {
    let rules = causes::Rules::built_in();
    let mut totals = Totals::default();
    for (name, scenario) in scenarios().iter().filter(|(_, scenario)| scenario.size() <= THINGS_MAX) {
        let verdict = play(scenario, SEED, &rules, &|| 0.0);
        if verdict.first < verdict.causes || !verdict.one_page {
            println!("{name}: {verdict:?}");
        }
        totals.add(&verdict);
    }
    assert!(totals.runs() >= 30, "{}", totals.runs());
    assert!(totals.first_percent() >= 90.0, "{}", totals.first_percent());
    assert!(totals.first3_percent() >= 98.0, "{}", totals.first3_percent());
    assert!(totals.one_page_percent() >= 95.0, "{}", totals.one_page_percent());
    assert!(totals.undetermined_right_percent() >= 90.0, "{}", totals.undetermined_right_percent());
    assert_eq!(totals.orphan_recoveries, 0);
}

/// Late symptoms, gaps by role, changes that let some of the traffic pass, and places that go dark, what has two ways
/// through one duct, what comes and goes, what two lookers see at different times, single things that only look like a
/// place, what a look cannot tell, and what shares a thing that is well: each has a scenario that was not met before its rule.
#[test]
fn what_shows_late_or_through_gaps_has_its_cause_first_in_one_group() {
    let rules = causes::Rules::built_in();
    let all = scenarios();
    let number = |name: &str| name.rsplit('/').next().and_then(|file| file.get(..2)?.parse::<u32>().ok());
    let wanted: Vec<_> =
        all.iter().filter(|(name, _)| number(name).is_some_and(|at| (44..=80).contains(&at))).collect();
    assert_eq!(wanted.len(), 37);
    for (name, scenario) in wanted {
        let verdict = play(scenario, SEED, &rules, &|| 0.0);
        let found = verdict.first == verdict.causes && verdict.undetermined_right != Some(false);
        assert!(found, "{name}: {verdict:#?}");
        // One thing after another: the second is told of before anybody knows that it is the place, or the role.
        let most = if matches!(number(name), Some(50 | 60)) { 2 } else { verdict.causes.max(1) };
        assert!(verdict.pages <= most, "{name}: {verdict:#?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_outage_and_the_same_groups() {
    let all = scenarios();
    let (_, scenario) = all.iter().find(|(_, scenario)| scenario.kind == "hypervisor").unwrap();
    let play = |seed: u64| play(scenario, seed, &causes::Rules::built_in(), &|| 0.0);
    assert_eq!(play(5), play(5));
}

#[test]
fn there_are_thirty_scenarios_of_fifteen_kinds_up_to_five_thousand_things() {
    let all = scenarios();
    let kinds: std::collections::BTreeSet<&str> = all.iter().map(|(_, scenario)| scenario.kind.as_str()).collect();
    let largest = all.iter().map(|(_, scenario)| scenario.size()).max();
    assert!(
        all.len() >= 30 && kinds.len() >= 15 && largest >= Some(5_000),
        "{} {} {largest:?}",
        all.len(),
        kinds.len()
    );
}
