//! Values of facts in words.

use serde_json::Value;
use web::ui;

/// A value of a fact in one line; a table of values becomes `name value · name value`.
pub(super) fn words(key: &str, value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Null => "not known".to_owned(),
        Value::Number(number) if key.ends_with("_bytes") => {
            number.as_u64().map_or_else(|| number.to_string(), ui::bytes)
        }
        Value::Number(number) => number.to_string(),
        Value::Array(items) => items.iter().map(|item| words("", item)).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let known = fields.iter().filter(|(_, value)| !value.is_null());
            known
                .map(|(name, value)| format!("{} {}", name_words(name), words(name, value)))
                .collect::<Vec<_>>()
                .join(" · ")
        }
    }
}

/// The name of a fact within its section: without the section in front, `_` as a space, units left to the value.
pub(super) fn name_words(key: &str) -> String {
    key.trim_end_matches("_bytes").replace('_', " ")
}

/// A key without its section in front.
pub(super) fn short<'a>(section: &str, key: &'a str) -> &'a str {
    key.strip_prefix(section).and_then(|rest| rest.strip_prefix('.')).unwrap_or(key)
}

/// The title of a section.
pub(super) fn title(section: &str) -> String {
    match section {
        "os" => "System".to_owned(),
        "cpu" => "Processor".to_owned(),
        "filesystems" => "File systems".to_owned(),
        "interfaces" => "Network".to_owned(),
        "users" => "Logged in".to_owned(),
        other => {
            let mut letters = other.chars();
            letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_read_as_words_with_units() {
        for (key, value, expected) in [
            ("memory.total_bytes", json!(17_179_869_184_u64), "16 GiB"),
            ("cpu.threads", json!(8), "8"),
            ("x", json!(true), "yes"),
            ("x", json!(["10.0.0.1/24", "fe80::1/64"]), "10.0.0.1/24, fe80::1/64"),
            ("disks.sda", json!({"model": "X", "size_bytes": 1024, "serial": null}), "model X · size 1 KiB"),
        ] {
            assert_eq!(words(key, &value), expected);
        }
        assert_eq!(short("os", "os.kernel"), "kernel");
        assert_eq!(short("packages", "curl"), "curl");
        assert_eq!(title("os"), "System");
        assert_eq!(title("time"), "Time");
    }
}
