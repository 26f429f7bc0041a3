//! Running the machine's own tools to look at it: no shell, no input, a deadline, a cap on output, low priority.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, setpriority_process};
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::timeout;

/// The path that programs are found in, whatever the agent was started with.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The niceness of collectors. The agent itself and the jobs it runs are not made nicer: a service that a job starts
/// would inherit it.
const NICE: i32 = 10;

/// What a tool said.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) output: String,
    /// The output was longer than the cap.
    pub(crate) capped: bool,
}

/// Runs a tool and returns what it wrote to its standard output.
///
/// # Errors
/// In words: it is not there, or it took too long and was killed.
pub(crate) async fn ask(argv: &[&str], deadline: Duration, bytes_max: usize) -> Result<Said, String> {
    let (program, arguments) = argv.split_first().ok_or("no program is named")?;
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", PATH)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| format!("{program} cannot be run: {e}"))?;
    if let Some(pid) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
        // It may have ended already; then there is nothing to slow down.
        let _ = setpriority_process(Some(pid), NICE);
    }
    let mut stdout = child.stdout.take().ok_or("the output is gone")?;
    let conversation = async {
        let mut bytes = Vec::new();
        (&mut stdout).take(bytes_max as u64).read_to_end(&mut bytes).await.map_err(|e| e.to_string())?;
        let capped = bytes.len() >= bytes_max;
        drop(stdout);
        let status = child.wait().await.map_err(|e| e.to_string())?;
        Ok(Said { code: status.code(), output: String::from_utf8_lossy(&bytes).into_owned(), capped })
    };
    match timeout(deadline, conversation).await {
        Ok(said) => said,
        Err(_) => Err(format!("{program} took longer than {} s", deadline.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_tool_is_asked_within_a_deadline_and_a_cap() {
        let said = ask(&["echo", "a;b"], Duration::from_secs(10), 100).await.unwrap();
        assert_eq!((said.output.as_str(), said.code, said.capped), ("a;b\n", Some(0), false));
        assert!(ask(&["echo", "abcdef"], Duration::from_secs(10), 3).await.unwrap().capped);
        assert!(ask(&["sleep", "60"], Duration::from_millis(50), 100).await.is_err_and(|e| e.contains("longer")));
        assert!(ask(&["no-such-tool"], Duration::from_secs(1), 100).await.is_err_and(|e| e.contains("no-such-tool")));
    }
}
