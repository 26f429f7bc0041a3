//! The agent: facts, metrics, checks and signed jobs on a managed machine.
//!
//! It makes one outbound connection and answers to one server. It observes; it changes something only when the job is
//! signed by the server, bound to this agent, within its time, and allowed by the machine's own policy file, which
//! beats the server. What it has to say waits on disk, bounded, until the server has stored it.
//!
//! The pieces: [`Config`] and the enrolment name the server; `engine` is the one loop that owns all state; `link`
//! connects; `ring` keeps; `platform` looks at the machine; `checks` and `jobs` do what they are asked.

mod checks;
mod clock;
mod config;
mod engine;
mod enrol;
mod error;
mod facts;
mod files;
mod http;
mod identity;
mod jobs;
mod link;
mod log;
mod net_guard;
mod platform;
pub mod policy;
mod probe;
mod register;
mod ring;
mod status;
mod subprocess;

pub use config::Config;
pub use enrol::enrol;
pub use error::Error;
pub use status::{Status, status};

/// The version that this agent reports.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs the agent until the process is told to end (SIGTERM, SIGINT), enrolling first when it has to and has a token.
/// Blocks. While the server is away it goes on observing.
///
/// # Errors
/// The folder cannot be used, another agent uses it, or the machine is not enrolled and there is no token.
pub fn run(config: Config) -> Result<(), Error> {
    config.validate()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(8)
        .thread_keep_alive(std::time::Duration::from_secs(1))
        .build()
        .map_err(|e| Error::io("start the runtime", &config.dir, &e))?;
    runtime.block_on(engine::run(config))
}
