//! Processes that are measured: started in a folder of their own, watched through /proc, and stopped whatever happens.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use kernel::{Error, Result};
use rustix::process::{Pid, Signal, kill_process};
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;

use crate::client::Client;
use crate::unusable;

/// How long a process may take to say that it runs, and to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits so long.
pub(crate) fn pause(time: Duration) {
    let end = Instant::now() + time;
    while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        std::thread::park_timeout(left);
    }
}

/// Asks again and again until there is an answer; an error when there is none in time.
pub(crate) fn until<T>(
    what: &str,
    at_most: Duration,
    every: Duration,
    mut ask: impl FnMut() -> Option<T>,
) -> Result<T> {
    let end = Instant::now() + at_most;
    loop {
        if let Some(found) = ask() {
            return Ok(found);
        }
        if Instant::now() > end {
            return Err(Error::unavailable(format!("{what} did not happen within {} s.", at_most.as_secs())));
        }
        pause(every);
    }
}

/// CPU time of a clock of this process.
fn cpu(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// CPU time of this process, all threads.
pub(crate) fn own_cpu() -> Duration {
    cpu(ClockId::ProcessCPUTime)
}

/// CPU time of this thread.
pub(crate) fn thread_cpu() -> Duration {
    cpu(ClockId::ThreadCPUTime)
}

/// Resident memory of a process in KB.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    /// All of it.
    pub(crate) all: u64,
    /// Its own; the rest are pages of files, which processes of one program share.
    pub(crate) own: u64,
    /// The most that ever was.
    pub(crate) peak: u64,
}

impl Memory {
    fn of(pid: u32) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
        };
        Self { all: field("VmRSS:"), own: field("RssAnon:"), peak: field("VmHWM:") }
    }

    /// Of several processes of one program: what each has for itself, and the pages of files once.
    pub(crate) fn together(all: &[Self]) -> u64 {
        let shared = all.iter().map(|one| one.all.saturating_sub(one.own)).max().unwrap_or(0);
        all.iter().map(|one| one.own).sum::<u64>() + shared
    }
}

fn cpu_of(pid: u32) -> Duration {
    cpu_in(&std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default())
}

/// CPU time in a line of the kernel about a process or thread.
fn cpu_in(stat: &str) -> Duration {
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// A process and those below it that run the same program.
fn same_program(pid: u32) -> Vec<u32> {
    let program = |pid: u32| std::fs::metadata(format!("/proc/{pid}/exe")).map(|file| (file.dev(), file.ino())).ok();
    let (own, mut found) = (program(pid), vec![pid]);
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        at += 1;
        let threads = std::fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
        for thread in threads {
            let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            let children = children.split_whitespace().filter_map(|child| child.parse().ok());
            found.extend(children.filter(|child| program(*child) == own));
        }
    }
    found
}

/// A child that ends with its owner.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let missing =
            |error| Error::unavailable(format!("{program} cannot be started: {error}. Build it with --release first."));
        command.stdin(Stdio::null()).spawn().map(Self).map_err(missing)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Memory that is resident.
    pub(crate) fn memory(&self) -> Memory {
        Memory::of(self.pid())
    }

    /// Memory and CPU time of this process and of those it started from the same program.
    pub(crate) fn family(&self) -> (Vec<Memory>, Duration) {
        let pids = same_program(self.pid());
        (pids.iter().map(|pid| Memory::of(*pid)).collect(), pids.iter().map(|pid| cpu_of(*pid)).sum())
    }

    /// CPU time since the start, user and system; the clock ticks a hundred times a second.
    pub(crate) fn cpu(&self) -> Duration {
        cpu_of(self.pid())
    }

    /// CPU time since the start of its threads of this name.
    pub(crate) fn thread_cpu(&self, name: &str) -> Duration {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.pid())).into_iter().flatten().flatten();
        let stats = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("stat")).ok());
        let named =
            stats.filter(|stat| stat.split_once('(').is_some_and(|(_, rest)| rest.starts_with(&format!("{name})"))));
        named.map(|stat| cpu_in(&stat)).sum()
    }

    /// True until it has ended.
    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    /// Ends it at once, as a fault would.
    pub(crate) fn kill(&mut self) {
        // It has ended already: that is what was wanted.
        drop(self.0.kill());
        drop(self.0.wait());
    }

    /// Asks it to end, and waits.
    pub(crate) fn stop(&mut self) {
        if let Some(pid) = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).filter(|_| self.runs()) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let asked = Instant::now();
        while self.runs() && asked.elapsed() < Duration::from_secs(15) {
            pause(Duration::from_millis(20));
        }
        self.kill();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A running `mainstay up`.
