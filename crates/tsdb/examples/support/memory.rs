//! How much memory this process has.

use std::error::Error;

/// Bytes of memory in use, and the most there ever were.
///
/// # Errors
/// The kernel does not say.
pub(crate) fn rss_bytes() -> Result<(u64, u64), Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let field = |name: &str| -> Result<u64, Box<dyn Error>> {
        let line = text.lines().find(|line| line.starts_with(name)).ok_or("no memory in /proc/self/status")?;
        Ok(line.split_whitespace().nth(1).ok_or("no number")?.parse::<u64>()? * 1_024)
    };
    Ok((field("VmRSS:")?, field("VmHWM:")?))
}
