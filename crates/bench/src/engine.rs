//! The stores that are measured side by side: a Mainstay server, and its peers where Debian's packages are installed. Each
//! runs in a folder of its own and is asked over HTTP.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use kernel::{Actor, Call, Clock, Error, Result, Via};
use serde_json::{Value, json};

use crate::client::{Client, Kept};
use crate::house::{House, login};
use crate::process::{Memory, Process, Server, free_port, until};
use crate::{Run, unusable};

/// Longest wait until a peer answers.
const PATIENCE: Duration = Duration::from_secs(30);

/// Other stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Debian's `prometheus`.
    Prometheus,
    /// Debian's `victoria-metrics`.
    Victoria,
}

/// A running store.
pub(crate) struct Engine {
    pub(crate) process: Process,
    client: Client,
    /// Asks for those who keep their connection.
    kept: Option<Kept>,
    /// What comes before the paths of Prometheus.
    prefix: &'static str,
}

impl Engine {
    /// A Mainstay server on a data folder.
    pub(crate) fn mainstay(run: &Run, data: &Path) -> Result<Self> {
        let Server { process, client, .. } = Server::start(&run.mainstay, data, false)?;
        Ok(Self { process, client, kept: None, prefix: "/prometheus" })
    }

    /// The same, asked as a dashboard asks: over TCP, with a connection that is kept, as a person who has a token.
    pub(crate) fn mainstay_of_people(run: &Run, data: &Path) -> Result<Self> {
        let house = House::open(data)?.furnish()?;
        let input = json!({ "for": login(people::roles::ADMINISTRATOR), "name": "dashboards" });
        let made = house.call(&Actor::os("bench"), "people.token.create", input)?;
        house.close();
        let token = made.get("token").and_then(Value::as_str);
        let token = token.ok_or_else(|| Error::internal("answer-without-token", "people.token.create"))?;
        let server = Server::start(&run.mainstay, data, false)?;
        let kept = Some(Kept::new(&server.console(), Some(token)));
        Ok(Self { process: server.process, client: server.client, kept, prefix: "/prometheus" })
    }

    /// The same store, asked over a connection that is kept.
    pub(crate) fn keeping_connections(mut self) -> Self {
        if let Client::Address(address) = &self.client {
            self.kept = Some(Kept::new(address, None));
        }
        self
    }

    /// A peer on an empty folder. `None` when it is not installed.
    pub(crate) fn peer(peer: Peer, folder: &Path) -> Result<Option<Self>> {
        Self::started(peer, folder, "global: {}\n")
    }

    /// A Prometheus that is told what to scrape. `None` when it is not installed.
    pub(crate) fn scraping(folder: &Path, config: &str) -> Result<Option<Self>> {
        Self::started(Peer::Prometheus, folder, config)
    }

    /// Tells a Mainstay server what to scrape.
    pub(crate) fn scrape(&self, job: &Value) -> Result<()> {
        self.client.post("/api/v1/monitor/scrapes", job).map(|_| ())
    }

    fn started(peer: Peer, folder: &Path, text: &str) -> Result<Option<Self>> {
        let (name, health) = match peer {
            Peer::Prometheus => ("prometheus", "/-/ready"),
            Peer::Victoria => ("victoria-metrics", "/health"),
        };
        let Some(program) = installed(name) else { return Ok(None) };
        std::fs::create_dir_all(folder).map_err(|error| unusable(folder, &error))?;
        let address = free_port()?;
        let mut command = Command::new(program);
        match peer {
            Peer::Prometheus => {
                let config = folder.join("prometheus.yml");
                std::fs::write(&config, text).map_err(|error| unusable(&config, &error))?;
                command.arg("--config.file").arg(config).arg("--storage.tsdb.path").arg(folder.join("data"));
                command.args(["--web.enable-remote-write-receiver", "--web.listen-address", &address]);
            }
            Peer::Victoria => {
                command.arg("-storageDataPath").arg(folder.join("data")).args(["-httpListenAddr", &address]);
            }
        }
        let log = folder.join("log");
        let log = std::fs::File::create(&log).map_err(|error| unusable(&log, &error))?;
        let process = Process::start(command.current_dir(folder).stdout(Stdio::null()).stderr(log))?;
        let engine = Self { process, client: Client::Address(address), kept: None, prefix: "" };
        until(&format!("An answer of {name}"), PATIENCE, Duration::from_millis(50), || engine.answers(health))?;
        Ok(Some(engine))
    }

