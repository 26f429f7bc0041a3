//! Big bytes, stored once under the name of their SHA-256: `DATA/blobs/ab/<hash>`. A file is written and synced before
//! the transaction that needs it; a file that nothing needs is swept after a day.

use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use crate::cx::Cx;
use crate::error::{Error, Result};
use crate::job::Running;
use crate::limits;
use crate::reference::Ref;
use crate::running::Kernel;
use crate::text::{hex, sha256_hex};
use crate::time::{DAY, Time};

mod store;

/// A stored blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// SHA-256 as 64 lower-case hexadecimal digits.
    pub hash: String,
    /// Its size in bytes.
    pub size_bytes: u64,
}

fn unusable(path: &Path) -> impl Fn(std::io::Error) -> Error + '_ {
    |error| Error {
        cause: Some(format!("{}: {error}", path.display())),
        ..Error::unavailable("The server cannot use its blob folder. Nothing was changed; look at its disk.")
    }
}

/// Where a blob is; refuses every name that is not a hash, so that no path can lead elsewhere.
fn place(data: &Path, hash: &str) -> Result<PathBuf> {
    let fits = hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    match hash.get(..2) {
        Some(folder) if fits => Ok(data.join("blobs").join(folder).join(hash)),
        _ => Err(Error::not_found("The blob")),
    }
}

impl Kernel {
    /// Stores bytes outside of any transaction, durably; the same bytes are stored once. Call it in `prepare` or a job,
    /// then [`Cx::keep_blob`] in the transaction that needs it.
    pub fn put_blob(&self, bytes: &[u8]) -> Result<Blob> {
        if bytes.len() as u64 > limits::BLOB_BYTES_MAX {
            let most = limits::BLOB_BYTES_MAX / 1024 / 1024;
            return Err(Error::over_limit(format!("A file may have at most {most} MiB. Send a smaller one.")));
        }
        let hash = sha256_hex(bytes);
        let path = place(self.data(), &hash)?;
        let wrong = unusable(&path);
        let folder = path.parent().ok_or_else(|| Error::internal("blob-folder", &hash))?;
        if !path.exists() {
            std::fs::create_dir_all(folder).map_err(&wrong)?;
            let mut beside = folder.join(hex(&self.random::<8>()?));
            beside.set_extension("tmp");
            let mut file = std::fs::File::create_new(&beside).map_err(&wrong)?;
            let written = file.write_all(bytes).and_then(|()| file.sync_all());
            written.and_then(|()| std::fs::rename(&beside, &path)).map_err(|error| {
                let _ = std::fs::remove_file(&beside);
                wrong(error)
            })?;
            std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(&wrong)?;
        }
        // A sweep leaves young files alone, so a file that is put again is made young.
        let now = u64::try_from(self.now().0).unwrap_or(0);
        let touched =
            std::fs::File::open(&path).and_then(|file| file.set_modified(UNIX_EPOCH + Duration::from_micros(now)));
        touched.map_err(&wrong)?;
        Ok(Blob { hash, size_bytes: bytes.len() as u64 })
    }

    /// Reads a part of a blob, at most so many bytes; nothing behind its end. Its bytes are not proven: whoever gets all
    /// parts does that. The caller has checked that the actor may see it.
    pub fn blob_part(&self, hash: &str, offset: u64, bytes_max: usize) -> Result<Vec<u8>> {
        let path = place(self.data(), hash)?;
        let mut file = match std::fs::File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(Error::not_found("The blob")),
            other => other.map_err(unusable(&path))?,
        };
        file.seek(std::io::SeekFrom::Start(offset)).map_err(unusable(&path))?;
        let mut bytes = Vec::new();
        file.take(bytes_max as u64).read_to_end(&mut bytes).map_err(unusable(&path))?;
        Ok(bytes)
    }

    /// Reads a blob and proves its bytes against its name. The caller has checked that the actor may see it.
    pub fn blob(&self, hash: &str) -> Result<Vec<u8>> {
        let path = place(self.data(), hash)?;
        let file = match std::fs::File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(Error::not_found("The blob")),
            other => other.map_err(unusable(&path))?,
        };
        let mut bytes = Vec::new();
        file.take(limits::BLOB_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unusable(&path))?;
        if sha256_hex(&bytes) == hash { Ok(bytes) } else { Err(Error::internal("blob-damaged", hash)) }
    }
}

impl Cx<'_, '_> {
    /// Notes that a thing needs a blob; harmless when it does already.
    pub fn keep_blob(&mut self, blob: &Blob, owner: &Ref) -> Result<()> {
        self.must_write("keep_blob")?;
        place(self.kernel.data(), &blob.hash)?;
        store::keep(self.tx, blob, owner, self.now)
    }

    /// Notes that a thing no longer needs a blob; the file goes when nothing needs it.
    pub fn drop_blob(&mut self, hash: &str, owner: &Ref) -> Result<()> {
        self.must_write("drop_blob")?;
        store::release(self.tx, hash, owner)
    }

    /// The blobs a thing needs.
    pub fn blobs_of(&mut self, owner: &Ref) -> Result<Vec<Blob>> {
        store::of(self.tx, owner)
    }
}

/// Removes files that nothing needs and that are older than a day. Harmless to repeat.
pub(crate) fn sweep(running: &Running<'_>) -> Result<()> {
    let kernel = running.kernel;
    let root = kernel.data().join("blobs");
    if !root.exists() {
        return Ok(());
    }
    for folder in std::fs::read_dir(&root).map_err(unusable(&root))?.flatten() {
        let Ok(files) = std::fs::read_dir(folder.path()) else { continue };
        for file in files.flatten() {
            sweep_one(kernel, &file)?;
        }
    }
    Ok(())
}

fn sweep_one(kernel: &Kernel, file: &std::fs::DirEntry) -> Result<()> {
    let modified = file.metadata().and_then(|meta| meta.modified());
    let age = modified
        .ok()
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok())
        .map_or(0, |at| kernel.now().since(Time(i64::try_from(at.as_micros()).unwrap_or(i64::MAX))));
    let name = file.file_name().to_string_lossy().into_owned();
    if age > DAY && !kernel.db.read(|tx| store::needed(tx, &name))? {
        let path = file.path();
        std::fs::remove_file(&path).map_err(unusable(&path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_hash_names_a_blob() {
        let data = Path::new("/data");
        let good = "ab".repeat(32);
        assert_eq!(place(data, &good).unwrap(), data.join("blobs").join("ab").join(&good));
        for bad in [
            "",
            "..",
            "../../etc/passwd",
            &good[1..],
            &good.to_uppercase(),
            &format!("..{}", &good[2..]),
            &"é".repeat(32),
        ] {
            assert!(place(data, bad).is_err(), "{bad}");
        }
    }
}
