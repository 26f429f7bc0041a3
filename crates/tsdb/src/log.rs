//! The batch log: what the head took since the last snapshot, appended and synced about once a second.

use crate::error::{Error, Result};
use crate::frames;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Records kept for another attempt while the log cannot be written.
const BACKLOG_BYTES_MAX: usize = 32 << 20;

/// Fast: the log is gone after two snapshots, and is read once if at all.
const LEVEL: i32 = -5;

/// Memory of written records that is used again, at most; twice what is written without waiting.
const KEPT_BYTES_MAX: usize = 4 << 20;

/// The log file that is being written.
pub(crate) struct Log {
    dir: PathBuf,
    pub(crate) number: u64,
    path: PathBuf,
    file: File,
    /// Where the last good frame ends.
    end: u64,
    synced: u64,
    zstd: zstd::bulk::Compressor<'static>,
    backlog: Vec<u8>,
    /// Records were given up, so only a snapshot makes the files complete again.
    pub(crate) incomplete: bool,
}

impl Log {
    /// Starts log `number` in `dir`.
    pub(crate) fn create(dir: &Path, number: u64) -> Result<Self> {
        let path = path(dir, number);
        let (file, end) = create(&path)?;
        let zstd = zstd::bulk::Compressor::new(LEVEL).map_err(Error::io("prepare compression for", &path))?;
        let dir = dir.to_owned();
        Ok(Self { dir, number, path, file, end, synced: 0, zstd, backlog: Vec::new(), incomplete: false })
    }

    /// Memory for the records that come next: what held the last ones, if they are written.
    pub(crate) fn empty_buffer(&mut self) -> Vec<u8> {
        if self.backlog.is_empty() { std::mem::take(&mut self.backlog) } else { Vec::new() }
    }

    /// Appends `records` as one frame. If that fails they are kept for the next attempt, up to a bound.
    pub(crate) fn append(&mut self, records: Vec<u8>) -> Result<()> {
        if self.backlog.is_empty() {
            self.backlog = records;
        } else {
            self.backlog.extend_from_slice(&records);
        }
        if self.backlog.is_empty() {
            return Ok(());
        }
        match self.write_frame() {
            Ok(length) => {
                self.end += length;
                self.backlog.clear();
                if self.backlog.capacity() > KEPT_BYTES_MAX {
                    self.backlog = Vec::new();
                }
                Ok(())
            }
            Err(cause) => {
                if self.backlog.len() > BACKLOG_BYTES_MAX {
                    self.backlog = Vec::new();
                    self.incomplete = true;
                }
                Err(Error::io("write", &self.path)(cause))
            }
        }
    }

    /// Writes at the end of the last good frame, so that a failed attempt is overwritten.
    fn write_frame(&mut self) -> std::io::Result<u64> {
        let frame = frames::frame(&self.backlog, &mut self.zstd)?;
        self.file.seek(SeekFrom::Start(self.end))?;
        if let Err(error) = self.file.write_all(&frame) {
            // The half frame is overwritten by the next one or seen as a torn tail: losing this result harms nothing.
            self.file.set_len(self.end).ok();
            return Err(error);
        }
        Ok(frame.len() as u64)
    }

    /// Waits until what was appended is on disk.
    pub(crate) fn sync(&mut self) -> Result<()> {
        if self.synced < self.end {
            self.file.sync_data().map_err(Error::io("sync", &self.path))?;
            self.synced = self.end;
        }
        Ok(())
    }

    /// Starts the next file; the old one is complete and synced.
    pub(crate) fn rotate(&mut self) -> Result<u64> {
        self.sync()?;
        let number = self.number + 1;
        let next = path(&self.dir, number);
        let (file, end) = create(&next)?;
        (self.number, self.path, self.file, self.end, self.synced) = (number, next, file, end, 0);
        Ok(number)
    }
}

fn create(path: &Path) -> Result<(File, u64)> {
    let head = frames::file_head(frames::LOG_MAGIC);
    let mut file = File::create(path).map_err(Error::io("create", path))?;
    file.write_all(&head).map_err(Error::io("write", path))?;
    if let Some(dir) = path.parent() {
        sync_dir(dir)?;
    }
    Ok((file, head.len() as u64))
}

/// Makes created, renamed and deleted names in `dir` durable.
pub(crate) fn sync_dir(dir: &Path) -> Result<()> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(Error::io("sync the folder", dir))
}

/// The path of log `number`.
pub(crate) fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:012}.log"))
}

/// Numbers of the files in `dir` that end in `.extension`, ascending.
pub(crate) fn numbers(dir: &Path, extension: &str) -> Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(Error::io("list", dir))? {
        let name = entry.map_err(Error::io("list", dir))?.file_name();
        let stem = name.to_str().and_then(|name| name.strip_suffix(extension)?.strip_suffix('.'));
        numbers.extend(stem.and_then(|stem| stem.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Writes `path` so that after a crash there is either all of it or nothing: temporary file, sync, rename, sync of the
/// folder.
pub(crate) fn write_whole<T>(path: &Path, write: impl FnOnce(&mut File) -> Result<T>) -> Result<T> {
    let temporary = path.with_extension("tmp");
    let written = (|| {
        let mut file = File::create(&temporary).map_err(Error::io("create", &temporary))?;
        let result = write(&mut file)?;
        file.sync_all().map_err(Error::io("sync", &temporary))?;
        std::fs::rename(&temporary, path).map_err(Error::io("rename", &temporary))?;
        Ok(result)
    })();
    if written.is_err() {
        // Left-over temporary files are removed at the next start as well.
        std::fs::remove_file(&temporary).ok();
    }
    let result = written?;
    if let Some(dir) = path.parent() {
        sync_dir(dir)?;
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_give_their_numbers() {
        assert_eq!(path(Path::new("d"), 7), Path::new("d/000000000007.log"));
    }
}
