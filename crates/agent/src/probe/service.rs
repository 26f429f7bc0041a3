//! Services as systemd knows them.

use std::time::Duration;

use super::Seen;
use crate::platform;
use crate::subprocess::{self, Said};

const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Looks at a unit.
pub(crate) async fn look(unit: &str) -> Seen {
    let asked = ["show", "--property=LoadState,ActiveState,SubState,Result", "--no-pager"];
    let said = match systemctl(&asked, unit, Duration::from_secs(30)).await {
        Ok(said) => said,
        Err(e) => return Seen::error(e),
    };
    let property = |name: &str| {
        let line = said.output.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or("unknown").to_owned()
    };
    let (load, active, sub) = (property("LoadState"), property("ActiveState"), property("SubState"));
    let evidence = format!("{unit} is {active} ({sub}), {load}, last result {}", property("Result"));
    match (load.as_str(), active.as_str()) {
        ("not-found", _) => Seen::error(format!("there is no unit {unit} on this machine")),
        (_, "active" | "reloading") => Seen::ok(1.0, evidence),
        ("unknown", "unknown") => Seen::error(format!("systemd does not answer about {unit}")),
        _ => Seen::fail(Some(0.0), evidence),
    }
}

/// Asks systemctl about one unit.
///
/// # Errors
/// In words: systemd does not run here, the name is not a unit's, or no answer came in time.
pub(crate) async fn systemctl(words: &[&str], unit: &str, deadline: Duration) -> Result<Said, String> {
    if !is_unit_name(unit) {
        return Err(format!("{unit:?} is not the name of a unit"));
    }
    if !platform::systemd_runs() {
        return Err("systemd does not run on this machine".into());
    }
    let argv: Vec<&str> = ["systemctl"].into_iter().chain(words.iter().copied()).chain(["--", unit]).collect();
    subprocess::ask(&argv, deadline, ANSWER_BYTES_MAX).await
}

/// The letters of unit names (systemd.unit(5)), and no option.
pub(crate) fn is_unit_name(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.\\@".contains(&byte);
    !name.is_empty() && name.len() < 256 && !name.starts_with('-') && name.bytes().all(letter)
}
