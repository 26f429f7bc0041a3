//! What is kept about updates, in the folder `update` of the executor: small files that survive a crash.

use std::path::{Path, PathBuf};

use agent_proto::{UpdateReport, UpdateState, hex, unhex};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::files;
use crate::log;

/// Programs and failures that are remembered.
const KEPT: usize = 32;

/// The folder.
pub(super) struct Records {
    dir: PathBuf,
}

/// A version by the digest of its program.
#[derive(Clone, Serialize, Deserialize)]
struct Known {
    sha256: String,
    version: String,
}

/// A trial that began.
#[derive(Serialize, Deserialize)]
struct TrialFile {
    sha256: String,
    trials: u32,
}

/// A trial that began and has no end yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tried {
    pub(super) sha256: [u8; 32],
    pub(super) trials: u32,
}

/// [`Young`] as it is written.
#[derive(Serialize, Deserialize)]
struct YoungFile {
    sha256: String,
    previous: String,
    starts: u32,
}

/// A version that took the place of another one and has not run long enough yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Young {
    pub(super) sha256: [u8; 32],
    /// The program before it, which is kept.
    pub(super) previous: [u8; 32],
    /// Starts that no orderly end followed.
    pub(super) starts: u32,
}

#[derive(Serialize, Deserialize)]
struct ReportFile {
    sha256: String,
    state: UpdateState,
    reason: String,
}

impl Records {
    /// # Errors
    /// The folder cannot be made.
    pub(super) fn open(dir: &Path) -> Result<Self, Error> {
        let dir = dir.join("update");
        files::make_folder(&dir).map_err(|e| Error::io("make the folder", &dir, &e))?;
        Ok(Self { dir })
    }

    /// A file that cannot be read says nothing: at worst a release is offered once more.
    fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_slice(&files::read_if_there(&self.dir.join(name)).ok()??).ok()
    }

    fn write(&self, name: &str, words: &impl Serialize) -> Result<(), String> {
        let path = self.dir.join(name);
        let json = serde_json::to_vec_pretty(words).map_err(|e| e.to_string())?;
        files::replace(&path, &json).map_err(|e| format!("{} cannot be written: {e}", path.display()))
    }

    fn remove(&self, name: &str) {
        let path = self.dir.join(name);
        if std::fs::remove_file(&path).is_ok() {
            // Without it the file may come back after a power cut, which its readers stand.
            let _ = files::sync_parent(&path);
        }
    }

    /// The version that the release of a program was signed with.
    pub(super) fn version_of(&self, sha256: &[u8; 32]) -> Option<String> {
        let wanted = hex(sha256);
        let known: Vec<Known> = self.read("programs.json")?;
        known.into_iter().find(|one| one.sha256 == wanted).map(|one| one.version)
    }

    /// Remembers the version of a program.
    pub(super) fn name(&self, sha256: &[u8; 32], version: &str) -> Result<(), String> {
        let sha256 = hex(sha256);
        let mut known: Vec<Known> = self.read("programs.json").unwrap_or_default();
        known.retain(|one| one.sha256 != sha256);
        known.insert(0, Known { sha256, version: version.to_owned() });
        known.truncate(KEPT);
        self.write("programs.json", &known)
    }

    /// The trial that has no end.
    pub(super) fn trial(&self) -> Option<Tried> {
        let file: TrialFile = self.read("trial.json")?;
        Some(Tried { sha256: unhex(&file.sha256)?, trials: file.trials })
    }

    /// Notes that a trial begins.
    pub(super) fn begin(&self, sha256: &[u8; 32]) -> Result<(), String> {
        let before = self.trial().filter(|tried| tried.sha256 == *sha256).map_or(0, |tried| tried.trials);
        self.remove("proved");
        self.write("trial.json", &TrialFile { sha256: hex(sha256), trials: before + 1 })
    }

    /// The program of this digest has stood its trial.
    pub(super) fn prove(&self, sha256: &[u8; 32]) {
        if let Err(why) = self.write("proved", &hex(sha256)) {
            log::note(why);
        }
    }

    /// It ended after all.
    pub(super) fn unprove(&self) {
        self.remove("proved");
    }

    /// Has it?
    pub(super) fn is_proved(&self, sha256: &[u8; 32]) -> bool {
        self.read::<String>("proved").is_some_and(|proved| proved == hex(sha256))
    }

    /// Notes a version that is young, with its starts.
    pub(super) fn keep_young(&self, young: &Young) -> Result<(), String> {
        let Young { sha256, previous, starts } = young;
        self.write("young.json", &YoungFile { sha256: hex(sha256), previous: hex(previous), starts: *starts })
    }

    /// The version that is young.
    pub(super) fn young(&self) -> Option<Young> {
        let file: YoungFile = self.read("young.json")?;
        Some(Young { sha256: unhex(&file.sha256)?, previous: unhex(&file.previous)?, starts: file.starts })
    }

    /// It is not young any more, or not there.
    pub(super) fn forget_young(&self) {
        self.remove("young.json");
    }

    /// Ends a trial, with what is to be told.
    pub(super) fn end(&self, report: &UpdateReport) {
        let file = ReportFile { sha256: hex(&report.sha256), state: report.state, reason: report.reason.clone() };
        if let Err(why) = self.write("report.json", &file) {
            log::note(why);
        }
        self.remove("trial.json");
        self.remove("proved");
    }

    /// Ends a trial that failed: the release is not tried again by itself.
    pub(super) fn give_up(&self, report: &UpdateReport) {
        let sha256 = hex(&report.sha256);
        let mut failed: Vec<String> = self.read("failed.json").unwrap_or_default();
        failed.retain(|one| *one != sha256);
        failed.insert(0, sha256);
        failed.truncate(KEPT);
        if let Err(why) = self.write("failed.json", &failed) {
            log::note(why);
        }
        self.end(report);
    }

    /// Was this program given up before?
    pub(super) fn gave_up(&self, sha256: &[u8; 32]) -> bool {
        self.read::<Vec<String>>("failed.json").is_some_and(|failed| failed.contains(&hex(sha256)))
    }

    /// What is to be told.
    pub(super) fn owed(&self) -> Option<UpdateReport> {
        let file: ReportFile = self.read("report.json")?;
        Some(UpdateReport { sha256: unhex(&file.sha256)?, state: file.state, reason: file.reason })
    }

    /// It was told.
    pub(super) fn told(&self, sha256: &[u8; 32]) {
        if self.owed().is_some_and(|report| report.sha256 == *sha256) {
            self.remove("report.json");
        }
    }
}
