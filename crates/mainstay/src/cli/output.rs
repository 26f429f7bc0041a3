//! Printing answers: as a table, JSON, YAML, lines, CSV, or just the name.

use clap::ArgMatches;
use kernel::{Error, Result};
use serde_json::{Map, Value};

use super::write;

/// Widest cell of a table that is not `wide`, in characters.
const CELL_MAX: usize = 60;

/// Prints an answer as the arguments say.
pub(super) fn print(matches: &ArgMatches, answer: &Value) -> Result<()> {
    let format = matches.get_one::<String>("output").map_or("table", String::as_str);
    let fields: Option<Vec<&str>> =
        matches.get_one::<String>("fields").map(|list| list.split(',').map(str::trim).collect());
    let answer = narrowed(answer, fields.as_deref());
    let wrong = |error: &dyn std::fmt::Display| Error::internal("output", error);
    write(&match format {
        "json" => serde_json::to_string_pretty(&answer).map_err(|error| wrong(&error))? + "\n",
        "yaml" => serde_norway::to_string(&answer).map_err(|error| wrong(&error))?.trim_end().to_owned() + "\n",
        "ndjson" => lines(rows(&answer).iter().map(Value::to_string)),
        "csv" => csv(&answer),
        "name" => lines(rows(&answer).iter().map(name)),
        other => table(&answer, other == "wide"),
    })
}

fn lines(all: impl IntoIterator<Item = String>) -> String {
    all.into_iter().fold(String::new(), |text, line| text + &line + "\n")
}

/// The rows of an answer: its list, or itself.
fn rows(answer: &Value) -> Vec<Value> {
    match answer {
        Value::Array(items) => items.clone(),
        Value::Object(fields) => match fields.get("items") {
            Some(Value::Array(items)) => items.clone(),
            _ => vec![answer.clone()],
        },
        other => vec![other.clone()],
    }
}

fn narrowed(answer: &Value, fields: Option<&[&str]>) -> Value {
    let Some(fields) = fields else { return answer.clone() };
    let narrow = |row: &Value| match row {
        Value::Object(all) => {
            let kept = fields.iter().filter_map(|name| all.get(*name).map(|value| ((*name).to_owned(), value.clone())));
            Value::Object(kept.collect::<Map<_, _>>())
        }
        other => other.clone(),
    };
    match answer {
        Value::Array(items) => Value::Array(items.iter().map(narrow).collect()),
        Value::Object(all) if all.get("items").is_some_and(Value::is_array) => {
            let items = rows(answer).iter().map(narrow).collect();
            let mut all = all.clone();
            all.insert("items".into(), Value::Array(items));
            Value::Object(all)
        }
        other => narrow(other),
    }
}

/// What names a row: its token, reference, number or name.
fn name(row: &Value) -> String {
    ["token", "ref", "id", "key", "name"].iter().find_map(|key| row.get(key)).map_or_else(|| cell(row), cell)
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
        other => other.to_string(),
    }
}

fn columns(rows: &[Value]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for row in rows {
        for key in row.as_object().into_iter().flat_map(Map::keys) {
            if !names.contains(key) {
                names.push(key.clone());
            }
        }
    }
    names
}

