//! Addresses in settings that are secrets themselves: whoever knows them may post, or call. They are sealed; in the value
//! stands the host with a mark, which also says that the address stays when the value is changed.

use std::collections::BTreeMap;

use serde_json::Value;

use super::operations::SetSetting;
use super::{Setting, SettingEntry, store};
use crate::cx::Cx;
use crate::error::{Error, Result};
use crate::operation::{Entry, Operation};
use crate::permission::Actor;
use crate::running::{Handle, Kernel};

/// What follows the host of an address that is sealed.
const MARK: &str = "/(set-";
/// What stands for a value that cannot be shown at all.
const SECRET: &str = "(secret)";

/// Sealed addresses by the text that is shown.
type Known = BTreeMap<String, String>;

/// The name under which the addresses of a setting are sealed.
fn name(key: &str) -> String {
    format!("kernel.setting.{key}")
}

/// Does something with every text at a path such as `webhooks.*.url`.
fn each(value: &mut Value, path: &str, work: &mut dyn FnMut(&mut String) -> Result<()>) -> Result<()> {
    let (part, rest) = path.split_once('.').unwrap_or((path, ""));
    if part.is_empty() {
        return if let Value::String(text) = value { work(text) } else { Ok(()) };
    }
    match value {
        Value::Array(items) if part == "*" => items.iter_mut().try_for_each(|item| each(item, rest, work)),
        Value::Object(fields) => fields.get_mut(part).map_or(Ok(()), |field| each(field, rest, work)),
        _ => Ok(()),
    }
}

fn is_mark(text: &str) -> bool {
    text.contains(MARK) && text.ends_with(')')
}

/// How an address is shown: its host, and a mark that tells it from others. One that holds nothing else is shown whole.
pub(crate) fn mask(kernel: &Kernel, url: &str) -> Result<String> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    if is_mark(url) || url.is_empty() || (matches!(path, "" | "/") && !authority.contains('@')) {
        return Ok(url.to_owned());
    }
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let digest: String = kernel.keys().keyed_digest(&format!("address\n{url}"))?.chars().take(12).collect();
    Ok(format!("{scheme}://{host}{MARK}{digest})"))
}

fn known(cx: &mut Cx, key: &str) -> Result<Known> {
    let bytes = cx.secret(&name(key))?;
    let read = |bytes: Vec<u8>| serde_json::from_slice(&bytes).map_err(|e| Error::internal("sealed-setting", e));
    bytes.map_or_else(|| Ok(Known::new()), read)
}

/// A setting with its addresses, for who uses them.
pub(crate) fn get<T: Setting>(cx: &mut Cx) -> Result<T> {
    let Some(mut value) = store::value(cx.tx, T::KEY)? else { return Ok(T::default()) };
    let known = known(cx, T::KEY)?;
    for path in T::ADDRESSES {
        each(&mut value, path, &mut |text| {
            if let Some(whole) = known.get(text.as_str()) {
                whole.clone_into(text);
            }
            Ok(())
        })?;
    }
    store::typed(value)
}

/// The value with the addresses that its marks stand for.
pub(super) fn opened(cx: &mut Cx, entry: &SettingEntry, value: &Value) -> Result<Value> {
    let mut value = value.clone();
    if entry.addresses.is_empty() {
        return Ok(value);
    }
    let known = known(cx, entry.key)?;
    for path in entry.addresses {
        each(&mut value, path, &mut |text| {
            if is_mark(text) {
                let whole = known.get(text.as_str()).ok_or_else(|| {
                    let field = format!("value.{}", path.replace(".*", ""));
                    Error::invalid(&field, format!("Give the whole address: nothing is kept that {text} stands for."))
                })?;
                whole.clone_into(text);
            }
            Ok(())
        })?;
    }
    Ok(value)
}

