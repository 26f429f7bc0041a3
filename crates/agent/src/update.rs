//! The agent's own program: another version of it is fetched, verified, tried and only then put in the place of this one.
//!
//! All of it is the executor's. It goes by the release keys that the machine's own policy pins; the collector merely
//! carries offers and parts. The program in place is not touched before the new one has run on trial, as a child of this
//! process, and a server has acknowledged what it said: whatever ends meanwhile, what is in place works.

mod likeness;
mod record;
mod stage;
mod trial;
mod young;

use std::cmp::Ordering;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use agent_proto::limits::TEXT_BYTES_MAX;
use agent_proto::{Offer, Release, UpdateReport, UpdateState, compare_versions, unsound, verify_release};

use crate::error::Error;
use crate::{log, platform, probe};
use record::Records;
pub(crate) use stage::{Staged, Stager, Testing};
pub(crate) use trial::Trial;

/// The variable that tells a process that it is on trial, and which process watches it.
pub(crate) const MARK: &str = "MAINSTAY_AGENT_TRIAL";
/// Trials of one release that something else ended, after which it counts as rolled back.
const TRIALS_MAX: u32 = 3;
/// An offer that the server does not renew for so long does not hold any more. Shorter than the server's patience, and
/// longer than two of its renewals.
const LAPSE: Duration = Duration::from_secs(45 * 60);

/// The process that watches this one, if this one is on trial.
pub(crate) fn watcher() -> Option<Option<i32>> {
    let mark = std::env::var(MARK).ok()?;
    Some(mark.parse().ok().or_else(platform::parent_process))
}

/// What the program of this process was built for.
pub(crate) fn target() -> String {
    let libc = if cfg!(target_env = "musl") { "musl" } else { "gnu" };
    let float = if cfg!(target_abi = "eabihf") { "eabihf" } else { "" };
    format!("{}-unknown-linux-{libc}{float}", std::env::consts::ARCH)
}

/// The program that this process runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Program {
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// The version that its release was signed with, or else the one it was built with.
    pub(crate) version: String,
    sha256: [u8; 32],
}

/// What an executor knows of updates.
pub(crate) struct Updates {
    records: Records,
    program: Program,
    /// Where the process was started: words on the command line may be meant from there.
    origin: PathBuf,
    /// It is on trial itself.
    pub(crate) on_trial: bool,
    stager: Option<Stager>,
    /// Fetched, and at its own test.
    testing: Option<Testing>,
    /// Fetched, verified and tested: to be tried when no job runs.
    pub(crate) ready: Option<Staged>,
    /// When the offer of what is ready came last.
    renewed: Instant,
    opened: Instant,
    /// It has not run long enough since it was put in place.
    young: bool,
}

/// What an offer leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Ask for the part of this program that begins here.
    Fetch { sha256: [u8; 32], offset: u64 },
    /// The program is whole and is what was signed.
    Whole,
    /// That is the end of it; to be told.
    End(UpdateReport),
    /// Nothing.
    Nothing,
}

impl Updates {
    /// Looks at what an earlier process left.
    ///
    /// # Errors
    /// The program of this process or the folder cannot be read, or this process could not become the version before it,
    /// which is in place again.
    pub(crate) fn open(dir: &Path, origin: PathBuf) -> Result<Self, Error> {
        let records = Records::open(dir)?;
        let path =
            std::env::current_exe().map_err(|e| Error::io("find the program of", Path::new("this process"), &e))?;
        let sha256 = stage::digest_of(Path::new("/proc/self/exe")).map_err(|e| Error::io("read", &path, &e))?;
        let version = records.version_of(&sha256).unwrap_or_else(|| crate::VERSION.to_owned());
        let on_trial = std::env::var_os(MARK).is_some();
        let program = Program { path, version, sha256 };
        let now = Instant::now();
        let mut updates = Self {
            records,
            program,
            origin,
            on_trial,
            stager: None,
            testing: None,
            ready: None,
            renewed: now,
            opened: now,
            young: false,
        };
        if !on_trial {
            updates.settle();
            if updates.count_start() {
                return Err(trial::become_program(&updates.origin, &updates.program.path));
            }
        }
        Ok(updates)
    }

