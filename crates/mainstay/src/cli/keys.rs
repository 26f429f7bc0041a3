//! `mainstay server rotate-key` and `recovery-sheet`: the master key, which is in no backup.

use kernel::{Actor, Error, Result};

use super::say;
use crate::start::{self, Config};

/// Adds a new master key and seals every secret with it. Older keys stay in the file, for older backups.
pub(super) fn rotate(config: &Config) -> Result<()> {
    let path = config.folder().key_file;
    // Opened first, so that nothing changes where the folder is in use or the key does not fit.
    start::open(config)?.0.shut_down();
    kernel::secrets::rotate(&path)?;
    let (kernel, _) = start::open(config)?;
    let resealed = kernel.write_as(
        Actor::os(&server::login_of(rustix::process::geteuid().as_raw())),
        "kernel.secret.reseal",
        |cx| {
            let count = cx.reseal()?;
            cx.changed(&kernel::Ref::new("secret", 0), "master_key", "older", "new")?;
            Ok(count)
        },
    )?;
    kernel.shut_down();
    say(&format!("{} has a new key. {resealed} secrets were sealed with it.", path.display()));
    say("The older keys stay in the file: backups from before need them. Print a new recovery sheet.");
    Ok(())
}

/// Prints the key file so that a person can type it in again.
pub(super) fn sheet(config: &Config) -> Result<()> {
    let path = config.folder().key_file;
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Error::unavailable(format!("The key file {} cannot be read: {error}.", path.display())))?;
    say(&page(&text));
    Ok(())
}

fn page(keys: &str) -> String {
    let mut lines = vec![
        "MAINSTAY RECOVERY SHEET".to_owned(),
        "Whoever has this and a backup can read every secret in it. Keep it where the backup is not.".to_owned(),
        String::new(),
    ];
    for (number, line) in keys.lines().enumerate() {
        let (id, digits) = line.split_once(' ').unwrap_or((line, ""));
        lines.push(format!("Key {} ({id})", number + 1));
        let groups: Vec<String> =
            digits.as_bytes().chunks(4).map(|part| String::from_utf8_lossy(part).into()).collect();
        lines.extend(groups.chunks(8).map(|row| format!("    {}", row.join(" "))));
    }
    lines.push(String::new());
    lines.push(
        "To use it: one line for each key in the key file, the name, a space, the digits without spaces;".to_owned(),
    );
    lines.push("chmod 600; then run \"mainstay server doctor\".".to_owned());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::page;

    #[test]
    fn the_sheet_gives_back_the_key_when_the_spaces_are_taken_out() {
        let digits = "0123456789abcdef".repeat(4);
        let sheet = page(&format!("k00aa11bb {digits}\n"));
        assert!(sheet.contains("Key 1 (k00aa11bb)"));
        let typed: String = sheet.lines().filter(|line| line.starts_with("    ")).collect::<String>().replace(' ', "");
        assert_eq!(typed, digits);
    }
}
