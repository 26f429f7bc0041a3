//! The seam to the operating system. Linux is complete; elsewhere the agent refuses to be built rather than to guess.

#[cfg(target_os = "linux")]
mod linux;

#[cfg(target_os = "linux")]
pub(crate) use linux::{
    Collector, Sections, boot_id, count_processes, give_guarded, guarded_words, identity_hints, parent_process,
    systemd_runs, used_percent,
};

#[cfg(not(target_os = "linux"))]
compile_error!("the agent runs on Linux only: build the other crates, or add a platform beside platform/linux");
