//! One look at one thing. A probe observes: it opens connections, reads files, and changes nothing. What is seen over the
//! network or in files is seen by `probes`; what only the kernel or systemd can say, by this machine's own platform.

mod service;

use std::time::{Duration, Instant};

use agent_proto::{CheckState, Figure, Probe, limits};
use probes::{Around, Look, Memory, Outcome};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::{clock, platform};

pub(crate) use service::{look as unit, systemctl};

/// How the agent names itself to web servers.
pub(crate) const AGENT: &str = concat!("mainstay-agent/", env!("CARGO_PKG_VERSION"));

/// What was seen.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) state: CheckState,
    pub(crate) value: Option<f64>,
    pub(crate) evidence: String,
    pub(crate) figures: Vec<Figure>,
}

impl Seen {
    pub(crate) fn ok(value: f64, evidence: impl Into<String>) -> Self {
        Self { state: CheckState::Ok, value: Some(value), evidence: evidence.into(), figures: Vec::new() }
    }

    pub(crate) fn fail(value: Option<f64>, evidence: impl Into<String>) -> Self {
        Self { state: CheckState::Fail, value, evidence: evidence.into(), figures: Vec::new() }
    }

    pub(crate) fn error(evidence: impl Into<String>) -> Self {
        Self { state: CheckState::Error, value: None, evidence: evidence.into(), figures: Vec::new() }
    }

    fn judged(good: bool, value: f64, evidence: String) -> Self {
        if good { Self::ok(value, evidence) } else { Self::fail(Some(value), evidence) }
    }
}

impl From<probes::Seen> for Seen {
    fn from(seen: probes::Seen) -> Self {
        let state = match seen.outcome {
            Outcome::Good => CheckState::Ok,
            Outcome::Bad => CheckState::Fail,
            Outcome::Unknown => CheckState::Error,
        };
        let figures = seen.figures.into_iter().map(|one| Figure { name: one.name, value: one.value }).collect();
        Self { state, value: seen.value, evidence: seen.evidence, figures }
    }
}

/// Looks that go on beside the loop, because the kernel may keep them. One that hangs keeps its place until it ends.
const ASIDE_MAX: usize = 4;
static ASIDE: Semaphore = Semaphore::const_new(ASIDE_MAX);

/// Looks, within a deadline. A service that does not answer in time fails, which is not an error of the probe; this
/// machine itself is not seen in time, which is. The time of day is put into what is known of the surroundings.
pub(crate) async fn look(probe: &Probe, around: &Around, memory: &mut Memory, deadline: Duration) -> (Seen, Duration) {
    let start = Instant::now();
    let mut seen = match looked_at(probe) {
        Some(Ok(look)) => {
            let around = Around { now_s: clock::wall_ms().div_euclid(1_000), ..around.clone() };
            let mut seen = Seen::from(probes::look(&look, &around, memory, deadline).await);
            if !matches!(probe, Probe::Look(_)) {
                // Who asks in the older words has no ear for more than a value.
                seen.figures.clear();
            }
            seen
        }
        Some(Err(why)) => Seen::error(why),
        None => match timeout(deadline, look_here(probe)).await {
            Ok(seen) => seen,
            Err(_) => Seen::error(format!("this machine could not be looked at within {} ms", deadline.as_millis())),
        },
    };
    truncate(&mut seen.evidence, limits::EVIDENCE_BYTES_MAX);
    (seen, start.elapsed())
}

/// Looks once for a job: without plugins, which are for checks, and without a memory.
pub(crate) async fn look_for_a_job(probe: &Probe, around: &Around, deadline: Duration) -> Seen {
    let around = Around { plugins: Vec::new(), ..around.clone() };
    look(probe, &around, &mut Memory::default(), deadline).await.0
}

/// What `probes` sees; nothing for what is this platform's to see.
fn looked_at(probe: &Probe) -> Option<Result<Look, String>> {
    Some(match probe {
        Probe::Tcp { host, port } => {
            Ok(Look::Tcp(probes::tcp::Tcp { host: host.clone(), port: *port, ..probes::tcp::Tcp::default() }))
        }
        Probe::Http { url, expect_status, contains, max_redirects } => Ok(Look::Http(probes::http::Http {
            url: url.clone(),
            expect_status: expect_status.clone(),
            contains: contains.clone(),
            max_redirects: *max_redirects,
            ..probes::http::Http::default()
        })),
        Probe::Look(text) => Look::from_text(text),
        Probe::Process { .. } | Probe::FileSystem { .. } | Probe::Unit { .. } => return None,
    })
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

async fn look_here(probe: &Probe) -> Seen {
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
        Probe::Tcp { .. } | Probe::Http { .. } | Probe::Look(_) => Seen::error("this is not this machine's to see"),
    }
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
        look_for_a_job(&probe, &Around::default(), Duration::from_secs(20)).await
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
    async fn a_look_in_its_own_words_has_figures_and_an_unknown_one_says_so() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let words = format!(r#"{{"look":"tcp","host":"127.0.0.1","port":{port}}}"#);
        let seen = seen(Probe::Look(words)).await;
        assert_eq!((seen.state, seen.figures.len()), (CheckState::Ok, 1), "{seen:?}");
        let later = super::tests::seen(Probe::Look(r#"{"look":"smell"}"#.into())).await;
        assert!(later.state == CheckState::Error && later.evidence.contains("too old"), "{later:?}");
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
    fn a_text_is_cut_between_characters() {
        let mut text = "a\u{e9}b".to_owned();
        truncate(&mut text, 2);
        assert_eq!(text, "a");
    }
}