    /// Something when the path answers 200.
    pub(crate) fn answers(&self, path: &str) -> Option<()> {
        self.client.request("GET", path, None).ok().filter(|(status, _)| *status == 200).map(|_| ())
    }

    /// Sends a remote write request.
    pub(crate) fn write(&self, body: &[u8]) -> Result<()> {
        let path = format!("{}/api/v1/write", self.prefix);
        let sent = self.client.send("POST", &path, "application/x-protobuf", body);
        match sent.map_err(|error| Error::unavailable(format!("Remote write got no answer: {error}.")))? {
            (200 | 204, _) => Ok(()),
            (status, said) => Err(Error::unavailable(format!("Remote write was answered {status}: {said}"))),
        }
    }

    /// The result of a query at one moment.
    pub(crate) fn instant(&self, query: &str, at_ms: i64) -> Result<Vec<Value>> {
        self.ask(&format!("query?query={}&time={}", kernel::address::percent(query), seconds(at_ms)))
    }

    /// The result of a query over a span.
    pub(crate) fn range(&self, query: &str, from_ms: i64, to_ms: i64, step_ms: i64) -> Result<Vec<Value>> {
        let (start, end, step) = (seconds(from_ms), seconds(to_ms), seconds(step_ms));
        self.ask(&format!("query_range?query={}&start={start}&end={end}&step={step}", kernel::address::percent(query)))
    }

    fn ask(&self, question: &str) -> Result<Vec<Value>> {
        let path = format!("{}/api/v1/{question}", self.prefix);
        let answer = match &self.kept {
            Some(kept) => kept.get(&path)?,
            None => self.client.get(&path)?,
        };
        let result = answer.get("data").and_then(|data| data.get("result")).and_then(Value::as_array);
        result.cloned().ok_or_else(|| Error::unavailable(format!("{question} has an answer of another form: {answer}")))
    }

    /// CPU time since the start.
    pub(crate) fn cpu(&self) -> Duration {
        self.process.cpu()
    }

    /// Resident memory.
    pub(crate) fn memory(&self) -> Memory {
        self.process.memory()
    }
}

/// A program on the search path.
fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// A data folder of a server that keeps samples as `keeping` (the setting monitor.series) says.
pub(crate) fn prepare(data: &Path, keeping: Value) -> Result<()> {
    set(data, "monitor.series", keeping)
}

/// A data folder of a server with a setting.
pub(crate) fn set(data: &Path, key: &str, value: Value) -> Result<()> {
    let house = House::open(data)?;
    let input = json!({ "key": key, "value": value });
    let call = Call { confirmed: true, ..Call::new(Actor::os("bench").into(), "kernel.setting.set", input, Via::Cli) };
    house.kernel.dispatch(call)?;
    house.close();
    Ok(())
}

/// Now, in milliseconds since 1970 UTC, on a multiple of `step_ms`.
pub(crate) fn now_ms(step_ms: i64) -> i64 {
    let now = Clock::System.now().millis();
    now - now.rem_euclid(step_ms)
}

/// Kilobytes as megabytes.
pub(crate) fn mb(kb: u64) -> f64 {
    kb as f64 / 1_024.0
}

/// Milliseconds as the HTTP API takes times.
pub(crate) fn seconds(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", ms.unsigned_abs() / 1_000, ms.unsigned_abs() % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_queries_are_written_as_the_http_api_reads_them() {
        assert_eq!([seconds(-1_500), seconds(20)], ["-1.500", "0.020"]);
    }
}
