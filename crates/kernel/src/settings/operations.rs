//! The operations on settings: list, show, set, reset. Values are checked by their type before they are kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{SettingEntry, sealed, store};
use crate::cx::{Cx, PrepareCx};
use crate::error::{Error, Result};
use crate::operation::{Access, Effect, Guard, Operation, Route, delete, get, put};
use crate::reference::{Ref, Resolved};
use crate::running::Kernel;
use crate::time::Time;

/// A setting as it stands.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ShownSetting {
    /// Its key.
    pub key: String,
    /// What it is for.
    pub description: String,
    /// The value in force.
    pub value: Value,
    /// The value without any change.
    pub default: Value,
    /// JSON schema of the value.
    pub schema: Value,
    /// Counts changes; 0 while it is the default.
    pub version: i64,
    /// When it was changed last.
    pub updated_at: Option<Time>,
    /// By whom, for example `user:3`.
    pub updated_by: Option<String>,
}

/// The reference of a setting: its number is made from its key and stays.
pub fn setting_ref(key: &str) -> Ref {
    let digest = ring::digest::digest(&ring::digest::SHA256, key.as_bytes());
    let id = digest.as_ref().iter().take(4).fold(0_i64, |id, byte| id * 256 + i64::from(*byte));
    Ref::new("setting", id.max(1))
}

fn shown(entry: &SettingEntry, stored: Option<store::Stored>) -> ShownSetting {
    let schema = (entry.schema)();
    let description = schema.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
    let default = (entry.default)();
    let (value, version, updated_at, updated_by) = match stored {
        None => (default.clone(), 0, None, None),
        Some(stored) => (stored.value, stored.version, Some(stored.at), Some(stored.by)),
    };
    ShownSetting { key: entry.key.into(), description, value, default, schema, version, updated_at, updated_by }
}

fn find(cx: &mut Cx, key: &str) -> Result<ShownSetting> {
    let kernel = cx.kernel;
    let entry = kernel.registry().settings().find(|entry| entry.key == key);
    let entry = entry
        .ok_or_else(|| Error::not_found(format!("The setting \"{}\"", crate::text::shorten(key, 80))).at("key"))?;
    let stored = store::all(cx.tx)?.into_iter().find(|stored| stored.key == key);
    Ok(shown(entry, stored))
}

/// List settings.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ListSettings {}

/// All settings.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SettingList {
    /// In order of key.
    pub items: Vec<ShownSetting>,
}

impl Operation for ListSettings {
    const NAME: &'static str = "kernel.setting.list";
    const ROUTE: Route = get("/settings");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = SettingList;

    fn run(&self, cx: &mut Cx) -> Result<SettingList> {
        cx.reach_everything(Self::NAME)?;
        let mut stored = store::all(cx.tx)?;
        let kernel = cx.kernel;
        let mut items: Vec<ShownSetting> = kernel
            .registry()
            .settings()
            .map(|entry| {
                let place = stored.iter().position(|one| one.key == entry.key);
                shown(entry, place.map(|place| stored.swap_remove(place)))
            })
            .collect();
        items.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(SettingList { items })
    }
}

/// Show a setting.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ShowSetting {
    /// Its key, for example `kernel.smtp`.
    pub key: String,
}

impl Operation for ShowSetting {
    const NAME: &'static str = "kernel.setting.show";
    const ROUTE: Route = get("/settings/{key}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = ShownSetting;

    fn run(&self, cx: &mut Cx) -> Result<ShownSetting> {
        cx.reach_everything(Self::NAME)?;
        find(cx, &self.key)
    }
}

/// True when a setting guards the house.
pub(crate) fn guarded(kernel: &Kernel, key: &str) -> bool {
    kernel.registry().settings().any(|entry| entry.guarded && entry.key == key)
}

fn guard_of(cx: &PrepareCx<'_>, key: &str) -> Result<Guard> {
    Ok(if guarded(cx.kernel, key) { Guard::Safeguard } else { Guard::Declared })
}

/// Change a setting.
///
/// The value replaces the whole setting; it is checked before it is kept. What guards the house (approvals, retention,
/// webhooks) needs confirmation, a fresh proof of who you are, and an approval where policy wants any.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct SetSetting {
    /// Its key.
    pub key: String,
    /// The new value, as JSON.
    pub value: Value,
    /// The version you saw; another one means somebody changed it meanwhile.
    pub expected_version: Option<i64>,
}