    /// Ends what an earlier process began: it may have been killed at any moment.
    fn settle(&mut self) {
        let Some(tried) = self.records.trial() else { return stage::remove(&self.program.path) };
        stage::remove(&self.program.path);
        if tried.sha256 == self.program.sha256 {
            self.records.end(&report(tried.sha256, UpdateState::Done, ""));
        } else if tried.trials >= TRIALS_MAX {
            let why = format!("something ended it {} times while it was tried", tried.trials);
            self.records.give_up(&report(tried.sha256, UpdateState::RolledBack, &why));
        }
    }

    /// The version that this agent says it has.
    pub(crate) fn version(&self) -> &str {
        &self.program.version
    }

    /// What is still to be told to the server.
    pub(crate) fn owed(&self) -> Option<UpdateReport> {
        self.records.owed()
    }

    /// It was told.
    pub(crate) fn told(&self, sha256: &[u8; 32]) {
        self.records.told(sha256);
    }

    /// Takes an offer, by the keys that the policy pins.
    pub(crate) fn offered(&mut self, offer: &Offer, keys: &[[u8; 32]]) -> Step {
        let release = &offer.signed.release;
        let sha256 = release.sha256;
        if self.on_trial {
            return Step::Nothing;
        }
        if let Some(ready) = self.ready.as_mut().filter(|ready| ready.offer.signed == offer.signed) {
            ready.offer.again = offer.again;
            self.renewed = Instant::now();
            return Step::Nothing;
        }
        if let Some(testing) = self.testing.as_mut().filter(|testing| testing.offer.signed == offer.signed) {
            testing.offer.again = offer.again;
            return Step::Nothing;
        }
        if let Some(stager) = self.stager.as_mut().filter(|stager| stager.offer.signed == offer.signed) {
            stager.offer.again = offer.again;
            return Step::Fetch { sha256, offset: stager.written() };
        }
        if sha256 == self.program.sha256 {
            return Step::End(report(sha256, UpdateState::Done, ""));
        }
        let refused = |why: String| Step::End(report(sha256, UpdateState::Refused, &why));
        let judged = judge(offer, keys, &self.program.version, self.records.gave_up(&sha256));
        if let Err(why) = judged.and_then(|()| placeable(&self.program.path)) {
            return refused(why);
        }
        match Stager::open(offer.clone(), &self.program.path) {
            Ok(stager) => {
                log::note(format!("version {} is fetched", release.version));
                (self.testing, self.ready) = (None, None);
                self.stager = Some(stager);
                Step::Fetch { sha256, offset: 0 }
            }
            Err(why) => refused(why),
        }
    }

    /// Takes a part of a program.
    pub(crate) fn part(&mut self, sha256: &[u8; 32], offset: u64, bytes: &[u8]) -> Step {
        let Some(stager) = self.stager.as_mut().filter(|stager| stager.release().sha256 == *sha256) else {
            return Step::Nothing;
        };
        if bytes.is_empty() {
            log::note("the server does not give the rest of the new program; it is dropped");
            self.drop_stager();
            return Step::Nothing;
        }
        if offset != stager.written() {
            // It came twice: the offer did, and was answered twice.
            return Step::Nothing;
        }
        let wrong = match stager.take(bytes) {
            Ok(false) => return Step::Fetch { sha256: *sha256, offset: stager.written() },
            Ok(true) => return Step::Whole,
            Err(why) => why,
        };
        self.drop_stager();
        Step::End(report(*sha256, UpdateState::Refused, &wrong))
    }

    fn drop_stager(&mut self) {
        self.stager = None;
        stage::remove(&self.program.path);
    }

    /// Lets the new program test itself, beside everything else.
    pub(crate) fn test(&mut self, dir: &Path) {
        self.testing = self.stager.take().map(|stager| stager.test(dir));
    }

    /// It has passed its own test and is kept for its trial, or it has not.
    ///
    /// # Errors
    /// Why it is refused. It is removed.
    pub(crate) fn tested(&mut self, verdict: Result<(), String>) -> Result<UpdateReport, UpdateReport> {
        let Some(testing) = self.testing.take() else {
            return Err(report([0; 32], UpdateState::Refused, "it is gone"));
        };
        let sha256 = testing.release().sha256;
        match verdict {
            Ok(()) => {
                self.ready = Some(testing.passed());
                self.renewed = Instant::now();
                Ok(report(sha256, UpdateState::Trying, ""))
            }
            Err(why) => {
                stage::remove(&self.program.path);
                Err(report(sha256, UpdateState::Refused, &why))
            }
        }
    }

