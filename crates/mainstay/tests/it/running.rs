//! A server of its own process for tests, asked with the command line.

use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_mainstay");
/// How long anything may take before the test gives up: a bound, not a claim.
const PATIENCE: Duration = Duration::from_secs(150);

pub(crate) struct Running {
    child: Child,
    pub(crate) data: PathBuf,
}

impl Running {
    /// Starts `mainstay up` with these words besides; answers what it says when it is ready.
    pub(crate) fn start(data: &Path, words: &[&str]) -> (Self, Value) {
        let mut child = Command::new(PROGRAM)
            .args(["up", "--listen", "127.0.0.1:0", "--agents-listen", "127.0.0.1:0", "-o", "json", "--data"])
            .arg(data)
            .args(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        (Self { child, data: data.to_owned() }, serde_json::from_str(&line).unwrap())
    }

    pub(crate) fn cli(&self, arguments: &[&str]) -> Value {
        let done =
            Command::new(PROGRAM).arg("--data").arg(&self.data).args(arguments).args(["-o", "json"]).output().unwrap();
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        serde_json::from_slice(&done.stdout).unwrap_or(Value::Null)
    }

    /// Asks again until the answer is as wanted.
    pub(crate) fn until(&self, what: &str, arguments: &[&str], wanted: impl Fn(&Value) -> bool) -> Value {
        let (_keep, never) = mpsc::channel::<()>();
        let begun = Instant::now();
        loop {
            let answer = self.cli(arguments);
            if wanted(&answer) {
                return answer;
            }
            assert!(begun.elapsed() < PATIENCE, "{what} did not happen: {answer:#}");
            let _ = never.recv_timeout(Duration::from_millis(500));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn first<'a>(answer: &'a Value, field: &str) -> &'a Value {
    &answer["items"][0][field]
}
