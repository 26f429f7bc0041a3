//! One look at one thing. A probe observes: it opens connections, reads files, and changes nothing.

pub(crate) mod http;
mod service;

use std::time::{Duration, Instant};

use agent_proto::{CheckState, Probe, limits};
use tokio::sync::Semaphore;
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

/// Looks that go on beside the loop, because the kernel may keep them. One that hangs keeps its place until it ends.
const ASIDE_MAX: usize = 4;
static ASIDE: Semaphore = Semaphore::const_new(ASIDE_MAX);

/// Looks, within a deadline. A service that does not answer in time fails, which is not an error of the probe; this
/// machine itself is not seen in time, which is.
pub(crate) async fn look(probe: &Probe, deadline: Duration) -> (Seen, Duration) {
    let start = Instant::now();
    let mut seen = match timeout(deadline, look_once(probe)).await {
        Ok(seen) => seen,
        Err(_) => too_late(probe, deadline),
    };
    truncate(&mut seen.evidence, limits::EVIDENCE_BYTES_MAX);
    (seen, start.elapsed())
}

fn too_late(probe: &Probe, deadline: Duration) -> Seen {
    let ms = deadline.as_millis();
    match probe {
        Probe::Tcp { .. } | Probe::Http { .. } => Seen::fail(None, format!("no answer within {ms} ms")),
        Probe::Process { .. } | Probe::FileSystem { .. } | Probe::Unit { .. } => {
            Seen::error(format!("this machine could not be looked at within {ms} ms"))
        }
    }
}

/// Looks on a thread of its own, when there is a place: waiting for one does not hold up the loop either.
async fn aside<T: Send + 'static>(
    places: &'static Semaphore,
    look: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let place = places.acquire().await.map_err(|e| e.to_string())?;
    let looking = tokio::task::spawn_blocking(move || {
        let seen = look();
        drop(place);
        seen
    });
    looking.await.map_err(|e| format!("the look was lost: {e}"))?
}

async fn look_once(probe: &Probe) -> Seen {
    match probe {
        Probe::Process { name, min_count } => {
            let name = name.clone();
            let listed = |e| format!("the processes cannot be listed: {e}");
            match aside(&ASIDE, move || platform::count_processes(&name).map_err(listed)).await {
                Ok(count) => {
                    let wanted = (*min_count).max(1);
                    Seen::judged(count >= wanted, f64::from(count), format!("{count} run, at least {wanted} should"))
                }
                Err(e) => Seen::error(e),
            }
        }
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
        Probe::FileSystem { mount, max_used_percent } => {
            let point = mount.clone();
            match aside(&ASIDE, move || platform::used_percent(&point)).await {
                Ok(used) => {
                    let evidence = format!("{used:.1} % of {mount} is used, at most {max_used_percent} % should be");
                    Seen::judged(used <= *max_used_percent, used, evidence)
                }
                Err(e) => Seen::error(e),
            }
        }
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

    #[tokio::test]
    async fn looks_that_hang_hold_up_neither_the_loop_nor_more_than_their_places() {
        static PLACES: Semaphore = Semaphore::const_new(2);
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let ended = std::sync::Arc::new(std::sync::Mutex::new(ended));
        let hang = || {
            let ended = ended.clone();
            aside(&PLACES, move || ended.lock().unwrap().recv().map_err(|e| e.to_string()))
        };
        for _ in 0..2 {
            assert!(timeout(Duration::from_millis(20), hang()).await.is_err(), "the deadline counts");
        }
        let third = tokio::spawn(aside(&PLACES, || Ok(7)));
        tokio::task::yield_now().await;
        assert_eq!(PLACES.available_permits(), 0, "who hangs keeps the place");
        assert!(!third.is_finished());
        end.send(()).unwrap();
        assert_eq!(third.await.unwrap(), Ok(7), "and gives it back");
        end.send(()).unwrap();
    }

    #[test]
    fn a_service_that_does_not_answer_fails_and_a_machine_that_cannot_be_looked_at_is_an_error() {
        let second = Duration::from_secs(1);
        let tcp = Probe::Tcp { host: "a".into(), port: 1 };
        assert_eq!(too_late(&tcp, second).state, CheckState::Fail);
        for probe in [
            Probe::Process { name: ProcessName::Exact("a".into()), min_count: 1 },
            Probe::FileSystem { mount: "/".into(), max_used_percent: 90.0 },
            Probe::Unit { name: "a.service".into() },
        ] {
            assert_eq!(too_late(&probe, second).state, CheckState::Error);
        }
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let mut text = "a\u{e9}b".to_owned();
        truncate(&mut text, 2);
        assert_eq!(text, "a");
    }
}
