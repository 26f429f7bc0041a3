//! Disks and file systems of a machine, from its facts.

use maud::{Markup, html};
use serde_json::Value;
use web::ui::{Card, Column, Row, Table, bytes};

use super::fields::short;
use super::glance::Known;

/// A card with the disks and file systems; nothing when none are known.
pub(super) fn card(known: &Known) -> Option<Markup> {
    let disks = rows(known, "disks", disk);
    let filesystems = rows(known, "filesystems", filesystem);
    if disks.is_empty() && filesystems.is_empty() {
        return None;
    }
    let disk_columns =
        [Column::new("Disk").main(), Column::new("Model").wide(), Column::new("Kind"), Column::new("Size").num()];
    let system_columns = [
        Column::new("File system").main(),
        Column::new("Device").wide(),
        Column::new("Type"),
        Column::new("Size").num(),
    ];
    Some(html! {
        (Card::new("Storage").count(disks.len() + filesystems.len()).flush(html! {
            @if !disks.is_empty() { (Table::new("Disks").columns(disk_columns).rows(disks)) }
            @if !filesystems.is_empty() { (Table::new("File systems").columns(system_columns).rows(filesystems)) }
        }))
    })
}

fn rows(known: &Known, section: &str, draw: fn(&str, &Value) -> Row) -> Vec<Row> {
    let Some(facts) = known.get(section) else { return Vec::new() };
    let tables = facts.iter().filter(|(_, value)| value.is_object());
    tables.take(40).map(|(key, value)| draw(short(section, key), value)).collect()
}

fn word<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default().trim()
}

fn size(value: &Value) -> Markup {
    match value.get("size_bytes").and_then(Value::as_u64) {
        Some(size) => html! { (bytes(size)) },
        None => html! { span.none { "—" } },
    }
}

fn disk(name: &str, value: &Value) -> Row {
    let yes = |key: &str| value.get(key).and_then(Value::as_bool) == Some(true);
    let kind = match (yes("virtual"), yes("rotational")) {
        (true, _) => "Virtual",
        (_, true) => "Spinning",
        _ => "Solid state",
    };
    Row::new(name)
        .cell(html! { span.mono dir="ltr" { (name) } })
        .text(word(value, "model"))
        .text(kind)
        .cell(size(value))
}

fn filesystem(name: &str, value: &Value) -> Row {
    let read_only = value.get("read_only").and_then(Value::as_bool) == Some(true);
    Row::new(name)
        .cell(html! { span.mono dir="ltr" { (name) } @if read_only { " " span.none { "read only" } } })
        .cell(html! { span.mono dir="ltr" { (word(value, "device")) } })
        .text(word(value, "type"))
        .cell(size(value))
}

#[cfg(test)]
mod tests {
    use super::super::samples::{HOSTILE, check};
    use super::*;
    use serde_json::json;

    #[test]
    fn disks_and_file_systems_show_and_nothing_known_shows_nothing() {
        assert!(card(&Known::new()).is_none());
        let mut known = Known::new();
        known
            .entry("disks".into())
            .or_default()
            .insert("disks.sda".into(), json!({"model": HOSTILE, "size_bytes": 1024, "rotational": true}));
        known
            .entry("filesystems".into())
            .or_default()
            .insert("filesystems./".into(), json!({"device": HOSTILE, "type": "ext4", "read_only": true}));
        check(&card(&known).unwrap(), &["Spinning", "1 KiB", "read only", "ext4"]);
    }
}
