//! A new program on its way: written beside the one in place, by the executor alone, and verified where it then lies.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use agent_proto::{Offer, Release};
use ring::digest::{Context, SHA256};

use crate::files;
use crate::subprocess;

/// Longest test of a program by itself.
const TEST: Duration = Duration::from_secs(30);
const TEST_BYTES_MAX: usize = 4_096;
const READ_BYTES: usize = 64 * 1024;
/// What a new program is kept under while it is not in place.
const SUFFIX: &str = ".update";

/// A program that is being fetched.
pub(crate) struct Stager {
    pub(crate) offer: Offer,
    path: PathBuf,
    file: File,
    written: u64,
}

/// A program that is whole, verified and tested.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Staged {
    pub(crate) offer: Offer,
    pub(crate) path: PathBuf,
}

impl Staged {
    pub(super) fn release(&self) -> &Release {
        &self.offer.signed.release
    }
}

/// Where a new program lies: on the same file system as the one in place, so that it can take that place at once.
pub(super) fn beside(program: &Path) -> PathBuf {
    let mut name = program.as_os_str().to_owned();
    name.push(SUFFIX);
    PathBuf::from(name)
}

/// Removes what an earlier process left there.
pub(super) fn remove(program: &Path) {
    let _ = std::fs::remove_file(beside(program));
}

impl Stager {
    /// # Errors
    /// In words: there is no room for it.
    pub(super) fn open(offer: Offer, program: &Path) -> Result<Self, String> {
        let path = beside(program);
        remove(program);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = file.map_err(|e| format!("the new program cannot be put at {}: {e}", path.display()))?;
        Ok(Self { offer, path, file, written: 0 })
    }

    pub(super) fn release(&self) -> &Release {
        &self.offer.signed.release
    }

    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Takes the next part; true when it was the last.
    ///
    /// # Errors
    /// In words: more comes than the release has, or it cannot be written.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<bool, String> {
        let end = self.written.saturating_add(bytes.len() as u64);
        if end > self.release().size_bytes {
            return Err("more bytes came than the release has".into());
        }
        self.file.write_all(bytes).map_err(|e| format!("the new program cannot be written: {e}"))?;
        self.written = end;
        Ok(end == self.release().size_bytes)
    }

    /// Verifies what lies on the disk and lets it test itself.
    ///
    /// # Errors
    /// In words: what is wrong with it. It is removed.
    pub(super) async fn finish(self, dir: &Path) -> Result<Staged, String> {
        let Self { offer, path, file, .. } = self;
        let done = match whole(&offer.signed.release, &path, file) {
            Ok(()) => test(&path, dir).await,
            Err(why) => Err(why),
        };
        match done {
            Ok(()) => Ok(Staged { offer, path }),
            Err(why) => {
                let _ = std::fs::remove_file(&path);
                Err(why)
            }
        }
    }
}

/// What was written is read back: what counts is what lies there, not what came.
fn whole(release: &Release, path: &Path, file: File) -> Result<(), String> {
    let broken = |e: io::Error| format!("the new program cannot be kept: {e}");
    file.set_permissions(std::fs::Permissions::from_mode(0o755)).map_err(broken)?;
    file.sync_all().map_err(broken)?;
    drop(file);
    files::sync_parent(path).map_err(broken)?;
    let size = path.symlink_metadata().map_err(broken)?.len();
    if size != release.size_bytes || digest_of(path).map_err(broken)? != release.sha256 {
        return Err("the program that came is not the one that was signed".into());
    }
    Ok(())
}

async fn test(path: &Path, dir: &Path) -> Result<(), String> {
    let (Some(program), Some(dir)) = (path.to_str(), dir.to_str()) else {
        return Err("the path of the program or of the folder is not UTF-8".into());
    };
    let said = subprocess::ask(&[program, "--dir", dir, "check"], TEST, TEST_BYTES_MAX).await;
    match said {
        Ok(said) if said.code == Some(0) => Ok(()),
        Ok(said) => Err(format!("the new program does not pass its own test: {}", said.output.trim())),
        Err(why) => Err(format!("the new program does not run here: {why}")),
    }
}

/// SHA-256 of a file, a little at a time.
pub(super) fn digest_of(path: &Path) -> io::Result<[u8; 32]> {
    let mut file = File::open(path)?;
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let count = file.read(&mut buffer)?;
        match buffer.get(..count) {
            Some([]) | None => break,
            Some(bytes) => context.update(bytes),
        }
    }
    let mut sum = [0; 32];
    for (to, from) in sum.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    Ok(sum)
}
