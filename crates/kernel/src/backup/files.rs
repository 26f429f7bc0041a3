//! The files of a folder that a running server goes on changing.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::unusable;
use crate::error::{Error, Result};

/// How often a folder is listed again because files came or went meanwhile.
const LISTINGS_MAX: usize = 1_000;

/// Hands over every file below a folder, each once, in order of name; those that are not finished (`.tmp`) are left out.
/// What is written in place of other files is there before they go: so the folder is listed again until nothing is new,
/// and what went away unread is met in what replaced it. Answers how many there were; none when the folder is not there.
///
/// # Errors
/// Something cannot be read, or files come and go without an end.
pub(super) fn each(folder: &Path, mut take: impl FnMut(&Path, &File) -> Result<()>) -> Result<u64> {
    let mut seen = BTreeSet::new();
    let mut count = 0;
    for _ in 0..LISTINGS_MAX {
        let new: Vec<PathBuf> = list(folder)?.into_iter().filter(|path| !seen.contains(path)).collect();
        if new.is_empty() {
            return Ok(count);
        }
        for path in new {
            match File::open(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                other => {
                    take(&path, &other.map_err(|error| unusable(&path, &error))?)?;
                    count += 1;
                }
            }
            seen.insert(path);
        }
    }
    Err(Error::unavailable(format!("The files of {} come and go without an end. Try again.", folder.display())))
}

fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            other => other.map_err(|error| unusable(&folder, &error))?,
        };
        for entry in entries {
            let entry = entry.map_err(|error| unusable(&folder, &error))?;
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() && entry.path().extension().is_none_or(|end| end != "tmp") => {
                    found.push(entry.path());
                }
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(unusable(&entry.path(), &error)),
                _ => {}
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path, mut between: impl FnMut(&str)) -> Vec<String> {
        let mut names = Vec::new();
        let taken = each(folder, |path, _| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            between(&name);
            names.push(name);
            Ok(())
        });
        assert_eq!(taken.unwrap(), names.len() as u64);
        names
    }

    #[test]
    fn files_that_were_merged_while_they_were_read_are_met_in_what_they_became() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        ["1.block", "2.block", "3.block", "4.tmp"].iter().for_each(|name| std::fs::write(file(name), name).unwrap());
        let found = names(folder.path(), |name| {
            if name == "1.block" {
                std::fs::write(file("0.block"), "merged").unwrap();
                ["1.block", "2.block", "3.block"].iter().for_each(|name| std::fs::remove_file(file(name)).unwrap());
            }
        });
        assert_eq!(found, ["1.block", "0.block"]);
    }

    #[test]
    fn a_folder_that_is_not_there_holds_nothing_and_one_that_never_rests_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(names(&folder.path().join("none"), |_| {}).is_empty());
        std::fs::write(folder.path().join("0"), "").unwrap();
        let mut number = 0;
        let endless = each(folder.path(), |_, _| {
            number += 1;
            std::fs::write(folder.path().join(number.to_string()), "").unwrap();
            Ok(())
        });
        assert!(endless.unwrap_err().message.contains("without an end"));
    }
}
