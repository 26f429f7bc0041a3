//! Mounted file systems that live on this machine. Network and user-space file systems are left out, also when a check
//! names one: asking a server that is gone would hang whoever asks.

use std::collections::HashSet;
use std::path::Path;

use rustix::fs::{StatVfs, StatVfsMountFlags, statvfs};

use super::text::whole;

/// Types that hold files on a device or in memory that is worth watching.
const KINDS: [&str; 19] = [
    "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "jfs", "reiserfs", "vfat", "exfat", "ntfs", "ntfs3",
    "overlay", "tmpfs", "bcachefs", "iso9660", "squashfs", "erofs",
];
/// Mount points of no interest, with everything below them.
const HIDDEN: [&str; 9] = [
    "/dev",
    "/proc",
    "/sys",
    "/run/user",
    "/run/credentials",
    "/run/docker",
    "/var/lib/docker",
    "/var/lib/containers",
    "/snap",
];
const MOUNTS_MAX: usize = 64;

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) device: String,
    pub(super) point: String,
    pub(super) kind: String,
    pub(super) read_only: bool,
}

/// The mounts of now, each device once: a bind mount shows nothing new.
pub(super) fn mounts() -> Vec<Mount> {
    parse(&whole("/proc/self/mounts").unwrap_or_default())
}

fn parse(text: &str) -> Vec<Mount> {
    let mut seen = HashSet::new();
    let mut mounts = Vec::new();
    for line in text.lines() {
        let mut words = line.split(' ');
        let (Some(device), Some(point), Some(kind), Some(options)) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            continue;
        };
        let point = unescape(point);
        let hidden = HIDDEN.iter().any(|hidden| Path::new(&point).starts_with(hidden));
        let read_only = options.split(',').any(|option| option == "ro");
        let image = read_only && matches!(kind, "squashfs" | "erofs" | "iso9660");
        if hidden || image || !KINDS.contains(&kind) {
            continue;
        }
        // tmpfs and overlay have no device of their own: their mount point tells them apart.
        let key = if device.starts_with('/') { device.to_owned() } else { point.clone() };
        if seen.insert(key) && mounts.len() < MOUNTS_MAX {
            mounts.push(Mount { device: unescape(device), point, kind: kind.to_owned(), read_only });
        }
    }
    mounts
}

/// `/proc/self/mounts` writes blanks and backslashes as octal numbers.
fn unescape(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    text.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

/// The numbers of one file system, in bytes and inodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) size: u64,
    pub(super) free: u64,
    /// Free for users other than root.
    pub(super) available: u64,
    pub(super) files: u64,
    pub(super) files_free: u64,
    pub(super) read_only: bool,
}

pub(super) fn room(point: &str) -> Option<Room> {
    statvfs(point).ok().map(|stat: StatVfs| Room {
        size: stat.f_blocks.saturating_mul(stat.f_frsize),
        free: stat.f_bfree.saturating_mul(stat.f_frsize),
        available: stat.f_bavail.saturating_mul(stat.f_frsize),
        files: stat.f_files,
        files_free: stat.f_ffree,
        read_only: stat.f_flag.contains(StatVfsMountFlags::RDONLY),
    })
}

/// How full a mount point is, in percent, as `df` counts: what root keeps back is neither used nor free.
///
/// # Errors
/// In words: nothing is mounted there, it does not live on this machine, or it has no size.
pub(crate) fn used_percent(point: &str) -> Result<f64, String> {
    is_local(&whole("/proc/self/mounts").unwrap_or_default(), point)?;
    let room = room(point).ok_or_else(|| format!("{point} cannot be asked for its size"))?;
    let used = room.size.saturating_sub(room.free);
    let usable = used.saturating_add(room.available);
    if usable == 0 {
        return Err(format!("the file system at {point} has no size"));
    }
    Ok(used as f64 / usable as f64 * 100.0)
}

/// Only what is known to live here is asked. Of several mounts at one point the last lies on top.
fn is_local(mounts: &str, point: &str) -> Result<(), String> {
    let mut kind = None;
    for line in mounts.lines() {
        let mut words = line.split(' ').skip(1);
        if let (Some(mount), Some(its)) = (words.next(), words.next())
            && unescape(mount) == point
        {
            kind = Some(its);
        }
    }
    match kind {
        None => Err(format!("nothing is mounted at {point}")),
        Some(kind) if KINDS.contains(&kind) => Ok(()),
        Some(kind) => Err(format!(
            "{point} is a file system of the kind {kind}, which is not asked for its size: it may not live on this \
             machine, and a server that is gone would keep whoever asks; watch it where it lives"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_of_another_machine_is_not_asked_for_its_size() {
        let text = "\
/dev/sda1 / ext4 rw 0 0
server:/x /nfs nfs4 rw 0 0
/dev/sdb1 /covered ext4 rw 0 0
server:/y /covered nfs rw 0 0
a@b:/z /my\\040home fuse.sshfs rw 0 0
";
        assert_eq!(is_local(text, "/"), Ok(()));
        for (point, part) in [("/nfs", "nfs4"), ("/covered", "nfs"), ("/my home", "fuse.sshfs"), ("/x", "nothing is")] {
            assert!(is_local(text, point).is_err_and(|why| why.contains(part)), "{point}");
        }
    }

    #[test]
    fn each_local_file_system_counts_once() {
        let text = "\
/dev/sda1 / ext4 rw,relatime 0 0
proc /proc proc rw 0 0
/dev/sda1 /bind ext4 rw 0 0
server:/x /nfs nfs4 rw 0 0
tmpfs /tmp tmpfs rw 0 0
tmpfs /dev/shm tmpfs rw 0 0
/dev/sdb1 /my\\040disk xfs ro 0 0
/dev/loop1 /snap/core squashfs ro 0 0
damaged line
";
        let points: Vec<String> = parse(text).into_iter().map(|mount| mount.point).collect();
        assert_eq!(points, ["/", "/tmp", "/my disk"]);
        assert!(parse(text)[2].read_only);
    }

    #[test]
    fn the_root_is_mounted_and_has_a_size() {
        let used = used_percent("/").unwrap();
        assert!((0.0..=100.0).contains(&used), "{used}");
        assert!(used_percent("/no/such").unwrap_err().contains("nothing is mounted"));
    }
}
