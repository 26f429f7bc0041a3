//! What is worth telling when facts change: packages, the system, hardware. Processes, logins and pending updates come
//! and go without a word.

use agent_proto::facts::Section;
use kernel::text::shorten;

/// Longest sentence, in characters.
pub(super) const WORDS_CHARS_MAX: usize = 240;
/// Most changes that are named in it.
const NAMED_MAX: usize = 5;
/// Most keys kept with it.
const KEYS_MAX: usize = 50;
/// How much the moment of start may wander by itself when the clock is set, in seconds.
const BOOT_SLACK_S: i64 = 120;

/// What is told of a message.
pub(super) struct News {
    pub(super) what: String,
    pub(super) keys: Vec<String>,
}

/// One fact that is new, gone or different.
struct Difference<'a> {
    key: &'a str,
    old: Option<&'a str>,
    new: Option<&'a str>,
}

/// The news of a section, if there is any.
pub(super) fn of(section: &str, old: &Section, new: &Section) -> Option<News> {
    let noun = match section {
        "packages" => "package",
        "os" => return system(old, new),
        "disks" => "disk",
        "filesystems" => "file system",
        "hardware" | "cpu" | "memory" => "hardware fact",
        _ => return None,
    };
    let differences = differences(old, new);
    let count = differences.len();
    let first = differences.first()?;
    let what = match (count, first.old, first.new) {
        (1, None, Some(_)) => format!("1 {noun} added: "),
        (1, Some(_), None) => format!("1 {noun} removed: "),
        (1, ..) => format!("1 {noun} changed: "),
        _ => format!("{count} {noun}s changed: "),
    };
    Some(sentence(what, section, &differences))
}

fn differences<'a>(old: &'a Section, new: &'a Section) -> Vec<Difference<'a>> {
    let gone = old.iter().filter(|(key, _)| !new.contains_key(*key));
    let gone = gone.map(|(key, value)| Difference { key, old: Some(value), new: None });
    let set = new.iter().filter(|(key, value)| old.get(*key) != Some(*value));
    let set = set.map(|(key, value)| Difference { key, old: old.get(key).map(String::as_str), new: Some(value) });
    let mut all: Vec<_> = gone.chain(set).collect();
    all.sort_by_key(|one| one.key);
    all
}

fn sentence(start: String, section: &str, differences: &[Difference<'_>]) -> News {
    let mut named: Vec<String> = differences.iter().take(NAMED_MAX).map(|one| words(section, one)).collect();
    if differences.len() > NAMED_MAX {
        named.push(format!("and {} more", differences.len() - NAMED_MAX));
    }
    let keys = differences.iter().take(KEYS_MAX).map(|one| one.key.to_owned()).collect();
    News { what: shorten(&(start + &named.join(", ")), WORDS_CHARS_MAX), keys }
}

fn words(section: &str, one: &Difference<'_>) -> String {
    let name = one.key.strip_prefix(section).and_then(|rest| rest.strip_prefix('.')).unwrap_or(one.key);
    match (one.old.and_then(plain), one.new.and_then(plain)) {
        (Some(old), Some(new)) => format!("{name} {old} -> {new}"),
        (None, Some(new)) if one.old.is_none() => format!("{name} {new}"),
        _ => match (one.old, one.new) {
            (None, _) => format!("{name} added"),
            (_, None) => format!("{name} removed"),
            _ => name.to_owned(),
        },
    }
}

/// A value that reads well in a sentence; tables of values do not.
fn plain(text: &str) -> Option<String> {
    match super::parse(text) {
        serde_json::Value::String(text) => Some(shorten(&text, 60)),
        serde_json::Value::Number(number) => Some(number.to_string()),
        serde_json::Value::Bool(yes) => Some(if yes { "yes" } else { "no" }.to_owned()),
        _ => None,
    }
}

/// The system itself: a new kernel or release, another name, a restart.
fn system(old: &Section, new: &Section) -> Option<News> {
    let mut differences = differences(old, new);
    let restarted = differences.iter().any(|one| one.key == "os.booted_at_s" && later(one.old, one.new));
    differences.retain(|one| one.key != "os.booted_at_s");
    if !restarted {
        differences.first()?;
        return Some(sentence("System changed: ".to_owned(), "os", &differences));
    }
    let mut news = match differences.first() {
        None => News { what: "Restarted".to_owned(), keys: Vec::new() },
        Some(_) => sentence("Restarted; system changed: ".to_owned(), "os", &differences),
    };
    news.keys.push("os.booted_at_s".to_owned());
    Some(news)
}

fn later(old: Option<&str>, new: Option<&str>) -> bool {
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<i64>().ok());
    matches!((number(old), number(new)), (Some(old), Some(new)) if new.saturating_sub(old) > BOOT_SLACK_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(pairs: &[(&str, &str)]) -> Section {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn told(name: &str, old: &[(&str, &str)], new: &[(&str, &str)]) -> Option<String> {
        of(name, &section(old), &section(new)).map(|news| news.what)
    }

    #[test]
    fn packages_are_told_with_both_versions() {
        let old = [("openssl", "\"3.0.2\""), ("curl", "\"8.1\""), ("nano", "\"7\"")];
        let new = [("openssl", "\"3.0.3\""), ("curl", "\"8.1\""), ("vim", "\"9\"")];
        let what = told("packages", &old, &new).unwrap();
        assert_eq!(what, "3 packages changed: nano removed, openssl 3.0.2 -> 3.0.3, vim 9");
        assert_eq!(told("packages", &old, &old), None);
    }

    #[test]
    fn many_packages_are_counted_and_five_are_named() {
        let new: Vec<(String, String)> = (0..30).map(|n| (format!("p{n:02}"), "\"1\"".to_owned())).collect();
        let new: Vec<(&str, &str)> = new.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let what = told("packages", &[], &new).unwrap();
        assert_eq!(what, "30 packages changed: p00 1, p01 1, p02 1, p03 1, p04 1, and 25 more");
    }

    #[test]
    fn a_restart_and_a_new_kernel_are_told_and_a_wandering_clock_is_not() {
        let old = [("os.booted_at_s", "1000"), ("os.kernel", "\"6.1\"")];
        assert_eq!(told("os", &old, &[("os.booted_at_s", "1001"), ("os.kernel", "\"6.1\"")]), None);
        assert_eq!(told("os", &old, &[("os.booted_at_s", "9000"), ("os.kernel", "\"6.1\"")]).unwrap(), "Restarted");
        let both = told("os", &old, &[("os.booted_at_s", "9000"), ("os.kernel", "\"6.8\"")]).unwrap();
        assert_eq!(both, "Restarted; system changed: kernel 6.1 -> 6.8");
    }

    #[test]
    fn noise_is_not_told() {
        for name in ["processes", "users", "updates", "services", "interfaces", "time"] {
            assert_eq!(told(name, &[("a", "1")], &[("a", "2")]), None, "{name}");
        }
    }
}
