//! A new program on its way: written beside the one in place, by the executor alone, and verified where it then lies.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use agent_proto::{Offer, Release};
use ring::digest::{Context, SHA256};
use tokio::task::{JoinHandle, spawn_blocking};

use super::likeness;
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
    /// The program in place.
    program: PathBuf,
    path: PathBuf,
    file: File,
    written: u64,
}

/// A whole program that is verified and tests itself, beside everything else. Who drops it ends the test.
pub(crate) struct Testing {
    pub(crate) offer: Offer,
    path: PathBuf,
    task: JoinHandle<Result<(), String>>,
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
        Ok(Self { offer, program: program.to_owned(), path, file, written: 0 })
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

    /// Verifies what lies on the disk and lets it test itself, beside everything else.
    pub(super) fn test(self, dir: &Path) -> Testing {
        let Self { offer, program, path, file, .. } = self;
        let (release, new, dir) = (offer.signed.release.clone(), path.clone(), dir.to_owned());
        let task = tokio::spawn(async move {
            let verified = spawn_blocking({
                let new = new.clone();
                move || whole(&release, &program, &new, file)
            });
            verified.await.unwrap_or_else(|broken| Err(format!("its verification broke off: {broken}")))?;
            test(&new, &dir).await
        });
        Testing { offer, path, task }
    }
}

impl Testing {
    pub(super) fn release(&self) -> &Release {
        &self.offer.signed.release
    }

    /// Waits for its end, which comes once.
    ///
    /// # Errors
    /// In words: what is wrong with it.
    pub(super) async fn ended(&mut self) -> Result<(), String> {
        (&mut self.task).await.unwrap_or_else(|broken| Err(format!("its test broke off: {broken}")))
    }

    /// It has passed.
    pub(super) fn passed(&self) -> Staged {
        Staged { offer: self.offer.clone(), path: self.path.clone() }
    }
}

impl Drop for Testing {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What was written is read back: what counts is what lies there, not what came. Only then it may be run.
fn whole(release: &Release, program: &Path, path: &Path, file: File) -> Result<(), String> {
    let broken = |e: io::Error| format!("the new program cannot be kept: {e}");
    let size = path.symlink_metadata().map_err(broken)?.len();
    if size != release.size_bytes || digest_of(path).map_err(broken)? != release.sha256 {
        return Err("the program that came is not the one that was signed".into());
    }
    likeness::give(program, &file)?;
    file.sync_all().map_err(broken)?;
    // Nothing may be run that is open for writing.
    drop(file);
    files::sync_parent(path).map_err(broken)
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
