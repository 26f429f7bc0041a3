//! A version that was put in place is young until it has run for a while. One that ends again and again before that is
//! taken out again: what was in place before it comes back.

use std::path::Path;
use std::time::Duration;

use agent_proto::UpdateState;

use super::record::Young;
use super::{Updates, placeable, report, stage, trial};
use crate::{files, log};

/// A version that ran so long in one go is not young any more.
const YOUTH: Duration = Duration::from_secs(600);
/// Starts of a young version without an orderly end. Service managers give up a service that ends more often than this.
const STARTS_MAX: u32 = 3;

impl Updates {
    /// Counts the start of a young version. True when it was one too many and the program before it is in place again.
    pub(super) fn count_start(&mut self) -> bool {
        let Some(young) = self.records.young() else { return false };
        let gone = || {
            let why = format!("it ended {STARTS_MAX} times within {} s after it was put in place", YOUTH.as_secs());
            report(young.sha256, UpdateState::RolledBack, &why)
        };
        if young.sha256 != self.program.sha256 {
            // It never came to be in place, or was taken out by a process that was killed before it could note that.
            if young.starts > STARTS_MAX && young.previous == self.program.sha256 {
                self.records.give_up(&gone());
            }
            self.records.forget_young();
            return false;
        }
        let counted = Young { starts: young.starts.saturating_add(1), ..young };
        if let Err(why) = self.records.keep_young(&counted) {
            log::note(why);
        }
        self.young = true;
        if counted.starts <= STARTS_MAX {
            return false;
        }
        match put_back(&self.program.path, &young.previous) {
            Ok(()) => {
                log::note(format!("version {} ends again and again; the one before it is in place", self.version()));
                self.records.give_up(&gone());
                self.records.forget_young();
                true
            }
            Err(why) => {
                log::note(format!("version {} ends again and again, and stays: {why}", self.version()));
                false
            }
        }
    }

    /// An orderly end is no sign of anything: the start that it ends does not count.
    pub(crate) fn ends_as_told(&self) {
        let Some(young) = self.records.young().filter(|_| self.young) else { return };
        if let Err(why) = self.records.keep_young(&Young { starts: young.starts.saturating_sub(1), ..young }) {
            log::note(why);
        }
    }

    /// It has run for so long.
    pub(super) fn grow(&mut self, ran: Duration) {
        if self.young && ran >= YOUTH {
            self.young = false;
            self.records.forget_young();
        }
    }
}

/// Puts the program of before in its place again, if it still is what it was.
fn put_back(path: &Path, sha256: &[u8; 32]) -> Result<(), String> {
    let previous = trial::previous_of(path);
    placeable(&previous)?;
    let broken = |e: std::io::Error| format!("{} cannot be put in place: {e}", previous.display());
    if !previous.symlink_metadata().map_err(broken)?.is_file()
        || stage::digest_of(&previous).map_err(broken)? != *sha256
    {
        return Err(format!("{} is not the program that was in place before", previous.display()));
    }
    std::fs::rename(&previous, path).map_err(broken)?;
    files::sync_parent(path).map_err(broken)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use ring::digest::{SHA256, digest};

    use super::*;
    use crate::update::tests::updates;

    /// A version of digest 2 that was put in place of a program with these bytes.
    fn young(dir: &Path) -> Updates {
        let (updates, path) = updates(dir, [2; 32]);
        let mut previous = [0; 32];
        previous.copy_from_slice(digest(&SHA256, b"before").as_ref());
        for (path, bytes) in [(path.clone(), "young"), (trial::previous_of(&path), "before")] {
            std::fs::write(&path, bytes).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        updates.records.keep_young(&Young { sha256: [2; 32], previous, starts: 0 }).unwrap();
        updates
    }

    #[test]
    fn a_version_that_ends_again_and_again_after_it_was_put_in_place_is_taken_out() {
        let folder = tempfile::tempdir().unwrap();
        let mut updates = young(folder.path());
        let starts: Vec<bool> = (0..4).map(|_| updates.count_start()).collect();
        assert_eq!(starts, [false, false, false, true]);
        assert_eq!(std::fs::read(&updates.program.path).unwrap(), b"before");
        let owed = updates.owed().unwrap();
        assert_eq!((owed.sha256, owed.state), ([2; 32], UpdateState::RolledBack));
        assert!(updates.records.gave_up(&[2; 32]), "it is not tried again by itself");
        assert_eq!(updates.records.young(), None);
    }

    #[test]
    fn a_version_that_is_ended_in_order_or_has_run_long_enough_stays() {
        let folder = tempfile::tempdir().unwrap();
        let mut updates = young(folder.path());
        for _ in 0..10 {
            assert!(!updates.count_start());
            updates.ends_as_told();
        }
        assert!(!updates.count_start());
        updates.grow(YOUTH / 2);
        assert!(updates.records.young().is_some());
        updates.grow(YOUTH);
        assert!((0..10).all(|_| !updates.count_start()), "it is not young any more");
        assert_eq!(std::fs::read(&updates.program.path).unwrap(), b"young");
    }

    #[test]
    fn a_program_of_before_that_is_another_one_is_not_put_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut updates = young(folder.path());
        std::fs::write(trial::previous_of(&updates.program.path), "changed").unwrap();
        assert!((0..10).all(|_| !updates.count_start()));
        assert_eq!(std::fs::read(&updates.program.path).unwrap(), b"young");
        assert_eq!(updates.owed(), None);
    }

    #[test]
    fn a_process_that_was_killed_while_it_took_a_version_out_is_gone_on_from() {
        for (starts, told) in [(0, false), (STARTS_MAX + 1, true)] {
            let folder = tempfile::tempdir().unwrap();
            let (mut updates, _) = updates(folder.path(), [1; 32]);
            updates.records.keep_young(&Young { sha256: [2; 32], previous: [1; 32], starts }).unwrap();
            assert!(!updates.count_start());
            assert_eq!((updates.owed().is_some(), updates.records.gave_up(&[2; 32])), (told, told), "{starts}");
            assert_eq!(updates.records.young(), None);
        }
    }
}
