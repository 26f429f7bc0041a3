//! `mainstay server doctor`: what is wrong with a server's data, in plain lines.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use kernel::db::Dialect;
use kernel::{Actor, Call, Error, Handle, Result, Via};
use serde_json::{Value, json};

use super::say;
use crate::start::{self, Config};

/// Below this share of the disk, in percent, and this much, in bytes, the disk counts as almost full.
const FREE_PERCENT_MIN: u64 = 5;
const FREE_BYTES_MIN: u64 = 2 * 1024 * 1024 * 1024;

/// Looks at everything and says a line for each; an error at the end names how many are wrong.
pub(super) fn run(config: &Config) -> Result<()> {
    let folder = config.folder();
    let (kernel, _) = start::open(config)?;
    say(&format!("data      {}", folder.data.display()));
    let mut wrong = 0;
    let mut tell = |what: &str, outcome: std::result::Result<String, String>| match outcome {
        Ok(fine) => say(&format!("{what:<9} {fine}")),
        Err(problem) => {
            wrong += 1;
            say(&format!("{what:<9} WRONG: {problem}"));
        }
    };
    tell("database", database(&kernel, config)?);
    tell("audit", audit(&kernel)?);
    tell("key", key(&folder.key_file));
    tell("disk", disk(&folder.data)?);
    let held = "held; let them go with \"mainstay server release-held\"";
    tell("effects", Ok(if kernel.held() { held } else { "flow" }.to_owned()));
    match wrong {
        0 => {
            say("Nothing is wrong.");
            Ok(())
        }
        1 => Err(Error::unavailable("One thing is wrong; its line says what.")),
        more => Err(Error::unavailable(format!("{more} things are wrong; their lines say what."))),
    }
}

type Outcome = std::result::Result<String, String>;

fn database(kernel: &Handle, config: &Config) -> Result<Outcome> {
    let problems = kernel.db.problems()?;
    let epoch = kernel.db.read(kernel::meta::epoch)?;
    // Never the connection string: it may hold a password.
    let engine = match kernel.db.dialect() {
        Dialect::Sqlite => "SQLite".to_owned(),
        Dialect::Postgres => format!("PostgreSQL, schema {}", config.schema),
    };
    Ok(if problems.is_empty() {
        Ok(format!("{engine} opens, is whole, tables are up to date, epoch {epoch}"))
    } else {
        Err(format!("{engine} is damaged: {}. Restore the last backup.", problems.join("; ")))
    })
}

fn audit(kernel: &Handle) -> Result<Outcome> {
    let owner = Arc::new(Actor::os("doctor"));
    let (mut after, mut seals, mut problems) = (0, 0, Vec::new());
    loop {
        let call = Call::new(owner.clone(), "kernel.audit.verify", json!({ "after": after }), Via::Cli);
        let output = kernel.dispatch(call)?.output;
        seals += output.get("seals").and_then(Value::as_u64).unwrap_or(0);
        let found = output.get("problems").and_then(Value::as_array).into_iter().flatten();
        problems.extend(found.filter_map(Value::as_str).map(str::to_owned));
        match output.get("next").and_then(Value::as_i64) {
            Some(next) => after = next,
            None => break,
        }
    }
    Ok(if problems.is_empty() {
        Ok(format!("{seals} seals, all as they were written"))
    } else {
        Err(problems.join(" "))
    })
}

fn key(path: &Path) -> Outcome {
    match std::fs::metadata(path) {
        Ok(file) if file.permissions().mode() & 0o077 == 0 => Ok(format!("{} is its owner's alone", path.display())),
        Ok(_) => Err(format!("others may read {}; do: chmod 600 {}", path.display(), path.display())),
        Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
    }
}

fn disk(data: &Path) -> Result<Outcome> {
    let stat = rustix::fs::statvfs(data)
        .map_err(|error| Error::unavailable(format!("The disk of {} cannot be looked at: {error}.", data.display())))?;
    let (free, total) = (stat.f_bavail * stat.f_frsize, stat.f_blocks * stat.f_frsize);
    let percent = free * 100 / total.max(1);
    let words = format!("{} MiB free, {percent} %", free / 1024 / 1024);
    let low = percent < FREE_PERCENT_MIN && free < FREE_BYTES_MIN;
    Ok(if low { Err(format!("only {words}; writes are refused when it is full")) } else { Ok(words) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_others_may_read_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "secret").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(key(&path).unwrap_err().contains("chmod 600"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(key(&path).is_ok());
        assert!(key(&folder.path().join("none")).is_err());
    }
}