    /// What is ready was judged when it was offered, which may be hours ago: is it still to be tried?
    ///
    /// # Errors
    /// Why it is refused. It is removed.
    pub(crate) fn judge_again(&mut self, keys: &[[u8; 32]]) -> Result<(), UpdateReport> {
        let Some(ready) = &self.ready else { return Ok(()) };
        let sha256 = ready.release().sha256;
        let judged = judge(&ready.offer, keys, &self.program.version, self.records.gave_up(&sha256));
        judged.and_then(|()| placeable(&self.program.path)).map_err(|why| {
            self.call_off();
            report(sha256, UpdateState::Refused, &why)
        })
    }

    /// Drops what is not in place. An offer that still holds brings it again.
    pub(crate) fn call_off(&mut self) {
        if self.stager.take().is_some() | self.testing.take().is_some() | self.ready.take().is_some() {
            stage::remove(&self.program.path);
            log::note("the new version is dropped");
        }
    }

    /// What time brings.
    pub(crate) fn look(&mut self, now: Instant) {
        if self.ready.is_some() && now.saturating_duration_since(self.renewed) >= LAPSE {
            log::note("the server does not renew its offer");
            self.call_off();
        }
        self.grow(now.saturating_duration_since(self.opened));
    }

    /// A server acknowledged what this process said: it has stood its trial.
    pub(crate) fn proved(&self) {
        if self.on_trial {
            self.records.prove(&self.program.sha256);
        }
    }

    /// Everything that the trial needs, when the executor has ended.
    pub(crate) fn into_trial(mut self) -> Option<Trial> {
        let staged = self.ready.take()?;
        Some(Trial { records: self.records, program: self.program, origin: self.origin, staged })
    }
}

/// Waits for the end of the new program's test of itself; for ever where there is none.
///
/// # Errors
/// In words: what is wrong with it.
pub(crate) async fn test_ended(updates: Option<&mut Updates>) -> Result<(), String> {
    match updates.and_then(|updates| updates.testing.as_mut()) {
        Some(testing) => testing.ended().await,
        None => std::future::pending().await,
    }
}

fn report(sha256: [u8; 32], state: UpdateState, why: &str) -> UpdateReport {
    let mut reason = why.to_owned();
    // A longer one could not be read by the server, and would be sent again and again.
    probe::truncate(&mut reason, TEXT_BYTES_MAX);
    UpdateReport { sha256, state, reason }
}

/// May this release take the place of version `current`? `keys` are those that the policy pins.
fn judge(offer: &Offer, keys: &[[u8; 32]], current: &str, gave_up: bool) -> Result<(), String> {
    let Release { version, target: built_for, downgrade, .. } = &offer.signed.release;
    if keys.is_empty() {
        return Err("the machine's policy pins no release key; add [[release_keys]] to it".into());
    }
    if !keys.contains(&offer.signed.public_key) {
        return Err("the machine's policy does not pin the key that signed this release".into());
    }
    if !verify_release(&offer.signed) {
        return Err("the signature of the release does not hold".into());
    }
    if let Some(why) = unsound(&offer.signed.release) {
        return Err(format!("the release cannot be used: {why}"));
    }
    let ours = target();
    if *built_for != ours {
        return Err(format!("the release is for {built_for}, this machine needs {ours}"));
    }
    // A version that cannot be compared is not known to be older.
    let newer = compare_versions(version, current).is_some_and(|order| order == Ordering::Greater);
    if !newer && !downgrade {
        return Err(format!(
            "version {version} is not newer than {current}, and the release is not signed as a downgrade"
        ));
    }
    if gave_up && !offer.again {
        return Err("it was rolled back here before; roll it out with `again` to try it once more".into());
    }
    Ok(())
}

/// Can the program be replaced where it lies, and by nobody but us?
fn placeable(program: &Path) -> Result<(), String> {
    let shown = program.display();
    let folder = program.parent().and_then(|folder| folder.metadata().ok());
    let (Some(folder), Ok(file)) = (folder, program.symlink_metadata()) else {
        return Err(format!("the program {shown} is not where it was started; restart the agent"));
    };
    let us = rustix::process::geteuid().as_raw();
    for (owner, mode, what) in
        [(file.uid(), file.mode(), "program"), (folder.uid(), folder.mode(), "folder of the program")]
    {
        if owner != us && owner != 0 {
            return Err(format!("the {what} {shown} belongs to another user; use chown on it"));
        }
        if mode & 0o022 != 0 {
            return Err(format!("the {what} {shown} can be written by others; use chmod go-w on it"));
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
