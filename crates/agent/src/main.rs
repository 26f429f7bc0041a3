//! The small agent program for managed machines.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use agent::{Config, Error};
use clap::{Parser, Subcommand};

/// Watches this machine and does what its own policy allows.
#[derive(Parser)]
#[command(name = "mainstay-agent", version)]
struct Arguments {
    /// The agent's own folder.
    #[arg(long, env = "MAINSTAY_AGENT_DIR", default_value = "/var/lib/mainstay-agent")]
    dir: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make this machine known to a server.
    Enrol {
        /// The server's address, such as wss://mainstay.example.org:7301/agent
        url: String,
        /// The token that an administrator made for this machine. Better in the environment, or in a file: other users of
        /// this machine can read the arguments of a program.
        #[arg(env = "MAINSTAY_AGENT_TOKEN", hide_env_values = true, required_unless_present = "token_file")]
        token: Option<String>,
        /// Read the token from this file.
        #[arg(long)]
        token_file: Option<PathBuf>,
        /// An HTTP proxy: http://[user:password@]host:port
        #[arg(long)]
        proxy: Option<String>,
    },
    /// Run until told to end.
    Run {
        /// The server's address; may be given more than once. Default: that of the enrolment.
        #[arg(long = "server")]
        servers: Vec<String>,
        /// Enrol with this token when the machine is not enrolled yet.
        #[arg(long, env = "MAINSTAY_AGENT_TOKEN", hide_env_values = true)]
        token: Option<String>,
        /// Read that token from this file.
        #[arg(long)]
        token_file: Option<PathBuf>,
        /// The machine's own policy file. Default: policy.toml in the agent's folder.
        #[arg(long)]
        policy: Option<PathBuf>,
        /// An HTTP proxy: http://[user:password@]host:port
        #[arg(long)]
        proxy: Option<String>,
    },
    /// Say what the agent is doing.
    Status,
    /// Say whether this program could be the agent of this folder. A new version is asked before it is tried.
    Check,
}

fn main() -> ExitCode {
    let ended = agent::collect().unwrap_or_else(|| {
        let Arguments { dir, command } = Arguments::parse();
        obey(dir, command)
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell when standard error is closed.
            let _ = writeln!(std::io::stderr(), "mainstay-agent: {error}");
            ExitCode::FAILURE
        }
    }
}

fn obey(dir: PathBuf, command: Command) -> Result<(), Error> {
    match command {
        Command::Enrol { url, token, token_file, proxy } => {
            let mut config = Config::load(dir)?;
            config.servers = vec![url];
            config.take_token(token, token_file.as_deref())?;
            config.proxy = proxy.or(config.proxy);
            agent::enrol(&config)
        }
        Command::Run { servers, token, token_file, policy, proxy } => {
            let mut config = Config::load(dir)?;
            if !servers.is_empty() {
                config.servers = servers;
            }
            config.take_token(token, token_file.as_deref())?;
            config.policy_path = policy.unwrap_or(config.policy_path);
            config.proxy = proxy.or(config.proxy);
            // This program is the agent and nothing else.
            config.updates = true;
            agent::run(config)
        }
        Command::Check => {
            agent::check(&Config::load(dir)?).inspect_err(|error| {
                // Who asks a new version reads only this.
                let _ = writeln!(std::io::stdout(), "{error}");
            })?;
            let _ = writeln!(std::io::stdout(), "fit: version {} for {}", agent::VERSION, agent::target());
            Ok(())
        }
        Command::Status => {
            let status = agent::status(&dir)?;
            let _ = writeln!(std::io::stdout(), "{status}");
            Ok(())
        }
    }
}
