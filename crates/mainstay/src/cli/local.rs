//! Commands that need no server, or are the server.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use kernel::{Error, ErrorKind, Registry, Result};

use super::{demo, doctor, keys, say};
use crate::start::{self, Config};
use crate::up;

/// Runs one of our own commands; `None` when it is an operation.
pub(super) fn run(matches: &ArgMatches, registry: &Registry) -> Option<Result<()>> {
    let (name, sub) = matches.subcommand()?;
    if let Some(tests) = super::rules::asked(matches) {
        return Some(super::rules::run(matches, tests));
    }
    Some(match name {
        "up" => run_up(matches, sub),
        "serve" => run_serve(sub),
        "agent" => run_agent(sub),
        "server" => run_server(matches, sub),
        "release" => super::releases::run(sub),
        "demo" => demo::run(matches, sub, registry),
        "completions" => completions(sub, registry),
        _ => return None,
    })
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(80)
        .thread_keep_alive(std::time::Duration::from_secs(5))
        .enable_all()
        .build()
        .map_err(|error| Error::internal("runtime", error))
}

pub(super) fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("MAINSTAY_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let colours = std::env::var_os("NO_COLOR").is_none() && std::io::IsTerminal::is_terminal(&std::io::stderr());
    // A second subscriber in one process is refused; the first one stays.
    drop(
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_ansi(colours)
            .with_target(false)
            .try_init(),
    );
}

pub(super) fn address(matches: &ArgMatches, name: &str) -> Result<SocketAddr> {
    let text = matches.get_one::<String>(name).map_or("", String::as_str);
    text.parse()
        .map_err(|_| Error::invalid(name, format!("\"{text}\" is not an address with a port, such as 127.0.0.1:7300.")))
}

pub(super) fn config(root: &ArgMatches, matches: &ArgMatches) -> Config {
    let path = |matches: &ArgMatches, name: &str| matches.try_get_one::<String>(name).ok().flatten().map(PathBuf::from);
    Config {
        data: path(root, "data").unwrap_or_else(|| "mainstay-data".into()),
        key_file: path(matches, "key-file"),
        ..Config::default()
    }
}

fn run_up(root: &ArgMatches, matches: &ArgMatches) -> Result<()> {
    log();
    let config = Config {
        listen: address(matches, "listen")?,
        agents: address(matches, "agents-listen")?,
        ..config(root, matches)
    };
    let json = root.get_one::<String>("output").is_some_and(|format| format == "json");
    let config = if matches.get_flag("demo") { demo::folder(root, config, json)? } else { config };
    let up = up::Up { config, no_agent: matches.get_flag("no-agent"), json };
    runtime()?.block_on(up::run(up, say))
}

fn run_serve(matches: &ArgMatches) -> Result<()> {
    log();
    let path = matches.get_one::<String>("config").map(PathBuf::from).unwrap_or_default();
    let config = Config::read(&path)?;
    runtime()?.block_on(async {
        let stop = start::until_signal()?;
        let started = start::start(&config).await?;
        tracing::info!(console = %started.listening.console_addr, agents = %started.listening.agents_addr, "serving");
        let kernel = started.kernel.clone();
        let secret = tokio::task::spawn_blocking(move || people::setup::issue(&kernel))
            .await
            .map_err(|error| Error::internal("setup", error))??;
        if let Some(secret) = secret {
            say(&format!(
                "Open this link once to create the administrator: http://{}/setup?secret={secret}",
                started.listening.console_addr
            ));
        }
        started.serve(stop).await;
        Ok(())
    })
}

fn run_agent(matches: &ArgMatches) -> Result<()> {
    let Some(("run", matches)) = matches.subcommand() else {
        return Err(Error::invalid("command", "See mainstay agent --help."));
    };
    let failed = |error: agent::Error| Error::unavailable(error.to_string());
    let dir = matches.get_one::<String>("dir").map(PathBuf::from).unwrap_or_default();
    let mut config = agent::Config::load(dir).map_err(failed)?;
    config.servers = matches.get_many::<String>("agent-server").into_iter().flatten().cloned().collect();
    config.token = std::env::var("MAINSTAY_AGENT_TOKEN").ok().filter(|token| !token.is_empty());
    config.end_with_parent = matches.get_flag("with-parent");
    config.closed = matches.get_many::<String>("closed").into_iter().flatten().map(PathBuf::from).collect();
    agent::run(config).map_err(failed)
}

