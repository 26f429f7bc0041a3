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

/// A plugin that a machine's policy lets run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permit {
    /// Its absolute path, or a folder as `/usr/lib/nagios/plugins/*`.
    pub path: String,
    /// What its arguments must be, one by one: `*` in a word stands for any text in it, a last word `**` for any further
    /// arguments. Nothing: any arguments.
    pub arguments: Option<Vec<String>>,
}

impl Permit {
    /// With any arguments.
    pub fn any(path: impl Into<String>) -> Self {
        Self { path: path.into(), arguments: None }
    }

    fn takes(&self, given: &[&str]) -> bool {
        let Some(wanted) = &self.arguments else { return true };
        match wanted.split_last() {
            Some((last, start)) if last == "**" => {
                given.len() >= start.len() && start.iter().zip(given).all(|(pattern, word)| fits(pattern, word))
            }
            _ => given.len() == wanted.len() && wanted.iter().zip(given).all(|(pattern, word)| fits(pattern, word)),
        }
    }
}

/// A word against a pattern in which `*` stands for any text.
fn fits(pattern: &str, word: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == word };
    let Some(mut left) = word.strip_prefix(start) else { return false };
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in middle.split('*').filter(|part| !part.is_empty()) {
        let Some((_, after)) = left.split_once(part) else { return false };
        left = after;
    }
    left.len() >= end.len() && left.ends_with(end)
}

/// True for an absolute path. One with `..` leads somewhere else than it says.
pub fn is_plain(plugin: &str) -> bool {
    plugin.starts_with('/') && !plugin.split('/').any(|part| part == ".." || part == ".")
}

/// What the machine's policy says to a plugin with these arguments. One that it names itself is judged by that, whatever
/// is said of its folder.
fn judge_permit(plugin: &Plugin, permits: &[Permit]) -> Result<(), String> {
    let path = plugin.plugin.as_str();
    let (folder, name) = path.rsplit_once('/').unwrap_or_default();
    let itself: Vec<&Permit> = permits.iter().filter(|permit| permit.path == path).collect();
    let in_folder = |permit: &&Permit| permit.path.strip_suffix("/*") == Some(folder) && !RUN_OTHERS.contains(&name);
    let named = if itself.is_empty() { permits.iter().filter(in_folder).collect() } else { itself };
    if named.is_empty() || !is_plain(path) {
        return Err(format!(
            "this machine's policy does not name {path} as a plugin; its administrator can write plugins = [\"{folder}/*\"] into it"
        ));
    }
    let given: Vec<&str> = lines(plugin.arguments.as_deref().unwrap_or_default()).collect();
    if named.iter().any(|permit| permit.takes(&given)) {
        return Ok(());
    }
    // They may hold a password, and evidence is read by many.
    Err(format!(
        "this machine's policy names {path} with other arguments than these {}; its administrator can add them",
        given.len()
    ))
}

/// Runs it and judges what it says.
pub(crate) async fn look(plugin: &Plugin, around: &Around, deadline: Duration) -> Seen {
    if let Err(why) = judge_permit(plugin, &around.plugins) {
        return Seen::unknown(why);
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

    fn permitted(plugin: &str, arguments: &str, permits: &[Permit]) -> bool {
        let plugin = Plugin { plugin: plugin.into(), arguments: Some(arguments.into()), ..Plugin::default() };
        judge_permit(&plugin, permits).is_ok()
    }

    #[test]
    fn only_what_the_policy_names_runs() {
        let permits = [Permit::any("/usr/lib/nagios/plugins/*"), Permit::any("/opt/check_x")];
        for (plugin, fits) in [
            ("/usr/lib/nagios/plugins/check_load", true),
            ("/opt/check_x", true),
            ("/usr/lib/nagios/plugins/negate", false),
            ("/usr/lib/nagios/plugins/../../../bin/sh", false),
            ("/usr/lib/nagios/plugins/deeper/check", false),
            ("check_load", false),
            ("/bin/sh", false),
            ("", false),
        ] {
            assert_eq!(permitted(plugin, "-w\n5", &permits), fits, "{plugin}");
        }
    }

    #[test]
    fn a_policy_that_names_arguments_lets_no_others_through() {
        let bound = |arguments: &[&str]| Permit {
            path: "/p/check_disk".into(),
            arguments: Some(arguments.iter().map(|one| (*one).to_owned()).collect()),
        };
        let permits = [Permit::any("/p/*"), bound(&["-w", "*%", "-p", "/srv/*"]), bound(&["-H", "db", "**"])];
        for (arguments, fits) in [
            ("-w\n10%\n-p\n/srv/a", true),
            ("-w\n10\n-p\n/srv/a", false),
            ("-w\n10%\n-p\n/etc/shadow", false),
            ("-w\n10%\n-p\n/srv/a\n-x", false),
            ("-H\ndb", true),
            ("-H\ndb\n--any\nthing", true),
            ("-H\ndb2", false),
            ("", false),
        ] {
            assert_eq!(permitted("/p/check_disk", arguments, &permits), fits, "{arguments:?}");
        }
        assert!(permitted("/p/check_load", "-x", &permits), "the folder still names the others");
        for (pattern, word, matches) in [
            ("*", "", true),
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "acb", false),
            ("a*a", "a", false),
            ("*b*d*", "abcde", true),
            ("*b*d*", "adcbe", false),
            ("ab", "abc", false),
        ] {
            assert_eq!(fits(pattern, word), matches, "{pattern} {word}");
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
        let around = Around { plugins: vec![Permit::any("/bin/sh")], ..Around::default() };
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
