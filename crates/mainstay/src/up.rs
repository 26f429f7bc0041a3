//! `mainstay up`: one command starts the server on an embedded database and this machine's agent as a child process.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use agent::policy::{Policy, Rule};
use kernel::{Actor, Call, Error, Handle, Result, Via};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::folder::Folder;
use crate::start::{self, Config};

/// Options of `up`.
#[derive(Clone, Debug)]
pub struct Up {
    /// The server.
    pub config: Config,
    /// Do not start this machine's agent.
    pub no_agent: bool,
    /// Print one JSON line instead of sentences.
    pub json: bool,
}

/// Runs until SIGINT or SIGTERM. `say` prints to standard output.
pub async fn run(up: Up, say: impl Fn(&str)) -> Result<()> {
    let stop = start::until_signal()?;
    let started = start::start(&up.config).await?;
    let (kernel, folder) = (started.kernel.clone(), started.folder.clone());
    let addresses = Addresses {
        console: format!("http://{}", started.listening.console_addr),
        agents: format!("wss://{}/agent", from_here(started.listening.agents_addr)),
    };
    let setup = blocking({
        let kernel = kernel.clone();
        move || people::setup::issue(&kernel)
    })
    .await?;
    let setup_url = setup.map(|secret| format!("{}/setup?secret={secret}", addresses.console));
    let serving = tokio::spawn(started.serve(stop.clone()));
    let mut keeper = None;
    let mut agent_pid = None;
    if !up.no_agent {
        let server = addresses.agents.clone();
        let prepared = {
            let (kernel, folder) = (kernel.clone(), folder.clone());
            blocking(move || prepare(&kernel, &folder)).await?
        };
        // The path as it is now: after the program was replaced, the system calls the old one deleted.
        let closed = [folder.data.clone(), folder.key_file.clone()];
        let own = OwnAgent { program: program()?, home: folder.agent(), server, closed };
        let child = own.spawn(prepared.as_deref())?;
        agent_pid = child.id();
        keeper = Some(tokio::spawn(keep(child, move || own.spawn(None), Pauses::default(), stop.clone())));
    }
    announce(&up, &addresses, setup_url.as_deref(), &folder, agent_pid, &say);
    serving.await.map_err(|error| Error::internal("server-panicked", error))?;
    if let Some(keeper) = keeper {
        let _ = keeper.await;
    }
    Ok(())
}

/// Where a server is reached from this machine.
struct Addresses {
    console: String,
    agents: String,
}

/// How this machine's own agent reaches an address to listen on: "any address" is loopback from here.
fn from_here(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::internal("start-panicked", error))?
}

fn announce(
    up: &Up,
    addresses: &Addresses,
    setup_url: Option<&str>,
    folder: &Folder,
    agent_pid: Option<u32>,
    say: &impl Fn(&str),
) {
    let Addresses { console: url, agents } = addresses;
    let data = std::path::absolute(&folder.data).unwrap_or_else(|_| folder.data.clone());
    if up.json {
        let pid = std::process::id();
        let line = json!({
            "url": url, "agents_url": agents, "setup_url": setup_url, "data": data, "pid": pid, "agent_pid": agent_pid,
        });
        say(&line.to_string());
        return;
    }
    say(&format!(
        "Mainstay runs.\n  console  {url}\n  data     {}\n  key      {} (keep a copy elsewhere)",
        data.display(),
        folder.key_file.display()
    ));
    match setup_url {
        Some(link) => say(&format!("\nOpen this link once to create the administrator:\n  {link}\n")),
        None => say("\nSign in with your administrator. Ctrl C stops everything.\n"),
    }
}

/// Mints an enrolment token for this machine's agent and writes its local policy, unless it is enrolled already.
fn prepare(kernel: &Handle, folder: &Folder) -> Result<Option<String>> {
    let home = folder.agent();
    let unusable = |error: std::io::Error| {
        Error::unavailable(format!("The agent's folder {} cannot be used: {error}.", home.display()))
    };
    kernel::lock::make_folder(&home)?;
    let policy = home.join("policy.toml");
    if !policy.exists() {
        std::fs::write(&policy, policy_text()?).map_err(unusable)?;
    }
    let status = agent::status(&home).map_err(|error| Error::unavailable(error.to_string()))?;
    if !status.agent_id.is_empty() {
        return Ok(None);
    }
    let actor = std::sync::Arc::new(Actor::service("mainstay.up", &["fleet.token.create"]));
    let input = json!({ "name": "this machine", "uses": 1, "expires_s": 3600, "auto_approve": true });
    let done = kernel.dispatch(Call { confirmed: true, ..Call::new(actor, "fleet.token.create", input, Via::Job) })?;
    let token = done
        .output
        .get("token")
        .and_then(Value::as_str)
        .ok_or_else(|| Error::internal("token-missing", "fleet.token.create"))?;
    Ok(Some(token.to_owned()))
}

/// The program that runs now, as the policy and the tour's runbook name it.
pub fn program() -> Result<PathBuf> {
    std::env::current_exe().map_err(|error| Error::internal("own-path", error))
}

