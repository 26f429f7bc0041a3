//! Measurements as commands: `bench NAME [--json] [--quick]`. Each prints what it finds for people, and last one JSON line
//! for programs. Nothing here asserts a time; targets are printed beside what was measured.

mod agents;
mod checks;
mod client;
mod cold_start;
mod engine;
mod house;
mod idle;
mod ingest;
mod list;
mod mix;
mod outages;
mod page;
mod process;
mod promql;
mod query;
mod report;
mod restart;
mod storage;
mod storm;
mod whole_loop;
mod write;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use kernel::{Error, Result};

use report::Report;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measure Mainstay on this machine. Build everything with --release first: bench, mainstay and the agent.
#[derive(Parser)]
#[command(name = "bench")]
struct Arguments {
    /// What to measure.
    name: Name,
    /// The folder of the scripts, for `promql`.
    scripts: Option<PathBuf>,
    /// Print only the JSON line.
    #[arg(long)]
    json: bool,
    /// Less data and less time: to see that it works, not to quote.
    #[arg(long)]
    quick: bool,
    /// The folder with the programs `mainstay` and `mainstay-agent`. Default: where this program is.
    #[arg(long, value_name = "DIR")]
    bin: Option<PathBuf>,
    /// Where data is written while measuring: a folder on a real disk. Default: the system's temporary folder.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Servers among the agents, for `agents`: 300 of them, which send 300 series every 15 s.
    #[arg(long)]
    mixed: bool,
    /// Keep the data that was made, and use what an earlier run kept.
    #[arg(long)]
    keep: bool,
    /// The folder of the scenario files, for `outages`. Default: those of this repository.
    #[arg(long, value_name = "DIR")]
    scenarios: Option<PathBuf>,
    /// The first seed, for `outages`.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds of each scenario, for `outages`. Default: 10, with --quick 2.
    #[arg(long)]
    seeds: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    /// Process start to the first page served, on existing data.
    ColdStart,
    /// What server and agent use while nothing happens.
    Idle,
    /// Opening tickets through the one door.
    Write,
    /// The ticket list among a million tickets.
    List,
    /// Every page as every role.
    Page,
    /// Thousands of agents on one server.
    Agents,
    /// From a fault to its proof.
    Loop,
    /// Public PromQL scripts through the HTTP API.
    Promql,
    /// Samples by remote write, with Prometheus beside.
    Ingest,
    /// Bytes of a sample on disk, with VictoriaMetrics beside.
    Storage,
    /// Questions in PromQL, with Prometheus beside.
    Query,
    /// From kill -9 to the first answer.
    Restart,
    /// Scenarios of outages against the cause engine.
    Outages,
    /// Thousands of checks that the server runs itself.
    Checks,
    /// Ten thousand alerts within a minute from one cause.
    Storm,
    /// The same from two unrelated causes at once.
    Storm2,
}

impl Name {
    fn word(self) -> &'static str {
        match self {
            Self::ColdStart => "cold-start",
            Self::Idle => "idle",
            Self::Write => "write",
            Self::List => "list",
            Self::Page => "page",
            Self::Agents => "agents",
            Self::Loop => "loop",
            Self::Promql => "promql",
            Self::Ingest => "ingest",
            Self::Storage => "storage",
            Self::Query => "query",
            Self::Restart => "restart",
            Self::Outages => "outages",
            Self::Checks => "checks",
            Self::Storm => "storm",
            Self::Storm2 => "storm2",
        }
    }
}

/// How a measurement is run.
pub(crate) struct Run {
    pub(crate) quick: bool,
    pub(crate) keep: bool,
    /// The `mainstay` program.
    pub(crate) mainstay: PathBuf,
    /// The small agent's program.
    pub(crate) agent: PathBuf,
    /// Where data is written.
    pub(crate) folder: PathBuf,
}

impl Run {
    fn of(arguments: &Arguments) -> Result<Self> {
        let own = std::env::current_exe().map_err(|error| Error::internal("own-path", error))?;
        let beside = own.parent().map(PathBuf::from).unwrap_or_default();
        let bin = arguments.bin.clone().unwrap_or(beside);
        let folder = arguments.folder.clone().unwrap_or_else(std::env::temp_dir);
        std::fs::create_dir_all(&folder).map_err(|error| unusable(&folder, &error))?;
        let (mainstay, agent) = (bin.join("mainstay"), bin.join("mainstay-agent"));
        Ok(Self { quick: arguments.quick, keep: arguments.keep, mainstay, agent, folder })
    }

    /// A new empty folder that goes away at the end.
    pub(crate) fn scratch(&self) -> Result<tempfile::TempDir> {
        let made = tempfile::Builder::new().prefix("mainstay-bench-").tempdir_in(&self.folder);
        made.map_err(|error| unusable(&self.folder, &error))
    }
}

/// The error about a folder or file that cannot be used.
pub(crate) fn unusable(path: &std::path::Path, error: &std::io::Error) -> Error {
    Error::unavailable(format!("{} cannot be used: {error}.", path.display()))
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mixed = arguments.mixed && arguments.name == Name::Agents;
    let name = if mixed { "agents --mixed" } else { arguments.name.word() };
    let mut report = Report::new(name, arguments.json);
    match measure(&arguments, &mut report) {
        Ok(()) => {
            if report.finish() {
                return ExitCode::SUCCESS;
            }
            eprintln!("bench: not all that was asked for was measured; not_played says what is missing.");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("bench: {error} {}", error.cause.as_deref().unwrap_or_default());
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments, report: &mut Report) -> Result<()> {
    let run = Run::of(arguments)?;
    report.datum("quick", run.quick);
    match arguments.name {
        Name::ColdStart => cold_start::measure(&run, report),
        Name::Idle => idle::measure(&run, report),
        Name::Write => write::measure(&run, report),
        Name::List => list::measure(&run, report),
        Name::Page => page::measure(&run, report),
        Name::Agents => agents::measure(&run, arguments.mixed, report),
        Name::Loop => whole_loop::measure(&run, report),
        Name::Promql => promql::measure(&run, arguments.scripts.as_deref(), report),
        Name::Ingest => ingest::measure(&run, report),
        Name::Storage => storage::measure(&run, report),
        Name::Query => query::measure(&run, report),
        Name::Restart => restart::measure(&run, report),
        Name::Outages => {
            let (seed, seeds) = (arguments.seed, arguments.seeds);
            let folder = arguments.scenarios.as_deref();
            outages::measure(&outages::Wanted { folder, seed, seeds, quick: run.quick }, report)
        }
        Name::Checks => checks::measure(&run, report),
        Name::Storm => storm::measure(&run, 1, report),
        Name::Storm2 => storm::measure(&run, 2, report),
    }
}
