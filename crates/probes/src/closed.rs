//! Folders that no check looks into: they hold keys and passwords of Mainstay itself. A file is judged by where it really
//! lies, so that no link leads there.

use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use tokio::fs::{File, OpenOptions};

use crate::{Around, guard};

/// Here the kernel shows processes: their environment, memory and open files, this one's among them.
const PROCESSES: &str = "/proc";

/// Opens a file for reading, unless it lies in a closed folder.
pub(crate) async fn open(path: &str, around: &Around) -> Result<File, String> {
    let failed = |e: std::io::Error| format!("{path} cannot be read: {}", guard::plain(&e));
    // Else opening a pipe would wait for who writes into it.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).await.map_err(failed)?;
    // The open file's own path: what the name leads to may change, this does not.
    let real = tokio::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).await.map_err(failed)?;
    judge(path, &real, around).map(|()| file)
}

/// Refuses a path that leads into a closed folder, whether there is a file or not.
pub(crate) async fn refuse(path: &str, around: &Around) -> Result<(), String> {
    let path = Path::new(path);
    let mut real = PathBuf::new();
    for ancestor in path.ancestors() {
        if let Ok(found) = tokio::fs::canonicalize(ancestor).await {
            real = path.strip_prefix(ancestor).map(|rest| found.join(rest)).unwrap_or(found);
            break;
        }
    }
    judge(&path.display().to_string(), &real, around)
}

fn judge(path: &str, real: &Path, around: &Around) -> Result<(), String> {
    let closed = around.closed.iter().any(|closed| real.starts_with(closed)) || real.starts_with(PROCESSES);
    if closed {
        return Err(format!("{path} is not looked at: it lies where secrets do, and checks stay out of there"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_closed_folder_is_reached_by_no_name() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let (secrets, plain) = (root.join("secrets"), root.join("plain"));
        std::fs::create_dir_all(&secrets).unwrap();
        std::fs::create_dir_all(&plain).unwrap();
        std::fs::write(secrets.join("key"), "k").unwrap();
        std::fs::write(plain.join("log"), "l").unwrap();
        std::fs::write(root.join("secrets-not"), "l").unwrap();
        std::os::unix::fs::symlink(secrets.join("key"), plain.join("link")).unwrap();
        std::os::unix::fs::symlink(&secrets, plain.join("folder")).unwrap();
        let around = Around { closed: vec![secrets.clone()], ..Around::default() };
        for (path, there, fits) in [
            ("plain/log", true, true),
            ("secrets-not", true, true),
            ("plain/none", false, true),
            ("secrets/key", true, false),
            ("plain/../secrets/key", true, false),
            ("plain/link", true, false),
            ("plain/folder/key", true, false),
            ("secrets/none", false, false),
            ("plain/folder/none", false, false),
        ] {
            let path = root.join(path);
            let path = path.to_str().unwrap();
            let refused = refuse(path, &around).await;
            assert_eq!(refused.is_ok(), fits, "{path}: {refused:?}");
            if there {
                let opened = open(path, &around).await;
                assert_eq!(opened.is_ok(), fits, "{path}: {opened:?}");
            }
        }
        assert!(open("/proc/self/environ", &around).await.unwrap_err().contains("where secrets do"));
    }
}
