//! The collector: the process that speaks with the server and looks at the machine. It reads everything foreign and may
//! do nothing: what shall be run it hands to the executor, at the other end of the pair that is its standard input. It
//! ends when the executor does.

mod act;

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::sync::mpsc;

use crate::config::Config;
use crate::engine::{self, About};
use crate::error::Error;
use crate::pair::{Start, ToCollector, ToExecutor, hear, say};
use crate::{enrol, log, platform, status};

pub(crate) use act::perform;

/// The variable that tells a process that it is a collector.
pub(crate) const MARK: &str = "MAINSTAY_AGENT_COLLECTOR";
const MESSAGES_MAX: usize = 64;
/// An earlier collector, whose executor was killed, needs a moment to end.
const LOCK_TRIES: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(100);
/// The last words need a moment to be heard.
const FAREWELL: Duration = Duration::from_secs(2);

/// Is this process a collector?
pub(crate) fn is_this() -> bool {
    std::env::var_os(MARK).is_some()
}

/// The two ways of the pair.
pub(crate) struct Executor {
    /// Closed when the executor ended.
    pub(crate) heard: mpsc::Receiver<ToCollector>,
    pub(crate) to: mpsc::Sender<ToExecutor>,
}

/// Runs until the executor ends.
///
/// # Errors
/// The standard input is no pair, or this process cannot be bound.
pub(crate) async fn run() -> Result<(), Error> {
    let broken = |why: String| Error::new(format!("the collector is not started by hand: {why}"));
    // A program with the set-user-id bit must not be a way out.
    rustix::thread::set_no_new_privs(true).map_err(|e| broken(e.to_string()))?;
    // Else it would be called after the link that it was started by.
    let _ = rustix::thread::set_name(c"agent-collector");
    let mut pair = pair().map_err(|e| broken(e.to_string()))?;
    let Some(ToCollector::Start(start)) = hear::<ToCollector>(&mut pair).await.map_err(broken)? else {
        return Err(broken("no executor begins".into()));
    };
    let (mut from, mut to) = pair.into_split();
    let (heard_to, heard) = mpsc::channel(MESSAGES_MAX);
    let (to_executor, mut outgoing) = mpsc::channel::<ToExecutor>(MESSAGES_MAX);
    let pulse = to_executor.clone();
    let reader = tokio::spawn(async move {
        loop {
            match hear::<ToCollector>(&mut from).await {
                // Answered here: it says that this process goes on, whatever it is busy with.
                Ok(Some(ToCollector::Pulse)) => {
                    let _ = pulse.try_send(ToExecutor::Pulse);
                }
                Ok(Some(message)) => {
                    if heard_to.send(message).await.is_err() {
                        return;
                    }
                }
                Ok(None) => return,
                Err(why) => return log::note(why),
            }
        }
    });
    let writer = tokio::spawn(async move {
        while let Some(message) = outgoing.recv().await {
            if say(&mut to, &message).await.is_err() {
                return;
            }
        }
    });
    let executor = Executor { heard, to: to_executor.clone() };
    if let Err(why) = work(*start, executor).await {
        let _ = to_executor.send(ToExecutor::Failed(why.to_string())).await;
    }
    reader.abort();
    drop(to_executor);
    let _ = tokio::time::timeout(FAREWELL, writer).await;
    Ok(())
}

fn pair() -> std::io::Result<UnixStream> {
    let stream = std::os::unix::net::UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}

async fn work(start: Start, executor: Executor) -> Result<(), Error> {
    let Start { version, updates, on_trial, servers, token, proxy, ring_bytes_max, enrol_only, enrolment, .. } = start;
    let (policy, guarded, closed) = (start.policy, start.guarded, start.closed);
    let about = About { version, updates, on_trial };
    platform::give_guarded(guarded);
    let config = Config { servers, token, proxy, ring_bytes_max, closed, ..Config::blank(home()) };
    let _lock = lock(&config.dir).await?;
    if enrol_only {
        let enrolment = enrol::first_contact(&config).await?;
        let _ = executor.to.send(ToExecutor::Enrolled(enrolment)).await;
        return Ok(());
    }
    engine::run(config, enrolment, policy, about, executor).await
}

/// The folder that the executor entered. Its path may lead through folders that are closed to us.
fn home() -> PathBuf {
    PathBuf::from(".")
}

async fn lock(dir: &Path) -> Result<std::fs::File, Error> {
    let mut tries = 0;
    loop {
        match status::lock(dir) {
            Ok(lock) => return Ok(lock),
            Err(e) if tries >= LOCK_TRIES => return Err(e),
            Err(_) => tries += 1,
        }
        tokio::time::sleep(LOCK_PAUSE).await;
    }
}
