//! Opening a store: snapshot, log, blocks. A clean stop and a crash take the same path.

use super::{Store, Upkeep};
use crate::block::{Block, BlockName, Directories, is_class};
use crate::error::{Error, Result};
use crate::head::Head;
use crate::log::{self, Log};
use crate::record::{Recovered, apply_all};
use crate::wire::Cursor;
use crate::{Labels, Options, frames, snapshot};
use std::collections::HashSet;
use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};

impl Store {
    /// Opens the store in `dir`, creating it if needed; `now_ms` is milliseconds since 1970 UTC.
    ///
    /// Damage never keeps a store from opening: what cannot be read is left out and counted in [`stats`](Self::stats).
    ///
    /// Errors: the folder is in use, cannot be read or written, or holds files of a newer version.
    pub fn open(dir: &Path, options: Options, now_ms: i64) -> Result<Self> {
        check_classes(&options)?;
        let (head_dir, blocks_dir) = (dir.join("head"), dir.join("blocks"));
        for dir in [&head_dir, &blocks_dir] {
            std::fs::create_dir_all(dir).map_err(Error::io("create", dir))?;
        }
        let lock = take_lock(dir)?;
        remove_temporary(&head_dir)?;
        remove_temporary(&blocks_dir)?;

        let mut damaged_frames = 0;
        let (mut head, recovered) = recover(&head_dir, &options, now_ms, &mut damaged_frames)?;
        let blocks = open_blocks(&blocks_dir)?;
        let next_number = next_number(&blocks, &recovered);
        let directories = Directories::new(options.directory_bytes_max);
        let damaged = adopt_blocks(&blocks, &directories, &recovered, &mut head);
        head.count_active();
        head.free_holes();

        let newest = |extension| Ok(log::numbers(&head_dir, extension)?.last().copied().unwrap_or(0));
        let number = newest("log")?.max(newest("snapshot")?) + 1;
        let log = Log::create(&head_dir, number)?;
        let upkeep = Upkeep::new(now_ms, next_number, damaged_frames, recovered.lost_records);
        Ok(Self {
            head_dir,
            blocks_dir,
            options,
            head: RwLock::new(head),
            log: Mutex::new(log),
            blocks: RwLock::new(blocks),
            directories,
            upkeep: Mutex::new(upkeep),
            damaged: Mutex::new(damaged),
            _lock: lock,
        })
    }
}

/// The folder is this store's as long as it lives.
pub(super) struct FolderLock(File);

impl Drop for FolderLock {
    fn drop(&mut self) {
        // A process that is being started at this moment holds a copy of the descriptor: closing ours would not free the
        // folder before that one is gone too. If it fails, the end of this process frees it.
        self.0.unlock().ok();
    }
}

fn take_lock(dir: &Path) -> Result<FolderLock> {
    let path = dir.join("lock");
    let lock = File::create(&path).map_err(Error::io("create", &path))?;
    match lock.try_lock() {
        Ok(()) => Ok(FolderLock(lock)),
        Err(TryLockError::WouldBlock) => Err(Error::InUse { path: dir.to_owned() }),
        Err(TryLockError::Error(cause)) => Err(Error::io("lock", &path)(cause)),
    }
}

/// Files that a crash left half-written.
fn remove_temporary(dir: &Path) -> Result<()> {
    for entry in std::fs::read_dir(dir).map_err(Error::io("list", dir))? {
        let path = entry.map_err(Error::io("list", dir))?.path();
        if path.extension().is_some_and(|extension| extension == "tmp") {
            std::fs::remove_file(&path).map_err(Error::io("delete", &path))?;
        }
    }
    Ok(())
}