pub(crate) struct Server {
    pub(crate) process: Process,
    /// What it printed when it was ready.
    pub(crate) said: Value,
    /// Over the local socket: the owner of the data folder.
    pub(crate) client: Client,
    /// Where agents connect.
    pub(crate) agents: String,
    /// From the start of the process to that line.
    pub(crate) ready: Duration,
}

impl Server {
    /// Starts it on a data folder, on ports that are free.
    pub(crate) fn start(program: &Path, data: &Path, with_agent: bool) -> Result<Self> {
        let (console, agents) = (free_port()?, free_port()?);
        let mut command = Command::new(program);
        command.args(["up", "-o", "json", "--listen", &console, "--agents-listen", &agents, "--data"]).arg(data);
        if !with_agent {
            command.arg("--no-agent");
        }
        let log = data.with_extension("log");
        let log = std::fs::File::create(&log).map_err(|error| unusable(&log, &error))?;
        command.stdout(Stdio::piped()).stderr(log);
        let started = Instant::now();
        let mut process = Process::start(&mut command)?;
        let line = first_line(&mut process)?;
        let line = line
            .recv_timeout(PATIENCE)
            .map_err(|_| Error::unavailable("The server did not start; its log is beside its data folder."))?;
        let ready = started.elapsed();
        let said =
            serde_json::from_str(&line).map_err(|error| Error::internal("server-said", format!("{line}: {error}")))?;
        Ok(Self {
            process,
            said,
            client: Client::Socket(data.join("mainstay.sock")),
            agents: format!("wss://{agents}/agent"),
            ready,
        })
    }

    /// The console's address with its port.
    pub(crate) fn console(&self) -> String {
        let url = self.said.get("url").and_then(Value::as_str).unwrap_or_default();
        url.trim_start_matches("http://").to_owned()
    }
}

/// Hears the first line of a process; the rest is read and dropped, so that it never waits for us.
fn first_line(process: &mut Process) -> Result<Receiver<String>> {
    let out = process.0.stdout.take().ok_or_else(|| Error::internal("no-output", "stdout"))?;
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(std::result::Result::ok) {
            // Only the first is waited for.
            drop(sender.send(line));
        }
    });
    Ok(receiver)
}

/// An address on loopback whose port nobody uses now.
pub(crate) fn free_port() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener
        .map(|address| address.to_string())
        .map_err(|error| Error::unavailable(format!("No port is free: {error}.")))
}

/// Lets this process, and those it starts, open so many files.
pub(crate) fn allow_files(wanted: u64) -> Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let present = getrlimit(Resource::Nofile);
    if present.current.is_none_or(|limit| limit >= wanted) {
        return Ok(());
    }
    let limit =
        Rlimit { current: Some(present.maximum.map_or(wanted, |most| most.min(wanted))), maximum: present.maximum };
    setrlimit(Resource::Nofile, limit).map_err(|error| {
        Error::unavailable(format!("The limit of open files cannot be raised to {wanted}: {error}."))
    })?;
    match present.maximum {
        Some(most) if most < wanted => Err(Error::unavailable(format!(
            "This needs {wanted} open files; the hard limit is {most}. Raise it with ulimit -Hn."
        ))),
        _ => Ok(()),
    }
}

/// Ends every process that runs this very program file with these words as its arguments (any, when there are none): those
/// that a process of ours started and left behind. Answers how many.
pub(crate) fn end_all_of(program: &Path, words: &[&str]) -> usize {
    let mut ended = 0;
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw) else {
            continue;
        };
        if std::fs::read_link(entry.path().join("exe")).ok().as_deref() != Some(program) {
            continue;
        }
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let given = line.split(|byte| *byte == 0).skip(1).map(<[u8]>::to_vec);
        let fits = words.is_empty() || given.take(words.len()).eq(words.iter().map(|word| word.as_bytes().to_vec()));
        ended += usize::from(fits && kill_process(pid, Signal::KILL).is_ok());
    }
    ended
}
