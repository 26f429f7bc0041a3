//! The command line: a few commands of its own, and every operation as `mainstay <domain> <noun> <verb>`.

mod args;
mod client;
mod demo;
mod doctor;
mod keys;
mod local;
mod output;
mod releases;
mod remote;
mod rules;

use std::ffi::OsString;
use std::process::ExitCode;

use kernel::{Error, ErrorKind, Result};

pub use args::{command, flags};
pub(crate) use remote::call;

/// How a command ends, as the shell sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Ok = 0,
    Failed = 1,
    SignIn = 4,
    Forbidden = 5,
    NotFound = 6,
    Conflict = 7,
}

impl Exit {
    fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::SignIn => Self::SignIn,
            ErrorKind::Denied | ErrorKind::Unconfirmed => Self::Forbidden,
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::Conflict => Self::Conflict,
            _ => Self::Failed,
        }
    }
}

/// Runs the program with these arguments.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = defaulted(arguments.into_iter().collect());
    let registry = match crate::domains::registry() {
        Ok(registry) => registry,
        Err(error) => return fail(&error, false),
    };
    let matches = match command(&registry).try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => {
            // Help and version go to standard output with 0, usage errors to standard error with 2.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let json = matches.get_one::<String>("output").is_some_and(|format| format == "json");
    let done = match local::run(&matches, &registry) {
        Some(done) => done,
        None => remote::run(&matches, &registry),
    };
    match done {
        Ok(()) => ExitCode::from(Exit::Ok as u8),
        Err(error) => fail(&error, json),
    }
}

/// Ends the program with an outcome that is no operation's.
pub fn ended(outcome: &std::result::Result<(), String>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::from(Exit::Ok as u8),
        Err(error) => fail(&Error::unavailable(error.clone()), false),
    }
}

/// `mainstay` alone, as `cargo run -- up` leaves it, gets its help.
fn defaulted(mut arguments: Vec<OsString>) -> Vec<OsString> {
    if arguments.len() <= 1 {
        arguments.push("--help".into());
    }
    arguments
}

fn fail(error: &Error, json: bool) -> ExitCode {
    if json {
        let value = serde_json::json!({ "error": { "kind": error.kind.as_str(), "message": error.message, "field": error.field } });
        eprintln!("{value}");
    } else {
        eprintln!("mainstay: {error}");
        if let Some(cause) = &error.cause {
            eprintln!("  cause: {cause}");
        }
    }
    ExitCode::from(Exit::of(error.kind) as u8)
}

/// Writes a text to standard output as it is.
///
/// # Errors
/// It is not all written, and a script must not take it for whole.
pub(crate) fn write(text: &str) -> Result<()> {
    written(&mut std::io::stdout().lock(), text)
}

fn written(to: &mut dyn std::io::Write, text: &str) -> Result<()> {
    match to.write_all(text.as_bytes()).and_then(|()| to.flush()) {
        // Who reads has read enough, as `head` does.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Error::unavailable(format!(
            "The answer was not written whole: {error}. What was asked is done; make room, and ask for the answer again."
        ))),
        Ok(()) => Ok(()),
    }
}

/// Prints a line to standard output; a closed pipe ends the output, not the program.
pub(crate) fn say(line: &str) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind, Write};

    /// Takes a little, then nothing more.
    struct Full(usize, ErrorKind);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            if taken == 0 { Err(Error::from(self.1)) } else { Ok(taken) }
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_was_not_written_whole_is_an_error_and_a_closed_pipe_is_none() {
        let error = super::written(&mut Full(3, ErrorKind::StorageFull), "groups: []").unwrap_err();
        assert!(error.message.contains("not written whole"), "{error}");
        super::written(&mut Full(3, ErrorKind::BrokenPipe), "groups: []").unwrap();
        super::written(&mut Full(100, ErrorKind::BrokenPipe), "groups: []").unwrap();
    }

    #[test]
    fn the_tree_of_commands_is_consistent() {
        super::command(&crate::domains::registry().unwrap()).debug_assert();
    }
}
