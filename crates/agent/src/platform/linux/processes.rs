//! Processes, from `/proc`. Arguments may hold secrets, so they are matched but never sent.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use agent_proto::ProcessName;

/// Most bytes of a command line that are looked at.
const LINE_BYTES_MAX: u64 = 4_096;

/// How many processes have this name.
///
/// # Errors
/// `/proc` cannot be listed.
pub(crate) fn count_processes(name: &ProcessName) -> io::Result<u32> {
    let mut buffer = Vec::with_capacity(512);
    let mut count = 0_u32;
    for process in ids()? {
        let found = match name {
            ProcessName::Exact(name) => {
                read(process, "comm", &mut buffer) && buffer.trim_ascii_end() == name.as_bytes()
                    || read(process, "cmdline", &mut buffer) && base_name(&buffer) == name.as_bytes()
            }
            ProcessName::CommandLineContains(part) => {
                read(process, "cmdline", &mut buffer) && {
                    for byte in &mut buffer {
                        *byte = if *byte == 0 { b' ' } else { *byte };
                    }
                    !part.is_empty() && buffer.windows(part.len()).any(|window| window == part.as_bytes())
                }
            }
        };
        // A zombie has no command line and a name that runs nothing.
        if found && !is_zombie(process, &mut buffer) {
            count = count.saturating_add(1);
        }
    }
    Ok(count)
}

/// Processes of one name.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) count: u32,
    pub(super) resident_bytes: u64,
    pub(super) user: u32,
}

/// All processes but the kernel's own threads, by the base name of what they run.
pub(super) fn groups() -> io::Result<BTreeMap<String, Group>> {
    let page = rustix::param::page_size() as u64;
    let mut buffer = Vec::with_capacity(512);
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for process in ids()? {
        if !read(process, "cmdline", &mut buffer) || buffer.is_empty() {
            continue;
        }
        let name = String::from_utf8_lossy(base_name(&buffer)).into_owned();
        let resident = if read(process, "statm", &mut buffer) {
            std::str::from_utf8(&buffer).ok().and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok())
        } else {
            None
        };
        let group = groups.entry(name).or_default();
        group.count += 1;
        group.resident_bytes += resident.unwrap_or(0) * page;
        group.user = owner(process).unwrap_or(0);
    }
    Ok(groups)
}

fn ids() -> io::Result<impl Iterator<Item = u32>> {
    let entries = std::fs::read_dir("/proc")?;
    Ok(entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()))
}

/// A process may end while it is looked at: then there is nothing to read.
fn read(process: u32, file: &str, buffer: &mut Vec<u8>) -> bool {
    buffer.clear();
    let path = format!("/proc/{process}/{file}");
    File::open(path).and_then(|file| file.take(LINE_BYTES_MAX).read_to_end(buffer)).is_ok()
}

fn owner(process: u32) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    Some(Path::new(&format!("/proc/{process}")).metadata().ok()?.uid())
}

/// The state is the first letter after the name, which is in parentheses and may hold some itself.
fn is_zombie(process: u32, buffer: &mut Vec<u8>) -> bool {
    read(process, "stat", buffer)
        && buffer.rsplit(|byte| *byte == b')').next().is_some_and(|rest| rest.trim_ascii_start().starts_with(b"Z"))
}

/// The base name of the first argument. A login shell's leading dash is not part of it, nor is what a server writes
/// behind a colon about its state.
fn base_name(line: &[u8]) -> &[u8] {
    let first = line.split(|byte| *byte == 0).next().unwrap_or_default();
    let first = first.split(|byte| *byte == b' ').next().unwrap_or_default();
    let first = first.strip_suffix(b":").unwrap_or(first);
    let base = first.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    base.strip_prefix(b"-").unwrap_or(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_that_of_what_runs() {
        assert_eq!(base_name(b"/usr/sbin/nginx\0-g\0daemon off"), b"nginx");
        assert_eq!(base_name(b"nginx: worker process\0"), b"nginx");
        assert_eq!(base_name(b"-bash\0"), b"bash");
        assert_eq!(base_name(b""), b"");
    }

    #[test]
    fn this_process_is_among_the_processes() {
        let groups = groups().unwrap();
        assert!(groups.values().any(|group| group.resident_bytes > 100_000));
        assert!(groups.values().map(|group| group.count).sum::<u32>() >= 1);
    }
}
