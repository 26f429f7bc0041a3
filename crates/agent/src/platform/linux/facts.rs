//! The facts of this machine, section by section. A section that cannot be looked at is left as it was; one that costs
//! much is looked at again only when something it stands on has changed.

pub(super) mod hardware;
mod network;
mod packages;
mod software;
mod updates;

use std::time::Instant;

use agent_proto::facts::Section;
use serde_json::Value;

use super::{filesystems, processes};
use packages::Packages;
use updates::Updates;

/// Most facts of one section; a machine that has more is cut, and says so in the fact `<section>.cut`.
const FACTS_MAX: usize = 10_000;

/// Facts of one section in the making.
pub(super) struct Sheet {
    prefix: &'static str,
    section: Section,
}

impl Sheet {
    fn new(prefix: &'static str) -> Self {
        Self { prefix, section: Section::new() }
    }

    /// Adds `<prefix>.<key>`.
    fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.put_bare(format!("{}.{key}", self.prefix), value);
    }

    /// Adds the fact if it is known.
    fn put_if(&mut self, key: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    /// Adds a key without the prefix.
    fn put_bare(&mut self, key: String, value: impl Into<Value>) {
        if self.section.len() >= FACTS_MAX {
            self.section.insert(format!("{}.cut", self.prefix), "true".into());
        } else {
            self.section.insert(key, value.into().to_string());
        }
    }
}

/// What remembers why a costly section need not be looked at again.
pub(crate) struct Sections {
    packages: Packages,
    updates: Updates,
}

/// Fills a sheet.
type Look = fn(&mut Sheet);

/// The sections that cost little, in the order in which they are looked at.
const CHEAP: [(&str, Look); 11] = [
    ("os", software::os),
    ("hardware", hardware::hardware),
    ("cpu", hardware::cpu),
    ("memory", hardware::memory),
    ("disks", hardware::disks),
    ("filesystems", filesystem_facts),
    ("interfaces", network::interfaces),
    ("listening", network::listening),
    ("time", software::time),
    ("virtualisation", hardware::virtualisation),
    ("processes", process_facts),
];

impl Sections {
    pub(crate) fn new() -> Self {
        Self { packages: Packages::default(), updates: Updates::default() }
    }

    /// Looks at the machine and hands over each section that was looked at. `hand` may take its time.
    pub(crate) async fn collect<F: Future<Output = ()>>(&mut self, hand: impl Fn(&'static str, Section) -> F) {
        for (name, look) in CHEAP {
            let mut sheet = Sheet::new(name);
            look(&mut sheet);
            hand(name, sheet.section).await;
        }
        if let Some(section) = software::users().await {
            hand("users", section).await;
        }
        if let Some(section) = software::services().await {
            hand("services", section).await;
        }
        if let Some(section) = self.packages.look().await {
            hand("packages", section).await;
        }
        if let Some(section) = self.updates.look(Instant::now()).await {
            hand("updates", section).await;
        }
    }
}

fn filesystem_facts(sheet: &mut Sheet) {
    for mount in filesystems::mounts() {
        let Some(room) = filesystems::room(&mount.point) else { continue };
        let value = serde_json::json!({
            "device": mount.device,
            "type": mount.kind,
            "size_bytes": room.size,
            "read_only": mount.read_only || room.read_only,
        });
        sheet.put(&mount.point, value);
    }
}

/// Memory is rounded to 16 MiB: a fact that changed by a page is not worth sending.
fn process_facts(sheet: &mut Sheet) {
    const STEP: u64 = 16 * 1024 * 1024;
    let Ok(groups) = processes::groups() else { return };
    let users = software::user_names();
    for (name, group) in groups {
        let user = users.get(&group.user).cloned().unwrap_or_else(|| group.user.to_string().into());
        let resident_bytes = group.resident_bytes.div_ceil(STEP) * STEP;
        sheet.put(&name, serde_json::json!({"count": group.count, "user": user, "resident_bytes": resident_bytes}));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    #[tokio::test]
    async fn this_machine_has_facts_in_every_section_that_applies_to_it() {
        let seen = RefCell::new(BTreeMap::new());
        let mut sections = Sections::new();
        sections
            .collect(|name, section| {
                seen.borrow_mut().insert(name, section);
                std::future::ready(())
            })
            .await;
        let seen = seen.into_inner();
        let number = |section: &str, key: &str| -> f64 { seen[section][key].parse().unwrap() };
        assert!(number("cpu", "cpu.threads") >= 1.0);
        assert!(number("memory", "memory.total_bytes") > 1e8);
        assert!(seen["os"].contains_key("os.kernel"));
        assert!(seen["interfaces"]["interfaces.lo"].contains("127.0.0.1/8"));
        assert!(seen["filesystems"].contains_key("filesystems./"));
        assert!(seen["processes"].len() > 1);
        for (name, section) in &seen {
            for (key, value) in section {
                assert!(serde_json::from_str::<Value>(value).is_ok(), "{name} {key} {value}");
            }
        }
        if std::path::Path::new("/var/lib/dpkg/status").exists() {
            assert!(seen["packages"].contains_key("dpkg"));
        }
    }

    #[test]
    fn a_section_is_cut_rather_than_endless() {
        let mut sheet = Sheet::new("many");
        for n in 0..FACTS_MAX + 10 {
            sheet.put(&n.to_string(), n);
        }
        assert_eq!(sheet.section.len(), FACTS_MAX + 1);
        assert_eq!(sheet.section.get("many.cut").map(String::as_str), Some("true"));
    }
}
