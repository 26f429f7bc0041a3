//! The files of a folder that a running server goes on changing.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::unusable;
use crate::error::{Error, Result};

/// A folder with no more files than this is held open as a whole, so that all of it is as it was at one moment.
const TOGETHER_MAX: usize = 64;
/// How often a small folder is listed again because a file of it went away meanwhile.
const LISTINGS_MAX: usize = 20;

/// A file that was there when the folder was listed.
pub(super) struct Found {
    pub(super) path: PathBuf,
    held: Option<File>,
}

impl Found {
    /// The file; none when it was removed meanwhile.
    pub(super) fn open(&self) -> Result<Option<File>> {
        match &self.held {
            Some(file) => file.try_clone().map(Some).map_err(|error| unusable(&self.path, &error)),
            None => open(&self.path),
        }
    }
}

fn open(path: &Path) -> Result<Option<File>> {
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        other => other.map(Some).map_err(|error| unusable(path, &error)),
    }
}

/// The files below a folder, in order; those that are not finished (`.tmp`) are left out. None when it is not there.
///
/// # Errors
/// Something cannot be read, or files come and go too quickly to be seen together.
pub(super) fn below(folder: &Path) -> Result<Vec<Found>> {
    for _ in 0..LISTINGS_MAX {
        let paths = list(folder)?;
        let together = paths.len() <= TOGETHER_MAX;
        let found = paths.into_iter().map(|path| {
            let held = if together { open(&path)? } else { None };
            Ok(Found { path, held })
        });
        let found = found.collect::<Result<Vec<_>>>()?;
        if !together || found.iter().all(|one| one.held.is_some()) {
            return Ok(found);
        }
    }
    Err(Error::unavailable(format!("The files of {} come and go too quickly. Try again.", folder.display())))
}

fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            other => other.map_err(|error| unusable(&folder, &error))?,
        };
        for entry in entries.flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() && entry.path().extension().is_none_or(|end| end != "tmp") {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_small_folder_is_copied_as_it_was_when_it_was_listed() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["1.log", "1.snapshot", "2.tmp"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        let found = below(folder.path()).unwrap();
        std::fs::remove_file(folder.path().join("1.log")).unwrap();
        let mut texts = Vec::new();
        for one in &found {
            let mut text = String::new();
            one.open().unwrap().unwrap().read_to_string(&mut text).unwrap();
            texts.push(text);
        }
        assert_eq!(texts, ["1.log", "1.snapshot"]);
    }

    #[test]
    fn what_goes_away_from_a_large_folder_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..=TOGETHER_MAX {
            std::fs::write(folder.path().join(number.to_string()), "x").unwrap();
        }
        let found = below(folder.path()).unwrap();
        std::fs::remove_file(folder.path().join("7")).unwrap();
        let there = found.iter().filter(|one| one.open().unwrap().is_some()).count();
        assert_eq!((found.len(), there), (TOGETHER_MAX + 1, TOGETHER_MAX));
    }
}
