//! Scripts: the public suite's, if they are there, and our own.

use promql::script::{Class, MemoryDriver, Outcome, read, run};
use std::path::{Path, PathBuf};

/// The folder of the public scripts: named by the environment, or beside the checkout.
fn corpora() -> Option<PathBuf> {
    let named = std::env::var_os("MAINSTAY_CORPORA").map(PathBuf::from);
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let beside = here.ancestors().map(|folder| folder.join("shared/corpora"));
    named.into_iter().chain(beside).map(|folder| folder.join("promql")).find(|folder| folder.is_dir())
}

fn scripts(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == "test")).collect();
    found.sort();
    found
}

/// Passed evals by class, and what failed.
fn play(folder: &Path, delayed_names: bool) -> ([usize; 3], Vec<String>) {
    let (mut counts, mut failed) = ([0; 3], Vec::new());
    for path in scripts(folder) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let script = read(&std::fs::read_to_string(&path).unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let options = promql::script::options();
        let mut driver =
            MemoryDriver { options: Some(promql::Options { delayed_names, ..options }), ..MemoryDriver::default() };
        let report = run(&script, &mut driver).unwrap_or_else(|error| panic!("{name}: {error}"));
        for one in report.evals {
            match one.outcome {
                Outcome::Passed => counts[usize::from(one.class == Class::Experimental)] += 1,
                Outcome::Skipped => counts[2] += 1,
                Outcome::Failed(why) => failed.push(format!("{name}:{} {}\n    {why}", one.line, one.query)),
            }
        }
    }
    (counts, failed)
}

#[test]
fn the_public_scripts_pass() {
    let Some(folder) = corpora() else {
        println!("skipped: 499 evals; set MAINSTAY_CORPORA to the folder that holds promql/*.test");
        return;
    };
    for delayed_names in [true, false] {
        let ([floats, experimental, native], failed) = play(&folder, delayed_names);
        println!("passed {floats} float and {experimental} experimental evals, skipped {native} of native histograms");
        assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
        assert!(floats >= 384, "{floats}");
    }
}

fn own(folder: &str, delayed_names: bool) -> usize {
    let (counts, failed) = play(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder), delayed_names);
    println!("{folder}: passed {} float and {} experimental evals", counts[0], counts[1]);
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
    counts[0]
}

#[test]
fn our_own_scripts_pass_whenever_names_go() {
    assert!(own("scripts", false) > 250);
    assert!(own("scripts", true) > 250);
}

#[test]
fn names_go_at_once_or_at_the_end() {
    assert!(own("scripts/names_at_once", false) > 5);
    assert!(own("scripts/names_at_the_end", true) > 10);
}
