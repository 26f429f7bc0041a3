//! `mainstay server ..`: looking after the data of either engine, named by folder or by the server's configuration.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mainstay");

fn server(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).arg("server").args(arguments).env_remove("MAINSTAY_DATA").output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A configuration for a folder below `root`; on PostgreSQL with a schema of its own when the tests have one.
fn configuration(root: &Path, name: &str) -> (PathBuf, Option<String>) {
    let data = root.join(name);
    let mut text = format!("data = {:?}\nkey_file = {:?}\n", data, root.join("key"));
    let schema = std::env::var("MAINSTAY_TEST_POSTGRES").ok().map(|url| {
        let schema = format!("commands_{}_{name}", std::process::id());
        text.push_str(&format!("database = {url:?}\nschema = {schema:?}\n"));
        schema
    });
    let path = root.join(format!("{name}.toml"));
    std::fs::write(&path, text).unwrap();
    (path, schema)
}

#[test]
fn a_backup_is_restored_held_looked_at_and_released_by_configuration() {
    let root = tempfile::tempdir().unwrap();
    let (first, schema) = configuration(root.path(), "first");
    let (second, _) = configuration(root.path(), "second");
    let (first, second) = (first.to_str().unwrap(), second.to_str().unwrap());
    let dump = root.path().join("dump");
    let dump = dump.to_str().unwrap();
    std::fs::create_dir(root.path().join("first")).unwrap();

    let output = server(&["backup", dump, "--config", first]);
    assert!(!output.status.success(), "there is nothing yet: {}", said(&output));
    assert!(server(&["doctor", "--config", first]).status.success());
    let output = server(&["backup", dump, "--config", first]);
    assert!(output.status.success(), "{}", said(&output));
    let output = server(&["restore", dump, "--config", second]);
    assert!(output.status.success(), "{}", said(&output));
    let output = server(&["doctor", "--config", second]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("effects   held"), "{}", said(&output));
    assert!(said(&output).contains(if schema.is_some() {
        "PostgreSQL, schema commands"
    } else {
        "SQLite opens, is whole"
    }));
    assert!(!said(&output).contains("user="), "a connection string was shown: {}", said(&output));
    assert!(server(&["release-held", "--config", second]).status.success());
    assert!(said(&server(&["doctor", "--config", second])).contains("effects   flow"));

    std::fs::set_permissions(root.path().join("key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let output = server(&["doctor", "--config", second]);
    assert!(!output.status.success(), "a key that others may read passed: {}", said(&output));
}

#[test]
fn a_new_master_key_seals_everything_again_and_the_sheet_shows_both() {
    let root = tempfile::tempdir().unwrap();
    let (file, _) = configuration(root.path(), "keys");
    let file = file.to_str().unwrap();
    std::fs::create_dir(root.path().join("keys")).unwrap();
    assert!(server(&["doctor", "--config", file]).status.success());
    let key = root.path().join("key");
    let before = std::fs::read_to_string(&key).unwrap();
    let output = server(&["rotate-key", "--config", file]);
    assert!(output.status.success(), "{}", said(&output));
    let after = std::fs::read_to_string(&key).unwrap();
    assert!(after.starts_with(&before) && after.lines().count() == 2, "the older key stays");
    let newest_alone = after.lines().last().unwrap().to_owned() + "\n";
    let sheet = said(&server(&["recovery-sheet", "--config", file]));
    assert!(sheet.contains("Key 1") && sheet.contains("Key 2"), "{sheet}");
    // Nothing needs the older key any more: the server opens with the new one alone.
    std::fs::write(&key, newest_alone).unwrap();
    let output = server(&["doctor", "--config", file]);
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn the_demo_company_is_loaded_once_into_a_folder_of_its_own() {
    let root = tempfile::tempdir().unwrap();
    let load = |data: &str| {
        let data = root.path().join(data);
        Command::new(PROGRAM).arg("--data").arg(&data).args(["demo", "load"]).output().unwrap()
    };
    let output = load("company");
    assert!(output.status.success(), "{}", said(&output));
    let password = root.path().join("company/demo-password");
    let secret = std::fs::read_to_string(&password).unwrap();
    assert_eq!(std::fs::metadata(&password).unwrap().permissions().mode() & 0o077, 0);
    assert!(said(&output).contains("1500 tickets") && !said(&output).contains(secret.trim()), "{}", said(&output));
    let again = load("company");
    assert!(!again.status.success() && said(&again).contains("--data"), "{}", said(&again));
    // A folder of something else is no place for it, and is not served as if it were.
    std::fs::remove_file(&password).unwrap();
    let data = root.path().join("company");
    let up = Command::new(PROGRAM).arg("--data").arg(&data).args(["up", "--demo", "--no-agent"]).output().unwrap();
    assert!(!up.status.success() && said(&up).contains("interrupted"), "{}", said(&up));
}

#[test]
fn a_folder_that_is_not_there_is_named_and_not_made() {
    let root = tempfile::tempdir().unwrap();
    let missing = root.path().join("missing");
    let output = Command::new(PROGRAM).arg("--data").arg(&missing).args(["server", "doctor"]).output().unwrap();
    assert!(!output.status.success());
    assert!(said(&output).contains("There is no data folder"), "{}", said(&output));
    assert!(!missing.exists());
}