impl Operation for SetSetting {
    const NAME: &'static str = "kernel.setting.set";
    const ROUTE: Route = put("/settings/{key}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    const GUARDED: bool = true;
    type Output = ShownSetting;

    fn guard(&self, cx: &PrepareCx<'_>) -> Result<Guard> {
        guard_of(cx, &self.key)
    }

    fn run(&self, cx: &mut Cx) -> Result<ShownSetting> {
        cx.reach_everything(Self::NAME)?;
        replace(cx, &self.key, &self.value, self.expected_version)
    }
}

/// Checks and keeps a value; who may do that is the caller's matter.
pub(crate) fn replace(cx: &mut Cx, key: &str, value: &Value, expected_version: Option<i64>) -> Result<ShownSetting> {
    let now = find(cx, key)?;
    cx.expect_version(&setting_ref(key), expected_version, now.version)?;
    let kernel = cx.kernel;
    let entry = kernel.registry().settings().find(|entry| entry.key == key);
    let entry = entry.ok_or_else(|| Error::internal("setting-without-entry", key))?;
    let whole = sealed::opened(cx, entry, value)?;
    (entry.check)(&whole)?;
    let value = sealed::keep(cx, entry, &now.value, &whole)?;
    keep(cx, key, &now.value, &value)?;
    find(cx, key)
}

fn keep(cx: &mut Cx, key: &str, old: &Value, new: &Value) -> Result<()> {
    let subject = setting_ref(key);
    cx.changed(&subject, key, old, new)?;
    let (now, by) = (cx.now, cx.actor.ident.to_string());
    store::put(cx.tx, key, &new.to_string(), now, &by)
}

/// Put a setting back to its default.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ResetSetting {
    /// Its key.
    pub key: String,
    /// The version you saw; another one means somebody changed it meanwhile.
    pub expected_version: Option<i64>,
}

impl Operation for ResetSetting {
    const NAME: &'static str = "kernel.setting.reset";
    const ROUTE: Route = delete("/settings/{key}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    const GUARDED: bool = true;
    type Output = ShownSetting;

    fn guard(&self, cx: &PrepareCx<'_>) -> Result<Guard> {
        guard_of(cx, &self.key)
    }

    fn run(&self, cx: &mut Cx) -> Result<ShownSetting> {
        cx.reach_everything(Self::NAME)?;
        let now = find(cx, &self.key)?;
        cx.expect_version(&setting_ref(&self.key), self.expected_version, now.version)?;
        keep(cx, &self.key, &now.value, &now.default)?;
        find(cx, &self.key)
    }
}

pub(crate) fn resolve(cx: &mut Cx, ids: &[i64]) -> Result<Vec<Resolved>> {
    if !cx.may(ListSettings::NAME) {
        return Ok(Vec::new());
    }
    let kernel = cx.kernel;
    let keys = kernel.registry().settings().map(|entry| (setting_ref(entry.key).id, entry.key));
    Ok(keys
        .filter(|(id, _)| ids.contains(id))
        .map(|(id, key)| Resolved { id, title: key.to_owned(), href: format!("/settings#{key}") })
        .collect())
}

/// Undo: the field of a setting's change is its key.
pub(crate) fn put_back(cx: &mut Cx, _id: i64, key: &str, old: &Value) -> Result<()> {
    cx.call(&SetSetting { key: key.to_owned(), value: old.clone(), expected_version: None }).map(|_| ())
}
