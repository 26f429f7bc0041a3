//! One look at one thing. A probe observes: it opens connections, reads files, and changes nothing.

pub(crate) mod http;
mod service;

use std::time::{Duration, Instant};

use agent_proto::{CheckState, Probe, limits};
use tokio::time::timeout;

use crate::{net_guard, platform};

pub(crate) use service::{look as unit, systemctl};

/// What was seen.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) state: CheckState,
    pub(crate) value: Option<f64>,
    pub(crate) evidence: String,
}

impl Seen {
    pub(crate) fn ok(value: f64, evidence: impl Into<String>) -> Self {
        Self { state: CheckState::Ok, value: Some(value), evidence: evidence.into() }
    }

    pub(crate) fn fail(value: Option<f64>, evidence: impl Into<String>) -> Self {
        Self { state: CheckState::Fail, value, evidence: evidence.into() }
    }

    pub(crate) fn error(evidence: impl Into<String>) -> Self {
        Self { state: CheckState::Error, value: None, evidence: evidence.into() }
    }

    fn judged(good: bool, value: f64, evidence: String) -> Self {
        if good { Self::ok(value, evidence) } else { Self::fail(Some(value), evidence) }
    }
}

/// Looks, within a deadline. A service that does not answer in time fails; it is not an error of the probe.
pub(crate) async fn look(probe: &Probe, deadline: Duration) -> (Seen, Duration) {
    let start = Instant::now();
    let mut seen = match timeout(deadline, look_once(probe)).await {
        Ok(seen) => seen,
        Err(_) => Seen::fail(None, format!("no answer within {} ms", deadline.as_millis())),
    };
    truncate(&mut seen.evidence, limits::EVIDENCE_BYTES_MAX);
    (seen, start.elapsed())
}

async fn look_once(probe: &Probe) -> Seen {
    match probe {
        Probe::Process { name, min_count } => match platform::count_processes(name) {
            Ok(count) => {
                let wanted = (*min_count).max(1);
                Seen::judged(count >= wanted, f64::from(count), format!("{count} run, at least {wanted} should"))
            }
            Err(e) => Seen::error(format!("the processes cannot be listed: {e}")),
        },
        Probe::Tcp { host, port } => {
            let start = Instant::now();
            match net_guard::connect(host, *port).await {
                Ok(_) => Seen::ok(millis(start), format!("port {port} of {host} takes connections")),
                Err(e) => Seen::fail(None, e),
            }
        }
        Probe::Http { url, expect_status, contains, max_redirects } => {
            http::look(url, expect_status, contains.as_deref(), *max_redirects).await
        }
        Probe::FileSystem { mount, max_used_percent } => match platform::used_percent(mount) {
            Ok(used) => {
                let evidence = format!("{used:.1} % of {mount} is used, at most {max_used_percent} % should be");
                Seen::judged(used <= *max_used_percent, used, evidence)
            }
            Err(e) => Seen::error(e),
        },
        Probe::Unit { name } => service::look(name).await,
    }
}

fn millis(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1_000.0
}

/// Cuts a text at a character's edge.
pub(crate) fn truncate(text: &mut String, bytes_max: usize) {
    if text.len() > bytes_max {
        let mut end = bytes_max;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use agent_proto::ProcessName;

    async fn seen(probe: Probe) -> Seen {
        look(&probe, Duration::from_secs(20)).await.0
    }

    #[tokio::test]
    async fn a_process_is_found_by_name_and_by_command_line() {
        use std::io::Read;
        use std::process::Stdio;
        let mut child = std::process::Command::new("sh")
            .args(["-c", "echo up; read end", "mark-86399.25"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0; 3]).unwrap();
        let by = |name| Probe::Process { name, min_count: 1 };
        assert_eq!(seen(by(ProcessName::Exact("sh".into()))).await.state, CheckState::Ok);
        let line = || by(ProcessName::CommandLineContains("read end mark-86399.25".into()));
        assert_eq!(seen(line()).await.value, Some(1.0));
        child.kill().unwrap();
        child.wait().unwrap();
        let gone = seen(line()).await;
        assert_eq!((gone.state, gone.value), (CheckState::Fail, Some(0.0)));
        assert!(gone.evidence.contains("0 run"), "{}", gone.evidence);
    }

    #[tokio::test]
    async fn a_port_is_open_or_not() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let probe = || Probe::Tcp { host: "127.0.0.1".into(), port };
        assert_eq!(seen(probe()).await.state, CheckState::Ok);
        drop(listener);
        let closed = seen(probe()).await;
        assert_eq!(closed.state, CheckState::Fail);
        assert!(closed.evidence.contains("refused"), "{}", closed.evidence);
        let metadata = Probe::Tcp { host: "169.254.169.254".into(), port: 80 };
        assert!(seen(metadata).await.evidence.contains("link-local"));
    }

    #[tokio::test]
    async fn a_file_system_is_full_or_not_and_an_unknown_one_is_an_error() {
        let probe = |mount: &str, max| Probe::FileSystem { mount: mount.into(), max_used_percent: max };
        assert_eq!(seen(probe("/", 100.0)).await.state, CheckState::Ok);
        assert_eq!(seen(probe("/", -1.0)).await.state, CheckState::Fail);
        assert_eq!(seen(probe("/no/such/mount", 90.0)).await.state, CheckState::Error);
    }

    #[tokio::test]
    async fn a_unit_name_cannot_be_an_option() {
        assert_eq!(seen(Probe::Unit { name: "--all".into() }).await.state, CheckState::Error);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let mut text = "a\u{e9}b".to_owned();
        truncate(&mut text, 2);
        assert_eq!(text, "a");
    }
}