fn csv(answer: &Value) -> String {
    let rows = rows(answer);
    let names = columns(&rows);
    if names.is_empty() {
        return String::new();
    }
    let quoted = |text: &str| {
        if text.contains([',', '"', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
    };
    let joined = |cells: Vec<String>| cells.join(",");
    let of =
        |row: &Value| joined(names.iter().map(|name| quoted(&cell(row.get(name).unwrap_or(&Value::Null)))).collect());
    let head = joined(names.iter().map(|name| quoted(name)).collect());
    lines(std::iter::once(head).chain(rows.iter().map(of)))
}

fn table(answer: &Value, wide: bool) -> String {
    let is_list = answer.is_array() || answer.get("items").is_some_and(Value::is_array);
    if !is_list {
        return facts(answer);
    }
    let rows = rows(answer);
    if rows.is_empty() {
        eprintln!("Nothing to show.");
        return String::new();
    }
    let names: Vec<String> = columns(&rows)
        .into_iter()
        .filter(|name| {
            wide || rows
                .iter()
                .filter_map(|row| row.get(name))
                .any(|value| names_in(value).is_some() || !(value.is_object() || value.is_array() || value.is_null()))
        })
        .collect();
    let cut = |text: String| if wide { text } else { kernel::text::shorten(&text, CELL_MAX) };
    let shown = |value: &Value| match value {
        Value::Array(items) if items.is_empty() => String::new(),
        value => names_in(value).unwrap_or_else(|| cell(value)),
    };
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| names.iter().map(|name| cut(shown(row.get(name).unwrap_or(&Value::Null)))).collect())
        .collect();
    let width = |column: usize, name: &String| {
        cells
            .iter()
            .filter_map(|row| row.get(column))
            .map(|text| text.chars().count())
            .chain([name.chars().count()])
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = names.iter().enumerate().map(|(column, name)| width(column, name)).collect();
    let line = |texts: &[String]| {
        let padded: Vec<String> = texts.iter().zip(&widths).map(|(text, width)| format!("{text:<width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    if let Some(next) = answer.get("next").and_then(Value::as_str) {
        eprintln!("More: add --cursor {next}");
    }
    let head = line(&names.iter().map(|name| name.to_uppercase()).collect::<Vec<_>>());
    lines(std::iter::once(head).chain(cells.iter().map(|row| line(row))))
}

/// The names of a list of people or the like, as one text; `None` when a value is something else, or an empty list.
fn names_in(value: &Value) -> Option<String> {
    let items = value.as_array().filter(|items| !items.is_empty())?;
    let names: Option<Vec<&str>> = items.iter().map(|item| item.get("name")?.as_str()).collect();
    let texts = || items.iter().map(Value::as_str).collect::<Option<Vec<&str>>>();
    names.or_else(texts).map(|all| all.join(", "))
}

/// The text of an answer that is a text with a few facts about it, such as an exported file.
fn document(answer: &Value) -> Option<&str> {
    let fields = answer.as_object()?;
    let flat = fields.values().all(|value| !value.is_object() && !value.is_array());
    fields.get("text").filter(|_| flat).and_then(Value::as_str)
}

/// A text as it is shown: byte for byte, but nothing of it commands a terminal.
fn plain(text: &str, terminal: bool) -> String {
    if !terminal {
        return text.to_owned();
    }
    let shown: String =
        text.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { ' ' } else { c }).collect();
    if shown.ends_with('\n') || shown.is_empty() { shown } else { shown + "\n" }
}

fn facts(answer: &Value) -> String {
    if let Some(text) = document(answer) {
        // What is said about it goes beside, so that the text can be written to a file.
        let about =
            answer.as_object().into_iter().flatten().filter(|(name, value)| *name != "text" && !value.is_null());
        about.for_each(|(name, value)| eprintln!("{name}: {}", cell(value)));
        let terminal = std::io::IsTerminal::is_terminal(&std::io::stdout());
        return plain(text, terminal);
    }
    let Some(fields) = answer.as_object() else {
        return cell(answer) + "\n";
    };
    let width = fields.keys().map(String::len).max().unwrap_or(0);
    let shown = |(name, value): (&String, &Value)| match value {
        Value::Array(items) if items.iter().any(Value::is_object) => {
            let items = items.iter().map(|item| format!("  - {}", cell(item)));
            lines(std::iter::once(format!("{name}:")).chain(items))
        }
        other => format!("{name:<width$}  {}\n", cell(other)),
    };
    fields.iter().filter(|(_, value)| !value.is_null()).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_file_is_printed_as_it_is_and_commands_no_terminal() {
        let text = "groups:\n- name: g\u{1b}[2J\r\n";
        let exported = json!({ "name": "node.yml", "text": text, "unchanged": true });
        assert_eq!(document(&exported), Some(text));
        assert_eq!(plain(text, false), text);
        assert_eq!(plain(text, true), "groups:\n- name: g [2J \n");
        assert_eq!(document(&json!({ "text": "x", "items": [] })), None, "a list stays a list");
    }
}
