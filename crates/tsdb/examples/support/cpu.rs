//! How much processor time this process has used.

use std::error::Error;

/// Nanoseconds of processor time of this process' first thread.
///
/// # Errors
/// The kernel does not say.
pub(crate) fn cpu_ns() -> Result<u64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/self/schedstat")?;
    Ok(text.split_whitespace().next().ok_or("no processor time in /proc/self/schedstat")?.parse()?)
}