fn run_server(root: &ArgMatches, matches: &ArgMatches) -> Result<()> {
    log();
    let config = match matches.try_get_one::<String>("config").ok().flatten() {
        Some(path) => {
            let read = Config::read(Path::new(path))?;
            // The credential that systemd gives the server is nowhere in its configuration.
            let named = matches.try_get_one::<String>("key-file").ok().flatten().map(PathBuf::from);
            Config { key_file: named.or(read.key_file.clone()), ..read }
        }
        None => config(root, matches),
    };
    if matches.subcommand_name() != Some("restore") && !config.folder().data.is_dir() {
        let message = format!("There is no data folder {}. Name it with --data or --config.", config.data.display());
        return Err(Error::of_kind(ErrorKind::NotFound, message));
    }
    match matches.subcommand() {
        Some(("doctor", _)) => doctor::run(&config),
        Some(("rotate-key", _)) => keys::rotate(&config),
        Some(("recovery-sheet", _)) => keys::sheet(&config),
        Some(("backup", sub)) => backup(&config, &sub.get_one::<String>("to").map(PathBuf::from).unwrap_or_default()),
        Some(("restore", sub)) => {
            restore(&config, &sub.get_one::<String>("from").map(PathBuf::from).unwrap_or_default())
        }
        Some(("release-held", _)) => {
            let (kernel, _) = start::open(&config)?;
            kernel.release_held(kernel::Actor::os(&server::login_of(rustix::process::getuid().as_raw())))?;
            say("Released. Jobs and mail go out when the server starts.");
            Ok(())
        }
        _ => Err(Error::invalid("command", "See mainstay server --help.")),
    }
}

/// Folders beside the database that belong into a backup, in the order in which things move on.
const FOLDERS: [&str; 3] = ["blobs", "tsdb/head", "tsdb/blocks"];

fn backup(config: &Config, to: &Path) -> Result<()> {
    let db = kernel::db::Db::observe(&config.source())?;
    let contents = kernel::backup::write(&db, &config.folder().data, kernel::Clock::System.now(), to, &FOLDERS)?;
    let rows: u64 = contents.rows.values().sum();
    say(&format!(
        "Wrote and verified {}: {rows} rows in {} tables, {} files, sha256 {}.",
        to.display(),
        contents.rows.len(),
        contents.files,
        contents.sha256
    ));
    say("The master key is not in it. Keep a copy of the key file elsewhere.");
    Ok(())
}

fn restore(config: &Config, from: &Path) -> Result<()> {
    let folder = config.folder();
    kernel::lock::make_folder(&folder.data)?;
    let domains = crate::domains::kernels();
    let migrations: Vec<_> = domains.iter().map(|domain| (domain.name, domain.migrations)).collect();
    let source = config.source();
    let into = kernel::backup::Into {
        source: &source,
        data: &folder.data,
        migrations: &migrations,
        version: env!("CARGO_PKG_VERSION"),
        now: kernel::Clock::System.now(),
    };
    let contents = kernel::backup::restore(from, &into)?;
    say(&format!(
        "Restored {} rows and {} files of {}.",
        contents.rows.values().sum::<u64>(),
        contents.files,
        contents.at
    ));
    say("Jobs and mail are held until \"mainstay server release-held\", so that nothing is sent or run twice.");
    Ok(())
}

fn completions(matches: &ArgMatches, registry: &Registry) -> Result<()> {
    use clap_complete::{Shell, generate};
    let shell = match matches.get_one::<String>("shell").map(String::as_str) {
        Some("zsh") => Shell::Zsh,
        Some("fish") => Shell::Fish,
        _ => Shell::Bash,
    };
    let mut script = Vec::new();
    generate(shell, &mut super::command(registry), "mainstay", &mut script);
    say(&String::from_utf8_lossy(&script));
    Ok(())
}
