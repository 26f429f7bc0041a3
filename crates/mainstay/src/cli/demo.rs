//! `mainstay demo ..` and the folder of `mainstay up --demo`.

use std::io::Write as _;
use std::path::PathBuf;

use clap::ArgMatches;
use clap::parser::ValueSource;
use kernel::{Error, Registry, Result};

use super::{local, say};
use crate::demo_company::Company;
use crate::start::{self, Config};
use crate::{demo_service, tour};

pub(super) fn run(root: &ArgMatches, matches: &ArgMatches, registry: &Registry) -> Result<()> {
    match matches.subcommand() {
        Some(("service", sub)) => demo_service::run(local::address(sub, "address")?),
        Some(("load", sub)) => {
            local::log();
            load(&local::config(root, sub), sub.get_one::<u64>("scale").copied().unwrap_or(1)).map(|told| say(&told))
        }
        Some(("tour", _)) => tour::run(root, registry),
        _ => Err(Error::invalid("command", "See mainstay demo --help.")),
    }
}

/// The demo company's own folder, filled when it is new.
pub(super) fn folder(root: &ArgMatches, mut config: Config, json: bool) -> Result<Config> {
    if root.value_source("data") == Some(ValueSource::DefaultValue) {
        config.data = "mainstay-demo".into();
    }
    let told = match (config.folder().database().exists(), password_file(&config).exists()) {
        (false, _) => load(&config, 1)?,
        (true, true) => people(&config),
        (true, false) => {
            return Err(Error::conflict(format!(
                "The folder {} holds something else than the demo company, or loading it was interrupted. Name another one with --data, or remove it.",
                config.data.display()
            )));
        }
    };
    // With JSON standard output has one line, which is the server's.
    if json {
        tracing::info!("{told}")
    } else {
        say(&told)
    }
    Ok(config)
}

/// Where the password of everybody in the demo company is written, when all is loaded; never in a log.
fn password_file(config: &Config) -> PathBuf {
    config.folder().data.join("demo-password")
}

fn people(config: &Config) -> String {
    format!(
        "Sign in as \"ada\" (administrator), \"the-technician\", \"the-requester\" or another role. The password of all is in {}.",
        password_file(config).display()
    )
}

/// Fills an empty data folder; answers what to tell.
fn load(config: &Config, scale: u64) -> Result<String> {
    let (kernel, _) = start::open(config)?;
    let password = kernel.random::<8>()?.map(|byte| format!("{byte:02x}")).concat();
    let made = Company::new(&kernel, &password).load(scale)?;
    kernel.shut_down();
    let path = password_file(config);
    // One of a company that is gone opens nothing.
    let _ = std::fs::remove_file(&path);
    let mut options = std::fs::File::options();
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.write(true).create_new(true).open(&path).and_then(|mut file| writeln!(file, "{password}"));
    written.map_err(|error| Error::unavailable(format!("{} cannot be written: {error}.", path.display())))?;
    Ok(format!(
        "The demo company has {} people, {} things and {} tickets. {}",
        made.people,
        made.things,
        made.tickets,
        people(config)
    ))
}
