//! Facts as differences: what the server was last told, section by section, is kept on disk; in memory only its hash.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use agent_proto::Facts;
use agent_proto::facts::{Section, difference, section_hash, whole};

use crate::error::Error;
use crate::{files, log};

/// What the server was last told.
pub(crate) struct Told {
    dir: PathBuf,
    hashes: BTreeMap<String, [u8; 32]>,
}

impl Told {
    pub(crate) fn open(dir: &Path) -> Result<Self, Error> {
        let dir = dir.join("facts");
        files::make_folder(&dir).map_err(|e| Error::io("make the folder", &dir, &e))?;
        let mut told = Self { dir, hashes: BTreeMap::new() };
        let entries = std::fs::read_dir(&told.dir).map_err(|e| Error::io("read", &told.dir, &e))?;
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
            if path.extension().is_some_and(|extension| extension == "json")
                && let Some(section) = told.load(&name)
            {
                told.hashes.insert(name, section_hash(&section));
            }
        }
        Ok(told)
    }

    /// What the server must hear about a section that was looked at, if anything. The message counts as told: if it is
    /// lost, the broken chain is noticed at the other end, which asks for the whole.
    pub(crate) fn tell(&mut self, name: &str, at_ms: i64, section: &Section) -> Option<Facts> {
        let hash = section_hash(section);
        if self.hashes.get(name) == Some(&hash) {
            return None;
        }
        let facts = match self.load(name) {
            Some(old) => difference(name, at_ms, &old, section)?,
            None => whole(name, at_ms, section),
        };
        if let Err(e) = self.save(name, section) {
            log::note(format!("the facts of {name} cannot be kept: {e}"));
            // Without a base the next difference would not fit: say it whole next time.
            let _ = std::fs::remove_file(self.path(name));
        }
        self.hashes.insert(name.to_owned(), hash);
        Some(facts)
    }

    /// A section as a whole, or all of them when the name is empty.
    pub(crate) fn again(&self, name: &str, at_ms: i64) -> Vec<Facts> {
        let wanted = self.hashes.keys().filter(|known| name.is_empty() || *known == name);
        wanted.filter_map(|name| Some(whole(name, at_ms, &self.load(name)?))).collect()
    }

    /// Empty differences, from each section to itself: a server that knows another state will ask for the whole.
    pub(crate) fn confirm(&self, at_ms: i64) -> Vec<Facts> {
        let confirmation = |(name, hash): (&String, &[u8; 32])| Facts {
            section: name.clone(),
            at_ms,
            base_hash: *hash,
            hash: *hash,
            full: false,
            set: Vec::new(),
            removed: Vec::new(),
        };
        self.hashes.iter().map(confirmation).collect()
    }

    fn load(&self, name: &str) -> Option<Section> {
        serde_json::from_slice(&files::read_if_there(&self.path(name)).ok()??).ok()
    }

    fn save(&self, name: &str, section: &Section) -> std::io::Result<()> {
        files::replace(&self.path(name), &serde_json::to_vec(section)?)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use agent_proto::facts::apply;

    fn section(pairs: &[(&str, &str)]) -> Section {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn an_unchanged_section_is_not_told_and_a_changed_one_is_told_as_a_difference() {
        let dir = tempfile::tempdir().unwrap();
        let mut told = Told::open(dir.path()).unwrap();
        let (one, two) = (section(&[("a", "1"), ("b", "2")]), section(&[("a", "1"), ("b", "3")]));
        let first = told.tell("os", 1, &one).unwrap();
        assert!(first.full);
        let server = apply(&Section::new(), &first).unwrap();
        assert_eq!(told.tell("os", 2, &one), None);
        let mut told = Told::open(dir.path()).unwrap();
        assert_eq!(told.tell("os", 3, &one), None, "a restart changes nothing");
        let second = told.tell("os", 4, &two).unwrap();
        assert_eq!((second.full, second.set.len()), (false, 1));
        assert_eq!(apply(&server, &second), Ok(two.clone()));
        assert_eq!(apply(&Section::new(), &told.again("", 5)[0]), Ok(two.clone()));
        assert_eq!(apply(&two, &told.confirm(6)[0]), Ok(two));
        assert!(told.again("none", 5).is_empty());
    }

    #[test]
    fn a_damaged_memory_means_that_everything_is_told_again() {
        let dir = tempfile::tempdir().unwrap();
        Told::open(dir.path()).unwrap().tell("os", 1, &section(&[("a", "1")])).unwrap();
        std::fs::write(dir.path().join("facts/os.json"), "{").unwrap();
        let facts = Told::open(dir.path()).unwrap().tell("os", 2, &section(&[("a", "1")])).unwrap();
        assert!(facts.full);
    }
}
