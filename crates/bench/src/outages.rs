//! Outages in virtual time: scenario files against the cause engine. `docs/causes.md` has the format.

use std::path::{Path, PathBuf};

use ::causes::Rules;
use ::outages::{Totals, play, read};
use kernel::{Error, Result};

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
    report.say("first at page  first  first 3  one page  orphans  undetermined  CPU s   scenario");
    for path in &paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path).map_err(|error| unusable(path, &error))?;
        let scenario = read(&text).map_err(|problem| Error::invalid("scenarios", format!("{name}: {problem}")))?;
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
    }
    report.datum("scenarios", paths.len());
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