/// Seals the addresses of a value and answers it as it is shown. Those of the value before stay, so that a change can be
/// undone.
pub(super) fn keep(cx: &mut Cx, entry: &SettingEntry, before: &Value, value: &Value) -> Result<Value> {
    let mut value = value.clone();
    if entry.addresses.is_empty() {
        return Ok(value);
    }
    let (kernel, earlier) = (cx.kernel, known(cx, entry.key)?);
    let (mut now, mut before) = (Known::new(), before.clone());
    for path in entry.addresses {
        each(&mut before, path, &mut |text| {
            if let Some(whole) = earlier.get(text.as_str()) {
                now.insert(text.clone(), whole.clone());
            }
            Ok(())
        })?;
        each(&mut value, path, &mut |text| {
            let shown = mask(kernel, text)?;
            if shown != *text {
                now.insert(shown.clone(), std::mem::replace(text, shown));
            }
            Ok(())
        })?;
    }
    if now.is_empty() {
        cx.drop_secret(&name(entry.key))?;
    } else {
        let bytes = serde_json::to_vec(&now).map_err(|error| Error::internal("sealed-setting", error))?;
        cx.put_secret(&name(entry.key), &bytes)?;
    }
    Ok(value)
}

/// Takes the addresses out of a value that is only shown; answers whether there were any.
pub(crate) fn blank(kernel: &Kernel, key: &str, value: &mut Value) -> bool {
    let Some(entry) = kernel.registry().settings().find(|entry| entry.key == key) else { return false };
    let mut any = false;
    for path in entry.addresses {
        // It never fails: what cannot be masked is left out.
        let _ = each(value, path, &mut |text| {
            let shown = mask(kernel, text).unwrap_or_else(|_| SECRET.to_owned());
            any |= shown != *text;
            *text = shown;
            Ok(())
        });
    }
    // What is no object fits no setting, and may hold anything.
    if !entry.addresses.is_empty() && value.is_string() && value != SECRET {
        *value = SECRET.into();
        any = true;
    }
    any
}

/// An input as audit and approvals show it: without its secret fields, and without the addresses of a setting.
pub(crate) fn shown(kernel: &Kernel, entry: &Entry, input: &Value) -> Value {
    let mut shown = entry.redacted(input);
    let key = input.get("key").and_then(Value::as_str).unwrap_or_default();
    if entry.name == SetSetting::NAME
        && let Some(value) = shown.get_mut("value")
    {
        blank(kernel, key, value);
    }
    shown
}

/// Seals what earlier versions kept as it was typed. Harmless to repeat.
pub(crate) fn seal_plain_ones(kernel: &Handle) -> Result<()> {
    let keys: Vec<&'static str> =
        kernel.registry().settings().filter(|entry| !entry.addresses.is_empty()).map(|entry| entry.key).collect();
    for key in keys {
        let Some(mut value) = kernel.db.read(|tx| store::value(tx, key))? else { continue };
        if !blank(kernel, key, &mut value) {
            continue;
        }
        kernel.write_as(Actor::service("kernel", &[]), "kernel.setting.seal", move |cx| {
            let kernel = cx.kernel;
            let Some(entry) = kernel.registry().settings().find(|entry| entry.key == key) else { return Ok(()) };
            let Some(value) = store::value(cx.tx, key)? else { return Ok(()) };
            let value = opened(cx, entry, &value)?;
            let shown = keep(cx, entry, &value, &value)?;
            store::put_shown(cx.tx, key, &shown.to_string())
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_finds_its_texts_and_leaves_the_rest() {
        let mut value = json!({ "urls": ["a", 1, "b"], "hooks": [{ "url": "c", "name": "d" }, 2], "url": "e" });
        let mut found = Vec::new();
        for path in ["urls.*", "hooks.*.url", "none.*", "url.*"] {
            each(&mut value, path, &mut |text| {
                found.push(text.clone());
                Ok(())
            })
            .unwrap();
        }
        assert_eq!(found, ["a", "b", "c"]);
    }

    #[test]
    fn only_a_whole_mark_is_one() {
        assert!(is_mark("https://a/(set-0123456789ab)"));
        assert!(!is_mark("https://a/set-0123456789ab") && !is_mark("https://a/(set-012/x"));
    }
}
