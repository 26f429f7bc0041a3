//! `mainstay release`: the key that signs versions of the agent's program, and its signatures. No server is asked and none
//! needs to be near: the key belongs where no server is.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use agent_proto::limits::RELEASE_BYTES_MAX;
use agent_proto::{Release, SigningKey, hex, sign_release, unhex, unsound};
use clap::{Arg, ArgAction, ArgMatches, Command};
use kernel::{Error, Result};
use ring::digest::{SHA256, digest};

use super::say;

pub(super) fn command() -> Command {
    Command::new("release")
        .about("Sign versions of the agent's program, away from any server")
        .subcommand_required(true)
        .subcommands([
            Command::new("new-key")
                .about("Make a key that signs releases, and print the half that agents pin in their policy")
                .arg(
                    Arg::new("file").required(true).value_name("FILE").help("Where the key is kept; it must not exist"),
                ),
            Command::new("sign")
                .about("Write FILE.release beside a program: its version, target and digest, signed")
                .arg(Arg::new("file").required(true).value_name("FILE").help("The agent's program"))
                .arg(Arg::new("key").long("key").required(true).value_name("KEY").help("The key that new-key made"))
                .arg(
                    Arg::new("release-version")
                        .long("release-version")
                        .required(true)
                        .value_name("VERSION")
                        .help("Its version, such as 1.4.0; agents take newer ones only"),
                )
                .arg(
                    Arg::new("target")
                        .long("target")
                        .value_name("TARGET")
                        .help("What it was built for; else that of this program"),
                )
                .arg(
                    Arg::new("downgrade")
                        .long("downgrade")
                        .action(ArgAction::SetTrue)
                        .help("It may take the place of a newer version"),
                ),
        ])
}

pub(super) fn run(matches: &ArgMatches) -> Result<()> {
    match matches.subcommand() {
        Some(("new-key", sub)) => new_key(&path(sub, "file")),
        Some(("sign", sub)) => sign(sub),
        _ => Err(Error::invalid("command", "See mainstay release --help.")),
    }
}

fn path(matches: &ArgMatches, name: &str) -> PathBuf {
    matches.get_one::<String>(name).map(PathBuf::from).unwrap_or_default()
}

fn text<'a>(matches: &'a ArgMatches, name: &str) -> &'a str {
    matches.get_one::<String>(name).map_or("", String::as_str)
}

fn new_key(file: &Path) -> Result<()> {
    let (key, seed) =
        SigningKey::generate().ok_or_else(|| Error::unavailable("The system gives no random numbers. Try again."))?;
    let wrong = |error: std::io::Error| Error::invalid("file", format!("{} cannot be made: {error}.", file.display()));
    let mut made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(wrong)?;
    made.write_all(format!("{}\n", hex(&seed)).as_bytes()).and_then(|()| made.sync_all()).map_err(wrong)?;
    say(&format!("{} signs releases: keep it, and a copy, away from the server.", file.display()));
    say("Agents take its releases where their policy.toml says:");
    say(&format!("\n[[release_keys]]\nname = \"releases\"\npublic_key = \"{}\"", hex(&key.public())));
    Ok(())
}

fn key(file: &Path) -> Result<SigningKey> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Error::invalid("key", format!("{} cannot be read: {error}.", file.display())))?;
    let seed = unhex::<32>(text.trim());
    seed.and_then(|seed| SigningKey::from_seed(&seed))
        .ok_or_else(|| Error::invalid("key", format!("{} is no key of \"mainstay release new-key\".", file.display())))
}

fn sign(matches: &ArgMatches) -> Result<()> {
    let file = path(matches, "file");
    let key = key(&path(matches, "key"))?;
    let unread = |error: std::io::Error| Error::invalid("file", format!("{} cannot be read: {error}.", file.display()));
    let mut program = Vec::new();
    std::fs::File::open(&file)
        .and_then(|file| file.take(RELEASE_BYTES_MAX + 1).read_to_end(&mut program))
        .map_err(unread)?;
    let mut sha256 = [0; 32];
    for (to, from) in sha256.iter_mut().zip(digest(&SHA256, &program).as_ref()) {
        *to = *from;
    }
    let target = match text(matches, "target") {
        "" => agent::target(),
        target => target.to_owned(),
    };
    let version = text(matches, "release-version").to_owned();
    let (size_bytes, downgrade) = (program.len() as u64, matches.get_flag("downgrade"));
    let release = Release { version, target, size_bytes, sha256, downgrade };
    if let Some(why) = unsound(&release) {
        return Err(Error::invalid("release", format!("This cannot be a release: {why}.")));
    }
    let signed = sign_release(release, &key);
    let mut beside = file.clone().into_os_string();
    beside.push(".release");
    let beside = PathBuf::from(beside);
    std::fs::write(&beside, signed.to_string())
        .map_err(|error| Error::invalid("file", format!("{} cannot be written: {error}.", beside.display())))?;
    say(&format!("{} is signed as version {} for {}.", file.display(), signed.release.version, signed.release.target));
    say(&format!("Copy it with {} into the folder releases of the server's data, then import it.", beside.display()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use agent_proto::SignedRelease;

    use super::*;

    fn obey(words: &[&str]) -> Result<()> {
        let words = ["release"].iter().chain(words);
        run(&command().try_get_matches_from(words).unwrap())
    }

    #[test]
    fn a_program_is_signed_with_a_key_that_is_made_once_and_is_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        obey(&["new-key", &at("key")]).unwrap();
        assert_eq!(std::fs::metadata(at("key")).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(obey(&["new-key", &at("key")]).is_err(), "a key is never overwritten");
        std::fs::write(at("agent"), "program").unwrap();
        obey(&["sign", &at("agent"), "--key", &at("key"), "--release-version", "1.4.0"]).unwrap();
        let signed: SignedRelease = std::fs::read_to_string(at("agent.release")).unwrap().parse().unwrap();
        assert_eq!((signed.release.version.as_str(), signed.release.size_bytes), ("1.4.0", 7));
        assert_eq!(signed.release.target, agent::target());
        assert!(!signed.release.downgrade);
        let wrong = obey(&["sign", &at("agent"), "--key", &at("key"), "--release-version", "new"]).unwrap_err();
        assert!(wrong.message.contains("version"), "{wrong}");
        let wrong = obey(&["sign", &at("agent"), "--key", &at("agent"), "--release-version", "1.4.0"]).unwrap_err();
        assert!(wrong.message.contains("no key of"), "{wrong}");
    }
}
