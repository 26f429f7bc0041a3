//! Secret words that stand in older entries: what is declared secret today may have been written down before it was. They
//! are taken out of the details once for each set of declarations. The digest of what was written stays in the chain; the
//! digest of what is left stands in the entry about taking them out, so that nothing else can be taken out unseen.

use serde_json::Value;

use super::seal::blanked_digest;
use crate::cx::Cx;
use crate::db::Priority;
use crate::error::{Error, Result};
use crate::job::Running;
use crate::limits;
use crate::operation::{Entry, Operation as _};
use crate::permission::Actor;
use crate::reference::Ref;
use crate::registry::Registry;
use crate::running::{Handle, Kernel};
use crate::settings::{operations::SetSetting, sealed};
use crate::text::sha256_hex;

mod store;

use store::Detail;

/// A field of a kind of thing that held secret words in earlier versions.
pub struct Blank {
    /// The kind, as in `kind:number`.
    pub kind: &'static str,
    /// The field, as changes name it.
    pub field: &'static str,
    /// Grows when the function takes out more than before.
    pub version: u32,
    /// Takes the words out of a value; true when there were any.
    pub blank: fn(&mut Value) -> bool,
}

/// What stands for a secret field of an input.
const SECRET: &str = "(secret)";
/// The field of an entry that changes.
pub(super) const FIELD: &str = "detail";

/// The reference of an entry.
pub(super) fn entry_ref(id: i64) -> Ref {
    Ref::new("audit_entry", id)
}

/// A number for everything that is declared secret: another one means that older entries are looked through again.
fn rules(registry: &Registry) -> i64 {
    let mut text = String::new();
    for entry in registry.operations().filter(|entry| !entry.secrets.is_empty()) {
        text.push_str(&format!("{} {}\n", entry.name, entry.secrets.join(",")));
    }
    for entry in registry.settings().filter(|entry| !entry.addresses.is_empty()) {
        text.push_str(&format!("{} {}\n", entry.key, entry.addresses.join(",")));
    }
    for one in registry.blanks() {
        text.push_str(&format!("{} {} {}\n", one.kind, one.field, one.version));
    }
    let digest = sha256_hex(text.as_bytes());
    let digits: String = digest.chars().take(15).collect();
    i64::from_str_radix(&digits, 16).unwrap_or(1).max(1)
}

/// Takes the secret fields out of an input.
fn blank_input(kernel: &Kernel, entry: &Entry, input: &mut Value) -> bool {
    let mut any = false;
    let Some(fields) = input.as_object_mut() else { return false };
    let key = fields.get("key").and_then(Value::as_str).unwrap_or_default().to_owned();
    for secret in entry.secrets {
        let said = fields.get_mut(*secret).filter(|value| !value.is_null() && *value != "" && *value != SECRET);
        if let Some(value) = said {
            *value = SECRET.into();
            any = true;
        }
    }
    let value = fields.get_mut("value").filter(|_| entry.name == SetSetting::NAME);
    value.is_some_and(|value| sealed::blank(kernel, &key, value)) || any
}

/// Takes secret words out of the differences.
fn blank_changes(kernel: &Kernel, changes: &mut Value) -> bool {
    let mut any = false;
    for change in changes.as_array_mut().into_iter().flatten() {
        let text = |name: &str| change.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (subject, field) = (text("ref"), text("field"));
        let kind = subject.split(':').next().unwrap_or_default();
        let rule = kernel.registry().blanks().find(|one| one.kind == kind && one.field == field);
        for side in ["old", "new"] {
            let Some(value) = change.get_mut(side) else { continue };
            any |= match rule {
                Some(rule) => (rule.blank)(value),
                None => kind == "setting" && sealed::blank(kernel, &field, value),
            };
        }
    }
    any
}

/// The detail without secret words; nothing when it has none.
fn blanked(kernel: &Kernel, one: &Detail) -> Result<Option<String>> {
    let mut detail: Value =
        serde_json::from_str(&one.detail).map_err(|error| Error::internal("audit-detail", error))?;
    let entry = kernel.registry().operation(&one.operation);
    let input = detail.get_mut("input").zip(entry);
    let from_input = input.is_some_and(|(input, entry)| blank_input(kernel, entry, input));
    let from_changes = detail.get_mut("changes").is_some_and(|changes| blank_changes(kernel, changes));
    Ok((from_input || from_changes).then(|| detail.to_string()))
}

/// Looks through older entries and approvals. Harmless to repeat: what is taken out is not there a second time, and where
/// it stands is kept.
pub(crate) fn run(running: &Running<'_>) -> Result<()> {
    let kernel = running.kernel;
    let rules = rules(kernel.registry());
    let (done, mut from) = kernel.db.read(store::progress)?;
    if done == rules && from < 0 {
        return Ok(());
    }
    if done != rules {
        from = 0;
    }
    while !kernel.stopping() && from >= 0 {
        from = kernel.write_as(actor(), "kernel.audit.blank", move |cx| step(cx, rules, from))?;
    }
    Ok(())
}

fn actor() -> Actor {
    Actor::service("kernel.audit", &[])
}

/// One slice; answers where the next begins, or less than 0 at the end.
fn step(cx: &mut Cx, rules: i64, from: i64) -> Result<i64> {
    let rows = store::after(cx.tx, from, limits::CLEAN_ROWS)?;
    let next = rows.last().map_or(-1, |one| one.id);
    for one in &rows {
        match blanked(cx.kernel, one) {
            Ok(Some(detail)) => {
                let digest = blanked_digest(&detail);
                store::put(cx.tx, one.id, &detail, &digest)?;
                cx.changed(&entry_ref(one.id), FIELD, &one.digest, &digest)?;
            }
            Ok(None) => {}
            // One that cannot be read keeps none of the others from being looked through.
            Err(error) => {
                tracing::warn!(entry = one.id, error = error.message, cause = error.cause, "not looked through")
            }
        }
    }
    if rows.is_empty() {
        approvals(cx)?;
    }
    store::set_progress(cx.tx, rules, next)?;
    Ok(next)
}

/// Held calls show their input; there are few.
fn approvals(cx: &mut Cx) -> Result<()> {
    for (id, operation, input, detail) in store::held_inputs(cx.tx)? {
        let Some(entry) = cx.kernel.registry().operation(&operation) else { continue };
        let Ok(mut shown) = serde_json::from_str::<Value>(&input) else { continue };
        if blank_input(cx.kernel, entry, &mut shown) {
            let shown = shown.to_string();
            store::put_held(cx.tx, id, &shown, &detail.replace(&input, &shown))?;
        }
    }
    Ok(())
}

/// Queues the work when something new is secret since the last start.
pub(crate) fn begin(kernel: &Handle) -> Result<()> {
    let rules = rules(kernel.registry());
    let (progress, older) = kernel.db.read(|tx| Ok((store::progress(tx)?, store::after(tx, 0, 1)?)))?;
    if progress == (rules, -1) {
        return Ok(());
    }
    if older.is_empty() {
        return kernel
            .db
            .write("kernel.audit.blank", Priority::Background, move |tx| store::set_progress(tx, rules, -1));
    }
    kernel.write_as(actor(), "kernel.audit.blank", |cx| {
        cx.enqueue(&crate::job::Job::new("kernel.blank-audit", &0_i64)?.once("kernel.blank-audit".to_owned()))
    })
}
