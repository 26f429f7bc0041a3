//! Pending updates, as far as the package manager can tell without the network. A simulation costs a second of
//! processor time, so it is run only when the package lists or the installed packages changed, or after a day.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use agent_proto::facts::Section;
use serde_json::json;

use super::Sheet;
use crate::subprocess;

const DEADLINE: Duration = Duration::from_secs(120);
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
const AGAIN_AFTER: Duration = Duration::from_secs(24 * 3_600);

/// What a simulation stands on.
const WATCHED: [&str; 4] = ["/var/lib/dpkg/status", "/var/lib/apt/lists", "/var/lib/rpm", "/var/cache/dnf"];

#[derive(Default)]
pub(super) struct Updates {
    seen: Option<(Vec<Option<SystemTime>>, Instant, bool)>,
}

impl Updates {
    pub(super) async fn look(&mut self, now: Instant) -> Option<Section> {
        let reboot = Path::new("/run/reboot-required").exists();
        let modified = |path: &&str| Path::new(path).metadata().and_then(|meta| meta.modified()).ok();
        let changed: Vec<_> = WATCHED.iter().map(modified).collect();
        if let Some((seen, at, had_reboot)) = &self.seen
            && *seen == changed
            && now.saturating_duration_since(*at) < AGAIN_AFTER
            && *had_reboot == reboot
        {
            return None;
        }
        let section = look_now(reboot).await?;
        self.seen = Some((changed, now, reboot));
        Some(section)
    }
}

/// One package with a newer version.
#[derive(Debug, PartialEq, Eq)]
struct Pending<'a> {
    name: &'a str,
    from: &'a str,
    to: &'a str,
    security: bool,
}

async fn look_now(reboot: bool) -> Option<Section> {
    let mut sheet = Sheet::new("updates");
    let said;
    let pending: Vec<Pending<'_>> = if Path::new("/usr/bin/apt-get").exists() {
        let argv = ["apt-get", "-s", "-q", "-o", "Debug::NoLocking=1", "--with-new-pkgs", "upgrade"];
        said = subprocess::ask(&argv, DEADLINE, ANSWER_BYTES_MAX).await.ok().filter(|said| said.code == Some(0))?;
        sheet.put("source", "apt");
        said.output.lines().filter_map(apt_line).collect()
    } else if Path::new("/usr/bin/dnf").exists() {
        let argv = ["dnf", "check-update", "--cacheonly", "-q"];
        let good = |said: &subprocess::Said| matches!(said.code, Some(0 | 100));
        said = subprocess::ask(&argv, DEADLINE, ANSWER_BYTES_MAX).await.ok().filter(good)?;
        sheet.put("source", "dnf");
        said.output.lines().filter_map(dnf_line).collect()
    } else {
        return None;
    };
    sheet.put("count", pending.len());
    sheet.put("security_count", pending.iter().filter(|update| update.security).count());
    sheet.put("reboot_required", reboot);
    for update in &pending {
        let value = json!({"from": update.from, "to": update.to, "security": update.security});
        sheet.put_bare(format!("update.{}", update.name), value);
    }
    Some(sheet.section)
}

/// `Inst name [from] (to Debian-Security:12/stable-security [amd64])`
fn apt_line(line: &str) -> Option<Pending<'_>> {
    let rest = line.strip_prefix("Inst ")?;
    let (name, rest) = rest.split_once(' ')?;
    let (before, offer) = rest.split_once('(')?;
    let from = before.trim().trim_start_matches('[').trim_end_matches(']');
    let (to, origin) = offer.split_once(' ')?;
    Some(Pending { name, from, to, security: origin.to_ascii_lowercase().contains("security") })
}

/// `name.arch  to  repository`; what comes after an empty line or a heading is something else.
fn dnf_line(line: &str) -> Option<Pending<'_>> {
    let mut words = line.split_ascii_whitespace();
    let (name, to, origin) = (words.next()?, words.next()?, words.next()?);
    let plain = words.next().is_none() && name.contains('.') && !line.starts_with(' ');
    plain.then_some(Pending { name, from: "", to, security: origin.to_ascii_lowercase().contains("security") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulated_upgrade_is_read() {
        let line = "Inst libssl3 [3.0.15-1] (3.0.17-1~deb12u2 Debian-Security:12/stable-security [amd64])";
        let update = Pending { name: "libssl3", from: "3.0.15-1", to: "3.0.17-1~deb12u2", security: true };
        assert_eq!(apt_line(line), Some(update));
        let fresh = apt_line("Inst linux-image-6.1 (6.1.1 Debian:12.9/stable [amd64]) []").unwrap();
        assert_eq!((fresh.from, fresh.to, fresh.security), ("", "6.1.1", false));
        assert_eq!(apt_line("Conf libssl3 (3.0.17-1)"), None);
        assert_eq!(dnf_line("bash.x86_64   5.2-2   baseos").map(|update| update.to), Some("5.2-2"));
        assert_eq!(dnf_line("Obsoleting Packages"), None);
    }
}
