//! Which blocks there are, and where in them a source's groups lie. Directories are read when they are needed and kept in
//! memory up to a bound.

use super::read::{BlockFile, Places};
use super::{BlockName, Lineage, MAGIC, VERSION};
use crate::error::{Error, Result};
use crate::wire::Cursor;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A block the store knows: its name and what its footer says.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) path: PathBuf,
    pub(crate) name: String,
    pub(crate) says: BlockName,
    pub(crate) bytes: u64,
    pub(crate) samples: u64,
    /// First and last time of its rows.
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
    /// False if header, directory or footer is damaged: the file counts for retention and nothing else.
    pub(crate) is_sound: bool,
    pub(crate) lineage: Lineage,
}

impl Block {
    /// Reads header, directory and footer. Fails only if the file cannot be read or is of a newer version.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let Some(says) = BlockName::parse(&name) else { return Ok(None) };
        let file = BlockFile::open(path).map_err(Error::io("open", path))?;
        let version = file.bytes_at(0, 10).and_then(|head| Cursor::new(head.strip_prefix(&MAGIC)?).u16());
        if let Some(version) = version.filter(|version| *version > VERSION) {
            return Err(Error::NewerVersion { path: path.to_owned(), version });
        }
        let places = file.places().filter(|places| places.resolution_ms == says.resolution_ms);
        let (path, bytes, is_sound) = (path.to_owned(), file.bytes, places.is_some());
        let Places { samples, first_ms, last_ms, lineage, .. } = places.unwrap_or_default();
        Ok(Some(Self { path, name, says, bytes, samples, first_ms, last_ms, is_sound, lineage }))
    }

    /// Opens the file for reading pages; `None` if it is gone.
    pub(crate) fn file(&self) -> Option<BlockFile> {
        BlockFile::open(&self.path).ok()
    }

    /// True if it may hold something from `from_ms` to `to_ms`.
    pub(crate) fn overlaps(&self, from_ms: i64, to_ms: i64) -> bool {
        self.is_sound && self.first_ms <= to_ms && self.last_ms >= from_ms
    }
}

/// Directories in memory, those used least lately let go of first.
#[derive(Debug)]
pub(crate) struct Directories {
    bytes_max: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    by_name: HashMap<String, (Arc<Places>, u64)>,
    bytes: usize,
    uses: u64,
}

impl Directories {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, kept: Mutex::default() }
    }

    /// The directory of a block; `None` if it cannot be read (any more).
    pub(crate) fn of(&self, block: &Block) -> Option<Arc<Places>> {
        {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.uses += 1;
            let uses = kept.uses;
            if let Some((places, used)) = kept.by_name.get_mut(&block.name) {
                *used = uses;
                return Some(places.clone());
            }
        }
        let places = Arc::new(block.file()?.places()?);
        self.keep(&block.name, &places);
        Some(places)
    }

    fn keep(&self, name: &str, places: &Arc<Places>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if places.bytes() > self.bytes_max / 2 {
            return;
        }
        let uses = kept.uses;
        kept.bytes += places.bytes();
        if let Some((old, _)) = kept.by_name.insert(name.to_owned(), (places.clone(), uses)) {
            kept.bytes = kept.bytes.saturating_sub(old.bytes());
        }
        while kept.bytes > self.bytes_max {
            let oldest = kept.by_name.iter().min_by_key(|(_, (_, used))| *used).map(|(name, _)| name.clone());
            let Some((gone, _)) = oldest.and_then(|name| kept.by_name.remove(&name)) else { return };
            kept.bytes = kept.bytes.saturating_sub(gone.bytes());
        }
    }

    /// Lets go of the directory of a block that is deleted.
    pub(crate) fn forget(&self, name: &str) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((gone, _)) = kept.by_name.remove(name) {
            kept.bytes = kept.bytes.saturating_sub(gone.bytes());
        }
    }

    /// Bytes of the directories in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).bytes
    }
}
