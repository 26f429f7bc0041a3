//! A data folder has one owner: `DATA/lock`, held as long as the process lives.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::Path;

use crate::error::{Error, Result};

/// The lock; dropping it gives the folder back.
#[derive(Debug)]
pub struct DataLock {
    file: File,
}

impl Drop for DataLock {
    /// Given back by word and not by closing alone: a child that is just being started holds a copy of the handle until
    /// it becomes its own program, and the lock would stay with it for that moment (flock(2): "released by an explicit
    /// LOCK_UN operation on any of these duplicate descriptors").
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

/// Makes the data folder for its owner alone, if it is not there.
///
/// # Errors
/// It cannot be made.
pub fn make_folder(data: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .recursive(true)
        .create(data)
        .map_err(|error| Error::unavailable(format!("The data folder {} cannot be made: {error}.", data.display())))
}

impl DataLock {
    /// Takes the folder, or says which process has it.
    pub fn take(data: &Path) -> Result<Self> {
        let path = data.join("lock");
        let unusable = |error: std::io::Error| {
            Error::unavailable(format!("The lock file {} cannot be used: {error}.", path.display()))
        };
        let mut file =
            File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let _ = file.take(20).read_to_string(&mut pid);
                return Err(Error::conflict(format!(
                    "The data folder {} is in use by process {}. Stop it first, or use another folder with --data.",
                    data.display(),
                    pid.trim()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(unusable)?;
        Ok(Self { file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_owner_who_is_named_to_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataLock::take(folder.path()).unwrap();
        let error = DataLock::take(folder.path()).unwrap_err();
        assert!(error.message.contains(&format!("process {}", std::process::id())), "{error}");
        drop(first);
        DataLock::take(folder.path()).unwrap();
    }

    #[test]
    fn a_copy_of_the_handle_in_a_child_does_not_keep_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataLock::take(folder.path()).unwrap();
        let inherited = first.file.try_clone().unwrap();
        drop(first);
        DataLock::take(folder.path()).unwrap();
        drop(inherited);
    }
}
