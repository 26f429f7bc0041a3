//! Plays scenario files quickly, without the rest of the house: `play DIR [SEEDS] [FIRST] [PART_OF_NAME]`. What is wrong
//! is told in full.

#![expect(clippy::print_stdout, reason = "it is a command")]

use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |at: usize| arguments.get(at).map(String::as_str);
    let folder = argument(0).unwrap_or("crates/bench/scenarios");
    let seeds: u64 = argument(1).unwrap_or("3").parse()?;
    let first: u64 = argument(2).unwrap_or("1").parse()?;
    let mut paths: Vec<_> = std::fs::read_dir(folder)?.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| argument(3).is_none_or(|part| path.to_string_lossy().contains(part)));
    paths.sort();
    let rules = causes::Rules::built_in();
    let begun = Instant::now();
    let clock = || begun.elapsed().as_secs_f64();
    let mut all = outages::Totals::default();
    for path in paths {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let scenario =
            outages::read(&std::fs::read_to_string(&path)?).map_err(|problem| format!("{name}: {problem}"))?;
        let mut totals = outages::Totals::default();
        let from = clock();
        for seed in first..first + seeds {
            let verdict = outages::play(&scenario, seed, &rules, &clock);
            let fine = verdict.first == verdict.causes && verdict.one_page && verdict.undetermined_right != Some(false);
            if !fine {
                println!(
                    "  {name} seed {seed}: {} pages, first {} of {}",
                    verdict.pages, verdict.first, verdict.causes
                );
                verdict.groups.iter().take(6).for_each(|group| println!("    {group}"));
            }
            totals.add(&verdict);
            all.add(&verdict);
        }
        println!("{}  {name} {:.1}s", row(&totals), clock() - from);
    }
    println!("{}  ALL", row(&all));
    Ok(())
}

fn row(totals: &outages::Totals) -> String {
    format!(
        "{:>5.0} {:>5.0} {:>5.0} page {:>5.0} orphans {} undetermined {:>5.0} cpu {:.2}",
        totals.first_at_page_percent(),
        totals.first_percent(),
        totals.first3_percent(),
        totals.one_page_percent(),
        totals.orphan_recoveries,
        totals.undetermined_right_percent(),
        totals.cpu_s
    )
}
