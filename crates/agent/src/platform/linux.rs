//! Linux: `/proc`, `/sys`, netlink, and the distribution's own tools.

mod facts;
mod filesystems;
mod identity;
mod metrics;
mod netlink;
mod processes;
mod text;

pub(crate) use facts::Sections;
pub(crate) use filesystems::used_percent;
pub(crate) use identity::{boot_id, guarded_words, identity_hints};
pub(crate) use metrics::Collector;
pub(crate) use processes::count_processes;
pub(crate) use text::give_guarded;

/// Does systemd run this machine? The test of sd_booted(3).
pub(crate) fn systemd_runs() -> bool {
    std::path::Path::new("/run/systemd/system").is_dir()
}

/// The process that started this one.
pub(crate) fn parent_process() -> Option<i32> {
    rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get())
}
