//! `mainstay monitor rule test FILE..`: tests of rules in promtool's format, on this machine and without a server.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command};
use kernel::{Error, Result};
use rules::suite::{Report, Suite};

use super::say;

/// The operation whose place on the command line this takes.
pub(super) const OPERATION: &str = "monitor.rule.test";

pub(super) fn command(verb: String) -> Command {
    Command::new(verb)
        .about("Test rules with files in promtool's format; needs no server, ends with 1 when something differs")
        .arg(Arg::new("file").value_name("FILE").required(true).num_args(1..).help("Files of tests"))
}

/// The arguments, if this is what was asked for.
pub(super) fn asked(matches: &ArgMatches) -> Option<&ArgMatches> {
    let mut parts = OPERATION.split('.');
    let (domain, sub) = matches.subcommand()?;
    let (noun, sub) = sub.subcommand()?;
    let (verb, sub) = sub.subcommand()?;
    (parts.next() == Some(domain) && parts.next() == Some(noun) && parts.next() == Some(verb)).then_some(sub)
}

pub(super) fn run(root: &ArgMatches, matches: &ArgMatches) -> Result<()> {
    let json = root.get_one::<String>("output").is_some_and(|format| format == "json");
    let mut failed = 0;
    let mut all = Vec::new();
    for file in matches.get_many::<String>("file").into_iter().flatten() {
        let tested = test(Path::new(file));
        failed += usize::from(!tested.as_ref().is_ok_and(|report| report.failures.is_empty()));
        if json {
            all.push(match tested {
                Ok(report) => serde_json::json!({ "file": file, "passed": report.passed, "failures": report.failures }),
                Err(error) => serde_json::json!({ "file": file, "passed": 0, "failures": [error.message] }),
            });
        } else {
            say(&said(file, &tested));
        }
    }
    if json {
        say(&serde_json::Value::Array(all).to_string());
    }
    match failed {
        0 => Ok(()),
        1 => Err(Error::invalid("file", "One file of tests failed.")),
        count => Err(Error::invalid("file", format!("{count} files of tests failed."))),
    }
}

/// In promtool's layout.
fn said(file: &str, tested: &Result<Report>) -> String {
    match tested {
        Ok(report) if report.failures.is_empty() => {
            format!("Unit Testing:  {file}\n  SUCCESS ({} expectations)\n", report.passed)
        }
        Ok(report) => {
            let failures: Vec<String> = report
                .failures
                .iter()
                .map(|failure| format!("    {}", failure.trim_start().replace('\n', "\n    ")))
                .collect();
            format!("Unit Testing:  {file}\n  FAILED:\n{}\n", failures.join("\n"))
        }
        Err(error) => format!("Unit Testing:  {file}\n  FAILED:\n    {}\n", error.message),
    }
}

fn test(path: &Path) -> Result<Report> {
    let said = |wrong: rules::Mistake| Error::invalid("file", wrong.at(&path.display().to_string()));
    let suite = Suite::parse(&read(path)?).map_err(said)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut files = BTreeMap::new();
    for pattern in &suite.rule_files {
        let found = matching(folder, pattern)?;
        if found.is_empty() {
            return Err(Error::invalid("file", format!("{}: no file fits \"{pattern}\"", path.display())));
        }
        for file in found {
            let text = read(&file)?;
            files.insert(file.display().to_string(), text);
        }
    }
    suite.run(&files).map_err(said)
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path)
        .map_err(|error| Error::invalid("file", format!("{} cannot be read: {error}", path.display())))
}

/// The files that a pattern means, seen from a folder; `*` and `?` may stand in the last part.
fn matching(folder: &Path, pattern: &str) -> Result<Vec<PathBuf>> {
    let whole = folder.join(pattern);
    let name = whole.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if !name.contains(['*', '?']) {
        return Ok(vec![whole]);
    }
    let parent = whole.parent().unwrap_or(folder);
    let entries = std::fs::read_dir(parent)
        .map_err(|error| Error::invalid("file", format!("{} cannot be read: {error}", parent.display())))?;
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| fits(&name, &entry.file_name().to_string_lossy()))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    Ok(found)
}

/// True when a name fits a pattern of `*` and `?`.
fn fits(pattern: &str, name: &str) -> bool {
    let mut chars = pattern.chars();
    match chars.next() {
        None => name.is_empty(),
        Some('*') => {
            name.char_indices().any(|(at, _)| fits(chars.as_str(), name.get(at..).unwrap_or_default()))
                || fits(chars.as_str(), "")
        }
        Some(c) => {
            let mut rest = name.chars();
            rest.next().is_some_and(|first| c == '?' || c == first) && fits(chars.as_str(), rest.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up == 0\n    for: 2m\n";
    const TESTS: &str = "rule_files: ['r*.yml']\ntests:\n- input_series: [{series: up, values: '0 0 0 0'}]\n  alert_rule_test:\n  - {eval_time: 1m, alertname: Down}\n  - {eval_time: 3m, alertname: Down, exp_alerts: [{exp_labels: {}}]}\n";

    #[test]
    fn a_file_of_tests_finds_its_rules_beside_it_and_says_what_differs() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("rules.yml", RULES);
        write("tests.yml", TESTS);
        write("wrong.yml", &TESTS.replace("eval_time: 1m", "eval_time: 2m"));
        let good = test(&folder.path().join("tests.yml")).unwrap();
        assert_eq!((good.passed, good.failures.len()), (2, 0));
        let wrong = test(&folder.path().join("wrong.yml"));
        let text = said("wrong.yml", &wrong);
        assert!(
            text.contains("FAILED") && text.contains("alertname: Down, time: 2m") && text.contains("exp:[]"),
            "{text}"
        );
        write("broken.yml", &TESTS.replace("values: '0 0", "values: 'zero 0"));
        let broken = test(&folder.path().join("broken.yml")).unwrap_err().message;
        assert!(broken.contains("broken.yml:3:") && broken.contains("\"zero\" is no point"), "{broken}");
        write("rules.yml", &RULES.replace("up == 0", "up =="));
        let broken = test(&folder.path().join("tests.yml")).unwrap_err().message;
        assert!(broken.contains("rules.yml:5:") && !broken.contains("tests.yml"), "{broken}");
        std::fs::remove_file(folder.path().join("rules.yml")).unwrap();
        assert!(test(&folder.path().join("tests.yml")).unwrap_err().message.contains("no file fits"));
    }

    #[test]
    fn patterns_of_files_fit_as_in_a_shell() {
        for (pattern, name, expected) in [
            ("*.yml", "a.yml", true),
            ("*.yml", "a.yaml", false),
            ("r?les*", "rules", true),
            ("*", "", true),
            ("a*b*c", "axxbyyc", true),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }
}
