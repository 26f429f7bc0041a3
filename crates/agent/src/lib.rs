//! The agent: facts, metrics, checks and signed jobs on a managed machine.
//!
//! It makes one outbound connection and answers to one server. It observes; it changes something only when the job is
//! signed by the server, bound to this agent, within its time, and allowed by the machine's own policy file, which
//! beats the server. What it has to say waits on disk, bounded, until the server has stored it.
//!
//! It is two processes. The `executor` is the one that is started: it holds the policy, the journal of `jobs` and the
//! server's key, judges and runs. It also puts a new version of the program in the place of its own (`update`). It starts the `collector`, the same program again, as a user without rights: that one
//! speaks with the server and looks at the machine. The `pair` between them is all they share.
//!
//! The collector's pieces: [`Config`] and the enrolment name the server; `engine` is the one loop that owns its state;
//! `link` connects; `ring` keeps; `platform` looks at the machine; `checks` do what they are asked.

mod checks;
mod clock;
mod collector;
mod config;
mod engine;
mod enrol;
mod error;
mod executor;
mod facts;
mod files;
#[cfg(test)]
mod golden;
mod identity;
mod jobs;
mod link;
mod log;
mod pair;
mod platform;
pub mod policy;
mod probe;
mod register;
mod ring;
mod status;
mod subprocess;
mod update;

pub use config::Config;
pub use error::Error;
pub use status::{Status, status};

/// The version that this agent reports.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs the agent until the process is told to end (SIGTERM, SIGINT), enrolling first when it has to and has a token.
/// Blocks. While the server is away it goes on observing.
///
/// The program is started a second time with its own arguments, as the collector: there too it must come here, or to
/// [`collect`]. The process enters a folder of the agent's.
///
/// # Errors
/// The folder cannot be used, another agent uses it, or the machine is not enrolled and there is no token.
pub fn run(config: Config) -> Result<(), Error> {
    begin(config, executor::Purpose::Run)
}

/// Is this program fit to be the agent of a folder? Looks at what a start would need, and changes nothing.
///
/// # Errors
/// What would keep it from starting.
pub fn check(config: &Config) -> Result<(), Error> {
    let enrolment = identity::Enrolment::load(&config.dir)?;
    if let Some(enrolment) = enrolment {
        link::check(&enrolment.trust).map_err(Error::new)?;
    }
    match policy::find(&config.policy_path).trouble {
        Some(trouble) => Err(Error::new(trouble)),
        None => Ok(()),
    }
}

/// What this program was built for, as releases name it.
pub fn target() -> String {
    update::target()
}

/// Enrols this machine with the token in `config` at the first of its servers that answers. Blocks.
///
/// # Errors
/// The machine is enrolled already, the token is wrong, or no server answered as it should.
pub fn enrol(config: &Config) -> Result<(), Error> {
    begin(config.clone(), executor::Purpose::Enrol)
}

/// Does the collector's part when this process is one, and says how that ended. To be called before anything else by a
/// program that has a part of its own to do otherwise.
pub fn collect() -> Option<Result<(), Error>> {
    collector::is_this().then(|| block_on(collector::run()))
}

fn begin(config: Config, purpose: executor::Purpose) -> Result<(), Error> {
    if let Some(ended) = collect() {
        return ended;
    }
    config.validate()?;
    block_on(executor::run(config, purpose))
}

fn block_on(work: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(8)
        .thread_keep_alive(std::time::Duration::from_secs(1))
        .build()
        .map_err(|e| Error::new(format!("cannot start the runtime: {e}")))?;
    let ended = runtime.block_on(work);
    // A look that hangs in the kernel is not waited for.
    runtime.shutdown_background();
    ended
}
