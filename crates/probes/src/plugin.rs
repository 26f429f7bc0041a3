//! A monitoring plugin is content. Only those run that the machine's own policy names; without a shell, with a deadline,
//! a cap on output, no input and an empty environment.

use std::process::Stdio;
use std::time::Duration;

use metrics_proto::nagios::{self, Limits, Performance, State};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use crate::text::{lines, shorten};
use crate::{Around, Seen, guard};

const OUTPUT_BYTES_MAX: usize = 64 * 1024;
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A monitoring plugin is content. Value: 0 OK, 1 warning, 2 critical.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Plugin {
    /// Its path.
    pub plugin: String,
    /// What it is given, one argument a line.
    pub arguments: Option<String>,
    /// A warning is good enough.
    pub warning_is_good: bool,
}

/// Programs of the usual folder that run what they are given: naming the folder does not name these.
const RUN_OTHERS: &[&str] = &["negate", "urlize"];

/// True when the machine's policy names this program: itself, or its folder as `folder/*`. Paths with `..` lead
/// somewhere else than they say.
pub fn is_allowed(plugin: &str, allowed: &[String]) -> bool {
    let plain = plugin.starts_with('/') && !plugin.split('/').any(|part| part == ".." || part == ".");
    let (folder, name) = plugin.rsplit_once('/').unwrap_or_default();
    let in_folder = |known: &str| known.strip_suffix("/*") == Some(folder) && !RUN_OTHERS.contains(&name);
    plain && allowed.iter().any(|known| known == plugin || in_folder(known))
}

/// Runs it and judges what it says.
pub(crate) async fn look(plugin: &Plugin, around: &Around, deadline: Duration) -> Seen {
    if !is_allowed(&plugin.plugin, &around.plugins) {
        let folder = plugin.plugin.rsplit_once('/').map(|(folder, _)| folder).unwrap_or_default();
        return Seen::unknown(format!(
            "this machine's policy does not name {} as a plugin; its administrator can write plugins = [\"{folder}/*\"] into it",
            plugin.plugin
        ));
    }
    match run(plugin, deadline).await {
        Ok((code, output)) => judge(plugin, code, &output),
        Err(e) => Seen::unknown(e),
    }
}

async fn run(plugin: &Plugin, deadline: Duration) -> Result<(Option<i32>, Vec<u8>), String> {
    let failed = |e: std::io::Error| format!("{} cannot be run: {}", plugin.plugin, guard::plain(&e));
    let mut child = Command::new(&plugin.plugin)
        .args(lines(plugin.arguments.as_deref().unwrap_or_default()))
        .env_clear()
        .env("PATH", PATH)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let group = child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()));
    let mut stdout = child.stdout.take().ok_or("the output is gone")?;
    let conversation = async {
        let mut bytes = Vec::new();
        (&mut stdout).take(OUTPUT_BYTES_MAX as u64).read_to_end(&mut bytes).await.map_err(failed)?;
        drop(stdout);
        let status = child.wait().await.map_err(failed)?;
        Ok((status.code(), bytes))
    };
    // A little before the caller's own deadline, so that what it started ends with it.
    let ended = tokio::time::timeout(deadline.mul_f64(0.95), conversation).await;
    if ended.is_err()
        && let Some(group) = group
    {
        // It may have ended in this moment; then there is nothing to end.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    ended.unwrap_or_else(|_| Err(format!("{} took longer than {} s and was ended", plugin.plugin, deadline.as_secs())))
}

fn judge(plugin: &Plugin, code: Option<i32>, output: &[u8]) -> Seen {
    let said =
        nagios::read(code, output, Limits { bytes_max: OUTPUT_BYTES_MAX, performance_max: 50, ..Limits::default() });
    let mut words = said.summary.clone();
    if words.is_empty() {
        words = format!("{} said nothing", plugin.plugin);
    }
    if let Some(complaint) = said.complaint {
        words = format!("{complaint}: {words}");
    }
    let words = shorten(&words, 600);
    let value = f64::from(said.state.exit_code());
    let seen = match said.state {
        State::Ok => Seen::good(value, words),
        State::Warning if plugin.warning_is_good => Seen::good(value, words),
        State::Warning | State::Critical => Seen::bad(Some(value), words),
        State::Unknown => Seen::unknown(words),
    };
    said.performance.iter().fold(seen, figure)
}

fn figure(seen: Seen, one: &Performance) -> Seen {
    match one.value {
        Some(value) => seen.figure(&shorten(&one.label, 100), value),
        None => seen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcome;

    #[test]
    fn only_what_the_policy_names_runs() {
        let allowed = ["/usr/lib/nagios/plugins/*".to_owned(), "/opt/check_x".to_owned()];
        for (plugin, fits) in [
            ("/usr/lib/nagios/plugins/check_load", true),
            ("/opt/check_x", true),
            ("/usr/lib/nagios/plugins/../../../bin/sh", false),
            ("/usr/lib/nagios/plugins/deeper/check", false),
            ("check_load", false),
            ("/bin/sh", false),
            ("", false),
        ] {
            assert_eq!(is_allowed(plugin, &allowed), fits, "{plugin}");
        }
    }

    #[test]
    fn exit_code_and_output_become_state_and_figures() {
        let plugin = Plugin { plugin: "/p".into(), ..Plugin::default() };
        let seen = judge(&plugin, Some(1), b"LOAD WARNING - 5.1|load1=5.1;5;10 'a b'=7%\n");
        assert_eq!((seen.outcome, seen.value, seen.evidence.as_str()), (Outcome::Bad, Some(1.0), "LOAD WARNING - 5.1"));
        assert_eq!(seen.figures.len(), 2);
        assert_eq!((seen.figures[1].name.as_str(), seen.figures[0].value), ("a b", 5.1));
        assert_eq!(judge(&Plugin { warning_is_good: true, ..plugin.clone() }, Some(1), b"x").outcome, Outcome::Good);
        for (code, outcome) in [
            (Some(0), Outcome::Good),
            (Some(2), Outcome::Bad),
            (Some(3), Outcome::Unknown),
            (Some(127), Outcome::Unknown),
            (None, Outcome::Unknown),
        ] {
            assert_eq!(judge(&plugin, code, b"").outcome, outcome, "{code:?}");
        }
    }

    #[tokio::test]
    async fn a_plugin_gets_its_arguments_word_for_word_and_ends_with_its_children() {
        let around = Around { now_s: 0, plugins: vec!["/bin/sh".into()] };
        let sh = |script: &str, arguments: &str| Plugin {
            plugin: "/bin/sh".into(),
            arguments: Some(format!("-c\n{script}\nname\n{arguments}")),
            ..Plugin::default()
        };
        let said = sh("echo \"$# <$1> $HOME.\"", "a; $(b) `c`\n\n--two");
        let seen = look(&said, &around, Duration::from_secs(20)).await;
        assert_eq!(seen.evidence, "2 <a; $(b) `c`> .", "{seen:?}");
        let seen = look(&sh("sleep 60 & sleep 60", ""), &around, Duration::from_millis(300)).await;
        assert!(seen.outcome == Outcome::Unknown && seen.evidence.contains("was ended"), "{seen:?}");
        assert_eq!(look(&said, &Around::default(), Duration::from_secs(20)).await.outcome, Outcome::Unknown);
    }
}
