//! Outages in virtual time: scenario files against the cause engine. `docs/causes.md` has the format.

use std::path::{Path, PathBuf};

use ::causes::Rules;
use ::outages::{Totals, play, read};
use kernel::{Error, Result};
use serde_json::{Map, Value, json};

use crate::process::thread_cpu;
use crate::report::Report;
use crate::unusable;

/// Seeds of each scenario unless said otherwise.
const SEEDS: u64 = 10;
/// The same with `--quick`.
const SEEDS_QUICK: u64 = 2;
/// Groups that are told of a run that went wrong.
const TOLD_MAX: usize = 5;

/// Which files, and which seeds.
pub(crate) struct Wanted<'a> {
    pub(crate) folder: Option<&'a Path>,
    pub(crate) seed: u64,
    pub(crate) seeds: Option<u64>,
    pub(crate) quick: bool,
}

pub(crate) fn measure(wanted: &Wanted<'_>, report: &mut Report) -> Result<()> {
    let own = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios"));
    let folder = wanted.folder.unwrap_or(&own);
    let seeds = wanted.seeds.unwrap_or(if wanted.quick { SEEDS_QUICK } else { SEEDS }).max(1);
    let paths = files(folder)?;
    let rules = Rules::built_in();
    let clock = || thread_cpu().as_secs_f64();
    let (mut all, mut kinds, mut largest) = (Totals::default(), std::collections::BTreeSet::new(), 0);
    let (mut each, mut broken) = (Map::new(), Vec::new());
    report.say("first at page  first  first 3  one page  orphans  undetermined  CPU s   scenario");
    for path in &paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path).map_err(|error| unusable(path, &error))?;
        let scenario = match read(&text) {
            Ok(scenario) => scenario,
            Err(problem) => {
                report.say(format!("  {name} is not played: {problem}"));
                broken.push(format!("{name}: {problem}"));
                continue;
            }
        };
        kinds.insert(scenario.kind.clone());
        largest = largest.max(scenario.size());
        let mut totals = Totals::default();
        for seed in wanted.seed..wanted.seed.saturating_add(seeds) {
            let verdict = play(&scenario, seed, &rules, &clock);
            if verdict.first < verdict.causes || !verdict.one_page || verdict.undetermined_right == Some(false) {
                report.say(format!("  {name}, seed {seed}: {} pages for {} causes", verdict.pages, verdict.causes));
                verdict.groups.iter().take(TOLD_MAX).for_each(|group| report.say(format!("    {group}")));
            }
            totals.add(&verdict);
            all.add(&verdict);
        }
        report.say(format!("{}   {name}: {}", row(&totals), scenario.name));
        each.insert(name, of_scenario(&totals));
    }
    if !broken.is_empty() {
        report.is_part();
    }
    report.detail("not_played", broken.into());
    if each.is_empty() {
        return Ok(());
    }
    report.datum("scenarios", each.len());
    report.detail("each", Value::Object(each));
    report.datum("kinds", kinds.len());
    report.datum("largest", largest);
    report.datum("runs", all.runs());
    report.datum("seed", wanted.seed);
    report.figure("first_percent", all.first_percent());
    report.figure("first3_percent", all.first3_percent());
    report.figure("first_at_page_percent", all.first_at_page_percent());
    report.figure("one_page_percent", all.one_page_percent());
    report.figure("orphan_recoveries", all.orphan_recoveries as f64);
    report.figure("undetermined_right_percent", all.undetermined_right_percent());
    report.figure("cpu_s", all.cpu_s);
    Ok(())
}

/// The figures of one scenario, under the names of those of all.
fn of_scenario(totals: &Totals) -> Value {
    json!({
        "runs": totals.runs(),
        "first_at_page_percent": totals.first_at_page_percent(),
        "first_percent": totals.first_percent(),
        "first3_percent": totals.first3_percent(),
        "one_page_percent": totals.one_page_percent(),
        "orphan_recoveries": totals.orphan_recoveries,
        "undetermined_right_percent": totals.undetermined_right_percent(),
        "cpu_s": totals.cpu_s,
    })
}

fn row(totals: &Totals) -> String {
    format!(
        "{:>13.0} {:>6.0} {:>8.0} {:>9.0} {:>8} {:>13.0} {:>6.2}",
        totals.first_at_page_percent(),
        totals.first_percent(),
        totals.first3_percent(),
        totals.one_page_percent(),
        totals.orphan_recoveries,
        totals.undetermined_right_percent(),
        totals.cpu_s
    )
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(|error| unusable(folder, &error))?;
    let yaml = |path: &PathBuf| path.extension().is_some_and(|end| end == "yaml" || end == "yml");
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(yaml).collect();
    paths.sort();
    if paths.is_empty() {
        return Err(Error::invalid("scenarios", format!("{} holds no *.yaml files.", folder.display())));
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_read_does_not_end_the_others_and_each_has_its_figures() {
        let folder = std::env::temp_dir().join(format!("mainstay-outages-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let good = "name: A server dies\nkind: server\nthings: [{ name: srv, kind: server }]\nscript: [{ at: 5m, fault: down, on: srv }]\ntruth: srv\n";
        std::fs::write(folder.join("a.yaml"), good).unwrap();
        std::fs::write(folder.join("b.yaml"), "name: nothing else\n").unwrap();
        let mut report = Report::new("outages", true);
        let done = measure(&Wanted { folder: Some(&folder), seed: 1, seeds: Some(1), quick: true }, &mut report);
        std::fs::remove_dir_all(&folder).unwrap();
        done.unwrap();
        let data = report.data();
        assert_eq!(data["each"]["a.yaml"]["runs"], 1, "{data}");
        assert!(data["not_played"][0].as_str().unwrap().starts_with("b.yaml: "), "{data}");
        assert!(!report.finish(), "who asks by the exit code learns that a file is missing");
    }
}
