//! Operations over the local socket or a server's REST API.

use clap::ArgMatches;
use kernel::operation::coerce;
use kernel::{Entry, Error, Registry, Result};
use serde_json::Value;

use super::client::{Client, Request};
use super::output;

/// Runs `domain noun verb`.
pub(super) fn run(matches: &ArgMatches, registry: &Registry) -> Result<()> {
    let (name, verb) = operation(matches).ok_or_else(|| Error::invalid("command", "Say what to do; see --help."))?;
    let entry = registry.operation(&name).ok_or_else(|| Error::not_found(format!("The command \"{name}\"")))?;
    let request = request(entry, verb)?;
    let client = Client::of(matches)?;
    let answer = client.send(&request)?;
    output::print(matches, &answer)
}

/// A call by name with JSON input, over the same way as the command line's own.
pub(crate) fn call(matches: &ArgMatches, registry: &Registry, name: &str, input: Value) -> Result<Value> {
    let entry = registry.operation(name).ok_or_else(|| Error::not_found(format!("The operation \"{name}\"")))?;
    Client::of(matches)?.send(&Request::of(entry, input)?)
}

fn operation(matches: &ArgMatches) -> Option<(String, &ArgMatches)> {
    let (domain, matches) = matches.subcommand()?;
    let (noun, matches) = matches.subcommand()?;
    let (verb, matches) = matches.subcommand()?;
    Some((format!("{domain}.{noun}.{verb}"), matches))
}

fn request(entry: &Entry, matches: &ArgMatches) -> Result<Request> {
    standard_input_is_read_once(entry, matches)?;
    let mut pairs = Vec::new();
    let mut texts = Vec::new();
    for name in
        entry.input_schema().get("properties").and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name)
    {
        if let Some(file) = matches.try_get_one::<String>(&format!("file-{name}")).ok().flatten() {
            texts.push((name.clone(), Value::String(text_of(name, file)?)));
        }
        for value in matches.get_many::<String>(&format!("field-{name}")).into_iter().flatten() {
            pairs.push((name.clone(), value.clone()));
        }
    }
    let mut input = whole_input(matches)?;
    if let (Value::Object(all), Value::Object(given)) = (&mut input, coerce(&pairs, entry.input_schema())?) {
        all.extend(given);
        // As it is: what a file says is not looked at on the way.
        all.extend(texts);
    }
    let flag = |name: &str| matches.try_get_one::<bool>(name).ok().flatten().copied().unwrap_or(false);
    let key = matches.try_get_one::<String>("idempotency-key").ok().flatten().cloned();
    Ok(Request { dry_run: flag("dry-run"), confirmed: flag("yes"), idempotency_key: key, ..Request::of(entry, input)? })
}

/// Refuses a second dash: after the first nothing is left to read.
fn standard_input_is_read_once(entry: &Entry, matches: &ArgMatches) -> Result<()> {
    let names = entry.input_schema().get("properties").and_then(Value::as_object).into_iter().flatten();
    let files = names.map(|(name, _)| (format!("file-{name}"), format!("--{}-file", name.replace('_', "-"))));
    let all = files.chain([("input".to_owned(), "--input".to_owned())]);
    let dash = |id: &str| matches.try_get_one::<String>(id).ok().flatten().is_some_and(|value| value == "-");
    let dashes: Vec<String> = all.filter(|(id, _)| dash(id)).map(|(_, flag)| flag).collect();
    match dashes.as_slice() {
        [first, second, ..] => {
            let message =
                format!("{first} and {second} cannot both read standard input. Give one of them a file's name.");
            Err(Error::invalid(second.trim_start_matches('-'), message))
        }
        _ => Ok(()),
    }
}

/// The text of a file, byte for byte; of standard input for a dash.
fn text_of(field: &str, file: &str) -> Result<String> {
    let wrong = |error: std::io::Error| {
        let what = if file == "-" { "Standard input" } else { file };
        Error::invalid(field, format!("{what} cannot be read as text: {error}."))
    };
    if file == "-" {
        std::io::read_to_string(std::io::stdin()).map_err(wrong)
    } else {
        std::fs::read_to_string(file).map_err(wrong)
    }
}

fn whole_input(matches: &ArgMatches) -> Result<Value> {
    let text = match matches.get_one::<String>("input").map(String::as_str) {
        None => return Ok(Value::Object(serde_json::Map::new())),
        Some("-") => std::io::read_to_string(std::io::stdin())
            .map_err(|error| Error::invalid("input", format!("Standard input cannot be read: {error}.")))?,
        Some(text) => text.to_owned(),
    };
    match serde_json::from_str(&text) {
        Ok(Value::Object(fields)) => Ok(Value::Object(fields)),
        Ok(_) => Err(Error::invalid("input", "The input must be a JSON object.")),
        Err(error) => Err(Error::invalid("input", format!("This is not JSON: {error}."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &[&str]) -> Result<Request> {
        let registry = crate::domains::registry().unwrap();
        let matches = crate::cli::command(&registry).try_get_matches_from(words).unwrap();
        let (name, verb) = operation(&matches).unwrap();
        request(registry.operation(&name).unwrap(), verb)
    }

    #[test]
    fn a_field_of_text_comes_from_a_file_byte_for_byte() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("node.yml");
        let text = format!("# {}\r\ngroups: []\n\n", "a, b".repeat(60_000));
        std::fs::write(&file, &text).unwrap();
        let path = file.to_str().unwrap();
        let import = ["mainstay", "monitor", "rule", "import", "--name", "node.yml", "--text-file"];
        let body = asked(&[&import[..], &[path]].concat()).unwrap().body.unwrap();
        assert!(body["text"] == text.as_str() && body["name"] == "node.yml");
        std::fs::write(&file, [0xff, 0xfe]).unwrap();
        let error = asked(&[&import[..], &[path]].concat()).err().unwrap();
        assert!(error.field.as_deref() == Some("text") && error.message.contains("node.yml"), "{error}");
        let missing = asked(&[&import[..], &["/nowhere/x.yml"]].concat()).err().unwrap();
        assert!(missing.message.contains("/nowhere/x.yml cannot be read"), "{missing}");
    }

    #[test]
    fn standard_input_is_asked_for_once() {
        let import =
            ["mainstay", "monitor", "rule", "import", "--name", "node.yml", "--text-file", "-", "--input", "-"];
        let error = asked(&import).err().unwrap();
        assert!(error.message.starts_with("--text-file and --input cannot both read standard input."), "{error}");
    }

    #[test]
    fn what_is_no_text_has_no_file_and_the_text_is_given_once() {
        let registry = crate::domains::registry().unwrap();
        let refused = |words: &[&str]| crate::cli::command(&registry).try_get_matches_from(words).is_err();
        assert!(refused(&["mainstay", "monitor", "check", "create", "--asset-file", "x"]));
        assert!(refused(&["mainstay", "monitor", "rule", "import", "--text", "a", "--text-file", "b"]));
    }
}
