//! The collector as a process: the same program again, with one end of the pair as its standard input.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as Pair;
use std::process::Stdio;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::account::Account;
use crate::pair::{ToCollector, ToExecutor, hear, say};
use crate::{collector, log, update};

/// Messages on their way to the collector. One that lets them pile up is ended.
const MESSAGES_MAX: usize = 256;
/// From the kill to the end of a process.
const DEATH: Duration = Duration::from_secs(2);
/// Signs of life that may be missing, one every few seconds.
const SILENT_MAX: u32 = 5;

/// What was heard, and from which collector.
pub(super) struct Heard {
    pub(super) generation: u64,
    pub(super) what: What,
}

/// What was heard of a collector.
pub(super) enum What {
    Said(ToExecutor),
    /// Its end of the pair is closed, or it broke the rules, and why. Nothing comes after this.
    Over(Option<String>),
}

/// A collector that runs.
pub(super) struct Collector {
    process: Child,
    pub(super) to: mpsc::Sender<ToCollector>,
    pub(super) generation: u64,
    pub(super) since: Instant,
    silent: u32,
}

/// Starts a collector. What it says goes to `events`.
///
/// # Errors
/// In words: the process or the pair cannot be made.
pub(super) fn start(
    account: Option<&Account>,
    generation: u64,
    events: mpsc::Sender<Heard>,
) -> Result<Collector, String> {
    let (ours, theirs) = Pair::pair().map_err(|e| format!("no pair of sockets can be made: {e}"))?;
    let mut words = std::env::args_os();
    // This very file, also when another version has taken its place by now.
    let mut command = Command::new("/proc/self/exe");
    command.arg0(words.next().unwrap_or_else(|| "mainstay-agent".into())).args(words);
    command.env(collector::MARK, "1").env_remove("MAINSTAY_AGENT_TOKEN").env_remove(update::MARK);
    command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::null());
    if let Some(account) = account {
        // Further groups go with it: the standard library drops them when root becomes somebody else.
        command.gid(account.gid).uid(account.uid);
    }
    adopt(command, ours, generation, events)
}

/// Starts a process as the collector at the other end of a pair.
pub(super) fn adopt(
    mut command: Command,
    ours: Pair,
    generation: u64,
    events: mpsc::Sender<Heard>,
) -> Result<Collector, String> {
    let process = command.kill_on_drop(true).spawn().map_err(|e| format!("the collector cannot be started: {e}"))?;
    // Its end of the pair is its own now.
    drop(command);
    let pair = ours.set_nonblocking(true).and_then(|()| UnixStream::from_std(ours));
    let pair = pair.map_err(|e| format!("the pair cannot be used: {e}"))?;
    let (to, mut outgoing) = mpsc::channel(MESSAGES_MAX);
    let (mut from_collector, mut to_collector) = pair.into_split();
    tokio::spawn(async move {
        while let Some(message) = outgoing.recv().await {
            if let Err(why) = say(&mut to_collector, &message).await {
                // It is gone, which its process says as well.
                return log::note(why);
            }
        }
    });
    tokio::spawn(async move {
        loop {
            let what = match hear::<ToExecutor>(&mut from_collector).await {
                Ok(Some(message)) => What::Said(message),
                Ok(None) => What::Over(None),
                Err(why) => What::Over(Some(why)),
            };
            let over = matches!(what, What::Over(_));
            if events.send(Heard { generation, what }).await.is_err() || over {
                return;
            }
        }
    });
    Ok(Collector { process, to, generation, since: Instant::now(), silent: 0 })
}

impl Collector {
    pub(super) fn pid(&self) -> u32 {
        self.process.id().unwrap_or(0)
    }

    /// It spoke.
    pub(super) fn lives(&mut self) {
        self.silent = 0;
    }

    /// Asks for a sign of life. False when it gave none for long.
    pub(super) fn watch(&mut self) -> bool {
        self.silent += 1;
        self.to.try_send(ToCollector::Pulse).is_ok() && self.silent <= SILENT_MAX
    }

    /// Makes an end of it and says how it ended. One that closed the pair itself may need a moment.
    pub(super) async fn bury(self, last_breath: Duration) -> String {
        let Self { mut process, to, .. } = self;
        drop(to);
        if let Ok(ended) = timeout(last_breath, process.wait()).await {
            return how(ended);
        }
        // It has ended already: that is what was wanted.
        let _ = process.start_kill();
        if let Ok(ended) = timeout(DEATH, process.wait()).await {
            return how(ended);
        }
        // A process that hangs in the kernel, in a dead file system perhaps, cannot be waited for.
        tokio::spawn(async move { process.wait().await });
        "the collector was killed and does not end".into()
    }
}

fn how(ended: std::io::Result<std::process::ExitStatus>) -> String {
    match ended {
        Ok(status) => format!("the collector ended ({status})"),
        Err(e) => format!("the collector was lost: {e}"),
    }
}
