//! Targets from files, as Prometheus' `file_sd_configs` reads them: JSON or YAML lists of groups, in the one folder that
//! the configuration allows.

use std::path::{Path, PathBuf};

use super::spec::Group;
use super::target::Found;

/// Largest file, in bytes.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// Most files that one pattern means.
const FILES_MAX: usize = 200;

/// The folder in which files with targets lie; what is elsewhere is not read.
#[derive(Clone, Debug)]
pub struct TargetFolder(pub PathBuf);

/// Refuses what leads out of the folder. A star stands for any run of characters in the last part.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let parts: Vec<&str> = name.split('/').collect();
    let (last, folders) = parts.split_last().ok_or("Give the name of a file.")?;
    let sound = |part: &&str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', '\0']);
    if name.len() > 300 || !folders.iter().all(sound) || !sound(last) || folders.iter().any(|part| part.contains('*')) {
        return Err(format!(
            "{:?} is no file in the folder for targets. Write it like web.json or racks/*.yml.",
            kernel::text::shorten(name, 80)
        ));
    }
    let known = [".json", ".yml", ".yaml"].iter().any(|end| last.ends_with(end));
    known.then_some(()).ok_or_else(|| "A file with targets ends in .json, .yml or .yaml.".to_owned())
}

/// What the files say. A file that cannot be read is an error, and the others are read all the same.
pub(super) fn read(folder: &Path, names: &[String], into: &mut Vec<Found>) -> Result<(), String> {
    let mut wrong = Ok(());
    for name in names {
        for path in matching(folder, name) {
            match path.and_then(|path| groups(folder, &path)) {
                Ok(groups) => groups.iter().for_each(|(path, group)| found(path, group, into)),
                Err(why) => wrong = wrong.and(Err(why)),
            }
        }
    }
    wrong
}

fn found(path: &str, group: &Group, into: &mut Vec<Found>) {
    for address in &group.targets {
        let mut one = Found::new(address, &group.labels);
        one.labels.insert("__meta_filepath".into(), path.to_owned());
        into.push(one);
    }
}

fn matching(folder: &Path, name: &str) -> Vec<Result<PathBuf, String>> {
    let (inside, pattern) =
        name.rsplit_once('/').map_or((folder.to_owned(), name), |(path, last)| (folder.join(path), last));
    if !pattern.contains('*') {
        return vec![Ok(inside.join(pattern))];
    }
    let listed = match std::fs::read_dir(&inside) {
        Ok(listed) => listed,
        Err(error) => return vec![Err(format!("the folder of {name} cannot be read: {error}"))],
    };
    let mut names: Vec<_> = listed.flatten().map(|entry| entry.file_name()).collect();
    names.retain(|name| name.to_str().is_some_and(|name| !name.starts_with('.') && fits(pattern, name)));
    names.sort();
    names.into_iter().take(FILES_MAX).map(|name| Ok(inside.join(name))).collect()
}

/// True when a name fits a pattern with stars.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

fn groups(folder: &Path, path: &Path) -> Result<Vec<(String, Group)>, String> {
    let shown = path.strip_prefix(folder).unwrap_or(path).display().to_string();
    let wrong = |error: &dyn std::fmt::Display| format!("{shown} cannot be read: {error}");
    let root = folder.canonicalize().map_err(|error| format!("the folder for targets cannot be read: {error}"))?;
    // A link may lead out of the folder.
    let real = path.canonicalize().map_err(|error| wrong(&error))?;
    if !real.starts_with(&root) {
        return Err(format!("{shown} leads out of the folder for targets"));
    }
    let about = std::fs::metadata(&real).map_err(|error| wrong(&error))?;
    if !about.is_file() || about.len() > FILE_BYTES_MAX {
        return Err(format!("{shown} is no file of at most {FILE_BYTES_MAX} bytes"));
    }
    let text = std::fs::read_to_string(&real).map_err(|error| wrong(&error))?;
    let groups = parse(&text).map_err(|why| wrong(&why))?;
    // The whole path, as Prometheus gives it.
    let path = path.display().to_string();
    Ok(groups.into_iter().map(|group| (path.clone(), group)).collect())
}

/// Reads a list of groups; JSON is YAML too.
pub(super) fn parse(text: &str) -> Result<Vec<Group>, String> {
    if text.trim_start().starts_with('[') {
        return serde_json::from_str(text).map_err(|error| error.to_string());
    }
    super::yaml::plain(text)?;
    serde_norway::from_str::<Option<Vec<Group>>>(text).map(Option::unwrap_or_default).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_as_prometheus_does_and_nothing_leads_out_of_the_folder() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("targets");
        std::fs::create_dir_all(folder.join("racks")).unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
        write("web.json", r#"[{"targets": ["web-01:9100", "web-02:9100"], "labels": {"site": "oslo"}}]"#);
        write("racks/a.yml", "- targets: [\"10.0.0.1:9100\"]\n  labels: {rack: a}\n");
        write("racks/b.yml", "- targets: [10.0.0.2:9100\n");
        std::fs::write(outer.path().join("secret.json"), r#"[{"targets": ["x:1"]}]"#).unwrap();
        std::os::unix::fs::symlink(outer.path().join("secret.json"), folder.join("link.json")).unwrap();
        let all = |names: &[&str]| {
            let mut into = Vec::new();
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let outcome = read(&folder, &names, &mut into);
            let shown = |one: &Found| format!("{} {:?}", one.labels["__address__"], one.labels.get("rack"));
            (into.iter().map(shown).collect::<Vec<_>>(), outcome)
        };
        let mut into = Vec::new();
        read(&folder, &["racks/a*.yml".to_owned()], &mut into).unwrap();
        assert_eq!(into[0].labels["__meta_filepath"], folder.join("racks/a.yml").display().to_string());
        assert_eq!(all(&["web.json"]), (vec!["web-01:9100 None".into(), "web-02:9100 None".into()], Ok(())));
        let (found, outcome) = all(&["racks/*.yml"]);
        assert_eq!(found, [r#"10.0.0.1:9100 Some("a")"#], "a damaged file does not hide its neighbour");
        assert!(outcome.unwrap_err().starts_with("racks/b.yml cannot be read"));
        assert!(all(&["link.json"]).1.unwrap_err().contains("leads out of the folder"));
        assert!(all(&["none.json"]).1.is_err());
        for name in ["../secret.json", "/etc/x.json", "a//b.json", ".x.json", "x.txt", "*/x.json", "", "a/../x.json"] {
            assert!(check_name(name).is_err(), "{name}");
        }
        assert!(check_name("racks/*.yml").is_ok());
    }

    #[test]
    fn stars_stand_for_any_run_of_characters() {
        for (pattern, name, expected) in [
            ("*.yml", "a.yml", true),
            ("a*c*.yml", "abcd.yml", true),
            ("a*c*.yml", "abd.yml", false),
            ("a.yml", "a.yml", true),
            ("a*a.yml", "a.yml", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn lists_that_would_grow_without_end_are_refused() {
        assert!(parse("- &a {targets: [x:1]}\n- *a\n").is_err());
        assert_eq!(parse("").unwrap(), []);
        assert!(parse(&"[".repeat(100_000)).is_err());
    }
}
