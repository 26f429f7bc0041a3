//! Sizes, names and openings of files.

use tidy::{functions, sources};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

fn rust() -> Vec<tidy::Source> {
    sources("crates", &[".rs"])
}

#[test]
fn no_file_is_longer_than_its_limit() {
    let all = rust().into_iter().chain(sources("crates", &[".js", ".css"])).chain(sources("tests", &[".js", ".mjs"]));
    let long: Vec<String> = all
        .map(|file| (file.text.lines().count(), file.path))
        .filter(|(lines, _)| *lines > FILE_LINES_MAX)
        .map(|(lines, path)| format!("{path}: {lines}"))
        .collect();
    assert!(long.is_empty(), "split by idea:\n{}", long.join("\n"));
}

#[test]
fn no_function_is_longer_than_its_limit() {
    let mut long = Vec::new();
    for file in rust() {
        for (name, line, length) in functions(&file.text) {
            if length > FUNCTION_LINES_MAX {
                long.push(format!("{}:{line} {name}: {length}", file.path));
            }
        }
    }
    assert!(long.is_empty(), "split:\n{}", long.join("\n"));
}

#[test]
fn no_file_has_a_name_that_says_nothing() {
    let empty = ["mod.rs", "utils.rs", "util.rs", "helpers.rs", "common.rs", "manager.rs", "types.rs", "misc.rs"];
    let found: Vec<String> = rust()
        .into_iter()
        .map(|file| file.path)
        .filter(|path| empty.iter().any(|name| path.ends_with(&format!("/{name}"))))
        .collect();
    assert!(found.is_empty(), "name these after what is in them: {found:?}");
}

#[test]
fn every_source_file_opens_by_saying_what_it_is_for() {
    let silent: Vec<String> =
        rust().into_iter().filter(|file| !file.text.starts_with("//!")).map(|file| file.path).collect();
    assert!(silent.is_empty(), "open these with a //! sentence: {silent:?}");
}

#[test]
fn statements_stand_in_store_files_only() {
    let starts = ["\"SELECT ", "\"INSERT INTO ", "\"UPDATE ", "\"DELETE FROM "];
    let allowed = |path: &str| {
        path.ends_with("/store.rs")
            || path.contains("/store/")
            || path.contains("/tests/")
            || path.ends_with("/tests.rs")
            || path.contains("crates/kernel/src/db")
            || path.contains("crates/bench/")
            || path.contains("crates/tidy/")
    };
    let mut found = Vec::new();
    for file in rust().into_iter().filter(|file| !allowed(&file.path)) {
        let product = file.text.split("#[cfg(test)]").next().unwrap_or_default();
        found.extend(
            product
                .lines()
                .enumerate()
                .filter(|(_, line)| starts.iter().any(|start| line.contains(start)))
                .map(|(number, _)| format!("{}:{}", file.path, number + 1)),
        );
    }
    assert!(found.is_empty(), "move the statements to a store.rs:\n{}", found.join("\n"));
}

#[test]
fn every_table_says_how_long_its_rows_are_kept() {
    let mut silent = Vec::new();
    for file in sources("crates", &[".sql"]).into_iter().filter(|file| file.path.contains("/migrations/")) {
        let mut comment = String::new();
        for line in file.text.lines() {
            let line = line.trim();
            if let Some(words) = line.strip_prefix("-- ") {
                comment.push_str(words);
            } else if line.starts_with("CREATE TABLE") {
                let term = ["ept ", "deleted", "goes", "removed"].iter().any(|word| comment.contains(word));
                // The comment of the table before speaks of it; migrations that were applied are not edited.
                if !term && !line.contains("kernel_audit_details") {
                    silent.push(format!("{}: {line}", file.path));
                }
                comment.clear();
            } else if line.is_empty() {
                comment.clear();
            }
        }
    }
    assert!(silent.is_empty(), "say the retention in a comment above:\n{}", silent.join("\n"));
}
