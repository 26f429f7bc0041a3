//! What a new program takes over from the one in whose place it goes: owner, group, mode, and the capabilities that an
//! administrator gave the file. Without them a machine would lose by an update what its service relies on.

use std::fs::File;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;

use rustix::fs::{XattrFlags, fsetxattr, getxattr};
use rustix::io::Errno;

/// Where Linux keeps a file's capabilities.
const CAPABILITIES: &str = "security.capability";
/// Longer than any version of them that there is.
const CAPABILITIES_BYTES_MAX: usize = 256;

/// Gives the new file what the old program has.
///
/// # Errors
/// In words: what this process may not give it.
pub(super) fn give(old: &Path, new: &File) -> Result<(), String> {
    let shown = old.display();
    let had = old.metadata().map_err(|e| format!("the program {shown} cannot be looked at: {e}"))?;
    let has = new.metadata().map_err(|e| format!("the new program cannot be looked at: {e}"))?;
    let (owner, group, mode) = (had.uid(), had.gid(), had.mode() & 0o7777);
    if (has.uid(), has.gid()) != (owner, group) {
        fchown(new, Some(owner), Some(group)).map_err(|e| {
            format!("the new program cannot be given the owner {owner} and group {group} of {shown} ({e}); use chown on that, or update it by hand")
        })?;
    }
    // After the owner, whose change takes away what mode and capabilities allow.
    new.set_permissions(std::fs::Permissions::from_mode(mode))
        .map_err(|e| format!("the new program cannot be given the mode {mode:o} of {shown}: {e}"))?;
    let Some(capabilities) = capabilities(old)? else { return Ok(()) };
    fsetxattr(new, CAPABILITIES, &capabilities, XattrFlags::empty()).map_err(|e| {
        format!("{shown} has file capabilities, which this process cannot give to the new program ({e}); take them away with setcap -r, or update it by hand")
    })
}

/// The file capabilities of a program, as the kernel keeps them.
pub(super) fn capabilities(program: &Path) -> Result<Option<Vec<u8>>, String> {
    let mut bytes = vec![0; CAPABILITIES_BYTES_MAX];
    match getxattr(program, CAPABILITIES, bytes.as_mut_slice()) {
        Ok(length) => {
            bytes.truncate(length);
            Ok((length > 0).then_some(bytes))
        }
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(None),
        Err(e) => Err(format!("the file capabilities of {} cannot be read: {e}", program.display())),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// CAP_NET_RAW, permitted and effective, in the second version of the format.
    const NET_RAW: [u8; 20] = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    fn files(folder: &Path) -> (PathBuf, PathBuf, File) {
        let (old, new) = (folder.join("agent"), folder.join("agent.update"));
        std::fs::write(&old, "old").unwrap();
        std::fs::write(&new, "new").unwrap();
        let file = File::options().write(true).open(&new).unwrap();
        (old, new, file)
    }

    #[test]
    fn a_new_program_has_mode_owner_and_group_of_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new, file) = files(folder.path());
        let root = rustix::process::geteuid().is_root();
        if root {
            std::os::unix::fs::chown(&old, Some(0), Some(1)).unwrap();
        }
        std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o2750)).unwrap();
        give(&old, &file).unwrap();
        let (had, has) = (old.metadata().unwrap(), new.metadata().unwrap());
        assert_eq!((has.mode() & 0o7777, has.uid(), has.gid()), (0o2750, had.uid(), had.gid()));
        assert!(!root || has.gid() == 1);
        assert_eq!(capabilities(&new), Ok(None));
    }

    #[test]
    fn a_new_program_has_the_capabilities_of_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new, file) = files(folder.path());
        if let Err(e) = fsetxattr(File::open(&old).unwrap(), CAPABILITIES, &NET_RAW, XattrFlags::empty()) {
            eprintln!("skipped: this process or file system cannot give capabilities: {e}");
            return;
        }
        give(&old, &file).unwrap();
        assert_eq!(capabilities(&new).unwrap().as_deref(), Some(NET_RAW.as_slice()));
    }

    #[test]
    fn a_program_that_is_gone_gives_nothing_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let (old, _, file) = files(folder.path());
        std::fs::remove_file(&old).unwrap();
        assert!(give(&old, &file).unwrap_err().contains("cannot be looked at"));
    }
}