/// The newest sound snapshot, and every log since.
fn recover(dir: &Path, options: &Options, now_ms: i64, damaged: &mut u64) -> Result<(Head, Recovered)> {
    let mut state = (0, Head::new(options.clone(), now_ms), Recovered::default());
    for number in log::numbers(dir, "snapshot")?.into_iter().rev() {
        if let Some((head, recovered)) = snapshot::load(dir, number, options, now_ms)? {
            state = (number, head, recovered);
            break;
        }
        *damaged += 1;
    }
    let (base, mut head, mut recovered) = state;
    let numbers = log::numbers(dir, "log")?;
    for number in numbers.iter().filter(|number| **number >= base) {
        let path = log::path(dir, *number);
        let ending = frames::read(&path, frames::LOG_MAGIC, |raw| apply_all(raw, &mut head, &mut recovered))?;
        *damaged += ending.damaged;
        if let Some(end) = ending.torn {
            // Only the newest log was being written when the store ended; it is cut, so that the next start does not take
            // what a crash left for damage.
            if Some(number) == numbers.last() {
                cut_torn(&path, end);
            } else {
                *damaged += 1;
            }
        }
    }
    Ok((head, recovered))
}

/// Cuts a log where its sound part ends. If that fails, the log is read to there the next time as well.
fn cut_torn(path: &Path, end: u64) {
    if end == 0 {
        std::fs::remove_file(path).ok();
    } else if let Ok(file) = File::options().write(true).open(path) {
        file.set_len(end).and_then(|()| file.sync_all()).ok();
    }
}

fn check_classes(options: &Options) -> Result<()> {
    let mut names = HashSet::new();
    for class in &options.classes {
        if !is_class(&class.name) || !names.insert(&class.name) || names.len() > 100 {
            return Err(Error::BadClass { name: class.name.clone() });
        }
    }
    Ok(())
}

/// The blocks in the folder. What a sound block replaces is deleted: a crash came before that.
fn open_blocks(dir: &Path) -> Result<Vec<Arc<Block>>> {
    let mut blocks = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(Error::io("list", dir))? {
        let path = entry.map_err(Error::io("list", dir))?.path();
        blocks.extend(Block::open(&path)?.map(Arc::new));
    }
    blocks.sort_by(|a, b| a.says.order().cmp(&b.says.order()));
    let replaced: HashSet<String> = blocks.iter().flat_map(|block| block.lineage.replaces.iter().cloned()).collect();
    for block in blocks.iter().filter(|block| replaced.contains(&block.name)) {
        std::fs::remove_file(&block.path).map_err(Error::io("delete", &block.path))?;
    }
    blocks.retain(|block| !replaced.contains(&block.name));
    Ok(blocks)
}

/// One more than the number of any block that was ever heard of, so that no name is used again that some file knows.
fn next_number(blocks: &[Arc<Block>], recovered: &Recovered) -> u32 {
    let heard = blocks.iter().flat_map(|block| block.lineage.replaces.iter().chain(&block.lineage.covers));
    let heard = heard.chain(&recovered.blocks).filter_map(|name| Some(BlockName::parse(name)?.number));
    heard.chain(blocks.iter().map(|block| block.says.number)).max().unwrap_or(0).saturating_add(1)
}

/// Brings the series of blocks that the snapshot did not know into the catalogue. Answers where damage was met.
fn adopt_blocks(
    blocks: &[Arc<Block>],
    directories: &Directories,
    recovered: &Recovered,
    head: &mut Head,
) -> HashSet<(String, u64)> {
    let mut damaged = HashSet::new();
    for block in blocks {
        if !block.is_sound {
            damaged.insert((block.name.clone(), 0));
            continue;
        }
        let file = if recovered.blocks.contains(&block.name) { None } else { block.file() };
        let Some((file, places)) = file.zip(directories.of(block)) else { continue };
        for place in places.groups() {
            let Some(group) = file.group(&place, |_| true) else {
                damaged.insert((block.name.clone(), place.offset));
                continue;
            };
            let source = head.adopt_source(place.source);
            for series in &group.series {
                if let Some(labels) = Labels::read(&mut Cursor::new(&series.labels)) {
                    head.adopt(source, &labels, place.first_ms, place.last_ms);
                }
            }
        }
    }
    damaged
}