/// The local policy that `up` writes: observe, and one exact command for the tour's own service.
fn policy_text() -> Result<String> {
    let argv = tour_command()?;
    let policy = Policy { allow: vec![Rule::Command { command: argv, env: Vec::new() }], ..Policy::default() };
    let rules = policy.to_toml().map_err(|error| Error::internal("agent-policy", error))?;
    Ok(format!(
        "# What this machine's agent may do besides observing. This file beats the server: what is not allowed here is refused.\n\
         # \"mainstay up\" wrote it so that the five-minute tour can restart its own small service. Nothing else is allowed.\n\n{rules}"
    ))
}

/// The command that starts the tour's service, word for word as the policy allows it and the runbook asks for it.
pub fn tour_command() -> Result<Vec<String>> {
    let program = program()?.to_string_lossy().into_owned();
    Ok(vec![program, "demo".into(), "service".into()])
}

/// This machine's agent: the same program as `mainstay agent run`.
struct OwnAgent {
    program: PathBuf,
    home: PathBuf,
    server: String,
    /// The server's data and its master key, which are no check's business.
    closed: [PathBuf; 2],
}

impl OwnAgent {
    fn spawn(&self, token: Option<&str>) -> Result<Child> {
        let failed =
            |error: std::io::Error| Error::unavailable(format!("This machine's agent cannot be started: {error}."));
        let log = self.home.join("agent.log");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log).map_err(failed)?;
        let mut command = Command::new(&self.program);
        command.args(["agent", "run", "--with-parent", "--to", &self.server, "--dir"]).arg(&self.home);
        for path in &self.closed {
            command.arg("--closed").arg(path);
        }
        match token {
            Some(token) => command.env("MAINSTAY_AGENT_TOKEN", token),
            None => command.env_remove("MAINSTAY_AGENT_TOKEN"),
        };
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true).spawn().map_err(failed)
    }
}

/// How long to wait before an agent that ended is started again.
#[derive(Clone, Copy, Debug)]
struct Pauses {
    first: Duration,
    longest: Duration,
    /// An agent that lived so long was well: the next pause is the first again.
    well_after: Duration,
}

impl Default for Pauses {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { first: seconds(1), longest: seconds(60), well_after: seconds(300) }
    }
}

impl Pauses {
    /// The pause after one, when what was started then lived for so long.
    fn after(self, before: Option<Duration>, lived: Duration) -> Duration {
        match before {
            Some(before) if lived < self.well_after => (before * 2).min(self.longest),
            _ => self.first,
        }
    }
}

/// Starts the agent again when it ends or cannot be started, with a growing pause, until the server stops.
async fn keep(child: Child, mut start: impl FnMut() -> Result<Child>, pauses: Pauses, mut stop: watch::Receiver<bool>) {
    let (mut child, mut since, mut pause) = (Some(child), Instant::now(), None);
    loop {
        if let Some(mut running) = child.take() {
            tokio::select! {
                ended = running.wait() => tracing::warn!(?ended, "this machine's agent ended; starting it again"),
                () = asked_to_stop(&mut stop) => return end(running).await,
            }
        }
        let next = pauses.after(pause, since.elapsed());
        tokio::select! {
            () = tokio::time::sleep(next) => {}
            () = asked_to_stop(&mut stop) => return,
        }
        (since, pause) = (Instant::now(), Some(next));
        match start() {
            Ok(started) => child = Some(started),
            Err(error) => {
                tracing::error!(error = error.message, "this machine's agent cannot be started; trying again")
            }
        }
    }
}

async fn asked_to_stop(stop: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a stop too.
    drop(stop.wait_for(|stop| *stop).await);
}

async fn end(mut child: Child) {
    if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
    if tokio::time::timeout(Duration::from_secs(5), child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_while_the_agent_fails_and_start_over_after_a_good_time() {
        let pauses = Pauses::default();
        let soon = Duration::from_secs(3);
        let mut pause = None;
        let mut seen = Vec::new();
        for lived in [soon, soon, soon, soon, soon, soon, soon, soon, Duration::from_secs(600), soon] {
            let next = pauses.after(pause, lived);
            seen.push(next.as_secs());
            pause = Some(next);
        }
        assert_eq!(seen, [1, 2, 4, 8, 16, 32, 60, 60, 1, 2]);
    }

    #[test]
    fn an_agent_that_could_not_be_started_is_tried_again_until_the_server_stops() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let run = || Command::new("sleep").arg("600").kill_on_drop(true).spawn();
            let first = Command::new("true").spawn().unwrap();
            let (told, mut tries) = tokio::sync::mpsc::unbounded_channel();
            let mut count = 0;
            let start = move || {
                count += 1;
                told.send(count).unwrap();
                if count < 3 { Err(Error::unavailable("not now")) } else { Ok(run().unwrap()) }
            };
            let (stop, stopped) = watch::channel(false);
            let instant = Duration::from_millis(1);
            let pauses = Pauses { first: instant, longest: instant, ..Pauses::default() };
            let keeper = tokio::spawn(keep(first, start, pauses, stopped));
            for wanted in 1..=3 {
                assert_eq!(tries.recv().await, Some(wanted));
            }
            stop.send_replace(true);
            keeper.await.unwrap();
            assert_eq!(tries.recv().await, None, "started once more");
        });
    }
}
