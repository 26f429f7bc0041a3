//! Typed settings: one JSON value a key, with a default that suits everyone.

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, Result};

pub mod operations;
pub(crate) mod sealed;
pub(crate) mod store;

/// A typed setting.
pub trait Setting: Serialize + DeserializeOwned + JsonSchema + Default + Send + 'static {
    /// `domain.topic`; stored, so it never changes.
    const KEY: &'static str;
    /// True for what guards the house: a change is confirmed, proven, and approved where policy wants approvals at all.
    const GUARDED: bool = false;
    /// Addresses in the value that are secrets themselves, as paths like `hooks.*.url`: they are sealed, and shown as their
    /// host with a mark. `Cx::setting` has them whole.
    const ADDRESSES: &'static [&'static str] = &[];

    /// Refuses values that do not make sense together.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// Gives a kept value a new key: for a domain whose setting moved, at its start. A value under the new key stays.
///
/// # Errors
/// The database fails.
pub fn rename(tx: &mut crate::db::Tx<'_>, old: &str, new: &str) -> Result<()> {
    store::rename(tx, old, new)
}

/// A setting for who has no [`crate::Cx`]: one whose value holds no sealed address.
///
/// # Errors
/// The database fails, or the value does not fit its type.
pub fn read<T: Setting>(tx: &mut crate::db::Tx<'_>) -> Result<T> {
    store::get(tx)
}

/// A setting in the registry.
pub struct SettingEntry {
    /// Its key.
    pub key: &'static str,
    /// True for what guards the house.
    pub guarded: bool,
    /// Addresses that are sealed.
    pub addresses: &'static [&'static str],
    /// JSON schema of the value.
    pub schema: fn() -> Value,
    /// The default.
    pub default: fn() -> Value,
    /// Refuses what does not fit.
    pub check: fn(&Value) -> Result<()>,
}

impl SettingEntry {
    /// The entry of a setting.
    pub fn of<T: Setting>() -> Self {
        Self {
            key: T::KEY,
            guarded: T::GUARDED,
            addresses: T::ADDRESSES,
            schema: crate::operation::schema::<T>,
            default: || serde_json::to_value(T::default()).unwrap_or(Value::Null),
            check: |value| {
                let typed: T = serde_path_to_error::deserialize(value.clone()).map_err(|error| {
                    Error::invalid(&format!("value.{}", error.path()), format!("This does not fit: {}.", error.inner()))
                })?;
                typed.check()
            },
        }
    }
}
