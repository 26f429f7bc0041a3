//! What runs on the machine: the operating system, its services, and who is logged in.

use std::collections::HashMap;
use std::time::Duration;

use agent_proto::facts::Section;
use serde_json::{Value, json};

use super::Sheet;
use crate::platform::linux::identity::hostname;
use crate::platform::linux::systemd_runs;
use crate::platform::linux::text::{number, whole, word};
use crate::subprocess;

const DEADLINE: Duration = Duration::from_secs(20);
const ANSWER_BYTES_MAX: usize = 512 * 1024;

pub(super) fn os(sheet: &mut Sheet) {
    let text = whole("/etc/os-release").or_else(|| whole("/usr/lib/os-release")).unwrap_or_default();
    let field = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.map(|value| value.trim_matches(['"', '\'']).to_owned()).filter(|value| !value.is_empty())
    };
    sheet.put("hostname", hostname());
    sheet.put("family", "linux");
    sheet.put("id", field("ID").unwrap_or_else(|| "linux".into()));
    sheet.put_if("name", field("PRETTY_NAME").or_else(|| field("NAME")));
    let point_release = word("/etc/debian_version").filter(|version| version.contains('.'));
    sheet.put_if("version", point_release.or_else(|| field("VERSION_ID")));
    sheet.put_if("codename", field("VERSION_CODENAME"));
    sheet.put_if("kernel", word("/proc/sys/kernel/osrelease"));
    sheet.put("architecture", std::env::consts::ARCH);
    sheet.put("init", if systemd_runs() { "systemd" } else { "other" });
    let booted = whole("/proc/stat").and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("btime "))?;
        number(line, 1)
    });
    sheet.put_if("booted_at_s", booted.map(|seconds| seconds as i64));
}

pub(super) fn time(sheet: &mut Sheet) {
    let link = std::fs::read_link("/etc/localtime").ok();
    let linked = link.and_then(|path| {
        let path = path.to_string_lossy().into_owned();
        path.split_once("zoneinfo/").map(|(_, zone)| zone.to_owned())
    });
    sheet.put("zone", word("/etc/timezone").or(linked).unwrap_or_else(|| "Etc/UTC".into()));
    if std::path::Path::new("/run/systemd/timesync").is_dir() {
        sheet.put("synchronised", std::path::Path::new("/run/systemd/timesync/synchronized").exists());
    }
}

/// Services by unit: the states that systemd gives them.
pub(super) async fn services() -> Option<Section> {
    if !systemd_runs() {
        return None;
    }
    let argv = ["systemctl", "list-units", "--type=service", "--all", "--plain", "--no-legend", "--no-pager"];
    let said = subprocess::ask(&argv, DEADLINE, ANSWER_BYTES_MAX).await.ok().filter(|said| said.code == Some(0))?;
    let mut sheet = Sheet::new("services");
    for line in said.output.lines() {
        let mut words = line.split_ascii_whitespace();
        let (Some(unit), Some(load), Some(active), Some(sub)) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            continue;
        };
        let about = words.collect::<Vec<_>>().join(" ");
        sheet.put(unit, json!({"load": load, "active": active, "sub": sub, "description": about}));
    }
    Some(sheet.section)
}

/// Who is logged in, from utmp(5), or from `who` where there is none.
pub(super) async fn users() -> Option<Section> {
    let mut sheet = Sheet::new("users");
    match std::fs::read("/run/utmp").or_else(|_| std::fs::read("/var/run/utmp")) {
        Ok(bytes) => utmp(&bytes, &mut sheet),
        Err(_) => {
            let said = subprocess::ask(&["who"], DEADLINE, ANSWER_BYTES_MAX).await.ok()?;
            for line in said.output.lines() {
                let mut words = line.split_ascii_whitespace();
                if let (Some(user), Some(terminal)) = (words.next(), words.next()) {
                    sheet.put(terminal, json!({"user": user}));
                }
            }
        }
    }
    Some(sheet.section)
}

/// Records of 384 bytes on 64-bit Linux: type, process, line, id, user, host, .., seconds.
fn utmp(bytes: &[u8], sheet: &mut Sheet) {
    const RECORD_BYTES: usize = 384;
    const USER_PROCESS: u8 = 7;
    for record in bytes.chunks_exact(RECORD_BYTES) {
        let text = |at: usize, length: usize| {
            let field = record.get(at..at + length).unwrap_or_default();
            let end = field.split(|byte| *byte == 0).next().unwrap_or_default();
            String::from_utf8_lossy(end).into_owned()
        };
        let seconds = record.get(340..).and_then(|rest| rest.first_chunk()).map(|four| i32::from_le_bytes(*four));
        if record.first() == Some(&USER_PROCESS) && !text(44, 32).is_empty() {
            let value = json!({"user": text(44, 32), "from": text(76, 256), "since_s": seconds});
            sheet.put(&text(8, 32), value);
        }
    }
}

/// Names of local users by number.
pub(super) fn user_names() -> HashMap<u32, Value> {
    let text = whole("/etc/passwd").unwrap_or_default();
    let user = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        Some((fields.nth(1)?.parse().ok()?, Value::from(name)))
    };
    text.lines().filter_map(user).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_read_from_utmp_and_damage_is_not() {
        let mut record = vec![0_u8; 384];
        record[0] = 7;
        record[8..13].copy_from_slice(b"pts/0");
        record[44..47].copy_from_slice(b"ada");
        record[76..84].copy_from_slice(b"10.0.0.9");
        record[340..344].copy_from_slice(&1_700_000_000_i32.to_le_bytes());
        let mut bytes = vec![0_u8; 384];
        bytes.extend(record);
        bytes.extend([7, 7, 7]);
        let mut sheet = Sheet::new("users");
        utmp(&bytes, &mut sheet);
        assert_eq!(sheet.section.len(), 1);
        assert_eq!(sheet.section["users.pts/0"], r#"{"user":"ada","from":"10.0.0.9","since_s":1700000000}"#);
    }

    #[test]
    fn root_has_a_name() {
        assert_eq!(user_names().get(&0), Some(&Value::from("root")));
    }
}
